"""What the processes that open files do with them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tenfold.errors import DataError
from tenfold.serving.child import Work


def prepare(pixels: int, pages: int, size: int, error_rate: float, model: Any = None) -> Work:
    """Return what reads documents and normalizes pictures.

    Parameters
    ----------
    pixels, pages, size : int
        The limits of a page, of a document, and of its file in bytes.
    error_rate : float
        Where a request does not say.
    model : optional
        As `Reader` takes it.
    """
    from tenfold.data.normalize import normalize
    from tenfold.reading.networks import load
    from tenfold.reading.pages import Limits, pictures
    from tenfold.reading.reader import Reader

    networks = load(model)
    limits, one_page = Limits(size, pixels, pages), Limits(size, pixels, 1)

    def work(content: bytes, options: Mapping[str, Any]) -> Any:
        file = io.BytesIO(content)
        # What errors call it, and the answer.
        file.name = options.get("name", "upload")
        if options["task"] == "normalize":
            first = next(pictures(file, one_page), None)
            if first is None:
                raise DataError(f"{file.name} holds no picture.")
            return normalize(first.pixels).ravel().tolist()
        reader = Reader(
            networks,
            options.get("error_rate", error_rate),
            keep_images=options.get("images", False),
            limits=limits,
        )
        return reader.read(file).to_dict()

    return work
