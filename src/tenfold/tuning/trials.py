"""Training candidates on folds, one by one or together, here or elsewhere, and keeping what is trained.

A finished training is kept as a run in the store, one that rests as a checkpoint in the folder of that run.
So a search that was stopped or killed goes on where it was, and one that climbs further, or compares more
candidates, trains only what is new.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf, isnan
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tenfold.data.dataset import Dataset
from tenfold.errors import TrainingDiverged, TrainingStopped, TuningError
from tenfold.networks.architecture import Architecture
from tenfold.runs import Run, Store, identity
from tenfold.training import Engine, History, Recipe, get_engine, train
from tenfold.training.checkpoint import remove_checkpoint
from tenfold.training.engine import short_of_memory
from tenfold.training.one_core import one_core
from tenfold.training.worker import ctrl_c_waits, deaf_children, end_processes, serve_parent

if TYPE_CHECKING:
    from tenfold.training.torch_engine import TorchEngine

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


class Reached(NamedTuple):
    """What a training reached on what was held out."""

    accuracy: float
    loss: float
    """Cross-entropy in nats, whatever the training lowers; infinite where it ran away."""


class Trials:
    """Does jobs, here or in processes of one thread each; the images go to each process once.

    Parameters
    ----------
    folds, store, engine
        As for `search`.
    workers : int >= 1
    together : bool or None
        Whether jobs that are alike are done as one batched computation, in this process. None: on a GPU.
    """

    def __init__(
        self,
        folds: Sequence[Fold],
        store: Store,
        engine: str,
        workers: int,
        together: bool | None = None,
    ) -> None:
        if workers < 1:
            raise TuningError(f"workers must be an integer >= 1. Got {workers!r} instead.")
        self._setting = (folds, store, engine)
        self._workers = workers
        self._together = on_gpu(engine) if together is None else together
        if self._together:
            _torch(engine)
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Trials:
        if self._workers > 1:
            context = multiprocessing.get_context("spawn")
            self._stop = context.RawValue("b", False)
            setting = (*self._setting, self._stop)
            self._processes = ProcessPoolExecutor(self._workers, context, _take, setting)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._processes is not None:
            # Where a search ends early, each finds this set at its next report, saves a checkpoint and ends.
            self._stop.value = True
            end_processes(self._processes, failed=kind is not None)

    def run(
        self, jobs: Sequence[Job], on_progress: Callable[[float], None] = lambda done: None
    ) -> Iterator[tuple[Job, _Found]]:
        """Yield each job with what it reached by epoch, the epochs that were trained, and the processor time
        that another process spent on it.

        `on_progress` is told how many are done; of those that are done together, how many jobs' worth.
        """
        crews, alone = self._divided(jobs) if self._together else ([], jobs)
        done, epochs = 0, Counter[Job]()
        while crews:
            crew = crews.pop(0)

            def tell(part: float, before: int = done, count: int = len(crew)) -> None:
                on_progress(before + min(part, 0.999) * count)  # the whole is told once, at its end

            try:
                each_found = _run_together(crew, *self._setting, epochs, tell)
            except Exception as error:
                if not short_of_memory(error):
                    raise
                if len(crew) == 1:
                    raise _too_large(crew[0]) from None
                crews[:0] = crew[: len(crew) // 2], crew[len(crew) // 2 :]
                continue
            yield from ((job, (rows, epochs[job], 0.0)) for job, rows in zip(crew, each_found, strict=True))
            done += len(crew)
            on_progress(done)
        for job, found in zip(alone, self._one_by_one(alone), strict=True):
            yield job, found
            done += 1
            on_progress(done)

    def _divided(self, jobs: Sequence[Job]) -> tuple[list[list[Job]], list[Job]]:
        """Return which jobs are done together, and those that are done one by one."""
        from tenfold.training.together import divided

        made = _torch(self._setting[-1])
        return divided(jobs, lambda job: (job.candidate.architecture, job.candidate.recipe), made)

    def _one_by_one(self, jobs: Sequence[Job]) -> Iterator[_Found]:
        """Yield what `run` does of each job, done by itself."""
        if self._processes is None:
            yield from ((*_run(job, *self._setting), 0.0) for job in jobs)
            return
        # A process is started with the first job that finds none idle.
        with ctrl_c_waits(), one_core(), deaf_children():
            futures = [self._processes.submit(_run_there, job) for job in jobs]
        try:
            yield from map(_result, futures)
        except BrokenProcessPool:
            raise TuningError(
                "A worker process was killed (was memory short?). What is trained is kept; search again to "
                "go on, with fewer workers if memory is short."
            ) from None


_Found = tuple[dict[int, Reached], int, float]
"""What was reached by epoch, the epochs trained for it, and the seconds of another process' core."""

_taken: tuple[Sequence[Fold], Store, str]
_stop: Any = None
"""Set where the search ends early; None in the process that searches, to which Ctrl-C comes itself."""


def _take(folds: Sequence[Fold], store: Store, engine: str, stop: Any) -> None:
    """Make a process ready: Ctrl-C is the parent's to handle, which then sets `stop`."""
    global _taken, _stop
    _taken, _stop = (folds, store, engine), stop
    serve_parent()


def _result(future: Future[_Found]) -> _Found:
    while True:
        with ctrl_c_waits():
            if wait([future], timeout=0.2).done:
                return future.result()


def _heed_stop(_: object = None) -> None:
    if _stop is not None and _stop.value:
        raise KeyboardInterrupt


def _run_there(job: Job) -> _Found:
    if _stop.value:  # what was handed out already is not cancelled
        raise TrainingStopped("The search has ended.")
    began = process_time()
    rows, epochs = _run(job, *_taken)
    return rows, epochs, process_time() - began


