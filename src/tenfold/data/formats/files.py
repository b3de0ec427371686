"""Reading whole files and writing them atomically."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tenfold.errors import FormatError

GZIP_MAGIC = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """Return what is in a file, decompressed where it is gzip (told by its first bytes, not by its name).

    Raises
    ------
    FormatError
        The file cannot be read, or its gzip stream is cut off or damaged.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not raw.startswith(GZIP_MAGIC):
        return raw
    # The last four bytes say how much comes out, which spares growing the buffer (a fifth of the time). No
    # stream grows more than 1032-fold, whatever they say; of several streams in a row they tell the last.
    size = min(int.from_bytes(raw[-4:], "little"), 1032 * len(raw))
    try:
        content = zlib.decompress(raw, 31, max(size, 1))
        return content if len(content) == size else gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, EOFError) or "incomplete" in str(error):
            raise FormatError(
                f"{path} is truncated: its gzip stream is cut off at byte {len(raw)}. Get the file again."
            ) from None
        raise FormatError(f"{path} is a damaged gzip file: {error}. Get the file again.") from None


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`, and move it there when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes a file that only its owner may read; give it what the umask allows.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
