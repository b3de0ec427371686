"""Annotated pages that ``tenfold read`` draws into a folder, none of them over another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.errors import DataError

if TYPE_CHECKING:
    from tenfold.reading.pages import Limits, Source
    from tenfold.reading.result import Document


class Drawings:
    """Annotated pages in a folder.

    Names are given in the order of the documents, so that every document of a batch must be named, in order,
    whether it is drawn or not: then a batch that is gone on with has the names that it would have had.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()

    def name(self, source: str, pages: int) -> list[Path]:
        """Return where the pages of the next document go.

        Parameters
        ----------
        source : str
        pages : int
            Of one page it is ``photo.png``, of several ``scan-1.png``, ``scan-2.png``.
        """
        stem = "stdin" if source == "-" else Path(source).stem
        names = [stem] if pages == 1 else [f"{stem}-{page}" for page in range(1, pages + 1)]
        return [self.folder / f"{self._free(name)}.png" for name in names]

    def draw(self, source: Source, document: Document, limits: Limits, paths: list[Path]) -> None:
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
        found = pictures(source, limits)
        for picture, page, path in zip(found, document.pages, paths, strict=True):
            try:
                with atomic(path) as file:
                    Image.fromarray(annotate(picture.pixels, page)).save(file, "PNG")
            except OSError as error:
                raise DataError(
                    f"{path} cannot be written: {error.strerror or error}. Choose another place."
                ) from None

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free
