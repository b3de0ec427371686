"""Runs a study: every training it needs, each once; what is finished is never repeated.

Small networks gain nothing from a second thread, so each core trains a network of its own with one thread.
That also makes a result independent of how many cores there were.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.errors import StudyError, TrainingStopped
from tenfold.evaluation import evaluate, softmax
from tenfold.models.card import describe
from tenfold.models.fit import LIMITS
from tenfold.models.model import Model
from tenfold.runs import Run, Store, identity
from tenfold.studies.jobs import Job, collect, jobs
from tenfold.studies.results import Results
from tenfold.studies.share import Parts, parts
from tenfold.studies.study import SEARCH, Study
from tenfold.studies.workers import Report, StudyProgress, Tracker, cores, run_all
from tenfold.training import Engine, Progress, Weights, get_engine, train


def run_study(
    study: Study,
    *,
    scale: str,
    store: Store,
    seeds: int | None = None,
    only: tuple[str, ...] = (),
    engine: str = "auto",
    workers: int | None = None,
    on_progress: Callable[[StudyProgress], None] | None = None,
) -> Results:
    """Run what is missing of a study, and return its results.

    Parameters
    ----------
    study : Study
    scale : str
        "smoke", "quick" or "paper".
    store : Store
        Where finished runs are looked up and kept.
    seeds : int or None
        How many seeds, instead of the scale's.
    only : tuple of str
        Names of experiments; empty for all.
    engine : str
    workers : int or None
        How many processes; None for one a core.
    on_progress : function of StudyProgress, or None

    Raises
    ------
    TrainingStopped
        The user pressed Ctrl-C. Finished runs are kept, the others have a checkpoint; the same call goes on.
    StudyError
        A worker was killed. Finished runs are kept.
    """
    if seeds is not None and seeds < 1:
        raise StudyError(f"seeds must be an integer >= 1. Got {seeds!r} instead.")
    settings = get_engine(engine).settings()
    tracker = Tracker(on_progress, workers or cores())
    work = partial(run_job, root=store.root, engine=engine)
    while True:
        results = collect(study, scale, store)
        needed = jobs(study, scale, results, seeds=seeds, only=only)
        missing = [job for job in needed if store.find(identity(job.what(settings))) is None]
        tracker.expect(len(needed) - len(missing), missing)
        if not missing:
            return results
        try:
            run_all(missing, work, workers, tracker)
        except (TrainingStopped, KeyboardInterrupt):
            raise TrainingStopped(
                f"The study {study.key} stopped with {tracker.done} of {tracker.total} trainings finished. "
                "They are kept, and the others go on where they were: run the same command again."
            ) from None


def run_job(job: Job, report: Report, *, root: Path, engine: str = "auto") -> Run:
    """Train what `job` says, measure it, and keep the run; return the kept run if it was done before.

    Parameters
    ----------
    job : Job
    report : function of float
        Told the part of the training that is done.
    root : Path
        The store's.
    engine : str
    """
    store = Store(root)
    made = get_engine(engine)
    what = job.what(made.settings())
    id = identity(what)
    with store.claim(id):
        return store.find(id) or _train(job, what, id, store, made, report)


def _train(job: Job, what: dict[str, Any], id: str, store: Store, engine: Engine, report: Report) -> Run:
    started = datetime.now(UTC).isoformat()
    data = parts(job.share)
    setup = job.setup
    folder = store.folder(id)

    def progress(state: Progress) -> None:
        report(state.part)

    trained = train(
        setup.network,
        setup.recipe,
        data.train,
        engine=engine,
        seed=job.seed,
        monitors=data.monitors,
        folder=folder,
        on_epoch=progress,
        on_progress=progress,
    )
    history = trained.history.to_dict()
    metrics = _measure(job, data, engine, trained.weights, history, folder)
    if job.share.reading != SEARCH:
        results = (
            {data.test.name: {"accuracy": metrics["test_accuracy"], "n": len(data.test)}} if data.test else {}
        )
        card = describe(trained, data.train, results=results, limits=LIMITS)
        Model(setup.network, trained.weights, data.train.classes, card=card).save(folder / "model")
    run = Run(
        id=id,
        network=setup.network.name,
        engine=engine.name,
        data=data.train.name,
        seed=job.seed,
        what=what,
        history=history,
        metrics=metrics,
        folder=folder,
        started=started,
        seconds=trained.seconds,
        tags={
            "study": job.study,
            "experiment": job.experiment,
            "label": job.label,
            "reading": job.share.reading,
            "scale": job.scale,
            "arm": job.arm,
        },
    )
    store.add(run)
    return run


def _measure(
    job: Job, data: Parts, engine: Engine, weights: Weights, history: dict[str, list[Any]], folder: Path
) -> dict[str, Any]:
    """Measure the final weights: on the training images without dropout, and on the test set if allowed."""
    network = job.setup.network
    logits = engine.logits(network, weights, data.train.images)
    train_accuracy = float(np.mean(logits.argmax(axis=1) == data.train.labels))
    metrics: dict[str, Any] = {
        "train_accuracy": train_accuracy,
        "running_train_accuracy": history["train_accuracy"][-1],
        "n_train": len(data.train),
    }
    for name in data.monitors:
        metrics[f"{name}_accuracy"] = history[f"{name}_accuracy"][-1]
        metrics[f"{name}_loss"] = history[f"{name}_loss"][-1]
        metrics[f"best_{name}_accuracy"] = max(history[f"{name}_accuracy"])
        metrics[f"lowest_{name}_loss"] = min(history[f"{name}_loss"])
        metrics["gap"] = train_accuracy - metrics[f"{name}_accuracy"]
    if data.test is not None:
        probabilities = softmax(engine.logits(network, weights, data.test.images))
        found = evaluate(data.test.labels, probabilities, data.test.classes).to_dict()
        metrics["test"] = found
        metrics["test_accuracy"] = found["accuracy"]
        metrics["test_loss"] = found["nll"]
        metrics |= {f"test_{name}": found["macro"][name] for name in ("precision", "recall", "f1")}
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            folder / "predictions.npz",
            predicted=probabilities.argmax(axis=1).astype(np.uint8),
            confidence=probabilities.max(axis=1),
        )
    return metrics
