"""What the processes that open files do with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenfold.errors import DataError
from tenfold.serving.child import Work


def prepare(pixels: int, pages: int, size: int, error_rate: float) -> Work:
    """Return what reads documents and normalizes pictures.

    Parameters
    ----------
    pixels, pages, size : int
        The limits of a page, of a document, and of its file in bytes.
    error_rate : float
        Where a request does not say.
    """
    from tenfold.data.normalize import normalize
    from tenfold.reading.pages import Limits, pictures
    from tenfold.reading.reader import Reader

    limits = Limits(bytes=size, pixels=pixels, pages=pages)
    reader = Reader(error_rate=error_rate, limits=limits)

    def work(content: bytes, options: Mapping[str, Any]) -> Any:
        if options["task"] == "normalize":
            first = next(pictures(content, Limits(size, pixels, 1)), None)
            if first is None:
                raise DataError("The file holds no picture.")
            return normalize(first.pixels).ravel().tolist()
        return reader.read(content).to_dict()

    return work
