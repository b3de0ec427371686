"""Files from strangers are opened in processes of their own, with limits on memory and time.

Whatever a file does to the process that opens it, the service lives: the process is replaced, and the client
is told that the file cannot be read. What comes back is JSON, so a process that was taken over cannot hand
back code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tenfold.errors import ServingError
from tenfold.serving.child import Work
from tenfold.serving.problems import Problem
from tenfold.serving.process import Died, Late, Process


class Documents:
    """Processes that open files.

    Parameters
    ----------
    prepare : function
        Called once in each process; returns what does the work. Must be a module's function.
    arguments : tuple
        What `prepare` is called with.
    processes : int
    waiting : int
        How many files may wait for a process; more are refused.
    seconds : float
        How long a file may take.
    memory : int
        The bytes that the work may take beyond what a process has once it is ready; 0: any.
    observe : function, optional
        Told what became of each file: "read", "unreadable", "late", "died" or "refused".
    """

    def __init__(
        self,
        prepare: Callable[..., Work],
        arguments: tuple[Any, ...] = (),
        *,
        processes: int = 1,
        waiting: int = 16,
        seconds: float = 20.0,
        memory: int = 2**30,
        observe: Callable[[str], object] | None = None,
    ) -> None:
        self._kind = prepare, arguments, memory
        self._count, self._limit, self._seconds = processes, waiting, seconds
        self._observe = observe or (lambda outcome: None)
        self._threads = ThreadPoolExecutor(processes, "documents")
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        self._all: set[Process] = set()
        self._waiting = 0
        self._closed = False
        self._replacements: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many files wait for a process."""
        return self._waiting

    @property
    def ready(self) -> bool:
        """Whether all processes are there."""
        return len(self._all) == self._count

    async def start(self) -> None:
        """Start all processes, and wait until they are ready.

        Raises
        ------
        ServingError
            One could not start.
        """
        await asyncio.gather(*(self._start_one() for _ in range(self._count)))

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        for task in self._replacements:
            task.cancel()
        for process in self._all:
            process.kill()
        self._all.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, content: bytes, options: Mapping[str, Any]) -> Any:
        """Let a process do its work on a file, and return what it answers.

        Raises
        ------
        Problem
            The file cannot be read, or took too long or too much memory, or too many files wait.
        """
        if self._waiting >= self._limit:
            self._observe("refused")
            detail = f"{self._waiting} documents wait to be read, the limit is {self._limit}. Try again."
            raise Problem("busy", detail, {"Retry-After": f"{max(1, round(self._seconds / 4))}"})
        self._waiting += 1
        try:
            process = await self._free.get()
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        # The process finishes its work even if the client has gone; only then is it free again.
        work = loop.run_in_executor(self._threads, process.ask, content, dict(options), self._seconds)
        work.add_done_callback(lambda done: self._give_back(process, done))
        try:
            found = await asyncio.shield(work)
        except Late:
            self._observe("late")
            detail = f"Reading it took longer than {self._seconds:g} s. Send a smaller or simpler document."
            raise Problem("unreadable", detail) from None
        except Died:
            self._observe("died")
            detail = "Decoding it failed or took too much memory. Send it in another format, or smaller."
            raise Problem("unreadable", detail) from None
        if "error" in found:
            self._observe("unreadable")
            raise Problem("unreadable", found["error"])
        self._observe("read")
        return found["answer"]

    def _give_back(self, process: Process, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or process not in self._all:
            return
        if done.exception() is None and not done.result().get("spent"):
            self._free.put_nowait(process)
            return
        self._all.discard(process)
        process.kill()
        task = asyncio.ensure_future(self._replace())
        self._replacements.add(task)
        task.add_done_callback(self._replacements.discard)

    async def _replace(self) -> None:
        while True:
            try:
                return await self._start_one()
            except (ServingError, OSError):
                # Short of memory, perhaps; it may be better soon, and until then the service is not ready.
                await asyncio.sleep(1)

    async def _start_one(self) -> None:
        loop = asyncio.get_running_loop()
        process = await loop.run_in_executor(None, Process, *self._kind)
        try:
            await loop.run_in_executor(None, process.wait_ready)
        except BaseException:
            process.kill()
            raise
        if self._closed:
            process.kill()
            return
        self._all.add(process)
        self._free.put_nowait(process)
