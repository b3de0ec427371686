"""What happens in a process that opens files; it loads nothing that it does not need for that."""

from __future__ import annotations

import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from tenfold.errors import TenfoldError

Work = Callable[[bytes, Mapping[str, Any]], Any]
"""Does what is asked with a file's content; answers with plain JSON values."""


def run(
    connection: Connection, prepare: Callable[..., Work], arguments: tuple[Any, ...], memory: int
) -> None:
    """Work until the other side has gone."""
    # Stopping is for the service to say: it closes the pipe, or kills.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work = prepare(*arguments)
    except TenfoldError as error:
        connection.send_bytes(json.dumps(str(error)).encode())
        return
    _limit_memory(memory)
    give_back = _returner()
    connection.send_bytes(json.dumps("ready").encode())
    with contextlib.suppress(EOFError, OSError):
        while True:
            options = json.loads(connection.recv_bytes())
            content = connection.recv_bytes()
            connection.send_bytes(json.dumps(_answer(work, content, options)).encode())
            del content
            give_back()


def _answer(work: Work, content: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": work(content, options)}
    except TenfoldError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "It takes too much memory to read. Send it smaller.", "spent": True}
    except Exception as error:
        # What a decoder raises on a file made to break it; this process may be broken too.
        return {"error": f"It cannot be read ({type(error).__name__}).", "spent": True}


def _returner() -> Callable[[], object]:
    """Return what hands freed memory back to the system.

    glibc keeps whatever was freed below the last block in use, be it ever so small, so that a process would
    hold twice or three times what it needs, by which documents it met.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return lambda: None  # Another C library: it has ways of its own.
    return lambda: trim(0)


def _limit_memory(memory: int) -> None:
    try:
        import resource
        from pathlib import Path

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return  # Not on this system: time is limited all the same.
    if memory:
        most = pages * os.sysconf("SC_PAGE_SIZE") + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Reading writes no file.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _end_with_parent() -> None:
    """Leave no process behind where the service was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
