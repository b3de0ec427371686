"""Trains jobs side by side, each core one job with one thread, and tells how far they are."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from tenfold.errors import StudyError
from tenfold.studies.jobs import Task

PRIOR_SECONDS = 20.0
"""How much the estimated cost of the jobs counts for, beside the measured one, when time left is told."""

Report = Callable[[float], None]
"""Told the part of a job that is done, in [0, 1]; a few times a second."""

Work = Callable[[Task, Report], object]
"""Does a job or a crew's. Must be a module's function, so that another process can find it."""


@dataclass(frozen=True)
class StudyProgress:
    """Where a study stands, for whoever shows it.

    Attributes
    ----------
    done, total : int
        Trainings; `total` grows when a search is done and its winner is to be trained.
    part : float in [0, 1]
        The part of the work that is done, by its estimated cost.
    running : tuple of str
        What is being trained.
    seconds, eta : float
        Since the start, and until the end as far as can be told.
    """

    done: int
    total: int
    part: float
    running: tuple[str, ...]
    seconds: float
    eta: float


@dataclass
class Tracker:
    """Adds up how far the jobs are.

    Attributes
    ----------
    show : function of StudyProgress, or None
    workers : int
        How many jobs run at once.
    """

    show: Callable[[StudyProgress], None] | None
    workers: int = 1
    done: int = 0
    total: int = 0
    _costs: dict[Task, float] = field(default_factory=dict)
    _parts: dict[Task, float] = field(default_factory=dict)
    _start: float = field(default_factory=perf_counter)

    def expect(self, kept: int, missing: Sequence[Task]) -> None:
        """Take note of what is to do: `kept` trainings are done already, `missing` are not."""
        self.done, self.total = kept, kept + sum(task.count for task in missing)
        for job in missing:
            self._costs.setdefault(job, job.cost)
        self._tell()

    def update(self, job: Task, part: float) -> None:
        """Take note that `part` of `job` is done."""
        self._parts[job] = part
        self._tell()

    def finish(self, job: Task) -> None:
        """Take note that `job` is done."""
        self._parts[job] = 1.0
        self.done += job.count
        self._tell()

    def _tell(self) -> None:
        if self.show is None:
            return
        work = sum(self._costs.values())
        gone = sum(self._costs[job] * part for job, part in self._parts.items())
        part = gone / work if work else 1.0
        seconds = perf_counter() - self._start
        # The pace is what was measured, but starts from the estimate, which the first seconds hardly better.
        pace = (seconds * self.workers + PRIOR_SECONDS) / (gone + PRIOR_SECONDS)
        eta = (work - gone) * pace / self.workers
        running = tuple(job.name for job, part in self._parts.items() if part < 1)
        self.show(StudyProgress(self.done, self.total, part, running, seconds, eta))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(missing: Sequence[Task], work: Work, workers: int | None, tracker: Tracker) -> None:
    """Do every job in worker processes; the longest first, so that no core is left alone with it at the end.

    Raises
    ------
    KeyboardInterrupt
        The user pressed Ctrl-C. All workers have stopped and saved their state.
    StudyError
        A worker was killed.
    """
    ordered = sorted(missing, key=lambda job: -job.cost)
    count = min(workers or cores(), len(ordered))
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    news: Any = context.Queue()
    with _single_threaded():
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(stop, news))
        futures: dict[Future[None], Task] = {pool.submit(_work, work, job): job for job in ordered}
    by_name = {job.name: job for job in ordered}
    try:
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for name, part in _drain(news):
                tracker.update(by_name[name], part)
            for future in finished:
                future.result()
                tracker.finish(futures[future])
    except BrokenProcessPool:
        raise StudyError(
            f"A worker process was killed (was memory short?). {tracker.done} of {tracker.total} "
            f"trainings are "
            "finished and kept; run the same command again to go on, with --workers 1 if memory is short."
        ) from None
    finally:
        # Each worker finds this set at its next report, saves a checkpoint and ends.
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _drain(news: Any) -> Iterator[tuple[str, float]]:
    while True:
        try:
            yield news.get_nowait()
        except queue.Empty:
            return


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread each for their arithmetic."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_stop: Any = None
_news: Any = None


def _start(stop: Any, news: Any) -> None:
    """Make a worker ready: Ctrl-C is the parent's to handle, which then sets `stop`."""
    global _stop, _news
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop, _news = stop, news
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Leave no worker behind where the parent was killed; what it was doing has its checkpoint."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(work: Work, job: Task) -> None:
    def report(part: float) -> None:
        if _stop.is_set():
            raise KeyboardInterrupt
        _news.put((job.name, part))

    work(job, report)
