"""Writing a report: a file is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from tenfold.data.formats.files import atomic
from tenfold.errors import ReportError


def write(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, making the folders that lead there.

    Raises
    ------
    ReportError
        The file cannot be written there. What was there before is untouched.
    """
    try:
        with atomic(path) as file:
            file.write(content)
    except OSError as error:
        raise ReportError(
            f"The report could not be written to {path}: {error.strerror or error}. "
            "Choose another place or make room there."
        ) from error
    return path
