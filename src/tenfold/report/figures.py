"""The charts of the reports, each a `Figure` block with its caption, its description and its numbers.

Fractions come in, percentages are shown. Every chart reads without color: lines differ in their markers too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from tenfold.report.canvas import (
    GRID,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    legend,
    no_ticks,
    paper,
    percentages,
    printed,
    style,
)
from tenfold.report.curves import curves
from tenfold.report.document import Cell, Column, Figure, Measured, Table
from tenfold.report.pictures import mistakes, sample_grid
from tenfold.report.tables import format_count, format_number, format_percent, number_text

if TYPE_CHECKING:
    from tenfold.evaluation.calibration import ReliabilityCurve
    from tenfold.evaluation.curves import PrecisionRecallCurve

__all__ = [
    "Dots",
    "confusion",
    "curves",
    "dot_plot",
    "mistakes",
    "precision_recall",
    "reliability",
    "sample_grid",
]


@dataclass(frozen=True)
class Dots:
    """A row of a dot plot.

    Attributes
    ----------
    label : str
    values : sequence of float
        One for each run.
    low, high : float or None
        The interval of the mean.
    reported : float or None
        What the paper says.
    each : str
        What each value is of: "run", or "pair" of a difference.
    """

    label: str
    values: Sequence[float]
    low: float | None = None
    high: float | None = None
    reported: float | None = None
    each: str = "run"

    @property
    def mean(self) -> float:
        """The mean of the runs."""
        return float(np.mean(self.values))


def dot_plot(
    title: str,
    rows: Sequence[Dots],
    *,
    xlabel: str,
    percent: bool = True,
    differences: bool = False,
    caption: str = "",
    key: str = "",
) -> Figure:
    """Draw measured values beside reported ones, a row each from top to bottom.

    Each run is a small dot, the mean a large one with its interval; the reported value is an open diamond.
    An interval much wider than the values is cut at the edge of the chart, and the caption says so. Of
    differences the sign is told, and the chart shows where zero is.
    """
    if not rows or not all(len(row.values) for row in rows):
        raise ValueError("dot_plot needs at least one row, and each row at least one value.")
    scale_text = {
        row.label: format_number(row.mean, 2, signed=True)
        if differences
        else number_text(row.mean, percent).removesuffix("%")
        for row in rows
    }
    values = [value for row in rows for value in row.values] + [0.0] * differences
    values += [row.reported for row in rows if row.reported is not None]
    ends = [end for row in rows for end in (row.low, row.high) if end is not None and np.isfinite(end)]
    span = (max(values) - min(values)) or 0.01 * (abs(values[0]) or 1.0)
    low = max(min([*values, *ends]), min(values) - 0.75 * span)
    high = min(max([*values, *ends]), max(values) + 0.75 * span)
    margin = 0.05 * (high - low or span)
    low, high = low - margin, high + margin
    if percent:
        low, high = max(low, -0.002), min(high, 1 + margin / 4)
    cut = any(end < low or end > high for end in ends)
    labels = [fill(row.label, 34 if differences else 22, break_long_words=False) for row in rows]
    most = max(label.count("\n") + 1 for label in labels)
    with style():
        # A row is as high as two lines of a label; where one has more, all rows are higher.
        sheet = paper(1.25 + 0.3 * len(rows) * max(1.0, most / 2))
        axes = sheet.add_subplot()
        if differences:
            axes.axvline(0, color=INK, linewidth=1)
        for place, row in enumerate(rows):
            if row.low is not None and row.high is not None and np.isfinite([row.low, row.high]).all():
                axes.plot([row.low, row.high], [place, place], color=SERIES[0], linewidth=1.6, alpha=0.75)
            if len(row.values) > 1:
                beside = [place + 0.26] * len(row.values)
                axes.plot(row.values, beside, "o", color=INK, markersize=3.2, alpha=0.5, mew=0)
            axes.plot(row.mean, place, "o", color=SERIES[0], markersize=6.5, mec=PAPER, mew=0.8)
            if row.reported is not None:
                axes.plot(row.reported, place, "D", mfc="none", mec=SERIES[1], markersize=6, mew=1.5)
            axes.annotate(
                scale_text[row.label], (1, place), xytext=(8, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=8.5,
            )  # fmt: skip
        axes.plot([], [], "o", color=SERIES[0], markersize=6.5, label="mean")
        if ends:
            axes.plot([], [], color=SERIES[0], linewidth=1.6, alpha=0.75, label="its interval")
        if any(len(row.values) > 1 for row in rows):
            axes.plot(
                [], [], "o", color=INK, markersize=3.2, alpha=0.5, mew=0, label=f"single {rows[0].each}"
            )
        if any(row.reported is not None for row in rows):
            axes.plot(
                [], [], "D", mfc="none", mec=SERIES[1], markersize=6, mew=1.5, label="reported in the paper"
            )
        axes.set_title(title)
        axes.set_xlabel(f"{xlabel} (%)" if percent else xlabel)
        axes.set_yticks(range(len(rows)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(low, high)
        if percent:
            percentages(axes.xaxis)
        axes.grid(axis="both")
        legend(sheet, axes, columns=4)
        svg, png = printed(sheet)
    notes = [caption, "The numbers at the right are the means."]
    if cut:
        notes.append("An interval that reaches the edge of the chart goes on beyond it.")
    said = "; ".join(
        f"{row.label} {scale_text[row.label] if differences else number_text(row.mean, percent)}"
        + (f", reported {number_text(row.reported, percent)}" if row.reported is not None else "")
        for row in rows
    )
    return Figure(
        svg=svg,
        caption=" ".join(filter(None, notes)),
        alt=f"Dot plot: {title}. {xlabel}: {said}.",
        key=key,
        data=_dot_table(rows, xlabel, percent, differences),
        png=png,
    )


def confusion(
    matrix: ArrayLike,
    classes: Sequence[str],
    *,
    normalize: Literal["truth", "prediction"] | None = None,
    title: str = "Confusion matrix",
    caption: str = "",
    key: str = "",
) -> Figure:
    """Draw a confusion matrix: what is right in blue, the mistakes in orange on a scale of their own.

    Parameters
    ----------
    matrix : (classes, classes) integers
        Raw counts, a row for each true class.
    classes : sequence of str
    normalize : {"truth", "prediction"} or None
        Show percentages of each row, of each column, or counts.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    size = len(classes)
    if counts.shape != (size, size):
        raise ValueError(
            f"{size} classes need a matrix of shape ({size}, {size}). Got {counts.shape} instead."
        )
    axis = {"truth": 1, "prediction": 0, None: None}[normalize]
    totals = counts.max() if axis is None else counts.sum(axis=axis, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=np.asarray(totals) > 0)
    wrong = counts * (1 - np.eye(size))
    worst = (shares * (1 - np.eye(size))).max() or 1.0
    with style():
        from matplotlib.patches import Rectangle

        side = min(max(0.42 * size + 1.0, 3.0), 6.0)
        sheet = paper(side, side)
        axes = sheet.add_subplot()
        for true in range(size):
            for said in range(size):
                share = shares[true, said]
                color, strength = (SERIES[0], share) if true == said else (SERIES[1], share / worst)
                # Never opaque, so that ink stays readable on it on light pages and on dark ones.
                alpha = 0.08 + 0.62 * float(strength) if counts[true, said] else 0.0
                axes.add_patch(Rectangle((said, true), 1, 1, facecolor=color, alpha=alpha, linewidth=0))
                if counts[true, said] and size <= 20:
                    text = f"{100 * share:.1f}" if normalize else format_count(int(counts[true, said]))
                    weight = "bold" if true == said else "normal"
                    axes.text(
                        said + 0.5, true + 0.5, text, ha="center", va="center", fontsize=7.5, weight=weight
                    )
        axes.set_xlim(0, size)
        axes.set_ylim(size, 0)
        axes.set_aspect("equal")
        axes.set_xticks(np.arange(size) + 0.5, classes)
        axes.set_yticks(np.arange(size) + 0.5, classes)
        axes.tick_params(length=0)
        for line in range(size + 1):
            axes.axhline(line, color=GRID, linewidth=0.5)
            axes.axvline(line, color=GRID, linewidth=0.5)
        axes.spines[:].set_visible(False)
        unit = {"truth": " (% of each row)", "prediction": " (% of each column)", None: ""}[normalize]
        axes.set_title(title + unit)
        axes.set_xlabel("Predicted class")
        axes.set_ylabel("True class")
        svg, png = printed(sheet)
    summary = f"{format_count(int(np.trace(counts)))} of {format_count(int(counts.sum()))} right"
    if wrong.any():
        row, column = divmod(int(wrong.argmax()), size)
        often = format_count(int(wrong[row, column]))
        summary += f"; the most frequent mistake is {classes[row]} read as {classes[column]} ({often} times)"
    columns = (Column("True class"), *(Column(f"read as {name}", "right") for name in classes))
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *map(int, numbers)) for name, numbers in zip(classes, counts, strict=True)
    )
    return Figure(
        svg=svg,
        caption=" ".join(filter(None, [caption, "Rows are the true classes; orange marks mistakes."])),
        alt=f"{title}: {summary}.",
        key=key,
        data=Table(columns, cells),
        png=png,
    )


