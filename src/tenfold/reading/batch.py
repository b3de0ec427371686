"""Long batches: documents written as they come, and gone on with after being killed."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenfold.data.formats.files import atomic
from tenfold.errors import DataError
from tenfold.reading.formats import COLUMNS
from tenfold.reading.networks import FILES, WEIGHTS

RESUMABLE = ("jsonl", "csv")
"""Formats in which whole documents can be told from cut ones."""


@dataclass(frozen=True)
class Kept:
    """A document that is in the output already.

    Parameters
    ----------
    source : str
    pages : int
        How many it has.
    failed : bool
        Whether it, or some of its pages, could not be read.
    """

    source: str
    pages: int
    failed: bool


def describe(
    error_rate: float, form: Path | None, model: Path | None, *, images: bool = False
) -> dict[str, str]:
    """Return the settings of a batch as words that tell one from another.

    Parameters
    ----------
    error_rate : float
    form : Path or None
        The template.
    model : Path or None
        The folder of the networks; None: those that ship.
    images : bool
        Whether each digit's picture is kept.
    """
    networks = [(model or WEIGHTS) / name for name in FILES]
    return {
        "--error-rate": f"{error_rate}",
        "--form": "none" if form is None else f"{form.resolve().name} ({_digest([form])})",
        "--model": f"{'shipped' if model is None else model.resolve().name} ({_digest(networks)})",
        "--images": "yes" if images else "no",
    }


def _digest(paths: Sequence[Path]) -> str:
    """Return what tells the content of files from any other; of those that are missing nothing."""
    content = hashlib.sha256()
    for path in paths:
        if path.is_file():
            content.update(path.read_bytes())
    return content.hexdigest()[:12]


def settings_path(path: Path) -> Path:
    """Return where the settings of a batch are kept: beside its output, hidden."""
    real = path.resolve()
    return real.with_name(f".{real.name}.settings.json")


def keep_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Keep what a batch is begun with, so that it is gone on with alike.

    Parameters
    ----------
    path : Path
        Of the output. Nothing is kept beside what is no file, such as a pipe.
    settings : mapping
        As `describe` gives them.

    Raises
    ------
    OSError
        They cannot be written.
    """
    if path.is_file():
        with atomic(settings_path(path)) as file:
            file.write((json.dumps(dict(settings), indent=1) + "\n").encode())


def check_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Refuse to go on with a batch that was begun with other settings.

    Where they were not kept, as by an earlier version, there is nothing to compare.

    Raises
    ------
    DataError
        They differ; which, and how.
    """
    try:
        begun = dict(json.loads(settings_path(path).read_text("utf-8")))
        if not path.stat().st_size:
            return
    except (OSError, ValueError, TypeError):
        return
    for option, value in settings.items():
        if (before := begun.get(option, value)) != value:
            raise DataError(
                f"{path} was begun with another {option}: {before}, now {value}. Give the same again, choose "
                "another file, or leave out --resume to begin anew."
            )


def keep_whole(path: Path, name: str, sources: Sequence[str]) -> list[Kept]:
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
    kept : list of Kept
        The first of the sources, which are in the file; the file ends after the last of them.

    Raises
    ------
    DataError
        The file holds something else than the first sources of this batch, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
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
    for place, document in enumerate(found):
        expected = sources[place] if place < len(sources) else None
        if document.source != expected:
            raise DataError(
                f"{path} is of another batch: its document {place + 1} is {document.source}, expected "
                f"{expected or 'no more'}. Choose another file, or leave out --resume."
            )
    end = len(text[:size].encode())
    if end < len(content):
        with path.open("r+b") as file:
            file.truncate(end)
    return found


def replace(path: Path, name: str, documents: Mapping[int, str]) -> None:
    """Put documents in the place of others in the output of a batch, all at once.

    Parameters
    ----------
    path : Path
        Of the output, as `keep_whole` leaves it.
    name : str
        Its format, one of `RESUMABLE`.
    documents : mapping of int to str
        What is written of each, by its number in the batch, from 0.
    """
    text = path.read_bytes().decode("utf-8")
    pieces: dict[int, str] = {}
    for place, piece in enumerate(text.splitlines(keepends=True) if name == "jsonl" else _records(text)):
        # The first record of a CSV is its head; others begin with the document's number, from 1.
        number = place if name == "jsonl" else int(piece.partition(",")[0]) - 1 if place else -1
        pieces[number] = pieces.get(number, "") + piece
    with atomic(path.resolve()) as file:
        file.write("".join((pieces | dict(documents)).values()).encode())


def _lines(text: str) -> tuple[list[Kept], int]:
    """Return the documents of a JSONL, and how long they are together."""
    documents = [json.loads(line) for line in text.splitlines()]
    found = [Kept(each["source"], len(each["pages"]), "error" in each) for each in documents]
    return found, len(text)


def _rows(text: str) -> tuple[list[Kept], int]:
    """Return the documents of a CSV but the last, and how long they are together.

    A document has several rows, so that one cannot be sure that the last one is whole.
    """
    found: dict[int, Kept] = {}
    starts: dict[int, int] = {}
    place, page = 0, COLUMNS.index("page")
    for record in _records(text):
        row = next(csv.reader([record], strict=True))
        if place == 0 and tuple(row) != COLUMNS:
            raise ValueError("its first row is another")
        if place:
            number = int(row[0])
            starts.setdefault(number, place)
            # Rows go page by page, so that the last one tells how many there are.
            failed = bool(row[-1]) or (number in found and found[number].failed)
            found[number] = Kept(row[1], int(row[page] or 0), failed)
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
