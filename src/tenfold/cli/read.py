"""``tenfold read``: digits in photos, scans and PDFs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Annotated

import typer

from tenfold.cli.drawings import Drawings
from tenfold.cli.inputs import spare, take
from tenfold.cli.options import OutFile, examples
from tenfold.cli.output import say
from tenfold.cli.progress import Display
from tenfold.errors import DataError

if TYPE_CHECKING:
    from tenfold.reading.batch import Kept
    from tenfold.reading.formats import Format
    from tenfold.reading.reader import Reader
    from tenfold.reading.result import Document

EXAMPLES = examples(
    "tenfold read photo.jpg",
    "tenfold read scans/ --format jsonl --out digits.jsonl --resume",
    "tenfold read cheques/*.png --error-rate 0.001 --format csv",
    "tenfold read page.pdf --annotate seen/",
    "tenfold read exams/*.png --form exam.toml --format csv --out marks.csv",
    "curl -s https://example.org/7.png | tenfold read - --format json",
)


class ReadFormat(StrEnum):
    """How documents are written."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    hocr = "hocr"


PICTURED = ReadFormat.json, ReadFormat.jsonl
"""Formats that can hold the pictures of digits."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("read", epilog=EXAMPLES)(read)


def read(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Pictures, PDFs, folders or patterns of them; - for standard input. Of a folder what lies "
            "directly in it; 'scans/**/*.png' takes sub-folders as well.",
        ),
    ],
    form: Annotated[
        ReadFormat,
        typer.Option(
            "--format",
            help="text: the digits, a line each, and on stderr which of them are for review; json, jsonl "
            "and hocr: with boxes and probabilities; csv: a row for each line. jsonl gives one document a "
            "line, in the order given.",
        ),
    ] = ReadFormat.text,
    template: Annotated[
        Path | None,
        typer.Option(
            "--form",
            metavar="TEMPLATE",
            help="Read each page as this form, field by field (tenfold form new drafts a template).",
        ),
    ] = None,
    error_rate: Annotated[
        float,
        typer.Option(
            "--error-rate",
            metavar="P",
            help="Of the lines that are accepted, the share that may be wrong; the others are for review. "
            "Measured from 0.001 to 0.1; a rate beyond is taken for the nearer of these, but on forms.",
        ),
    ] = 0.01,
    annotate: Annotated[
        Path | None,
        typer.Option(
            "--annotate",
            metavar="DIR",
            help="Draw what was read on each page, into this folder, as photo.read.png. Folders and patterns "
            "leave pictures of such names out.",
        ),
    ] = None,
    images: Annotated[
        bool,
        typer.Option(
            "--images",
            help="With json and jsonl: give each digit's 28x28 picture as the network saw it, "
            "rows of 0 (paper) to 255 (ink).",
        ),
    ] = False,
    out: OutFile = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the jsonl or csv in --out where it was left: whole documents and their "
            "drawings are kept, those with an error are tried again. --error-rate, --form, --model and "
            "--images must be those that it was begun with.",
        ),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="DIR",
            help="The folder of strings.onnx, digits.onnx and decisions.json, as tenfold train reader, "
            "reader-digits and reader-decisions write them; by default the reader that ships.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress, and of text not which lines are for review.")
    ] = False,
) -> None:
    """Read digits in photos, scans and PDFs.

    What is no digit is left out. Each line has a confidence and a decision: accept, review, or reject with
    its reason. A picture that cannot be read becomes a document with an error, the others go on, and the exit
    status is 1.
    """
    from tenfold.reading.batch import RESUMABLE, check_settings, describe, keep_settings, keep_whole
    from tenfold.reading.formats import get_format
    from tenfold.reading.pages import name
    from tenfold.reading.sources import expand

    if not 0 < error_rate < 1:
        raise typer.BadParameter("must be between 0 and 1, such as 0.01", param_hint="--error-rate")
    if images and form not in PICTURED:
        raise typer.BadParameter(f"needs --format {' or '.join(PICTURED)}", param_hint="--images")
    if resume and (out is None or form.value not in RESUMABLE):
        raise typer.BadParameter(
            f"needs --out FILE and --format {' or '.join(RESUMABLE)}", param_hint="--resume"
        )
    sources = expand(paths)
    spare(sources, template, out, annotate)
    several = len(sources) > 1 or sources != paths
    wanted = get_format(form.value, several=several)
    resumable = out if form.value in RESUMABLE else None
    settings = describe(error_rate, template, model, images=images) if resumable else {}
    kept: list[Kept] = []
    if resume and resumable:
        check_settings(resumable, settings)
        kept = keep_whole(resumable, form.value, [name(source) for source in sources])
    done = len(kept)
    drawings = Drawings(annotate, sources) if annotate else None
    failed = [number for number, document in enumerate(kept) if document.failed]
    undrawn = _undrawn(drawings, kept) if drawings else []
    # Before the file is opened: a wrong template or model leaves what is there alone.
    idle = done == len(sources) and not failed and not undrawn
    reader = None if idle else _reader(model, error_rate, template, images)
    with Display(quiet) as display:
        batch = Batch(reader, sources, drawings, display, in_words=form is ReadFormat.text)
        if resumable and failed:
            batch.try_again(failed, resumable, form.value, wanted)
        with _opened(out, go_on=done > 0) as file:
            if done == 0:
                if resumable:
                    keep_settings(resumable, settings)
                file.write(wanted.head)
            for _, document in batch.read(undrawn):
                batch.tell(document)
            start = monotonic()
            for number, document in batch.read(range(done, len(sources))):
                # In one piece, so that a kill leaves whole documents.
                file.write(wanted.document(document, number))
                file.flush()
                batch.tell(document)
                if several:
                    part = (number + 1) / len(sources)
                    pace = (monotonic() - start) / (number + 1 - done)
                    detail = f"{number + 1:,} of {len(sources):,}"
                    display.update("reading", part, pace * (len(sources) - number - 1), detail)
            file.write(wanted.tail)
    if out is not None:
        say(f"{len(sources):,} {'document is' if len(sources) == 1 else 'documents are'} in {out}")
    if batch.errors:
        raise typer.Exit(1)


class Batch:
    """Reads and draws the documents of a batch, and tells of what is in doubt.

    Parameters
    ----------
    reader : Reader or None
        None where nothing is left to be read.
    sources : list of str
        Of the whole batch.
    drawings : Drawings or None
    display : Display
    in_words : bool
        Whether lines for review are told of; only plain text does not hold which they are.
    """

    def __init__(
        self,
        reader: Reader | None,
        sources: list[str],
        drawings: Drawings | None,
        display: Display,
        *,
        in_words: bool,
    ) -> None:
        self.reader = reader
        self.sources = sources
        self.drawings = drawings
        self.display = display
        self.in_words = in_words
        self.errors = 0

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Document]]:
        """Yield the documents of some numbers, from 0; each is drawn by then.

        Drawn first, so that of what is in the output none is without its drawing.
        """
        if self.reader is None:
            return
        numbers = list(numbers)
        sources = [take(self.sources[number]) for number in numbers]
        for number, source, document in zip(numbers, sources, self.reader.read_all(sources), strict=True):
            if self.drawings and document.pages:
                places = self.drawings.places(number, len(document.pages))
                self.drawings.draw(source, document, self.reader.limits, places)
            yield number, document

    def tell(self, document: Document) -> None:
        """Tell of a document's error, or of its lines for review."""
        from tenfold.reading.doubts import doubts

        if document.error is not None:
            self.errors += 1
            (say if self.display.bar is None else self.display.say)(f"Error: {document.error}")
        if self.in_words:
            for words in doubts(document):
                self.display.say(words)

    def try_again(self, failed: list[int], out: Path, form: str, wanted: Format) -> None:
        """Read again what could not be read, and put it into its place in the output."""
        from tenfold.reading.batch import replace

        found: dict[int, str] = {}
        for number, document in self.read(failed):
            found[number] = wanted.document(document, number)
            self.tell(document)
        replace(out, form, found)


def _undrawn(drawings: Drawings, kept: list[Kept]) -> list[int]:
    """Return the numbers of documents that are kept and whose drawings are wanting."""
    return [
        number
        for number, document in enumerate(kept)
        if not document.failed and not all(path.exists() for path in drawings.places(number, document.pages))
    ]


def _reader(model: Path | None, error_rate: float, template: Path | None, images: bool) -> Reader:
    import cv2

    # Several pictures are read at once; within each, OpenCV's threads would only be in the way.
    cv2.setNumThreads(1)
    if template is not None:
        from tenfold.reading.forms import FormReader

        return FormReader(template, model, error_rate, keep_images=images)
    from tenfold.reading.reader import Reader

    return Reader(model, error_rate, keep_images=images)


@contextmanager
def _opened(out: Path | None, *, go_on: bool) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Whatever a library says of a picture must not end the batch: no letter may be beyond the encoding.
        with out.open("a" if go_on else "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
    except OSError as error:
        raise DataError(
            f"{out} cannot be written: {error.strerror or error}. Choose another place."
        ) from None