def reliability(
    curve: ReliabilityCurve, *, title: str = "Reliability", caption: str = "", key: str = ""
) -> Figure:
    """Draw accuracy against confidence, bin by bin, and how many images are in each bin."""
    with style():
        sheet = paper(4.6, 4.4)
        top, bottom = sheet.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        top.plot(
            [0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 2)), label="perfectly calibrated"
        )
        top.plot(
            curve.confidence, curve.accuracy, color=SERIES[0], marker="o", markersize=4.5, linewidth=1.6,
            label="measured",
        )  # fmt: skip
        middle, width = (curve.lower + curve.upper) / 2, curve.upper - curve.lower
        bottom.bar(middle, curve.count, width=0.92 * width, color=SERIES[0], alpha=0.6)
        bottom.set_yscale("log")
        bottom.set_ylim(0.7, 2 * float(curve.count.max()))
        bottom.set_ylabel("Images")
        bottom.set_xlabel("Confidence (%)")
        bottom.yaxis.set_major_formatter(lambda value, _: format_count(int(value)) if value >= 1 else "")
        bottom.yaxis.set_minor_locator(no_ticks())
        top.set_ylabel("Accuracy (%)")
        top.set_title(title)
        top.set_xlim(-0.01, 1.01)
        top.set_ylim(-0.02, 1.02)
        top.grid()
        percentages(top.yaxis)
        percentages(bottom.xaxis)
        legend(sheet, top)
        svg, png = printed(sheet)
    rows: list[tuple[Cell, ...]] = [
        (f"{100 * lower:g} to {100 * upper:g}", float(confidence), float(accuracy), int(count))
        for lower, upper, confidence, accuracy, count in zip(
            curve.lower, curve.upper, curve.confidence, curve.accuracy, curve.count, strict=True
        )
    ]
    columns = (
        Column("Bin", unit="%"),
        Column("Confidence", "right", "%", percent=True),
        Column("Accuracy", "right", "%", percent=True),
        Column("Images", "right"),
    )
    ece = format_percent(curve.ece)
    return Figure(
        svg=svg,
        caption=" ".join(filter(None, [caption, f"The expected calibration error is {ece}."])),
        alt=f"{title}: accuracy against confidence in {len(rows)} bins; expected calibration error {ece}.",
        key=key,
        data=Table(columns, tuple(rows)),
        png=png,
    )


