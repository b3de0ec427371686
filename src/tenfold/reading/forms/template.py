"""What a form is: a page of a known size, named fields with their boxes and constraints, and printed lines.

A template is written as TOML. An unknown key or a value that cannot be is an error that names the file, the
field, the key and, where there is one, the nearest known key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tenfold.errors import FormError
from tenfold.reading.forms.constraints import (
    Checksum,
    Constraint,
    Function,
    Length,
    Pattern,
    Range,
    Values,
    possible,
)
from tenfold.reading.forms.sums import Sum

Rectangle = tuple[float, float, float, float]
"""Left, top, width and height."""
Segment = tuple[float, float, float, float]
"""The left and top of one end, then of the other."""

UNITS = ("mm", "fraction")
PRINTED = ("cells", "outline", "none")
MOST_CELLS = 64
MOST_DIGITS_IN_A_SUM = 15
"""So that sums of a few fields stay within 64 bits."""


@dataclass(frozen=True)
class Field:
    """A place on the page where a number is written.

    Attributes
    ----------
    name : str
    box : (left, top, width, height)
        The middle of its printed lines, in the unit of the template.
    cells : int or None
        How many cells it has, side by side, one digit in each; None for one box with a number of any length.
    gap : float
        The distance from the right line of a cell to the left line of the next, in the unit of the template.
    printed : "cells", "outline" or "none"
        Which lines are printed: around each cell, around the whole, none.
    blank : bool
        Whether it may be left empty.
    length : (int, int) or None
        The least and the most digits.
    range : (int, int) or None
        The least and the greatest number.
    pattern : str or None
        A regular expression (`tenfold.reading.forms.pattern.parse` says of what).
    checksum : str or None
        A name from `CHECKSUMS`, or a user's own function as module:function or file.py:function.
    values : tuple of str, str or None
        All that is allowed; or the file that lists it, one a line (or the first column of a CSV file).
    constraints : tuple of Constraint
        Made from the above.
    """

    name: str
    box: Rectangle
    cells: int | None = None
    gap: float = 0.0
    printed: str = "cells"
    blank: bool = False
    length: tuple[int, int] | None = None
    range: tuple[int, int] | None = None
    pattern: str | None = None
    checksum: str | None = None
    values: tuple[str, ...] | str | None = None
    folder: Path = field(default=Path(), compare=False, repr=False)
    constraints: tuple[Constraint, ...] = field(default=(), init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.cells is not None and not 1 <= self.cells <= MOST_CELLS:
            raise FormError(f"cells must be from 1 to {MOST_CELLS}. Got {self.cells} instead.")
        if min(self.box[2:]) <= 0:
            raise FormError(
                "box must be [left, top, width, height], width and height above 0. "
                f"Got {list(self.box)} instead."
            )
        if self.gap < 0 or self.gap * ((self.cells or 1) - 1) >= self.box[2]:
            raise FormError(f"gap must be at least 0 and leave room for the cells. Got {self.gap:g} instead.")
        if self.printed not in PRINTED:
            raise FormError(f"printed must be one of {', '.join(PRINTED)}. Got {self.printed!r} instead.")
        constraints = tuple(self._constraints())
        object.__setattr__(self, "constraints", constraints)
        if not possible(constraints, self.cells or MOST_DIGITS_IN_A_SUM):
            labels = ", ".join(constraint.label for constraint in constraints)
            cells = f" in {self.cells} cells" if self.cells else ""
            raise FormError(
                f"no text{cells} keeps all its constraints ({labels}). Take away those that exclude each "
                "other."
            )

    def _constraints(self) -> Iterator[Constraint]:
        if self.length is not None:
            low, high = self.length
            if not 1 <= low <= high <= (self.cells or MOST_CELLS):
                most = f"the {self.cells} cells" if self.cells else str(MOST_CELLS)
                raise FormError(
                    f"length must be from 1 to {most}, the least first. Got {low} to {high} instead."
                )
            yield Length(low, high)
        if self.range is not None:
            low, high = self.range
            if not 0 <= low <= high:
                raise FormError(
                    f"range must be two numbers of at least 0, the least first. Got {low} to {high} instead."
                )
            yield Range(low, high)
        if self.pattern is not None:
            try:
                yield Pattern(self.pattern)
            except FormError as error:
                raise FormError(f"pattern {error}") from None
        if self.checksum is not None:
            if ":" not in self.checksum:
                yield Checksum(self.checksum)
            else:
                try:
                    yield Function(self.checksum, self.folder)
                except FormError as error:
                    raise FormError(f"checksum {error}") from None
        if self.values is not None:
            yield Values(_listed(self.values, self.folder, self.cells))


@dataclass(frozen=True)
class Template:
    """A form.

    Attributes
    ----------
    size : (float, float)
        Width and height of the page in millimeters.
    unit : "mm" or "fraction"
        Of all boxes and lines: millimeters, or parts of the page's width and height.
    fields : tuple of Field
    sums : tuple of Sum
    rules : tuple of (left, top, left, top)
        Long printed lines that are no field's, from one end to the other.
    marks : tuple of (left, top, width, height)
        Solid printed marks, as squares in the corners.
    name : str
    """

    size: tuple[float, float]
    unit: str
    fields: tuple[Field, ...]
    sums: tuple[Sum, ...] = ()
    rules: tuple[Segment, ...] = ()
    marks: tuple[Rectangle, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if min(self.size) <= 0 or max(self.size) > 20 * min(self.size):
            raise FormError(
                f"page: size must be width and height in millimeters. Got {list(self.size)} instead."
            )
        if self.unit not in UNITS:
            raise FormError(f"page: unit must be one of {', '.join(UNITS)}. Got {self.unit!r} instead.")
        if not self.fields:
            raise FormError("there is no field. Add a [[field]] with name and box.")
        names = [item.name for item in self.fields]
        for item in self.fields:
            if names.count(item.name) > 1:
                raise FormError(
                    f"field {item.name!r} is there {names.count(item.name)} times. Name each its own."
                )
            self._check_inside(f"field {item.name!r}: box", item.box)
        for mark in self.marks:
            self._check_inside("mark: box", mark)
        for rule in self.rules:
            across, down = (abs(one - other) for one, other in zip(rule[:2], rule[2:], strict=True))
            if max(across, down) == 0 or min(across, down) > 0.1 * max(across, down):
                raise FormError(f"rule: line must run across or down the page. Got {list(rule)} instead.")
        self._check_sums()
        if not self.marks and not list(self.lines()):
            raise FormError(
                "nothing printed is named that a page could be aligned by. Add [[mark]] or [[rule]], or "
                'fields with printed = "cells".'
            )

    def _check_inside(self, what: str, box: Rectangle) -> None:
        left, top, width, height = box
        right, bottom = self.size if self.unit == "mm" else (1.0, 1.0)
        if width <= 0 or height <= 0 or left < 0 or top < 0 or left + width > right or top + height > bottom:
            raise FormError(
                f"{what} must be [left, top, width, height] within the page ({right:g} x {bottom:g}, unit "
                f"{self.unit}). Got {list(box)} instead."
            )

    def _check_sums(self) -> None:
        known = {item.name: item for item in self.fields}
        for item in self.sums:
            for name in item.fields:
                if name not in known:
                    raise FormError(f"sum: there is no field {name!r}. Known: {', '.join(known)}.")
                if item.fields.count(name) > 1:
                    raise FormError(f"sum: field {name!r} is there twice. Name each once.")
                if (known[name].cells or 1) > MOST_DIGITS_IN_A_SUM:
                    raise FormError(
                        f"sum: field {name!r} has {known[name].cells} cells; at most {MOST_DIGITS_IN_A_SUM} "
                        "digits can be added up."
                    )

    def lines(self) -> Iterator[Segment]:
        """Yield all printed lines that are known, in millimeters, those of fields and cells among them."""
        for item in self.fields:
            yield from self.lines_of(item)
        for rule in self.rules:
            yield (*self.point(rule[0], rule[1]), *self.point(rule[2], rule[3]))

    def lines_of(self, item: Field) -> Iterator[Segment]:
        """Yield the printed lines of a field, in millimeters."""
        boxes = {"cells": self.cells(item), "outline": [self.millimeters(item.box)], "none": []}[item.printed]
        seen = set()
        for left, top, width, height in boxes:
            right, bottom = left + width, top + height
            sides = (
                (left, top, right, top),
                (left, bottom, right, bottom),
                (left, top, left, bottom),
                (right, top, right, bottom),
            )
            for side in sides:
                # Cells that touch share a line.
                key = tuple(round(value, 3) for value in side)
                if key not in seen:
                    seen.add(key)
                    yield side

    def cells(self, item: Field) -> list[Rectangle]:
        """Return the cells of a field, in millimeters, from left to right; of one without cells its box."""
        left, top, width, height = self.millimeters(item.box)
        count = item.cells or 1
        gap = self.point(item.gap, 0)[0]
        each = (width - gap * (count - 1)) / count
        return [(left + index * (each + gap), top, each, height) for index in range(count)]

    def millimeters(self, box: Rectangle) -> Rectangle:
        """Return a box of this template in millimeters."""
        return (*self.point(box[0], box[1]), *self.point(box[2], box[3]))

    def point(self, left: float, top: float) -> tuple[float, float]:
        """Return a point of this template in millimeters."""
        return (left, top) if self.unit == "mm" else (left * self.size[0], top * self.size[1])


def _listed(values: tuple[str, ...] | str, folder: Path, cells: int | None) -> list[str]:
    where = "values"
    if isinstance(values, str):
        path = folder / values
        where = f"values, {path}"
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise FormError(
                f"values must be a list, or a text file that can be read. {path}: {reason}."
            ) from None
        first = [line.split(",")[0].strip().strip('"') for line in lines]
        # A first line without any digit is a heading.
        heading = bool(first) and not any(letter.isdigit() for letter in first[0])
        listed = [text for text in first[heading:] if text]
    else:
        listed = list(values)
    for text in listed:
        if not (text.isascii() and text.isdigit()) or len(text) > (cells or MOST_CELLS):
            room = f", at most {cells} of them" if cells else ""
            raise FormError(f"{where}: each must be digits only{room}. Got {text!r} instead.")
    if not listed:
        raise FormError(f"{where}: nothing is listed. List at least one value.")
    return listed
