"""What the processes that open files do with them."""

from __future__ import annotations

import base64
import io
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tenfold.errors import DataError, FormError
from tenfold.serving.child import Work

if TYPE_CHECKING:
    from tenfold.data.pixels import Pixels
    from tenfold.reading.forms import Template

PREVIEW = 1600
"""Pixels of the longer side of what a page is shown by."""


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
    from tenfold.reading.forms import FormReader
    from tenfold.reading.networks import load
    from tenfold.reading.pages import Limits, pictures
    from tenfold.reading.reader import Reader
    from tenfold.reading.result import Document

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
        rate, images = options.get("error_rate", error_rate), options.get("images", False)
        if "form" in options:
            template = parse_template(options["form"])
            reader: Reader = FormReader(template, networks, rate, keep_images=images, limits=limits)
        else:
            reader = Reader(networks, rate, keep_images=images, limits=limits)
        read, previews = [], []
        for picture in pictures(file, limits):
            read.append(reader.read_page(picture))
            if options.get("previews", False):
                previews.append(preview(picture.pixels))
        found = Document(file.name, tuple(read)).to_dict()
        for page, small in zip(found["pages"], previews, strict=False):
            page["preview"] = small
        return found

    return work


def preview(pixels: Pixels) -> str:
    """Return a page as a ``data:`` URL of a JPEG, at most 1,600 pixels high and wide."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def parse_template(text: str) -> Template:
    """Return the form template that a client sent.

    On one's own machine a template may name functions and files. What a client sends may not: nothing of its
    choice is imported or opened here.

    Raises
    ------
    FormError
        It is no template, or names a function or a file.
    """
    from tenfold.reading.forms.toml import from_dict

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormError(f"The form template is no TOML: {error}.") from None
    fields = values.get("field", ())
    for field in fields if isinstance(fields, list) else ():
        if not isinstance(field, dict):
            continue
        if isinstance(field.get("values"), str) or ":" in str(field.get("checksum", "")):
            raise FormError(
                f"The field {field.get('name')!r} names a file or a function, which a template "
                "that is sent to a service may not. List its values in it, or take a checksum by name."
            )
    return from_dict(values)
