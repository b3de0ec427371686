"""Long batches: documents written as they come, and gone on with after being killed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tenfold.errors import DataError
from tenfold.reading.formats import COLUMNS

RESUMABLE = ("jsonl", "csv")
"""Formats in which whole documents can be told from cut ones."""


def keep_whole(path: Path, name: str, sources: Sequence[str]) -> tuple[int, int]:
    """Cut from the output of a batch that was killed what is not whole.

    Parameters
    ----------
    path : Path
        Of the output; it need not be there yet.
    name : str
        Its format, one of `RESUMABLE`.
    sources : sequence of str
        Of the whole batch, in order.

    Returns
    -------
    done : int
        How many of the sources are in the file; the file ends after the last of them.
    failed : int
        How many of them could not be read.

    Raises
    ------
    DataError
        The file holds something else than the first sources of this batch, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0, 0
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    # What a killed process wrote last may lack its end, even amid a letter.
    whole = content[: content.rfind(b"\n") + 1]
    try:
        text = whole.decode("utf-8")
        found, size = (_lines if name == "jsonl" else _rows)(text)
    except (ValueError, KeyError, TypeError, IndexError, csv.Error) as error:
        raise DataError(
            f"{path} is no {name} output of tenfold read ({error}). Choose another file, or leave out "
            "--resume."
        ) from None
    for place, (source, _) in enumerate(found):
        expected = sources[place] if place < len(sources) else None
        if source != expected:
            raise DataError(
                f"{path} is of another batch: its document {place + 1} is {source}, expected "
                f"{expected or 'no more'}. Choose another file, or leave out --resume."
            )
    kept = len(text[:size].encode())
    if kept < len(content):
        with path.open("r+b") as file:
            file.truncate(kept)
    return len(found), sum(failed for _, failed in found)


def _lines(text: str) -> tuple[list[tuple[str, bool]], int]:
    """Return source and failure of each document of a JSONL, and how long they are together."""
    documents = [json.loads(line) for line in text.splitlines()]
    return [(document["source"], "error" in document) for document in documents], len(text)


def _rows(text: str) -> tuple[list[tuple[str, bool]], int]:
    """Return source and failure of each document of a CSV but the last, and how long they are together.

    A document has several rows, so that one cannot be sure that the last one is whole.
    """
    found: dict[int, tuple[str, bool]] = {}
    starts: dict[int, int] = {}
    place = 0
    for record in _records(text):
        row = next(csv.reader([record], strict=True))
        if place == 0 and tuple(row) != COLUMNS:
            raise ValueError("its first row is another")
        if place:
            number = int(row[0])
            starts.setdefault(number, place)
            found[number] = (row[1], bool(row[-1]))
        place += len(record)
    if not found:
        return [], place
    last = max(found)
    del found[last]
    return list(found.values()), starts[last]


def _records(text: str) -> Iterator[str]:
    """Yield the whole records of a CSV; one may hold line breaks within quotes."""
    record = ""
    for line in text.split("\n")[:-1]:
        record += line + "\n"
        if record.count('"') % 2 == 0:
            yield record
            record = ""
