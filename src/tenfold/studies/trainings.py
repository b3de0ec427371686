"""Does the trainings of a study one by one, or those of a crew together, and keeps their runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tenfold.errors import TrainingDiverged, TrainingError
from tenfold.evaluation import classification_report, confusion_matrix, evaluate, softmax
from tenfold.models.card import describe
from tenfold.models.classical import baseline
from tenfold.models.fit import LIMITS, keep_predictions
from tenfold.models.model import Model
from tenfold.runs import Run, Store, identity
from tenfold.studies.experiment import Classical, Setup
from tenfold.studies.jobs import Crew, Job, Task
from tenfold.studies.share import Parts, parts
from tenfold.studies.workers import Report, threads
from tenfold.training import Engine, Progress, Trained, Weights, get_engine, train
from tenfold.training.checkpoint import remove_checkpoint
from tenfold.training.engine import short_of_memory
from tenfold.training.numpy_population import Member
from tenfold.training.population import train_population

if TYPE_CHECKING:
    from tenfold.training.torch_engine import TorchEngine


def run_task(task: Task, report: Report, *, root: Path, engine: str = "auto") -> None:
    """Do what `task` says and keep its runs; those that were done before are kept as they are.

    Parameters
    ----------
    task : Job or Crew
    report : function of float
        Told the part of the training that is done.
    root : Path
        The store's.
    engine : str
        For trainings that are not about an engine.
    """
    store = Store(root)
    if isinstance(task, Crew):
        if task.engine == "numpy":
            _run_crew(task, store, report)
        else:
            _run_batch(task.jobs, store, report, engine)
        return
    id = identity(task.what(get_engine(engine).settings(task.recipe)))
    with store.claim(id):
        if store.find(id) is None:
            try:
                _run_job(task, id, store, report, engine)
            except Exception as error:
                if not short_of_memory(error):
                    raise
                raise TrainingError(
                    "The memory of the device does not suffice. Choose a smaller batch_size, fewer workers "
                    "or another device."
                ) from None


def _run_job(job: Job, id: str, store: Store, report: Report, engine: str) -> None:
    started = datetime.now(UTC).isoformat()
    if isinstance(job.setup, Classical):
        _fit(job, job.setup, id, store, started)
        return
    setup, on = job.setup, job.setup.on
    if on is not None and on.engine == "skorch":
        _search(job, setup, id, store, started)
        return
    made = get_engine(on.engine, **on.settings()) if on else get_engine(engine)
    data = parts(job.share)

    def progress(state: Progress) -> None:
        report(state.part)

    trained = train(
        setup.network,
        setup.recipe,
        data.train,
        engine=made,
        seed=job.seed,
        monitors=data.monitors,
        monitor_every=setup.monitor_every,
        watch_every=setup.watch_every,
        folder=store.folder(id),
        keep_checkpoint=True,
        on_epoch=progress,
        on_progress=progress,
    )
    _keep(job, setup, data, trained, made, store, started, job.what(made.settings(setup.recipe)))
    # Only now: what is killed while it is measured need not be trained again.
    remove_checkpoint(store.folder(id))


def _run_crew(crew: Crew, store: Store, report: Report) -> None:
    """Train the members of a crew together; their checkpoint stays until every one of them is kept."""
    whats = [job.what({}) for job in crew.jobs]
    ids = [identity(what) for what in whats]
    common = identity({"crew": ids})
    folder = store.folder(common)
    with store.claim(common):
        if all(store.find(id) is not None for id in ids):
            return
        started = datetime.now(UTC).isoformat()
        data = parts(crew.jobs[0].share)
        setups = [job.setup for job in crew.jobs if isinstance(job.setup, Setup)]
        together = train_population(
            [
                Member(setup.network, setup.recipe, job.seed, setup.on.backward if setup.on else "true")
                for job, setup in zip(crew.jobs, setups, strict=True)
            ],
            data.train,
            monitors=data.monitors,
            monitor_every=setups[0].monitor_every,
            folder=folder,
            on_progress=report,
            threads=threads,
        )
        for job, setup, trained, what in zip(crew.jobs, setups, together, whats, strict=True):
            _keep(job, setup, data, trained, get_engine("numpy"), store, started, what)
        rmtree(folder)


def _run_batch(jobs: Sequence[Job], store: Store, report: Report, engine: str) -> None:
    """Train jobs as one batched computation; where the memory does not suffice, as two of half the size.

    What runs away, or does not find enough memory by itself, is left undone.
    """
    import torch

    try:
        _try_batch(jobs, store, report, engine)
        return
    except torch.OutOfMemoryError:
        pass  # left here, where nothing holds the memory any more
    finally:
        torch.cuda.empty_cache()  # other processes may want it
    if len(jobs) > 1:
        middle = len(jobs) // 2
        _run_batch(jobs[:middle], store, lambda part: report(part / 2), engine)
        _run_batch(jobs[middle:], store, lambda part: report((1 + part) / 2), engine)


def _try_batch(jobs: Sequence[Job], store: Store, report: Report, engine: str) -> None:
    from tenfold.training.together import Training, train_together

    made = get_engine(engine)
    whats = [job.what(made.settings(job.recipe)) for job in jobs]
    with ExitStack() as claims:
        ids = [identity(what) for what in whats]
        for id in sorted(ids):  # in one order, so that no two processes wait for each other
            claims.enter_context(store.claim(id))
        left = [
            (job, job.setup, parts(job.share), what)
            for job, id, what in zip(jobs, ids, whats, strict=True)
            if isinstance(job.setup, Setup) and store.find(id) is None
        ]
        started = datetime.now(UTC).isoformat()
        trainings = [
            Training(
                setup.network,
                setup.recipe,
                data.train,
                job.seed,
                store.folder(identity(what)),
                data.monitors,
                setup.monitor_every,
            )
            for job, setup, data, what in left
        ]
        if not trainings:
            return
        together = train_together(trainings, cast("TorchEngine", made), on_progress=report)
        for (job, setup, data, what), trained in zip(left, together, strict=True):
            if not isinstance(trained, TrainingDiverged):
                _keep(job, setup, data, trained, made, store, started, what, len(left))
                remove_checkpoint(store.folder(identity(what)))


def _search(job: Job, setup: Setup, id: str, store: Store, started: str) -> None:
    """Fit one candidate in one fold with scikit-learn and skorch, and keep the run."""
    from tenfold.studies.skorch_search import fit_candidate

    data = parts(job.share)
    found = fit_candidate(setup, data.train, data.monitors["validation"], job.seed)
    store.add(
        Run(
            id=id,
            network=setup.network.name,
            engine="skorch",
            data=data.train.name,
            seed=job.seed,
            what=job.what({}),
            history={"epoch": []},
            metrics={
                "validation_accuracy": found.accuracy,
                "validation_loss": found.loss,
                "n_train": len(data.train),
            },
            folder=store.folder(id),
            started=started,
            seconds=found.seconds,
            tags=_tags(job),
        )
    )


def _fit(job: Job, setup: Classical, id: str, store: Store, started: str) -> None:
    """Fit a classical classifier, measure it on the test set, and keep the run."""
    data = parts(job.share)
    model = baseline(setup.name, job.seed)
    begun, begun_cpu = perf_counter(), process_time()
    model.fit(data.train.images, data.train.labels)
    seconds = perf_counter() - begun
    metrics: dict[str, Any] = {"n_train": len(data.train), "cpu_seconds": process_time() - begun_cpu}
    if data.test is not None:
        predicted = model.predict(data.test.images)
        metrics["predict_seconds"] = perf_counter() - begun - seconds
        truth, classes = data.test.labels, data.test.classes
        found = classification_report(truth, predicted, classes).to_dict()
        found["confusion"] = confusion_matrix(truth, predicted, classes).tolist()
        metrics |= _test_metrics(found)
    what = job.what({})
    store.add(
        Run(
            id=id,
            network=setup.name,
            engine="scikit-learn",
            data=data.train.name,
            seed=job.seed,
            what=what,
            history={"epoch": []},
            metrics=metrics,
            folder=store.folder(id),
            started=started,
            seconds=seconds,
            tags=_tags(job),
        )
    )


def _keep(
    job: Job,
    setup: Setup,
    data: Parts,
    trained: Trained,
    engine: Engine,
    store: Store,
    started: str,
    what: dict[str, Any],
    together: int = 1,
) -> None:
    """Measure what was trained, and keep the run with its model."""
    id = identity(what)
    folder = store.folder(id)
    history = trained.history.to_dict()
    metrics = _measure(setup, data, engine, trained.weights, history, folder)
    if trained.cpu_seconds is not None and engine.settings().get("device", "cpu") == "cpu":
        metrics["cpu_seconds"] = trained.cpu_seconds
    if data.test is not None:
        results = {data.test.name: {"accuracy": metrics["test_accuracy"], "n": len(data.test)}}
        card = describe(trained, data.train, results=results, limits=LIMITS)
        Model(setup.network, trained.weights, data.train.classes, card=card).save(folder / "model")
    store.add(
        Run(
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
            tags=_tags(job) | ({"together": together} if together > 1 else {}),
        )
    )


def _tags(job: Job) -> dict[str, Any]:
    return {
        "study": job.study,
        "experiment": job.experiment,
        "label": job.label,
        "reading": job.share.reading,
        "scale": job.scale,
        "arm": job.arm,
    }


def _measure(
    setup: Setup, data: Parts, engine: Engine, weights: Weights, history: dict[str, list[Any]], folder: Path
) -> dict[str, Any]:
    """Measure the final weights: on the training images without dropout, and on the test set if allowed."""
    logits = engine.logits(setup.network, weights, data.train.images)
    train_accuracy = float(np.mean(logits.argmax(axis=1) == data.train.labels))
    metrics: dict[str, Any] = {
        "train_accuracy": train_accuracy,
        "running_train_accuracy": history["train_accuracy"][-1],
        "n_train": len(data.train),
    }
    if "diverged" in history:
        metrics["diverged"] = history["diverged"][-1]
    for name in data.monitors:
        accuracies, losses = (
            [value for value in history[f"{name}_{metric}"] if value is not None]
            for metric in ("accuracy", "loss")
        )
        metrics[f"{name}_accuracy"] = accuracies[-1]
        metrics[f"{name}_loss"] = history[f"{name}_loss"][-1]
        metrics[f"best_{name}_accuracy"] = max(accuracies)
        metrics[f"lowest_{name}_loss"] = min(losses, default=None)
        if metrics[f"{name}_loss"] is not None:
            metrics["loss_rise"] = metrics[f"{name}_loss"] / min(losses) - 1
        metrics["gap"] = train_accuracy - metrics[f"{name}_accuracy"]
    if data.test is not None:
        probabilities = softmax(engine.logits(setup.network, weights, data.test.images))
        found = evaluate(data.test.labels, probabilities, data.test.classes).to_dict()
        metrics |= _test_metrics(found) | {"test_loss": found["nll"]}
        keep_predictions(folder, data.test.labels, probabilities)
    return metrics


def _test_metrics(found: dict[str, Any]) -> dict[str, Any]:
    averages = {f"test_{name}": found["macro"][name] for name in ("precision", "recall", "f1")}
    return {"test": found, "test_accuracy": found["accuracy"]} | averages
