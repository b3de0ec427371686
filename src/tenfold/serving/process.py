"""A process that opens files, from the side of the service."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Mapping
from typing import Any

from tenfold.errors import ServingError
from tenfold.serving.child import Work, run

STARTING_SECONDS = 120.0
"""How long a process may take to load the reader, on a machine that is busy."""


class Died(Exception):
    """The process ended while it worked."""


class Late(Exception):
    """The process took longer than it may."""


class Process:
    """A process that opens one file after the other."""

    def __init__(self, prepare: Callable[..., Work], arguments: tuple[Any, ...], memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=run, args=(theirs, prepare, arguments, memory), name="tenfold-document", daemon=True
        )
        self._process.start()
        theirs.close()

    def wait_ready(self) -> None:
        """Wait until the process can work."""
        try:
            if not self._connection.poll(STARTING_SECONDS):
                raise ServingError(f"A process that reads documents was not ready in {STARTING_SECONDS:g} s.")
            said = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise ServingError("A process that reads documents ended while it started.") from None
        if said != "ready":
            raise ServingError(str(said))

    def ask(self, content: bytes, options: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Hand over a file and wait for the answer; called in a thread."""
        try:
            self._connection.send_bytes(json.dumps(options).encode())
            self._connection.send_bytes(content)
            if not self._connection.poll(seconds):
                raise Late
            found: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError, ValueError):
            raise Died from None
        return found

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join(5)
        self._connection.close()