def precision_recall(
    by_class: Mapping[str, PrecisionRecallCurve],
    *,
    title: str = "Precision and recall by class",
    caption: str = "",
    key: str = "",
) -> Figure:
    """Draw precision against recall for each class.

    Both axes begin where a quarter of the chart lies before the class that is hardest: four times as far from
    100% as its break-even point, where precision equals recall.
    """
    if not by_class:
        raise ValueError("precision_recall needs at least one class.")
    worst = min(float(np.minimum(curve.precision, curve.recall).max()) for curve in by_class.values())
    low = max(0.0, 1 - max(4 * (1 - worst), 0.01))
    with style():
        sheet = paper(4.6, 5.2)
        axes = sheet.add_subplot()
        for number, (name, curve) in enumerate(by_class.items()):
            color, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
            line = "-" if number < len(SERIES) else (0, (4, 2))
            inside = np.flatnonzero((curve.recall >= low) & (curve.precision >= low))
            points = inside[len(inside) * (number % 5 + 1) // 6 :][:1]
            label = f"{name} (AP {format_number(100 * curve.average_precision, 2)})"
            axes.plot(
                curve.recall, curve.precision, color=color, linewidth=1.4, linestyle=line, label=label,
                marker=marker, markersize=4.5, markevery=points.tolist(), drawstyle="steps-pre",
            )  # fmt: skip
        axes.set_title(fill(title, 42))
        axes.set_xlabel("Recall (%)")
        axes.set_ylabel("Precision (%)")
        margin = 0.015 * (1 - low)
        axes.set_xlim(low, 1 + margin)
        axes.set_ylim(low, 1 + margin)
        axes.set_aspect("equal")
        axes.grid()
        percentages(axes.xaxis)
        percentages(axes.yaxis)
        legend(sheet, axes, columns=3)
        svg, png = printed(sheet)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, curve.average_precision, float(np.minimum(curve.precision, curve.recall).max()))
        for name, curve in by_class.items()
    )
    columns = (
        Column("Class"),
        Column("Average precision", "right", "%", percent=True),
        Column("Break-even point", "right", "%", help="Where precision equals recall.", percent=True),
    )
    hardest = min(by_class, key=lambda name: by_class[name].average_precision)
    begins = f"Both axes begin at {format_number(100 * low, 1)}%; AP is the average precision in percent."
    return Figure(
        svg=svg,
        caption=" ".join(filter(None, [caption, begins])),
        alt=f"{title}: {len(by_class)} classes; the lowest average precision is "
        f"{format_percent(by_class[hardest].average_precision)}, for class {hardest}.",
        key=key,
        data=Table(columns, rows),
        png=png,
    )


def _dot_table(rows: Sequence[Dots], xlabel: str, percent: bool, differences: bool) -> Table:
    digits = 2 if percent or differences else 4
    unit = "%" if percent else ""
    columns = [Column("", "left"), Column(xlabel, "right", unit)]
    cells: list[tuple[Cell, ...]] = [
        (
            row.label,
            Measured(row.mean, row.low, row.high, len(row.values), None, percent, digits, each=row.each),
        )
        for row in rows
    ]
    if any(row.reported is not None for row in rows):
        columns.append(Column("Reported", "right", unit, digits=digits, percent=percent))
        cells = [(*cell, row.reported) for cell, row in zip(cells, rows, strict=True)]
    return Table(tuple(columns), tuple(cells))
