"""Silence for what libraries say of damaged pictures on their own; the errors that are raised say it too."""

from __future__ import annotations

import ctypes
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache

_lock = threading.Lock()
_filters = ExitStack()
"""What puts the filters of warnings back."""
_inside = 0
"""How many blocks are open."""


@contextmanager
def hushed() -> Iterator[None]:
    """Let Pillow warn of nothing within the block.

    The filters of warnings belong to the process. `warnings.catch_warnings` alone, left by threads in another
    order than they came, leaves them changed; here the first to come changes them, and the last to go puts
    them back.
    """
    global _inside
    _mute_libtiff()
    with _lock:
        if _inside == 0:
            _filters.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _filters.close()


@cache
def _mute_libtiff() -> None:
    """Let libtiff print no errors to stderr; Pillow raises them, and mutes its warnings in the same way."""
    from PIL import _imaging

    # Where libtiff is no library of its own, it keeps its voice.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
