"""``tenfold export``: write a model in a form that other programs run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.model import open_named
from tenfold.cli.options import JsonOption, ModelArgument, examples
from tenfold.cli.output import show_json, show_pairs
from tenfold.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenfold.export import Exported, Parity


COUNT = 1000
"""How many images an export is verified on where nothing is said."""


class Form(StrEnum):
    """The forms by name."""

    onnx = "onnx"
    c = "c"
    js = "js"
    web = "web"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "export",
        epilog=examples(
            "tenfold export my-model --to onnx --out digits.onnx",
            "tenfold export my-model --to c --int8 --verify",
            "tenfold export my-model --to js --int8 --calibrate scans/ --verify --data scans/",
            "tenfold export my-model --to web --out digits-page",
        ),
    )(export)


def export(
    model: ModelArgument,
    to: Annotated[
        Form,
        typer.Option(
            "--to",
            help="onnx: one file for ONNX Runtime and its like; c: one C99 file and its header, without "
            "allocation; js: one JavaScript module; web: a folder with a page to draw on, for any server.",
        ),
    ],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights and arithmetic in 8-bit integers: a quarter of the size.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="The file to write, or a folder; else the network's name."
        ),
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="NAME|PATH",
            help="Images like those of the training, for int8, with or without labels; else MNIST's, where "
            "it was trained on them.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Run what was written beside the model, and exit with 1 where they disagree."
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Images for --verify, by default mnist: a data set by name, or a path; where they have "
            "labels, the accuracy is told too.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", min=1, metavar="N", help=f"Verify on the first N images, by default {COUNT}."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model in a form that other programs run.

    Scaling, batch norm and calibration are inside: pictures of uint8 go in, probabilities come out.
    """
    for option, value in (("--data", data), ("--count", count)):
        if value is not None and not verify:
            raise typer.BadParameter("is what --verify compares on: give --verify too.", param_hint=option)
    if calibrate is not None and not int8:
        raise typer.BadParameter("is what --int8 is made with: give --int8 too.", param_hint="--calibrate")
    from tenfold.export import export as write
    from tenfold.export import verify as compare

    opened = open_named(model)
    calibration = None if calibrate is None else _images(calibrate, "train", opened.classes)[0]
    checked = None
    if verify:
        images, labels = _images(data or "mnist", "test", opened.classes)
        first = slice(count or COUNT)
        checked = images[first], None if labels is None else labels[first]
    if to is Form.web:
        from tenfold.serving.folder import export_page

        exported = export_page(opened, out, int8=int8, calibration=calibration)
    else:
        exported = write(opened, to.value, out, int8=int8, calibration=calibration)
    parity = None if checked is None else compare(opened, exported, *checked)
    if as_json:
        show_json(exported.to_dict() | ({} if parity is None else {"parity": parity.to_dict()}))
    else:
        show_pairs(_pairs(exported, parity))
    if parity is not None and not parity.passed:
        raise ExportError(
            f"The export does not say what the model says: {parity.agreement:.2%} of the labels agree, and "
            f"probabilities differ by up to {parity.max_difference:.3g}. Please report it, with the model."
        )


def _images(name: str, part: str, classes: tuple[str, ...]) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """Return what `name` means for a model of `classes`, and its labels where it has any."""
    from tenfold.cli.evaluate import labels_for
    from tenfold.data.catalog import has_labels, load_dataset, load_images

    if not has_labels(name):
        return load_images(name)[0], None
    found = load_dataset(name, part, classes=classes)
    return found.images, labels_for(found, classes)


def _pairs(exported: Exported, parity: Parity | None) -> dict[str, object]:
    pairs: dict[str, object] = {
        "written": "\n".join(map(str, exported.paths)),
        "size": f"{exported.size:,} bytes",
    }
    if exported.table_bytes is not None:
        pairs["tables"] = f"{exported.table_bytes:,} bytes, read only"
        pairs["memory"] = f"{exported.memory_bytes:,} bytes, static"
    if parity is None:
        return pairs
    pairs["images"] = f"{parity.images:,}"
    pairs["agreement"] = f"{parity.agreement:.2%} of the labels are the model's"
    pairs["difference"] = f"{parity.max_difference:.3g} at most, of a probability"
    if parity.exact is not None:
        pairs["integers"] = f"{'as' if parity.exact else 'NOT as'} the NumPy reference, bit for bit"
    accuracies: dict[str, Any] = {"before": parity.model_accuracy, "after": parity.export_accuracy}
    if parity.model_accuracy is not None:
        pairs["accuracy"] = f"{accuracies['after']:.2%}; the model's: {accuracies['before']:.2%}"
    return pairs
