"""Annotated pages that ``tenfold read`` draws into a folder, none of them over another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.errors import DataError

if TYPE_CHECKING:
    from tenfold.reading.pages import Limits, Source
    from tenfold.reading.result import Document


class Drawings:
    """Annotated pages in a folder.

    They are called ``photo.read.png``, further pages ``scan.read-2.png``: nothing else is replaced, and
    `tenfold.reading.sources.expand` takes none of them for a source. The names depend on the sources alone,
    not on what is read in them, so that a batch that is gone on with has the names of a whole one.

    Parameters
    ----------
    folder : Path
    sources : sequence of str
        Of the whole batch, in order.
    """

    def __init__(self, folder: Path, sources: Sequence[str]) -> None:
        self.folder = folder
        taken: dict[str, None] = {}  # in order, each once
        tried: Counter[str] = Counter()
        for source in sources:
            name = stem = "stdin" if source == "-" else Path(source).stem
            while name in taken:
                tried[stem] += 1
                name = f"{stem}_{1 + tried[stem]}"
            taken[name] = None
        self._names = list(taken)

    def places(self, number: int, pages: int) -> list[Path]:
        """Return where the pages of a document go.

        Parameters
        ----------
        number : int
            Its place in the batch, from 0.
        pages : int
            How many it has.
        """
        ends = (".read.png" if page == 1 else f".read-{page}.png" for page in range(1, pages + 1))
        return [self.folder / f"{self._names[number]}{end}" for end in ends]

    def draw(self, source: Source, document: Document, limits: Limits, paths: Sequence[Path]) -> None:
        """Draw the pages of a document.

        Raises
        ------
        DataError
            The folder cannot be written to.
        """
        from PIL import Image

        from tenfold.data.formats.files import atomic
        from tenfold.reading.annotate import annotate
        from tenfold.reading.pages import pictures

        if hasattr(source, "seek"):
            source.seek(0)
        # Pages that are damaged are left out, here and there.
        for picture in pictures(source, limits, {}):
            path = paths[picture.page - 1]
            try:
                with atomic(path) as file:
                    drawn = annotate(picture.pixels, document.pages[picture.page - 1])
                    Image.fromarray(drawn).save(file, "PNG")
            except OSError as error:
                raise DataError(
                    f"{path} cannot be written: {error.strerror or error}. Choose another place."
                ) from None
