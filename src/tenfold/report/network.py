"""The chapter on one network: what it is, what its seeds reached, how it learned, what it gets wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.evaluation.calibration import reliability_curve
from tenfold.evaluation.curves import precision_recall_curve
from tenfold.evaluation.metrics import most_confident_mistakes
from tenfold.networks.architecture import Architecture
from tenfold.networks.diagram import diagram
from tenfold.networks.summary import summary
from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Figure, Listing, Numbers, Section, Table, Text
from tenfold.report.tables import format_number, format_percent, format_seconds, measured
from tenfold.runs.run import Run

MISTAKES = 24


def network_chapter(
    architecture: Architecture,
    runs: Sequence[Run],
    test: Dataset,
    probabilities: NDArray[Any],
    *,
    title: str,
    opening: str = "",
) -> tuple[Section, ...]:
    """Return the chapter on `architecture`, a section after the other.

    Parameters
    ----------
    architecture : Architecture
    runs : sequence of Run
        One for each seed, alike in all else, each with the metric ``test``.
    test : Dataset
        What they were tested on.
    probabilities : (n, classes) float32
        What the first run gives for `test`.
    title : str
    opening : str
        What to say first, in Markdown.
    """
    key = architecture.name
    first = f"seed {runs[0].seed}"
    return (
        Section(title, (Text(opening),) if opening else (), key=key),
        _part(
            "The network",
            key,
            Figure(
                diagram(architecture),
                f"`{key}`: {architecture.parameters:,} parameters, {architecture.multiply_adds:,} "
                "multiply-adds an image.",
                alt=f"The layers of {key}, from the input to the output",
                key=f"{key}-diagram",
            ),
            Listing(str(summary(architecture)), "The same as a table; sizes are height × width × channels."),
        ),
        _part("Every seed", key, seeds_table(runs)),
        _part("Learning curves", key, *learning_curves(key, runs)),
        _part(
            "What it gets wrong",
            key,
            figures.confusion(
                np.sum([run.metrics["test"]["confusion"] for run in runs], axis=0),
                test.classes,
                caption=f"On {test.name}, summed over {len(runs)} seeds.",
                key=f"{key}-confusion",
            ),
            per_class_table(runs, f"Each class on {test.name}, means of {len(runs)} seeds"),
            figures.precision_recall(
                {
                    name: precision_recall_curve(test.labels == place, probabilities[:, place])
                    for place, name in enumerate(test.classes)
                    if np.any(test.labels == place)
                },
                caption=f"On {test.name}, {first}.",
                key=f"{key}-precision-recall",
            ),
            figures.mistakes(
                test.images,
                test.labels,
                probabilities,
                most_confident_mistakes(test.labels, probabilities, MISTAKES),
                classes=test.classes,
                caption=f"The mistakes that {first} is surest of: true class → what it was read as.",
                key=f"{key}-mistakes",
            ),
        ),
        _part(
            "How well it knows what it knows",
            key,
            figures.reliability(
                reliability_curve(test.labels, probabilities),
                caption=" ".join(filter(None, [f"On {test.name}, {first}.", _smoothing(runs[0])])),
                key=f"{key}-reliability",
            ),
        ),
    )


def headline(runs: Sequence[Run]) -> Numbers:
    """Return accuracy, mistakes and time of training, over the seeds."""
    accuracy = measured([run.metrics["test_accuracy"] for run in runs])
    reach = "" if accuracy.high is None else f"± {format_number(100 * (accuracy.high - accuracy.mean), 2)}, "
    wrong = np.mean([run.metrics["test"]["errors"] for run in runs])
    total = runs[0].metrics["test"]["n"]
    seconds = [run.seconds for run in runs]
    seeds = f"{len(runs)} seeds" if len(runs) > 1 else "one seed"
    spread = f"{reach}mean of {seeds}, 95% interval" if reach else f"Of {seeds}"
    return Numbers(
        (
            ("test accuracy", format_percent(accuracy.mean), spread),
            ("mistakes", f"{wrong:.1f}", f"Of {total:,} test images, mean of {seeds}"),
            ("training", format_seconds(float(np.mean(seconds))), f"A seed; {_where(runs[0])}"),
        )
    )


def seeds_table(runs: Sequence[Run]) -> Table:
    """Return a row for each seed; where there are several, one for their mean and one for its interval."""
    numbers = [
        [*(run.metrics["test"][name] for name in ("accuracy", "errors", "nll", "ece")), run.seconds]
        for run in runs
    ]
    rows: list[tuple[Cell, ...]] = [
        (str(run.seed), *values) for run, values in zip(runs, numbers, strict=True)
    ]
    if len(runs) > 1:
        means = [measured(column, percent=False) for column in zip(*numbers, strict=True)]
        rows.append(("mean", *(each.mean for each in means)))
        rows.append(("± 95%", *(None if each.high is None else each.high - each.mean for each in means)))
    columns = (
        Column("Seed"),
        Column("Accuracy", "right", "%", digits=2, percent=True),
        Column("Wrong", "right", help=f"Of {runs[0].metrics['test']['n']:,} test images", digits=1),
        Column("NLL", "right", help="Mean negative log-likelihood, in nats an image", digits=3),
        Column("ECE", "right", "%", help="Expected calibration error", digits=2, percent=True),
        Column("Training", "right", "s", help=_where(runs[0]), digits=1),
    )
    interval = " ± reaches to the ends of the 95% interval of the mean." if len(runs) > 1 else ""
    return Table(columns, tuple(rows), f"The test set is used once a seed, at the end.{interval}")


def per_class_table(runs: Sequence[Run], caption: str, averages: Sequence[str] = ()) -> Table:
    """Return precision, recall and F1 of each class, means over the runs.

    Parameters
    ----------
    runs : sequence of Run
        Each with the metric ``test``.
    caption : str
    averages : sequence of str
        What stands below the classes: "macro", "weighted".
    """
    tests = [run.metrics["test"] for run in runs]

    def means(scores: Sequence[Mapping[str, float]]) -> list[float]:
        return [float(np.mean([each[name] for each in scores])) for name in ("precision", "recall", "f1")]

    rows: list[tuple[Cell, ...]] = [
        (str(row["class"]), *means([test["per_class"][place] for test in tests]), row["support"])
        for place, row in enumerate(tests[0]["per_class"])
    ]
    rows += [
        (f"{average} mean", *means([test[average] for test in tests]), tests[0]["n"]) for average in averages
    ]
    columns = (
        Column("Class"),
        *(Column(title, "right", "%", digits=2, percent=True) for title in ("Precision", "Recall", "F1")),
        Column("Images", "right"),
    )
    return Table(columns, tuple(rows), caption)


def learning_curves(name: str, runs: Sequence[Run]) -> list[Block]:
    """Return accuracy and loss by epoch, on the training images and on held-out ones where there were any."""
    found: list[Block] = []
    for metric in ("accuracy", "loss"):
        series = {
            label: [(run.history["epoch"], run.history[f"{part}_{metric}"]) for run in runs]
            for label, part in (("training", "train"), ("validation", "validation"))
            if f"{part}_{metric}" in runs[0].history
        }
        caption = "Running means over each epoch, with dropout, augmentation and label smoothing, if any."
        found.append(
            figures.curves(
                f"{name}: {metric}",
                series,
                ylabel=metric.capitalize(),
                percent=metric == "accuracy",
                caption=caption,
                key=f"{name}-{metric}",
            )
        )
    return found


def _part(title: str, key: str, *blocks: Block) -> Section:
    anchor = title.lower().replace(" ", "-")
    return Section(title, blocks, key=f"{key}-{anchor}", level=3)


def _smoothing(run: Run) -> str:
    smoothing = run.what.get("recipe", {}).get("label_smoothing", 0.0)
    return f"Label smoothing of {smoothing:g} in the training keeps it modest." if smoothing else ""


def _where(run: Run) -> str:
    values = run.hardware
    threads = values.get("threads")
    device = values.get("gpu") or f"{values.get('cpu', 'unknown processor')}, {threads} threads"
    return f"{run.engine} on {device}"
