"""The paper that charts are drawn on: sizes, colors, and the way from matplotlib into a page.

Charts are drawn once with the colors of a light page and written twice: as PNG on white, and as SVG in which
each color is a CSS variable that falls back to itself. So a page can recolor every chart for the dark, and
the same SVG is right on its own. Text stays text: it takes the font of the page, can be found, and is small.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tenfold.errors import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Paper

INK, MUTED, GRID, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#fefefe"
# Okabe and Ito's colors, darkened where they fall short of a contrast of 3:1 on white, in an order that keeps
# neighbors apart for every kind of color vision.
SERIES = ("#0072b2", "#d55e00", "#00875f", "#b0558b", "#a87000", "#3c97cc", INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"} | {
    color: f"series-{number}" for number, color in enumerate(SERIES[:-1], start=1)
}

WIDTH = 5.2
_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "tenfold",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save charts in the style of the reports; matplotlib's own settings come back after it."""
    matplotlib = require("matplotlib", extra="train", purpose="Drawing a chart")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def paper(height: float, width: float = WIDTH) -> Paper:
    """Return an empty sheet, sizes in inches. Call it, and draw, inside `style`."""
    require("matplotlib", extra="train", purpose="Drawing a chart")
    from matplotlib.figure import Figure as Paper

    return Paper(figsize=(width, height), layout="constrained")


def printed(sheet: Paper) -> tuple[str, bytes]:
    """Return what is on the sheet as (svg, png): the same bytes each time for the same drawing."""
    svg, png = io.StringIO(), io.BytesIO()
    sheet.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    sheet.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return themed(svg.getvalue()), png.getvalue()


def themed(svg: str) -> str:
    """Return an SVG of matplotlib's with variables for colors and the page's font for text."""
    svg = svg[svg.index("<svg") :]
    for color, name in VARIABLES.items():
        svg = svg.replace(color, f"var(--chart-{name}, {color})")
    svg = re.sub(
        r"font: (?:(\w+) )?([\d.]+)px '?DejaVu Sans[^;\"]*",
        lambda m: f"font: {m[1] or 'normal'} {m[2]}px var(--chart-font, 'DejaVu Sans', sans-serif)",
        svg,
    )
    svg = re.sub(
        r" id=\"(?:patch|line2d|text|xtick|ytick|matplotlib\.axis|legend|axes|figure)_\d+\"", "", svg
    )
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r">\s+<", "><", svg)


def whole_numbers(axis: Axis) -> None:
    """Put the ticks of an axis on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=10, steps=[1, 2, 5, 10], min_n_ticks=1))


def percentages(axis: Axis) -> None:
    """Show the fractions of an axis as percentages, without the sign."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}"))


def no_ticks() -> Any:
    """Return a locator that sets no ticks."""
    from matplotlib.ticker import NullLocator

    return NullLocator()


def legend(sheet: Paper, axes: Axes, columns: int | None = None) -> None:
    """Put the legend below the chart, where it covers nothing; one entry needs none."""
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) < 2:
        return
    if columns is None:
        widths = [len(label) + 6 for label in labels]
        columns = len(labels) if sum(widths) <= 80 else max(1, 76 // max(widths))
    sheet.legend(handles, labels, loc="outside lower center", ncols=columns)
