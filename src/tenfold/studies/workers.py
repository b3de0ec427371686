"""Trains jobs side by side, each with a core of its own, and tells how far they are."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from tenfold.errors import StudyError, TrainingError, TrainingStopped
from tenfold.studies.jobs import Task
from tenfold.training.one_core import one_core
from tenfold.training.worker import ctrl_c_waits, deaf_children, end_processes, serve_parent

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
        Trainings; `total` counts those that wait for a search, as if what is expected to win did.
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
    _later: float = 0.0
    _costs: dict[Task, float] = field(default_factory=dict)
    _parts: dict[Task, float] = field(default_factory=dict)
    _start: float = field(default_factory=perf_counter)

    def expect(self, kept: int, missing: Sequence[Task], later: Sequence[Task] = ()) -> None:
        """Take note of what is to do: `kept` trainings are done already, `missing` are not.

        What comes `later` waits for these.
        """
        self.done = kept
        self.total = kept + sum(task.count for task in (*missing, *later))
        self._later = sum(task.cost for task in later)
        for job in missing:
            self._costs.setdefault(job, job.cost)
        self._tell()

    def update(self, job: Task, part: float) -> None:
        """Take note that `part` of `job` is done; news that comes after what is newer changes nothing."""
        self._parts[job] = max(part, self._parts.get(job, 0.0))
        self._tell()

    def finish(self, job: Task) -> None:
        """Take note that `job` is done."""
        self._parts[job] = 1.0
        self.done += job.count
        self._tell()

    def fail(self, job: Task) -> None:
        """Take note that there is nothing more to do for `job`, though it is not done."""
        self._parts[job] = 1.0
        self._tell()

    def _tell(self) -> None:
        if self.show is None:
            return
        work = sum(self._costs.values()) + self._later
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


class Workers:
    """Processes that do jobs, each on one core. A context: on leaving it they end.

    Where there are fewer jobs than cores, a job that can use more has its share of them (`threads`).

    They start when there is first something to do and stay for what comes next, of the same study or another:
    each one's start takes seconds, and what it has read it need not read again.

    Attributes
    ----------
    count : int
        How many jobs are done at once.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = count or cores()
        self._pool: ProcessPoolExecutor | None = None
        self._stop: Any = None
        self._news: Any = None
        self._threads: Any = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is not None:
            # Each worker finds this set at its next report, saves a checkpoint and ends.
            self._stop.value = True
            end_processes(self._pool, failed=kind is not None)

    def run(self, missing: Sequence[Task], work: Work, tracker: Tracker) -> dict[Task, TrainingError]:
        """Do every job; the longest first, so that no core is left alone with it at the end.

        Where this raises, leave the context: jobs may still be running.

        Returns
        -------
        failed : dict of Task to TrainingError
            The jobs that cannot be done, as where a loss is not finite, and why. All others are done.

        Raises
        ------
        KeyboardInterrupt
            The user pressed Ctrl-C.
        StudyError
            A worker was killed.
        """
        pool = self._started()
        ordered = sorted(missing, key=lambda job: -job.cost)
        by_name = {job.name: job for job in ordered}
        failed: dict[Task, TrainingError] = {}
        try:
            # A process is started with the first job that finds none idle.
            with ctrl_c_waits(), one_core(), deaf_children():
                futures = {pool.submit(_work, work, job): job for job in ordered}
            waiting: set[Future[None]] = set(futures)
            while waiting:
                self._threads.value = max(1, self.count // len(waiting))
                with ctrl_c_waits():
                    finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                    news = list(_drain(self._news))
                    errors = {futures[future]: future.exception() for future in finished}
                for name, part in news:
                    if name in by_name:  # else news of what was finished before, which came late
                        tracker.update(by_name[name], part)
                for job, error in errors.items():
                    if error is None:
                        tracker.finish(job)
                    elif isinstance(error, TrainingError) and not isinstance(error, TrainingStopped):
                        failed[job] = error
                        tracker.fail(job)
                    else:
                        raise error
        except BrokenProcessPool:
            raise StudyError(
                f"A worker process was killed (was memory short?). {tracker.done} of {tracker.total} "
                "trainings are finished and kept; run the same command again to go on, with --workers 1 if "
                "memory is short."
            ) from None
        return failed

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            # Without locks: a worker that is killed while it has one would keep it.
            self._stop, self._threads = context.RawValue("b", False), context.RawValue("i", 1)
            self._news = context.Queue()
            self._pool = ProcessPoolExecutor(
                self.count,
                mp_context=context,
                initializer=_start,
                initargs=(self._stop, self._news, self._threads),
            )
        return self._pool


def _drain(news: Any) -> Iterator[tuple[str, float]]:
    while True:
        try:
            yield news.get_nowait()
        except queue.Empty:
            return


def threads() -> int:
    """Return how many threads the job of this process may use now: its core's, and those of idle cores."""
    return 1 if _threads is None else int(_threads.value)


_stop: Any = None
_news: Any = None
_threads: Any = None


def _start(stop: Any, news: Any, shared_threads: Any) -> None:
    """Make a worker ready: Ctrl-C is the parent's to handle, which then sets `stop`."""
    global _stop, _news, _threads
    _stop, _news, _threads = stop, news, shared_threads
    news.cancel_join_thread()  # at the end nobody reads it any more, and it would wait for a reader
    serve_parent()


def _work(work: Work, job: Task) -> None:
    def report(part: float) -> None:
        if _stop.value:
            raise KeyboardInterrupt
        _news.put((job.name, part))

    work(job, report)
