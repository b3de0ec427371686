"""Numbers as text, and tables as values: one formatting for HTML, Markdown and the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tenfold.evaluation.significance import mean_interval
from tenfold.report.document import Cell, Column, Measured, Table, Text
from tenfold.report.prose import to_text

NOTHING = "–"


@dataclass(frozen=True)
class Shown:
    """A cell as text.

    Attributes
    ----------
    head : str
        The number, or the whole text.
    fill : str
        The digits that lack behind `head` for the decimal points of the column to stand in line: to be kept
        free, not shown.
    tail : str
        What a measured number is worth ("± 0.05"), else "".
    count : str
        How many runs ("n = 3"), else "".
    numeric : bool
    """

    head: str
    fill: str = ""
    tail: str = ""
    count: str = ""
    numeric: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, [self.head, self.tail, self.count and f"({self.count})"]))


def format_count(number: int) -> str:
    """Return 1234567 as ``1,234,567``."""
    return _minus(f"{int(number):,}")


def format_percent(fraction: float, digits: int = 2) -> str:
    """Return 0.9912 as ``99.12%``."""
    return format_number(100 * fraction, digits) + "%"


def number_text(value: float, percent: bool) -> str:
    """Return a fraction as a percentage, or a number as it is."""
    return format_percent(value) if percent else format_number(value)


def format_seconds(seconds: float) -> str:
    """Return a duration as ``0.42 s``, ``12.3 s``, ``1 min 35 s`` or ``2 h 05 min``."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02d} min"


def format_number(number: float, digits: int | None = None, signed: bool = False) -> str:
    """Return a float with `digits` decimals, or else with four significant digits.

    One with decimals from a thousand million on, as the loss of what ran away: ``1.3e+18``. Not finite:
    ``nan``, ``∞``. The minus is a minus, not a hyphen.
    """
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    sign = "+" if signed else ""
    if digits and abs(number) >= 1e9:
        text = format(number, f"{sign}.1e")
    elif digits is not None:
        text = format(number, f"{sign},.{digits}f")
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("+-")
    elif number == 0:
        text = "0"
    elif abs(number) < 1e-4:
        text = format(number, f"{sign}.1e")
    else:
        decimals = max(0, 3 - math.floor(math.log10(abs(number))))
        text = format(number, f"{sign},.{decimals}f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return _minus(text)


def digits_for(half_width: float, default: int = 2) -> int:
    """Return how many decimals a number deserves whose interval reaches `half_width` to either side.

    One significant digit of the half-width; two if the first is a 1. Never more than 4.
    """
    if not (math.isfinite(half_width) and half_width > 0):
        return default
    leading = math.floor(math.log10(half_width))
    if half_width / 10**leading < 1.95:
        leading -= 1
    return min(max(-leading, 0), 4)


def measured(
    values: ArrayLike, *, percent: bool = True, level: float = 0.95, digits: int | None = None
) -> Measured:
    """Return runs as a `Measured`: the mean over seeds and Student's t interval of it.

    Parameters
    ----------
    values : (n,) floats
        One for each run; fractions in [0, 1] if `percent`.
    percent : bool
    level : float in (0, 1)
    digits : int or None
        None chooses by the width of the interval.

    Raises
    ------
    DataError
        There is no value, or one is not finite.
    """
    runs = np.asarray(values, dtype=np.float64)
    low, high = mean_interval(runs, level)
    mean = float(runs.mean())
    if digits is None:
        digits = digits_for((high - mean) * (100 if percent else 1))
    if len(runs) < 2:
        return Measured(mean, n=len(runs), percent=percent, digits=digits, level=level)
    return Measured(mean, low, high, len(runs), float(runs.std(ddof=1)), percent, digits, level)


def format_measured(number: Measured) -> Shown:
    """Return a measured number as ``99.12``, ``± 0.05`` (or ``[98.95, 99.29]``) and ``n = 3``."""
    scale = 100 if number.percent else 1
    head = format_number(number.mean * scale, number.digits)
    count = f"n = {number.n}"
    low, high = number.low, number.high
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return Shown(head, count=count, numeric=True)
    up, down = (high - number.mean) * scale, (number.mean - low) * scale
    smallest = 10.0**-number.digits
    if abs(up - down) > max(smallest / 2, 1e-9 * up):  # large numbers round more than that
        ends = f"[{format_number(low * scale, number.digits)}, {format_number(high * scale, number.digits)}]"
        return Shown(head, tail=ends, count=count, numeric=True)
    half = format_number((up + down) / 2, number.digits)
    if 0 < (up + down) / 2 < smallest / 2:
        half = f"<{format_number(smallest, number.digits)}"
    return Shown(head, tail=f"± {half}", count=count, numeric=True)


def describe(number: Measured) -> str:
    """Say in words what a measured number is: its interval, its spread, its runs."""
    scale, unit = (100, "%") if number.percent else (1, "")
    digits = number.digits + 1
    parts = [f"mean of {number.n} {number.each}s" if number.n != 1 else f"one {number.each}"]
    low, high = number.low, number.high
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        ends = f"{format_number(low * scale, digits)} to {format_number(high * scale, digits)}{unit}"
        parts.append(f"{format_number(100 * number.level)}% interval {ends}")
    if number.sd is not None and number.n > 1:
        parts.append(f"standard deviation between runs {format_number(number.sd * scale, digits)}{unit}")
    return "; ".join(parts)


def format_cell(cell: Cell, column: Column) -> Shown:
    """Return a cell of `column` as text, not yet lined up."""
    if cell is None:
        return Shown(NOTHING)
    if isinstance(cell, str):
        return Shown(cell)
    if isinstance(cell, Text):
        return Shown(to_text(cell.markdown))
    if isinstance(cell, Measured):
        return format_measured(cell)
    if isinstance(cell, bool | np.bool_):
        return Shown("yes" if cell else "no")
    if isinstance(cell, int | np.integer):
        plus = "+" if column.signed and cell > 0 else ""
        return Shown(plus + format_count(cell), numeric=True)
    if column.percent:
        digits = 2 if column.digits is None else column.digits
        return Shown(format_number(100 * cell, digits, column.signed), numeric=True)
    return Shown(format_number(cell, column.digits, column.signed), numeric=True)


def layout(table: Table) -> tuple[tuple[Shown, ...], ...]:
    """Return the rows as text, the numbers of each right-aligned column lined up on their decimal points.

    Where every measured number is of equally many runs, `measures` says so once and the cells do not.
    """
    columns = []
    common = common_count(table)
    for number, column in enumerate(table.columns):
        cells = [format_cell(row[number], column) for row in table.rows]
        if common is not None:
            cells = [replace(cell, count="") for cell in cells]
        if column.align == "right":
            cells = _line_up(cells)
        columns.append(cells)
    return tuple(zip(*columns, strict=True)) if table.rows and columns else ()


def common_count(table: Table) -> int | None:
    """Return of how many runs every measured number is; None where they differ or there is but one number."""
    counts = [cell.n for row in table.rows for cell in row if isinstance(cell, Measured)]
    return counts[0] if len(counts) > 1 and len(set(counts)) == 1 else None


def measures(table: Table) -> str:
    """Say what ± and [ ] mean in this table, and of how many runs all numbers are, if they are; else ""."""
    levels: dict[str, set[float]] = {}
    kinds = {cell.each for row in table.rows for cell in row if isinstance(cell, Measured)}
    each = " or ".join(f"{kind}s" for kind in sorted(kinds, reverse=True))
    for row in table.rows:
        for cell in row:
            if isinstance(cell, Measured) and (tail := format_measured(cell).tail):
                levels.setdefault("±" if tail.startswith("±") else "[ ]", set()).add(cell.level)
    common = common_count(table)
    if not levels:
        return "" if common is None else f"n = {common} for every measured number."
    level = " or ".join(f"{format_number(100 * level)}%" for level in sorted(set.union(*levels.values())))
    marks = {"±": "± reaches to the ends of", "[ ]": "[ ] holds"}
    saying = " and ".join(marks[mark] for mark in marks if mark in levels)
    runs = f"n is the number of {each}" if common is None else f"n = {common} {each} for every mean"
    return f"{saying} the {level} interval of the mean; {runs}."


def from_dicts(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column | str] | None = None,
    *,
    caption: str = "",
    key: str = "",
) -> Table:
    """Make a table of dicts.

    Parameters
    ----------
    rows : sequence of dict
        One for each row; what is missing is shown as –.
    columns : dict of str to Column or str, or None
        Which keys to show, in order, and under what title. None shows all, titled by their keys. A column
        given by its title alone is right-aligned if it holds numbers.
    """
    if columns is None:
        columns = {name: name for row in rows for name in row}
    made = []
    for name, column in columns.items():
        if isinstance(column, str):
            values = [row[name] for row in rows if row.get(name) is not None]
            numeric = bool(values) and all(
                isinstance(value, int | float | np.number | Measured) and not isinstance(value, bool)
                for value in values
            )
            column = Column(column, align="right" if numeric else "left")
        made.append(column)
    return Table(tuple(made), tuple(tuple(row.get(name) for name in columns) for row in rows), caption, key)


