"""Writing a report: a file is there whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from tenfold.errors import ReportError


def write(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, making the folders that lead there.

    Raises
    ------
    ReportError
        The file cannot be written there. What was there before is untouched.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)
        reason = error.strerror or str(error)
        raise ReportError(
            f"The report could not be written to {path}: {reason}. Choose another place or make room there."
        ) from error
    return path
