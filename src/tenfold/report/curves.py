"""The chart of what happened by epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.report.canvas import (
    MARKERS,
    MUTED,
    SERIES,
    legend,
    paper,
    percentages,
    printed,
    style,
    whole_numbers,
)
from tenfold.report.document import Column, Figure, Table
from tenfold.report.tables import number_text

Floats = NDArray[np.float64]
Run = tuple[ArrayLike, ArrayLike]


def curves(
    title: str,
    series: Mapping[str, Sequence[Run]],
    *,
    ylabel: str,
    percent: bool = True,
    reported: Mapping[str, float] | None = None,
    dashed: Collection[str] = (),
    xlabel: str = "Epoch",
    marked: Mapping[str, float] | None = None,
    caption: str = "",
    key: str = "",
) -> Figure:
    """Draw what happened by epoch: every run faint, the mean of each series bold.

    Parameters
    ----------
    title : str
    series : dict of str to sequence of (epochs, values)
        The runs under each label; epochs are integers from 1, values are finite or nan.
    ylabel : str
        What is shown, without the unit.
    percent : bool
        The values are fractions, shown as percentages.
    reported : dict of str to float
        What the paper says, under the label of the series it belongs to; drawn as a dotted line.
    dashed : labels
        Series drawn dashed (training beside validation).
    xlabel : str
        What the integers count.
    marked : dict of str to float
        Places along the x axis, each with what it is; drawn as vertical lines.
    caption, key : str
        The caption is followed by how to read the chart.

    Notes
    -----
    The y axis is that of `value_range`: if the first epochs lie far from where the curves go, they are left
    out and the caption says so.
    """
    if not series or not all(series.values()):
        raise ValueError("curves needs at least one series, and each series at least one run.")
    reported = dict(reported or {})
    runs = {
        label: [
            (np.asarray(epochs, dtype=np.int64), np.asarray(values, dtype=np.float64))
            for epochs, values in of
        ]
        for label, of in series.items()
    }
    means = {label: mean_curve(of) for label, of in runs.items()}
    every = [values for of in runs.values() for _, values in of]
    low, high, cut = value_range(every, list(reported.values()), ceiling=1.0 if percent else None)
    with style():
        sheet = paper(3.4 + 0.16 * (len(series) // 2))
        axes = sheet.add_subplot()
        longest = max(len(epochs) for epochs, _ in means.values())
        for number, (label, of) in enumerate(runs.items()):
            color, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
            line = (0, (4, 2)) if label in dashed else "-"
            if len(of) > 1:
                for epochs, values in of:
                    axes.plot(epochs, values, color=color, linewidth=0.8, alpha=0.3)
            epochs, values = means[label]
            step = max(1, longest // 8)
            start = number * step // max(1, len(runs)) if longest > 12 else 0
            axes.plot(
                epochs, values, color=color, linewidth=1.8, linestyle=line, label=label,
                marker=marker, markersize=4, markevery=(min(start, len(epochs) - 1), step),
            )  # fmt: skip
            if label in reported:
                axes.axhline(reported[label], color=color, linewidth=1.1, linestyle=(0, (1, 1.6)))
        for label, value in reported.items():
            if label not in runs:
                axes.axhline(value, color=MUTED, linewidth=1.1, linestyle=(0, (1, 1.6)))
        if reported:
            axes.plot(
                [], [], color=MUTED, linewidth=1.1, linestyle=(0, (1, 1.6)), label="reported in the paper"
            )
        for number, (label, place) in enumerate((marked or {}).items()):
            axes.axvline(
                place,
                color=MUTED,
                linewidth=1.1,
                linestyle=((0, (5, 2)), (0, (1, 1)))[number % 2],
                label=label,
            )
        axes.set_title(title)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(f"{ylabel} (%)" if percent else ylabel)
        axes.set_ylim(low, high)
        whole_numbers(axes.xaxis)
        first = min(int(epochs[0]) for epochs, _ in means.values())
        last = max(int(epochs[-1]) for epochs, _ in means.values())
        margin = min(0.02 * max(1, last - first), 0.5)  # less than an epoch: there is no epoch 0
        axes.set_xlim(*((first - 0.5, last + 0.5) if first == last else (first - margin, last + 2 * margin)))
        if percent:
            percentages(axes.yaxis)
        axes.grid(axis="y")
        legend(sheet, axes)
        svg, png = printed(sheet)
    counts = sorted({len(of) for of in runs.values()})
    notes = [caption]
    if counts[-1] > 1:
        each = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        notes.append(f"Faint lines are single runs ({each} each), bold lines their mean.")
    if reported:
        notes.append("Dotted lines are the values the paper reports.")
    if marked:
        places = "; ".join(f"{label} at {place:g}" for label, place in marked.items())
        notes.append(f"Vertical lines: {places}.")
    if cut:
        notes.append(
            f"Values {cut} {number_text(low if cut == 'below' else high, percent)} lie outside the chart."
        )
    ends = "; ".join(
        f"{label} ends at {number_text(values[-1], percent)}" for label, (_, values) in means.items()
    )
    return Figure(
        svg=svg,
        caption=" ".join(filter(None, notes)) or f"{ylabel} by {xlabel.lower()}.",
        alt=f"Line chart: {title}. {ylabel} by {xlabel.lower()}, {first} to {last}: {ends}.",
        key=key,
        data=_curve_table(means, xlabel, percent),
        png=png,
    )


def mean_curve(runs: Sequence[tuple[NDArray[np.int64], Floats]]) -> tuple[NDArray[np.int64], Floats]:
    """Return the mean of runs at the epochs that all of them reached."""
    shared = runs[0][0]
    for epochs, _ in runs[1:]:
        shared = np.intersect1d(shared, epochs)
    if not len(shared):
        raise ValueError("The runs of a series must share at least one epoch.")
    rows = [values[np.searchsorted(epochs, shared)] for epochs, values in runs]
    return shared, np.mean(rows, axis=0)


def value_range(
    runs: Sequence[Floats], keep: Sequence[float] = (), *, ceiling: float | None = None
) -> tuple[float, float, Literal["below", "above", ""]]:
    """Return (low, high, what is left out) for an axis that shows where `runs` go, not where they began.

    The last value of each run and those of `keep` are always inside, and so are four fifths of all values
    (nine tenths of short runs). The rest is inside too, unless that would squeeze what matters: into less
    than two thirds of the axis (half, for short runs).
    """
    finite = [run[np.isfinite(run)] for run in runs]
    pooled = np.concatenate([np.array([value for value in keep if np.isfinite(value)]), *finite])
    if not len(pooled):
        return 0.0, 1.0, ""
    ends = [float(run[-1]) for run in finite if len(run)] + [value for value in keep if np.isfinite(value)]
    tail, patience = (0.1, 1.0) if max(map(len, finite), default=0) < 20 else (0.2, 0.5)
    low = min(float(np.quantile(pooled, tail)), *ends)
    high = max(float(np.quantile(pooled, 1 - tail)), *ends)
    cut: Literal["below", "above", ""] = ""
    least, most = float(pooled.min()), float(pooled.max())
    below, above = low - least, most - high
    allowed = max(patience * (high - low), 1e-12)
    if below > allowed and below >= above:
        cut, high = "below", most
    elif above > allowed:
        cut, low = "above", least
    else:
        low, high = least, most
    margin = max(0.06 * (high - low) or 0.01 * (abs(high) or 1.0), 1e-12)  # a subnormal's share is 0
    bottom = low - margin if low < 0 else max(low - margin, 0.0)
    top = high + margin if ceiling is None else min(high + margin, max(high, ceiling) + margin / 3)
    return bottom, top, cut


def _curve_table(means: Mapping[str, tuple[NDArray[np.int64], Floats]], xlabel: str, percent: bool) -> Table:
    every = sorted({int(epoch) for epochs, _ in means.values() for epoch in epochs})
    step = -(-len(every) // 30)
    shown = sorted({*every[step - 1 :: step], every[0], every[-1]})
    lookup = {label: dict(zip(map(int, e), map(float, v), strict=True)) for label, (e, v) in means.items()}
    unit = "%" if percent else ""
    columns = (
        Column(xlabel, "right"),
        *(Column(label, "right", unit, percent=percent, digits=2 if percent else 4) for label in means),
    )
    return Table(columns, tuple((epoch, *(of.get(epoch) for of in lookup.values())) for epoch in shown))
