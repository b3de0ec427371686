"""The reader: from a photo, scan or PDF to digits that can be trusted."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from tenfold.errors import DataError, TenfoldError
from tenfold.reading.decide import decide
from tenfold.reading.ink import find_ink
from tenfold.reading.layout import Layout, find_layout
from tenfold.reading.pages import Limits, Picture, name, pictures
from tenfold.reading.readings import Reading, read_rows
from tenfold.reading.result import Decision, Digit, Document, Line, Page
from tenfold.reading.segments import box_of, piece_of

if TYPE_CHECKING:
    from pathlib import Path

    from tenfold.reading.networks import Networks
    from tenfold.reading.pages import Source


class Reader:
    """Reads digits in pictures. Safe to share between threads.

    Parameters
    ----------
    model : path, Networks or None
        The folder of the networks' weights, as ``tenfold train reader`` writes it, or networks that are
        loaded already; None: those that ship with Tenfold.
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
        if not 0 < error_rate < 1:
            raise DataError(
                f"The error rate must be between 0 and 1, such as 0.01. Got {error_rate} instead."
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

        Raises
        ------
        FormatError, DataError, MissingExtraError
            The source cannot be read; see `tenfold.reading.pages.pictures`.
        """
        pages = tuple(self.read_page(picture) for picture in pictures(source, self.limits))
        return Document(name(source), pages)

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
        height, width = picture.pixels.shape[:2]
        layout = find_layout(find_ink(picture.pixels), width, height, self.networks.classifier)
        lines = tuple(self._line(reading, layout) for reading in read_rows(layout, self.networks.classifier))
        return Page(picture.page, width, height, layout.view.rotation, lines)

    def _line(self, reading: Reading, layout: Layout) -> Line:
        view, path = layout.view, reading.path
        digits = []
        for segment, row, image in zip(path.segments, path.probabilities, reading.images, strict=True):
            order = np.argsort(-row[:10], kind="stable")
            digits.append(
                Digit(
                    int(order[0]),
                    float(row[order[0]]),
                    view.box(*segment.box),
                    tuple((int(value), float(row[value])) for value in order[1:]),
                    image if self.keep_images else None,
                )
            )
        confidence = float(np.prod([digit.confidence for digit in digits])) if digits else 0.0
        text = "".join(str(digit.value) for digit in digits)
        decision, reason = decide(confidence, self.error_rate)
        box = view.box(*box_of([piece_of(layout.blobs, member) for member in reading.row.members]))
        if decision is Decision.reject:
            return Line("", confidence, decision, box, (), reason)
        return Line(text, confidence, decision, box, tuple(digits), reason)

    def read_all(self, sources: Iterable[Source], workers: int | None = None) -> Iterator[Document]:
        """Read many sources, several at once.

        Parameters
        ----------
        sources : iterable of sources
            Taken as they are needed, so that it may be endless.
        workers : int or None
            How many are read at once; by default one a core.

        Yields
        ------
        document : Document
            In the order given. A source that cannot be read gives one with an ``error``, and the others go
            on.
        """
        workers = workers or len(os.sched_getaffinity(0))
        waiting: deque[Future[Document]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for source in sources:
                waiting.append(pool.submit(self._attempt, source))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _attempt(self, source: Source) -> Document:
        try:
            return self.read(source)
        except TenfoldError as error:
            return Document(name(source), error=str(error))


def read(source: Source, error_rate: float = 0.01) -> Document:
    """Read one source with the networks that ship with Tenfold; see `Reader`."""
    return Reader(error_rate=error_rate).read(source)
