"""``tenfold baseline``: classical classifiers, to measure networks against."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any

import typer

from tenfold.cli.options import JsonOption, QuietOption, SeedOption, examples
from tenfold.cli.output import show_json, show_table
from tenfold.cli.progress import Display, seconds_text
from tenfold.cli.train import SPLIT_SEED, read_parts
from tenfold.errors import DataError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "baseline",
        epilog=examples("tenfold baseline knn", "tenfold baseline all --train 5000 --json"),
    )(baseline)


def baseline(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help='A classical classifier by name, such as svm-rbf, or "all".')
    ],
    data: Annotated[
        str,
        typer.Option("--data", metavar="NAME|PATH", help="A data set by name or path, with a test part."),
    ] = "mnist",
    train: Annotated[
        int,
        typer.Option(
            "--train", min=0, metavar="N", help="Train on N images, drawn stratified; 0 for all of them."
        ),
    ] = 10_000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train and measure classical classifiers."""
    from tenfold.data.splits import hold_out
    from tenfold.errors import lookup
    from tenfold.evaluation.metrics import wilson_interval
    from tenfold.models.classical import BASELINES, baseline
    from tenfold.report.document import Column

    names = list(BASELINES) if name == "all" else [lookup("baseline", name, BASELINES).name]
    training, test = read_parts(data)
    if test is None:
        raise DataError(f"{data} has no test part. Put train and test into one folder.")
    if train and train < len(training):
        _, training = hold_out(training, train, seed=SPLIT_SEED)
    rows: list[dict[str, Any]] = []
    with Display(quiet) as display:
        for place, each in enumerate(names):
            display.update(
                BASELINES[each].title, place / len(names), float("nan"), line=BASELINES[each].title
            )
            model = baseline(each, seed)
            start = perf_counter()
            model.fit(training.images, training.labels)
            fitted = perf_counter()
            right = int((model.predict(test.images) == test.labels).sum())
            rows.append(
                {
                    "name": each,
                    "title": BASELINES[each].title,
                    "accuracy": right / len(test),
                    "interval": list(wilson_interval(right, len(test))),
                    "n": len(test),
                    "n_train": len(training),
                    "fit_seconds": fitted - start,
                    "predict_seconds": perf_counter() - fitted,
                }
            )
    if as_json:
        show_json(rows)
        return
    show_table(
        [
            row
            | {
                "interval": "{:.2%} to {:.2%}".format(*row["interval"]),
                "fit": seconds_text(row["fit_seconds"]),
                "predict": seconds_text(row["predict_seconds"]),
            }
            for row in sorted(rows, key=lambda row: -float(row["accuracy"]))
        ],
        {
            "title": "Classifier",
            "accuracy": Column("Test accuracy", "right", "%", digits=2, percent=True),
            "interval": "95% interval",
            "n_train": "Training images",
            "fit": Column("Training", "right"),
            "predict": Column("Prediction", "right"),
        },
    )
