"""Training candidates on folds, here or in other processes, and keeping what is trained.

A finished training is kept as a run in the store, one that rests as a checkpoint in the folder of that run.
So a search that was stopped or killed goes on where it was, and one that climbs further, or compares more
candidates, trains only what is new.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from time import process_time
from typing import Any

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingDiverged, TrainingStopped, TuningError
from tenfold.networks.architecture import Architecture
from tenfold.runs import Run, Store, identity
from tenfold.training import History, Recipe, get_engine, train
from tenfold.training.one_core import one_core

Fold = tuple[Dataset, Dataset]
"""What is trained on, and what is held out."""


@dataclass(frozen=True)
class Candidate:
    """One of those to choose among.

    Attributes
    ----------
    label : str
    architecture : Architecture
    recipe : Recipe
    """

    label: str
    architecture: Architecture
    recipe: Recipe


@dataclass(frozen=True)
class Job:
    """A training up to some epoch, on one fold."""

    candidate: Candidate
    fold: int
    seed: int
    until: int
    monitor_every: int


class Trials:
    """Does jobs, here or in processes of one thread each; the images go to each process once."""

    def __init__(self, folds: Sequence[Fold], store: Store, engine: str, workers: int) -> None:
        if workers < 1:
            raise TuningError(f"workers must be an integer >= 1. Got {workers!r} instead.")
        self._setting = (folds, store, engine)
        self._workers = workers
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Trials:
        if self._workers > 1:
            context = multiprocessing.get_context("spawn")
            self._stop = context.Event()
            setting = (*self._setting, self._stop)
            self._processes = ProcessPoolExecutor(self._workers, context, _take, setting)
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes is not None:
            # Where a search ends early, each finds this set at its next report, saves a checkpoint and ends.
            self._stop.set()
            self._processes.shutdown(cancel_futures=True)

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, tuple[dict[int, float], int, float]]]:
        """Yield each job with its accuracies by epoch, the epochs that were trained, and the processor time
        that another process spent on it.
        """
        if self._processes is None:
            yield from ((job, (*_run(job, *self._setting), 0.0)) for job in jobs)
            return
        with one_core():  # a process is started with the first job that finds none idle
            futures = [self._processes.submit(_run_there, job) for job in jobs]
        try:
            yield from zip(jobs, (future.result() for future in futures), strict=True)
        except BrokenProcessPool:
            raise TuningError(
                "A worker process was killed (was memory short?). What is trained is kept; search again to "
                "go on, with fewer workers if memory is short."
            ) from None


_taken: tuple[Sequence[Fold], Store, str]
_stop: Any = None
"""Set where the search ends early; None in the process that searches, to which Ctrl-C comes itself."""


def _take(folds: Sequence[Fold], store: Store, engine: str, stop: Any) -> None:
    """Make a process ready: Ctrl-C is the parent's to handle, which then sets `stop`."""
    global _taken, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _taken, _stop = (folds, store, engine), stop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Leave no process behind where the parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _heed_stop(_: object = None) -> None:
    if _stop is not None and _stop.is_set():
        raise KeyboardInterrupt


def _run_there(job: Job) -> tuple[dict[int, float], int, float]:
    if _stop.is_set():  # what was handed out already is not cancelled
        raise TrainingStopped("The search has ended.")
    began = process_time()
    rows, epochs = _run(job, *_taken)
    return rows, epochs, process_time() - began


def _run(job: Job, folds: Sequence[Fold], store: Store, engine: str) -> tuple[dict[int, float], int]:
    """Train what `job` asks for beyond what is kept; return accuracies by epoch, and the epochs trained."""
    made = get_engine(engine)
    (data, held), candidate = folds[job.fold], job.candidate
    recipe = candidate.recipe
    what: dict[str, Any] = {
        "network": candidate.architecture.named("").to_dict(),
        "recipe": recipe.to_dict(),
        "data": {"train": data.sha256, "held": held.sha256},
        "seed": job.seed,
        "engine": made.settings(recipe),
        "monitor_every": job.monitor_every,
    }
    id = identity(what)
    with store.claim(id):
        kept = store.find(id)
        if kept is not None:
            return _accuracies(kept.history), 0
        started, epochs = datetime.now(UTC).isoformat(), 0

        def count(_: object) -> None:
            nonlocal epochs
            epochs += 1
            _heed_stop()

        try:
            trained = train(
                candidate.architecture.named(""),
                recipe,
                data,
                engine=made,
                seed=job.seed,
                monitors={"held": held},
                monitor_every=job.monitor_every,
                folder=store.folder(id),
                until=job.until,
                on_epoch=count,
                on_progress=_heed_stop,
            )
            rows, seconds = trained.history.rows, trained.seconds
        except TrainingDiverged:
            # It has lost, at whatever epoch one asks.
            every = range(job.monitor_every, recipe.epochs + 1, job.monitor_every)
            rows, seconds = [{"epoch": epoch, "held_accuracy": 0.0} for epoch in every], 0.0
        history = History(rows)
        if rows[-1]["epoch"] == recipe.epochs:
            store.add(
                Run(
                    id=id,
                    network=candidate.architecture.name,
                    engine=made.name,
                    data=data.name,
                    seed=job.seed,
                    what=what,
                    history=history.to_dict(),
                    metrics={"held_accuracy": rows[-1]["held_accuracy"], "n_train": len(data)},
                    started=started,
                    seconds=seconds,
                    tags={"search": candidate.label, "fold": job.fold},
                )
            )
    return _accuracies(history.to_dict()), epochs


def _accuracies(history: dict[str, list[Any]]) -> dict[int, float]:
    rows = zip(history["epoch"], history["held_accuracy"], strict=True)
    return {epoch: accuracy for epoch, accuracy in rows if accuracy is not None}