def plain(table: Table) -> str:
    """Return the table for a terminal, its columns lined up by spaces."""
    titles = [title(column) for column in table.columns]
    texts = [[_padded(cell) for cell in row] for row in layout(table)]
    tails = [max((len(tail) for _, tail in column), default=0) for column in zip(*texts, strict=True)]
    rows = [
        [head + tail.ljust(width) for (head, tail), width in zip(cells, tails, strict=True)]
        for cells in texts
    ]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = "  ".join("─" * width for width in widths)
    lines = [to_text(table.caption)] if table.caption else []
    lines += [_joined(titles, widths, table.columns), rule]
    lines += [_joined(row, widths, table.columns) for row in rows]
    return "\n".join(lines)


def title(column: Column) -> str:
    """Return the title of a column with its unit."""
    return f"{column.title} ({column.unit})" if column.unit else column.title


def _padded(cell: Shown) -> tuple[str, str]:
    tail = " ".join(filter(None, [cell.tail, cell.count and f"({cell.count})"]))
    return cell.head + " " * len(cell.fill), f" {tail}" if tail else ""


def _joined(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    pads = {"left": str.ljust, "right": str.rjust, "center": str.center}
    parts = [
        pads[column.align](cell, width) for cell, width, column in zip(cells, widths, columns, strict=True)
    ]
    return "  ".join(parts).rstrip()


def _line_up(cells: list[Shown]) -> list[Shown]:
    decimals = [_decimals(cell.head) if cell.numeric else 0 for cell in cells]
    most = max(decimals, default=0)
    lined = []
    for cell, have in zip(cells, decimals, strict=True):
        lacks = cell.numeric and have < most
        lined.append(replace(cell, fill="." * (not have) + "0" * (most - have) if lacks else ""))
    return lined


def _decimals(text: str) -> int:
    return len(text.partition("e")[0].partition(".")[2])


def _minus(text: str) -> str:
    return text.replace("-", "−")