def _run(job: Job, folds: Sequence[Fold], store: Store, engine: str) -> tuple[dict[int, Reached], int]:
    """Train what `job` asks for beyond what is kept; return what it reached, and the epochs trained."""
    made = get_engine(engine)
    (data, held), candidate = folds[job.fold], job.candidate
    what = _what(job, folds, made)
    id = identity(what)
    with store.claim(id):
        kept = store.find(id)
        if kept is not None:
            return _reached(kept.history), 0
        started, epochs = datetime.now(UTC).isoformat(), 0

        def count(_: object) -> None:
            nonlocal epochs
            epochs += 1
            _heed_stop()

        try:
            trained = train(
                candidate.architecture.named(""),
                candidate.recipe,
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
            history, seconds = trained.history, trained.seconds
        except TrainingDiverged:
            history, seconds = _lost(job), 0.0
        except Exception as error:
            if short_of_memory(error):
                raise _too_large(job) from None
            raise
        _keep(job, what, history, seconds, started, data, store)
    return _reached(history.to_dict()), epochs


def _too_large(job: Job) -> TuningError:
    return TuningError(
        f"The memory of the device does not suffice to train {job.candidate.label}. Choose a smaller "
        "batch_size, or another device."
    )


def _run_together(
    jobs: Sequence[Job],
    folds: Sequence[Fold],
    store: Store,
    engine: str,
    epochs: Counter[Job],
    on_progress: Callable[[float], None],
) -> list[dict[int, Reached]]:
    """Do what `_run` does for each, as one batched computation, and count the epochs that are trained."""
    from tenfold.training.together import Training, train_together

    made = _torch(engine)
    whats = [_what(job, folds, made) for job in jobs]
    ids = [identity(what) for what in whats]
    with ExitStack() as claims:
        for id in sorted(set(ids)):  # in one order, so that no two processes wait for each other
            claims.enter_context(store.claim(id))
        histories = {
            place: kept.history for place, id in enumerate(ids) if (kept := store.find(id)) is not None
        }
        left = [place for place in range(len(jobs)) if place not in histories]
        started = datetime.now(UTC).isoformat()

        def count(at: int) -> None:
            epochs[jobs[left[at]]] += 1

        trainings = [
            Training(
                jobs[place].candidate.architecture.named(""),
                jobs[place].candidate.recipe,
                folds[jobs[place].fold][0],
                jobs[place].seed,
                store.folder(ids[place]),
                {"held": folds[jobs[place].fold][1]},
                jobs[place].monitor_every,
                jobs[place].until,
            )
            for place in left
        ]
        found = train_together(trainings, made, on_epoch=count, on_progress=on_progress)
        for place, training, each in zip(left, trainings, found, strict=True):
            job = jobs[place]
            if isinstance(each, TrainingDiverged):
                history, seconds = _lost(job), 0.0
            else:
                history, seconds = each.history, each.seconds
            _keep(job, whats[place], history, seconds, started, training.data, store, len(left))
            if history.rows[-1]["epoch"] == job.candidate.recipe.epochs:
                remove_checkpoint(training.folder)
            histories[place] = history.to_dict()
    return [_reached(histories[place]) for place in range(len(jobs))]


def on_gpu(engine: str) -> bool:
    """Return whether the engine of that name computes on a GPU here."""
    return bool(get_engine(engine).settings().get("device", "cpu") != "cpu")


def _torch(engine: str) -> TorchEngine:
    made = get_engine(engine)
    if made.name != "torch":
        raise TuningError(
            "together must be False or None with this engine: only torch trains candidates together. Got "
            f"True with engine {engine!r} instead."
        )
    return cast("TorchEngine", made)


def _what(job: Job, folds: Sequence[Fold], engine: Engine) -> dict[str, Any]:
    """Return what is trained: the same whether it is alone or together with others."""
    (data, held), recipe = folds[job.fold], job.candidate.recipe
    return {
        "network": job.candidate.architecture.named("").to_dict(),
        "recipe": recipe.to_dict(),
        "data": {"train": data.sha256, "held": held.sha256},
        "seed": job.seed,
        "engine": engine.settings(recipe),
        "monitor_every": job.monitor_every,
    }


def _lost(job: Job) -> History:
    """Return the history of a training that diverged: it has lost, at whatever epoch one asks."""
    every = range(job.monitor_every, job.candidate.recipe.epochs + 1, job.monitor_every)
    return History([{"epoch": epoch, "held_accuracy": 0.0} for epoch in every])


def _keep(
    job: Job,
    what: dict[str, Any],
    history: History,
    seconds: float,
    started: str,
    data: Dataset,
    store: Store,
    together: int = 1,
) -> None:
    """Put the run into the store if it has come to its end."""
    last = history.rows[-1]
    if last["epoch"] < job.candidate.recipe.epochs:
        return
    tags = {"search": job.candidate.label, "fold": job.fold}
    store.add(
        Run(
            id=identity(what),
            network=job.candidate.architecture.name,
            engine=what["engine"]["name"],
            data=data.name,
            seed=job.seed,
            what=what,
            history=history.to_dict(),
            metrics={"held_accuracy": last["held_accuracy"], "n_train": len(data)},
            started=started,
            seconds=seconds,
            tags=tags | ({"together": together} if together > 1 else {}),
        )
    )


def _reached(history: dict[str, list[Any]]) -> dict[int, Reached]:
    # A training that ran away has no loss.
    losses = history.get("held_loss", [None] * len(history["epoch"]))
    rows = zip(history["epoch"], history["held_accuracy"], losses, strict=True)
    return {
        epoch: Reached(accuracy, inf if loss is None or isnan(loss) else loss)
        for epoch, accuracy, loss in rows
        if accuracy is not None
    }
