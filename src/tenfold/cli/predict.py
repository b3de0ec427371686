"""``tenfold predict``: label new pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.model import open_named
from tenfold.cli.options import ModelArgument, OutFile, PredictorName, PredictorOption, examples
from tenfold.cli.output import say
from tenfold.errors import DataError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

EXAMPLES = examples(
    "tenfold predict my-model --data scans/",
    "tenfold predict my-model --data seven.png --format json",
    "tenfold predict my-model --data test.csv --format kaggle --out submission.csv",
)


class PredictionFormat(StrEnum):
    """How predictions are written."""

    csv = "csv"
    json = "json"
    kaggle = "kaggle"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("predict", epilog=EXAMPLES)(predict)


def predict(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="PATH",
            help="A picture, a folder of pictures, an idx file, a .csv or .npz file, or a data set by name.",
        ),
    ],
    form: Annotated[
        PredictionFormat,
        typer.Option(
            "--format",
            help="csv: image,label,confidence; json: with the probability of each class; kaggle: the "
            "competition's ImageId,Label.",
        ),
    ] = PredictionFormat.csv,
    out: OutFile = None,
    engine: PredictorOption = PredictorName.auto,
) -> None:
    """Label new pictures.

    Pictures of any size, light or dark, are brought to the form the network knows. Images in a file are
    numbered from 1.
    """
    from tenfold.data.catalog import load_images
    from tenfold.data.formats.files import atomic

    opened = open_named(model)
    images, names = load_images(data)
    probabilities = opened.predict_proba(images, engine.value)
    text = _FORMS[form](names, probabilities, opened.classes)
    if out is None:
        # Lines end as each format wants them: print would add one more.
        typer.echo(text, nl=False)
        return
    try:
        with atomic(out) as file:
            file.write(text.encode())
    except OSError as error:
        raise DataError(
            f"{out} cannot be written: {error.strerror or error}. Choose another place."
        ) from None
    say(f"{len(names):,} predictions are in {out}")


def _csv(names: Sequence[str], probabilities: NDArray[Any], classes: tuple[str, ...]) -> str:
    rows = [
        (name, classes[row.argmax()], f"{row.max():.4f}")
        for name, row in zip(names, probabilities, strict=True)
    ]
    return _table(("image", "label", "confidence"), rows)


def _kaggle(names: Sequence[str], probabilities: NDArray[Any], classes: tuple[str, ...]) -> str:
    labels = [classes[place] for place in probabilities.argmax(axis=1)]
    return _table(("ImageId", "Label"), [(str(number), label) for number, label in enumerate(labels, 1)])


def _json(names: Sequence[str], probabilities: NDArray[Any], classes: tuple[str, ...]) -> str:
    found = [
        {
            "image": name,
            "label": classes[row.argmax()],
            "confidence": round(float(row.max()), 6),
            "probabilities": dict(zip(classes, (round(float(value), 6) for value in row), strict=True)),
        }
        for name, row in zip(names, probabilities, strict=True)
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()


_FORMS = {PredictionFormat.csv: _csv, PredictionFormat.json: _json, PredictionFormat.kaggle: _kaggle}
