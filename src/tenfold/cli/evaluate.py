"""``tenfold evaluate``: measure a model on labeled images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.model import open_named
from tenfold.cli.options import JsonOption, ModelArgument, PredictorName, PredictorOption, examples
from tenfold.cli.output import accuracy_text, show, show_json, show_pairs
from tenfold.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenfold.data.dataset import Dataset

EXAMPLES = examples(
    "tenfold evaluate my-model",
    "tenfold evaluate my-model --data mnist/train --json",
    "tenfold evaluate 3fa91c --data scans/",
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("evaluate", epilog=EXAMPLES)(evaluate)


def evaluate(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Labeled images: a data set by name (its test part, unless NAME/train), a folder of idx "
            "files or pictures, a .csv or an .npz file.",
        ),
    ] = "mnist",
    engine: PredictorOption = PredictorName.auto,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on labeled images.

    Accuracy with its interval, likelihood, calibration, precision and recall of each class, confusions.
    """
    from tenfold.data.catalog import load_dataset
    from tenfold.evaluation.report import evaluate as measure

    opened = open_named(model)
    images = load_dataset(data, classes=opened.classes)
    labels = labels_for(images, opened.classes)
    found = measure(labels, opened.predict_proba(images.images, engine.value), opened.classes)
    if as_json:
        show_json(found.to_dict())
        return
    values = found.to_dict()
    show_pairs(
        {
            "data": f"{images.name}, {found.n:,} images",
            "accuracy": accuracy_text(values),
            "NLL": f"{found.nll:.4f} nats an image",
            "Brier score": f"{found.brier:.4f}",
            "ECE": f"{found.ece:.4f} ({found.bins} bins)",
        }
    )
    show(f"\n{found.report}\n\n{confusion_text(found.confusion, opened.classes)}")


def labels_for(data: Dataset, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the labels of `data` as indices into `classes`, by the classes' names.

    Raises
    ------
    DataError
        A class of the data is none of the model's.
    """
    import numpy as np

    if data.classes == classes:
        return data.labels
    foreign = [name for name in data.classes if name not in classes]
    if foreign:
        raise DataError(
            f"The model tells {', '.join(classes)} apart, and {data.name} has classes that are none of them: "
            f"{', '.join(foreign)}. Evaluate it on data with its own classes."
        )
    return np.array([classes.index(name) for name in data.classes], dtype=np.int64)[data.labels]


def confusion_text(matrix: NDArray[np.int64], classes: tuple[str, ...]) -> str:
    """Return a confusion matrix as text: a row for each true class, zeros as dots."""
    cells = [[f"{count:,}" if count else "·" for count in row] for row in matrix.tolist()]
    width = max(len(text) for text in (*classes, *(cell for row in cells for cell in row)))
    side = max(map(len, classes))
    lines = ["Confusion matrix: rows are the truth, columns the prediction", ""]
    for name, row in zip(("", *classes), (classes, *cells), strict=True):
        lines.append(" ".join([f"{name:{side}}", *(f"{cell:>{width}}" for cell in row)]))
    return "\n".join(lines)
