"""The reader: from a photo, scan or PDF to digits that can be trusted."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from numbers import Real
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from tenfold.errors import DataError, FormatError, FormError, TenfoldError
from tenfold.reading.decide import among_words, decide
from tenfold.reading.ink import Ink, find_ink
from tenfold.reading.layout import Layout, find_layouts, is_strip
from tenfold.reading.pages import Limits, Picture, name, pictures
from tenfold.reading.readings import Glimpse, Reading, read_rows, settle
from tenfold.reading.result import Decision, Digit, Document, Line, Page, Reason
from tenfold.reading.segments import around, piece_of
from tenfold.reading.sharpness import is_blurred
from tenfold.reading.single import read_single

if TYPE_CHECKING:
    from pathlib import Path

    from tenfold.reading.explain import Explanation
    from tenfold.reading.networks import Networks
    from tenfold.reading.pages import Source


WORTH = 0.3
"""Confidence from which on a strip is not looked at upside down."""


class Reader:
    """Reads digits in pictures. Safe to share between threads.

    Parameters
    ----------
    model : path, Networks or None
        The folder with ``strings.onnx``, ``digits.onnx`` and ``decisions.json``, as ``tenfold train reader``,
        ``reader-digits`` and ``reader-decisions`` write them, or networks that are loaded already; None:
        those that ship with Tenfold.
    error_rate : float in (0, 1)
        Of the lines that are accepted, the share that may be wrong.
    keep_images : bool
        Keep with each digit the 28x28 that the network saw.
    limits : Limits or None
        How large a source may be.

    Examples
    --------
    >>> reader = Reader(error_rate=0.001)
    >>> reader.read("cheque.jpg").text       # doctest: +SKIP
    '165340'
    """

    def __init__(
        self,
        model: str | Path | Networks | None = None,
        error_rate: float = 0.01,
        *,
        keep_images: bool = False,
        limits: Limits | None = None,
    ) -> None:
        if not _is_rate(error_rate):
            raise DataError(
                f"The error rate must be between 0 and 1, such as 0.01. Got {error_rate!r} instead."
            )
        from tenfold.reading.networks import load

        self.networks = load(model)
        self.error_rate = error_rate
        self.keep_images = keep_images
        self.limits = limits or Limits()

    def read(self, source: Source) -> Document:
        """Read one source.

        Parameters
        ----------
        source : path, bytes, binary file object, Pillow image or array
            As `tenfold.reading.pages.pictures` takes it.

        Returns
        -------
        document : Document
            Where some of several pages are damaged, or do not fit a form's template, they and the document
            have an ``error``; the others are read.

        Raises
        ------
        FormatError, DataError, MissingExtraError
            The source cannot be read; see `tenfold.reading.pages.pictures`.
        FormError
            No page fits the template.
        """
        damaged: dict[int, str] = {}
        read = [self._page(picture) for picture in pictures(source, self.limits, damaged)]
        read += [Page(number, 0, 0, error=error) for number, error in damaged.items()]
        pages = tuple(sorted(read, key=lambda page: page.page))
        failed = [page for page in pages if page.error is not None]
        if not failed:
            return Document(name(source), pages)
        first, error = failed[0], f"{name(source)}: {failed[0].error}"
        if len(pages) > 1:
            error = (
                f"{name(source)}: {len(failed)} of {len(pages)} pages cannot be read. "
                f"Page {first.page}: {first.error}"
            )
        if len(failed) == len(pages):
            raise (FormatError if damaged else FormError)(error)
        return Document(name(source), pages, error)

    def _page(self, picture: Picture) -> Page:
        """Return a page as `read_page` does, or one that tells why it cannot be read."""
        return self.read_page(picture)

    def read_page(self, picture: Picture) -> Page:
        """Read one page.

        Parameters
        ----------
        picture : Picture
            As `tenfold.reading.pages.pictures` yields it, or made from pixels: ``Picture(pixels)``.

        Returns
        -------
        page : Page
        """
        return self.look(picture)[-1]

    def look(self, picture: Picture) -> tuple[Ink, Layout, list[Reading], Page]:
        """Read one page, and return what was made of it on the way: ink, layout and readings of its lines."""
        height, width = picture.pixels.shape[:2]
        if (single := read_single(picture.pixels, self.networks)) is not None:
            ink, layout, reading = single
            line = self._line(reading, layout)
            return ink, layout, [reading], Page(picture.page, width, height, 0, (line,))
        ink = find_ink(picture.pixels)
        seen: list[tuple[Layout, list[Reading], list[Line]]] = []
        narrow = is_strip(width, height) or is_strip(height, width)
        for layout in find_layouts(ink, width, height, self.networks.classifier):
            readings = read_rows(layout, self.networks)
            lines = among_words(
                [self._line(reading, layout) for reading in readings],
                [len(reading.row.members) for reading in readings],
                [reading.height for reading in readings],
            )
            seen.append((layout, readings, lines))
            if narrow and _worth(lines) >= WORTH * sum(len(line.digits) for line in lines) > 0:
                break
        # The first way is the more probable one, unless another reads better by more than a digit; of a
        # narrow picture, where it reads nothing.
        margin = 0.0 if narrow and not seen[0][-1] else 1.0
        best = max(seen[1:], key=lambda way: _worth(way[-1]), default=seen[0])
        layout, readings, lines = best if _worth(best[-1]) > margin + _worth(seen[0][-1]) else seen[0]
        rotation = layout.view.rotation
        if all(line.decision is Decision.reject for line in lines):
            # A page on which nothing is read is no way up: its lines come as the picture has them.
            rotation = 0
            order = sorted(range(len(lines)), key=lambda place: lines[place].box[1::-1])
            readings, lines = [readings[place] for place in order], [lines[place] for place in order]
        return ink, layout, readings, Page(picture.page, width, height, rotation, tuple(lines))

    def _line(self, reading: Reading, layout: Layout) -> Line:
        view, settled = layout.view, settle(reading, layout, images=self.keep_images)
        judgment = self.networks.judgment
        confidence = judgment.confidence(settled.evidence)
        alternatives = _sharing(1 - confidence, settled.alternatives)
        second = max((chance for _, chance in alternatives), default=0.0)
        scene = "digit" if settled.evidence.kind == "only" else "strip" if layout.is_strip else "page"
        level = judgment.threshold(self.error_rate, scene)
        pieces = 1 if layout.is_strip else len(reading.row.members)
        decision, reason = decide(
            confidence, level, second, digits=len(settled.digits), pieces=pieces, single=reading.single
        )
        if decision is not Decision.accept and is_blurred(layout, reading.row, reading.height):
            reason = Reason.blurred
        # On a printed ground the string network may see digits where no piece of ink stands out.
        inked = [piece_of(layout.blobs, member).box for member in reading.row.members]
        box = view.box(*(around(inked) if inked else around([digit.box for digit in settled.digits])))
        if decision is Decision.reject:
            return Line("", confidence, decision, box, (), reason)
        digits = tuple(self._digit(digit, layout) for digit in settled.digits)
        return Line(settled.text, confidence, decision, box, digits, reason, alternatives)

    def _digit(self, digit: Glimpse, layout: Layout) -> Digit:
        chances = {
            int(value): float(digit.probabilities[value])
            for value in np.argsort(-digit.probabilities, kind="stable")
        }
        confidence = chances.pop(digit.value)
        image = digit.image if self.keep_images else None
        return Digit(digit.value, confidence, layout.view.box(*digit.box), tuple(chances.items()), image)

    def read_all(self, sources: Iterable[Source], workers: int | None = None) -> Iterator[Document]:
        """Read many sources, several at once.

        Parameters
        ----------
        sources : iterable of sources
            Taken as they are needed, so that it may be endless. One path alone is refused.
        workers : int or None
            How many are read at once; by default one a core.

        Yields
        ------
        document : Document
            In the order given. A source that cannot be read, for whatever reason, gives one with an
            ``error``, and the others go on.
        """
        if isinstance(sources, str | bytes | PurePath):
            raise DataError(f"Sources must be a list. Got {str(sources)[:60]!r} alone; put it into one.")
        workers = workers or len(os.sched_getaffinity(0))
        waiting: deque[Future[Document]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for source in sources:
                waiting.append(pool.submit(self._attempt, source))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def explain(self, source: Source, page: int = 1) -> Explanation:
        """Show how a page is read, stage by stage.

        Parameters
        ----------
        source : path, bytes, binary file object, Pillow image or array
        page : int
            Which page, from 1.

        Returns
        -------
        explanation : Explanation
            With the stages as pictures, and notes on what is unusual.

        Raises
        ------
        FormatError, DataError, MissingExtraError
            The source cannot be read, or has fewer pages.
        """
        from tenfold.reading.explain import explain

        number = 0
        damaged: dict[int, str] = {}
        for picture in pictures(source, self.limits, damaged):
            number = picture.page
            if number == page:
                seeing = Reader(self.networks, self.error_rate, keep_images=True, limits=self.limits)
                return explain(name(source), picture.pixels, *seeing.look(picture))
        if page in damaged:
            raise FormatError(f"Page {page} of {name(source)}: {damaged[page]}")
        number = max(number, *damaged, 0)
        raise DataError(f"{name(source)} has {number} pages; there is no page {page}.")

    def _attempt(self, source: Source) -> Document:
        try:
            return self.read(source)
        except TenfoldError as error:
            return Document(name(source), error=str(error))
        except Exception as error:
            # One picture that needs more memory than there is, or trips a library, must not end a batch.
            what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
            return Document(
                name(source),
                error=f"{name(source)} could not be read: something unexpected happened ({what}). Try it by "
                "itself, or make it smaller.",
            )


def _sharing(left: float, alternatives: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return other readings that share what probability the best one leaves: at most one of all is right."""
    total = sum(chance for _, chance in alternatives)
    part = min(1.0, left / total) if total else 1.0
    return tuple((text, chance * part) for text, chance in alternatives)


def _is_rate(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1


def _worth(lines: Sequence[Line]) -> float:
    """Return how many digits can be trusted: of two ways up, the one with more is the right one."""
    return sum(len(line.digits) * line.confidence for line in lines)


def read(source: Source, error_rate: float = 0.01) -> Document:
    """Read one source with the networks that ship with Tenfold; see `Reader`."""
    return Reader(error_rate=error_rate).read(source)
