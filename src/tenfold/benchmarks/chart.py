"""The chart of how a cost grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tenfold.benchmarks.summary import fit_power
from tenfold.report.canvas import MARKERS, SERIES, legend, paper, printed, style


def growth_chart(
    title: str, size: str, cost: str, series: Mapping[str, Sequence[Mapping[float, float]]]
) -> tuple[str, bytes]:
    """Draw costs by size, both on logarithmic axes: a mark for each measurement, a line for the fitted power.

    Parameters
    ----------
    title, size, cost : str
        What stands over the chart and beside its axes.
    series : dict of str to sequence of dict
        Under each label the costs by size, one dict a repeat.

    Returns
    -------
    svg, png : str, bytes
        On white.
    """
    with style():
        from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

        sheet = paper(3.2)
        axes = sheet.add_subplot(xscale="log", yscale="log")
        for number, (label, every) in enumerate(series.items()):
            color, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
            for curve in every:
                marks: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4, "alpha": 0.6}
                axes.plot([*curve], [*curve.values()], linestyle="", **marks)
            powers = [fit_power(dict(curve)) for curve in every]
            exponent = sum(power.exponent for power in powers) / len(powers)
            ends = [min(min(curve) for curve in every), max(max(curve) for curve in every)]
            means = [sum(power.at(end) for power in powers) / len(powers) for end in ends]
            axes.plot(
                ends, means, color=color, linewidth=1.5, marker="", label=f"{label}: exponent {exponent:.2f}"
            )
        axes.set_title(title)
        axes.set_xlabel(size)
        axes.set_ylabel(cost)
        axes.grid(which="major")
        sizes = sorted({size for every in series.values() for curve in every for size in curve})
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axis.set_minor_locator(NullLocator())
        legend(sheet, axes)
        svg, png = printed(sheet)
    return svg.replace(">", '><rect width="100%" height="100%" fill="#ffffff"/>', 1), png
