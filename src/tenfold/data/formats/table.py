"""CSV in Kaggle's layout: ``label,pixel0,pixel1,...``, a picture a row, with or without label and header."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.formats.files import atomic, read_bytes
from tenfold.errors import FormatError

_CHUNK = 4 << 20
_COMMA, _NEWLINE, _ZERO = ord(","), ord("\n"), ord("0")
_LARGEST = 2**53
"""Of a label: beyond it, floats leave whole numbers out."""

_SHOWN = 40
"""How many characters of a cell an error quotes."""


@dataclass(frozen=True)
class _Layout:
    columns: int
    labeled: bool
    names: tuple[str, ...]

    @property
    def side(self) -> int:
        return isqrt(self.columns - self.labeled)


def read_csv(path: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Return the images and, where there are any, the labels of a CSV file.

    Parameters
    ----------
    path : path
        Plain or gzip. With a header, the first column is the label where it is called ``label``; without one,
        where that leaves a square number of pixels. All other columns are pixels, row after row. A header
        names them in this order: ``pixel0,pixel1,...``, the same from ``pixel1``, or ``1x1,1x2,...``.

    Returns
    -------
    images : (n, side, side) uint8
        Ink 255 on paper 0, as in the file.
    labels : (n,) int64 or None

    Raises
    ------
    FormatError
        The file is empty, its header has other names, its columns make no square, a row has another number
        of columns, or a value is no whole number (of 0 to 255 for a pixel); names row and column, counted
        from 1 with the header.
    """
    path = Path(path)
    raw = read_bytes(path).removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
    if not raw:
        raise FormatError(f"{path} is empty; expected rows of label,pixel0,pixel1,...")
    layout, start = _layout(raw, path)
    images, labels = [], []
    row = 2 if start else 1
    for chunk in _chunks(raw, start):
        values: NDArray[Any] | None = _parse_fast(chunk, layout)
        if values is None:
            try:
                values = _parse_slowly(chunk, layout, path, row)
            except csv.Error as error:
                raise FormatError(f"{path}, row {row} or later: no CSV that can be read ({error}).") from None
        row += len(values)
        labels.append(values[:, 0] if layout.labeled else values[:, :0])
        images.append(values[:, int(layout.labeled) :].astype(np.uint8))
    if not images:
        raise FormatError(f"{path} has a header but no rows.")
    pictures = np.concatenate(images).reshape(-1, layout.side, layout.side)
    return pictures, np.concatenate(labels).astype(np.int64) if layout.labeled else None


def _layout(raw: bytes, path: Path) -> tuple[_Layout, int]:
    """Return the columns, and where the first row begins."""
    line = raw[: raw.find(b"\n")] if b"\n" in raw else raw
    cells = [cell.strip().strip('"') for cell in line.decode("utf-8", "replace").split(",")]
    count = len(cells)
    if count == 1 and (found := next((sign for sign in ";\t" if sign in line.decode("latin-1")), "")):
        what = "';'" if found == ";" else "a tab"
        raise FormatError(f"{path}, row 1: columns are separated by {what}, expected ','.")
    header = not any(_is_number(cell) for cell in cells) or any(
        cell.lower().startswith(("label", "pixel")) for cell in cells
    )
    if header:
        labeled = cells[0].lower() == "label"
        names = tuple(cells)
        _check_names(names, labeled, path)
    else:
        labeled = isqrt(count) ** 2 != count
        names = tuple(f"{number}" for number in range(1, count + 1))
    pixels = count - labeled
    if pixels < 1 or isqrt(pixels) ** 2 != pixels:
        raise FormatError(
            f"{path}, row 1: {count} columns make no square picture; expected label,pixel0,... with a square "
            "number of pixels (785 columns for 28x28, or 784 without label)."
        )
    return _Layout(count, labeled, names), (len(line) + 1 if header else 0)


