"""From sources to pictures: files, bytes and pictures in memory, page by page, within limits."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels, to_pixels
from tenfold.errors import DataError, FormatError, require
from tenfold.reading.hush import hushed

if TYPE_CHECKING:
    from PIL.Image import Image

    Source = str | Path | bytes | bytearray | memoryview | IO[bytes] | Image | NDArray[Any]
    """What can be read."""

PDF_DPI = 200
"""Dots per inch at which pages of a PDF are rendered; a digit 4 mm high becomes 31 pixels high."""

SMALLEST = 5
"""Pixels of the longer side of a picture at least; the shorter one may have fewer, for a 1 is narrow."""

_PDF = b"%PDF-"
_pdfium = threading.Lock()
"""PDFium must not be used by two threads at once."""


@dataclass(frozen=True)
class Limits:
    """How large a source may be.

    Parameters
    ----------
    bytes : int
        Of the file.
    pixels : int
        Of one page. Told by the picture's header, before anything is decoded.
    pages : int
        Of a TIFF or PDF.
    """

    bytes: int = 256 * 2**20
    pixels: int = 120_000_000
    pages: int = 1000


@dataclass(frozen=True, eq=False)
class Picture:
    """One page as pixels.

    Parameters
    ----------
    pixels : (height, width) or (height, width, 3) uint8
        Gray levels or RGB, upright as EXIF says.
    page : int
        Its number, from 1.
    """

    pixels: Pixels
    page: int = 1


def name(source: Source) -> str:
    """Return what a source is called: its path, or what stands for it.

    In the names of files any bytes may stand; those that are no UTF-8 are written as ``\\udcff``, so that
    every output can hold them.
    """
    if isinstance(source, str | Path):
        return str(source).encode("utf-8", "backslashreplace").decode()
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    if isinstance(source, np.ndarray):
        return "<array>"
    found = getattr(source, "filename", None) or getattr(source, "name", None)
    return name(found) if isinstance(found, str) and found else "<picture>"


def pictures(
    source: Source, limits: Limits | None = None, damaged: dict[int, str] | None = None
) -> Iterator[Picture]:
    """Return the pages of a source, one after another; each is decoded when its turn comes.

    Parameters
    ----------
    source : path, bytes, binary file object, Pillow image or array
        What is in a file is told by its content, not its name. Arrays are as `tenfold.data.pixels.to_pixels`
        takes them.
    limits : Limits or None
    damaged : dict of int to str, or None
        Where it is given, of several pages those that cannot be decoded, or are beyond the limits, are put
        here: by their number, from 1, why. The others are yielded.

    Yields
    ------
    picture : Picture

    Raises
    ------
    FormatError
        The file is missing, empty, truncated, locked by a password or of no known format.
    DataError
        The source is larger than the limits allow, or an array of another shape.
    MissingExtraError
        It is a PDF, and what opens it is not installed.
    """
    limits = limits or Limits()
    title = name(source)
    if isinstance(source, np.ndarray):
        if source.ndim in (2, 3):
            _check_pixels(title, source.shape[1], source.shape[0], limits)
        yield Picture(to_pixels(source))
        return
    if _is_image(source):
        _check_pixels(title, *source.size, limits)
        yield Picture(_decoded(title, source))
        return
    content = _content(title, source, limits)
    if not content:
        raise FormatError(f"{title} is empty: 0 bytes. Get the file again.")
    yield from (_of_pdf if _PDF in content[:1024] else _of_image)(title, content, limits, damaged)


def _is_image(source: object) -> TypeGuard[Image]:
    """Return whether a source is a Pillow image, without importing Pillow for what is none."""
    return hasattr(source, "getexif") and hasattr(source, "size")


def _content(title: str, source: Any, limits: Limits) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
    else:
        if source == "":
            raise FormatError("The name of a file is empty. Name a picture or PDF.")
        try:
            if isinstance(source, str | Path):
                with Path(source).open("rb") as file:
                    content = file.read(limits.bytes + 1)
            elif hasattr(source, "read"):
                content = source.read(limits.bytes + 1)
            else:
                raise DataError(
                    "A source must be a path, bytes, a binary file object, a Pillow image or an array. "
                    f"Got {type(source).__name__} instead."
                )
        except FileNotFoundError:
            raise FormatError(f"There is no file {title}.") from None
        except IsADirectoryError:
            raise FormatError(f"{title} is a folder; no pictures lie in it. Name files or folders.") from None
        except OSError as error:
            raise FormatError(f"{title} cannot be read: {error.strerror or error}.") from None
        except ValueError as error:
            # A zero byte in a name, or a file object that is closed.
            raise FormatError(f"{title!r} cannot be read: {error}.") from None
        if not isinstance(content, bytes):
            raise DataError(f"{title} is a file opened as text. Open it in binary mode ('rb').")
    if len(content) > limits.bytes:
        raise DataError(
            f"{title} is larger than {limits.bytes:,} bytes, the limit for a file. Make it smaller."
        )
    return content


def _of_image(
    title: str, content: bytes, limits: Limits, damaged: dict[int, str] | None
) -> Iterator[Picture]:
    from PIL import Image, UnidentifiedImageError

    try:
        # Pillow warns of large pictures by a limit of its own; ours is checked next.
        with hushed():
            image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError:
        raise FormatError(
            f"{title} is no picture that can be read ({_looks_like(content)}). Expected PNG, JPEG, TIFF, "
            "BMP, WebP, GIF or PDF."
        ) from None
    except Image.DecompressionBombError as error:
        # Pillow's own limit is above ours; it tells how many there are.
        found = next(iter(re.findall(r"\d+", str(error))), "0")
        raise _too_large(title, f"{int(found):,}", limits) from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _damaged(title, error) from None
    with image:
        pages = _count(image)
        _check_pages(title, pages, limits)
        for page in range(pages):
            part = _part(title, page, pages, damaged)
            try:
                _turn(part, image, page)
                _check_pixels(part, *image.size, limits)
                pixels = _decoded(part, image)
            except DataError as error:
                if damaged is None or pages == 1:
                    raise
                damaged[page + 1] = str(error)
            else:
                yield Picture(pixels, page + 1)


def _part(title: str, page: int, pages: int, damaged: dict[int, str] | None) -> str:
    """Return what errors call a page, from 0."""
    if pages == 1:
        return title
    return f"Page {page + 1} of {title}" if damaged is None else "The page"


def _count(image: Image) -> int:
    """Return how many pages a picture has; further frames but of a TIFF are an animation or previews.

    Of a TIFF that is cut off, the page at which it breaks off is the last.
    """
    if image.format != "TIFF":
        return 1
    pages = 0
    with hushed(), suppress(Exception):
        pages = int(getattr(image, "n_frames", 1))
    if pages:
        return pages
    with hushed(), suppress(Exception):
        while True:
            image.seek(pages)
            pages += 1
    return pages + 1


def _turn(title: str, image: Image, page: int) -> None:
    """Turn to a page, from 0."""
    try:
        with hushed():
            image.seek(page)
    except Exception as error:
        raise _damaged(title, error) from None


def _decoded(title: str, image: Image) -> Pixels:
    try:
        with hushed():
            return to_pixels(image)
    except DataError as error:
        raise DataError(f"{title}: {error}") from None
    except MemoryError:
        raise DataError(
            f"{title} needs more memory than there is: {image.width}x{image.height} pixels. Make it smaller."
        ) from None
    except Exception as error:
        # Decoders of damaged files raise whatever they stumble over.
        raise _damaged(title, error) from None


def _of_pdf(title: str, content: bytes, limits: Limits, damaged: dict[int, str] | None) -> Iterator[Picture]:
    pdfium = require("pypdfium2", extra="pdf", purpose="Reading a PDF")
    with _pdfium:
        try:
            document = _open_pdf(pdfium, content)
            pages = len(document)
        except pdfium.PdfiumError as error:
            reason = str(error).rstrip(".")
            if "password" in reason.lower():
                raise FormatError(
                    f"{title} is a PDF locked by a password. Save it without one and read it again."
                ) from None
            raise FormatError(f"{title} is a damaged PDF: {reason}. Get the file again.") from None
    try:
        _check_pages(title, pages, limits)
        for number in range(pages):
            part = _part(title, number, pages, damaged)
            try:
                pixels = _rendered(part, document, number, limits)
            except FormatError as error:
                if damaged is None or pages == 1:
                    raise
                damaged[number + 1] = str(error)
            else:
                yield Picture(pixels, number + 1)
    finally:
        with _pdfium:
            document.close()


def _open_pdf(pdfium: Any, content: bytes) -> Any:
    try:
        return pdfium.PdfDocument(content)
    except pdfium.PdfiumError:
        # Of some files, such as one without pages, PDFium tells what was wrong with an earlier one. After one
        # that is surely damaged it does not tell of a password.
        with suppress(pdfium.PdfiumError):
            pdfium.PdfDocument(_PDF)
        return pdfium.PdfDocument(content)


def _rendered(title: str, document: Any, number: int, limits: Limits) -> Pixels:
    pdfium = require("pypdfium2", extra="pdf", purpose="Reading a PDF")
    with _pdfium:
        try:
            page = document[number]
            width, height = page.get_size()
            scale = PDF_DPI / 72
            # A poster is rendered coarser rather than refused: a PDF has no pixels of its own.
            scale *= min(1.0, (limits.pixels / max(width * height * scale**2, 1.0)) ** 0.5)
            bitmap = page.render(scale=scale, rev_byteorder=True)
            pixels = bitmap.to_numpy().copy()
            page.close()
        except (pdfium.PdfiumError, ValueError, MemoryError) as error:
            raise FormatError(f"{title} cannot be rendered: {str(error).rstrip('.')}.") from None
    return to_pixels(pixels)


def _check_pixels(title: str, width: int, height: int, limits: Limits) -> None:
    if max(width, height) < SMALLEST:
        raise DataError(
            f"{title} has {width}x{height} pixels; no digit fits into it. Give a picture whose longer side "
            f"has at least {SMALLEST} pixels: digits 30 pixels high are read best."
        )
    if width * height > limits.pixels:
        raise _too_large(title, f"{width:,} x {height:,} = {width * height:,}", limits)


def _too_large(title: str, pixels: str, limits: Limits) -> DataError:
    return DataError(
        f"{title} has {pixels} pixels; the limit is {limits.pixels:,}. Make it smaller: digits 30 pixels "
        "high are enough."
    )


def _check_pages(title: str, pages: int, limits: Limits) -> None:
    if pages > limits.pages:
        raise DataError(f"{title} has {pages:,} pages; the limit is {limits.pages:,}. Split it.")


def _damaged(title: str, error: Exception) -> FormatError:
    reason = str(error).rstrip(".") or type(error).__name__
    return FormatError(f"{title} is a damaged picture: {reason}. Get the file again, or save it again.")


def _looks_like(content: bytes) -> str:
    """Return in words what a file that is no picture seems to be."""
    head = content[:512]
    try:
        # The last character may be cut in two.
        words = head.decode("utf-8", "ignore" if len(content) > len(head) else "strict")
    except UnicodeDecodeError:
        words = "\0"
    if all(letter.isprintable() or letter.isspace() for letter in words):
        return "it looks like text"
    return f"it begins with {head[:4].hex(' ')}"