def _check_names(names: tuple[str, ...], labeled: bool, path: Path) -> None:
    """Check that the pixels of a header come in their order, named as Kaggle's data sets name them."""
    pixels = names[labeled:]
    first = pixels[0] if pixels else ""
    if first == "1x1":
        # The names tell the width, so that a column which is missing is the one complained of.
        ends = [name.partition("x")[2] for name in pixels]
        width = max(int(end) for end in ends if end.isdecimal() and len(end) < 5)
        expected = [f"{place // width + 1}x{place % width + 1}" for place in range(len(pixels))]
    else:
        start = int(first == "pixel1")
        expected = [f"pixel{place}" for place in range(start, start + len(pixels))]
    for column, (name, wanted) in enumerate(zip(pixels, expected, strict=True), 1 + labeled):
        if name != wanted:
            choice = f"label or {wanted}" if column == 1 else wanted
            raise FormatError(
                f"{path}, row 1, column {column}: expected {choice}, found {_quoted(name)}. "
                "A header is label,pixel0,pixel1,... or pixel0,pixel1,... in this order; "
                "a file may also have none at all."
            )


def _quoted(cell: str) -> str:
    return repr(cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "…")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _chunks(raw: bytes, start: int) -> Iterator[bytes]:
    """Yield the text in pieces of whole lines, each ending in a newline."""
    while start < len(raw):
        end = raw.find(b"\n", min(start + _CHUNK, len(raw) - 1))
        end = len(raw) if end < 0 else end + 1
        piece = raw[start:end]
        yield piece if piece.endswith(b"\n") else piece + b"\n"
        start = end


def _parse_fast(chunk: bytes, layout: _Layout) -> NDArray[np.int16] | None:
    """Return the values (rows, columns), or None if anything is not plain numbers of 1 to 3 digits in range.

    A number is read off the three bytes before its separator; so nothing is done byte by byte in Python.
    """
    text = np.frombuffer(chunk, np.uint8)
    ends = np.flatnonzero((text == _COMMA) | (text == _NEWLINE))
    if len(ends) % layout.columns:
        return None
    lasts = ends[layout.columns - 1 :: layout.columns]
    if np.count_nonzero(text == _NEWLINE) != len(lasts) or np.any(text[lasts] != _NEWLINE):
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    digits = text - _ZERO  # anything below "0" wraps to above 9
    if np.count_nonzero(digits > 9) != len(ends):
        return None
    values = digits[ends - 1].astype(np.int16)
    for place in (2, 3):
        longer = np.flatnonzero(lengths >= place)
        values[longer] += digits[ends[longer] - place] * np.int16(10 ** (place - 1))
    values = values.reshape(-1, layout.columns)
    return None if values[:, int(layout.labeled) :].max() > 255 else values


def _parse_slowly(chunk: bytes, layout: _Layout, path: Path, first: int) -> NDArray[np.int64]:
    """Return the values cell by cell, or say which cell is wrong."""
    rows = []
    for row, cells in enumerate(csv.reader(chunk.decode("utf-8", "replace").splitlines()), first):
        if len(cells) != layout.columns:
            raise FormatError(f"{path}, row {row}: expected {layout.columns} columns, found {len(cells)}.")
        values = []
        for column, cell in enumerate(cells):
            try:
                value = float(cell)
                whole = int(value)
            except (ValueError, OverflowError):
                value, whole = 0.5, 0
            label = layout.labeled and column == 0
            if whole != value or not 0 <= whole <= (_LARGEST if label else 255):
                expected = "a label, a whole number >= 0" if label else "a pixel, a whole number of 0 to 255"
                raise FormatError(
                    f"{path}, row {row}, column {layout.names[column]}: expected {expected}, "
                    f"found {_quoted(cell)}."
                )
            values.append(whole)
        rows.append(values)
    return np.array(rows, np.int64)


def write_csv(path: str | Path, images: NDArray[np.uint8], labels: NDArray[np.int64] | None = None) -> None:
    """Write images (n, height, width) uint8, and labels if given, as ``label,pixel0,...`` with a header."""
    flat = images.reshape(len(images), -1)
    names = [f"pixel{number}" for number in range(flat.shape[1])]
    table = flat.astype(np.int64) if labels is None else np.column_stack([labels, flat])
    words = [str(value) for value in range(256)]
    with atomic(Path(path)) as stream:
        stream.write((",".join(names if labels is None else ["label", *names]) + "\n").encode())
        for row in table.tolist():
            stream.write((",".join([words[v] if v < 256 else str(v) for v in row]) + "\n").encode())
