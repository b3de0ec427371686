"""Runs a study: every training it needs, each once; what is finished is never repeated.

Small networks gain nothing from a second thread, so each core trains a network of its own with one thread.
That also makes a result independent of how many cores there were. On a GPU the candidates of a search, which
are many and alike, are batched computations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeGuard, cast

from tenfold.errors import NetworkError, StudyError, TrainingError, TrainingsFailed, TrainingStopped
from tenfold.runs import Store, identity
from tenfold.studies.chapter import shown
from tenfold.studies.checks import blamed
from tenfold.studies.experiment import SCALES, Classical
from tenfold.studies.jobs import Crew, Job, Task, asked, collect, in_batches, jobs, tasks
from tenfold.studies.judgment import judge_claim
from tenfold.studies.results import Results
from tenfold.studies.share import parts
from tenfold.studies.skorch_search import check_counterpart
from tenfold.studies.study import Study
from tenfold.studies.trainings import run_task
from tenfold.studies.workers import StudyProgress, Tracker, Workers
from tenfold.training import get_engine
from tenfold.training.engine import check_fit
from tenfold.training.numpy_population import Member
from tenfold.tuning import on_gpu

if TYPE_CHECKING:
    from tenfold.training.torch_engine import TorchEngine


def run_study(
    study: Study,
    *,
    scale: str,
    store: Store,
    seeds: int | None = None,
    only: tuple[str, ...] = (),
    engine: str = "auto",
    workers: int | Workers | None = None,
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
        For trainings that are not about an engine. "skorch": those that are left out otherwise are run too;
        there must be one.
    workers : int, Workers or None
        How many processes; None for one a core. Or those that other studies have used.
    on_progress : function of StudyProgress, or None

    Raises
    ------
    TrainingStopped
        The user pressed Ctrl-C. Finished runs are kept, the others have a checkpoint; the same call goes on.
    TrainingsFailed
        Some trainings cannot be done, as where a loss is not finite. All others are finished and kept.
    StudyError
        A worker was killed: finished runs are kept. Or `examine` found something wrong.
    UnknownNameError
        A claim or an exhibit names an experiment that the study does not have.
    """
    if seeds is not None and seeds < 1:
        raise StudyError(f"seeds must be an integer >= 1. Got {seeds!r} instead.")
    if not isinstance(workers, Workers):
        with Workers(workers) as own:
            return run_study(
                study,
                scale=scale,
                store=store,
                seeds=seeds,
                only=only,
                engine=engine,
                workers=own,
                on_progress=on_progress,
            )
    examine(study, scale, only, engine)
    plain = "auto" if engine == "skorch" else engine
    tracker = Tracker(on_progress, workers.count)
    work = partial(run_task, root=store.root, engine=plain)
    checked = False
    failed: dict[Task, TrainingError] = {}
    # What a batched computation left undone is tried by itself, which tells why it cannot be done.
    alone: set[Job] = set()
    while True:
        results = collect(study, scale, store)
        needed = jobs(study, scale, results, seeds=seeds, only=only, engine=engine)
        missing = [task for task in unfinished(needed, store, plain, alone) if task not in failed]
        ahead = jobs(study, scale, results, seeds=seeds, only=only, engine=engine, expected=True)
        known = set(needed)
        later = unfinished([job for job in ahead if job not in known], store, plain)
        tracker.expect(len(needed) - sum(task.count for task in missing), missing, later)
        if not missing and failed:
            raise TrainingsFailed(_failures(study, failed))
        if not missing:
            return results
        if not checked:
            with blamed(study):
                check(jobs(study, scale, results, seeds=1, only=only, engine=engine, expected=True))
            checked = True
        try:
            for task, error in workers.run(missing, work, tracker).items():
                if not _is_batch(task):
                    failed[task] = error
            alone.update(job for task in missing if _is_batch(task) for job in task.jobs)
        except (TrainingStopped, KeyboardInterrupt):
            raise TrainingStopped(
                f"The study {study.key} stopped with {tracker.done} of {tracker.total} trainings finished. "
                "What is finished is kept, and the others go on where they were: run the same command again."
            ) from None


def _is_batch(task: Task) -> TypeGuard[Crew]:
    return isinstance(task, Crew) and task.engine == "torch"


def _failures(study: Study, failed: dict[Task, TrainingError]) -> str:
    count = sum(task.count for task in failed)
    lines = [f"{task.name}: {error}" for task, error in failed.items()]
    told = f"{count} training{'s' * (count > 1)} of {study.file or study.key} failed:"
    return (
        "\n  ".join([told, *lines]) + "\nAll others are finished and kept; what waits for these is left out."
    )


@dataclass(frozen=True)
class Estimate:
    """How much is to be done.

    Attributes
    ----------
    trainings : int
    seconds : float
        Of one core, roughly.
    """

    trainings: int
    seconds: float


def estimate(
    study: Study,
    *,
    scale: str,
    store: Store,
    seeds: int | None = None,
    only: tuple[str, ...] = (),
    engine: str = "auto",
) -> Estimate:
    """Return how much of a study is missing; parameters as for `run_study`."""
    results = collect(study, scale, store)
    needed = jobs(study, scale, results, seeds=seeds, only=only, engine=engine, expected=True)
    missing = unfinished(needed, store, "auto" if engine == "skorch" else engine)
    return Estimate(sum(task.count for task in missing), sum(task.cost for task in missing))


def examine(study: Study, scale: str, only: tuple[str, ...] = (), engine: str = "auto") -> None:
    """Raise an error if a study cannot be run, judged or shown at `scale`, before anything is trained.

    Every claim is judged and every exhibit made from no results at all. Parameters as for `run_study`.

    Raises
    ------
    StudyError
        No experiment has the scale, or none uses skorch where that is the engine; or a claim or an exhibit
        goes wrong.
    UnknownNameError
        One names an experiment that the study does not have.
    """
    wanted = [study.experiment(name) for name in only] or study.experiments
    scales = {name for experiment in wanted for name in experiment.scales}
    if scale not in scales:
        raise StudyError(
            f"{study.file or study.key}: {' and '.join(only) or 'no experiment'} has "
            f"{'no' if only else 'a'} {scale} scale. Give one that there is with --scale: "
            f"{', '.join(name for name in SCALES if name in scales) or 'none'}."
        )
    if engine == "skorch":
        _must_use_skorch(study, scale, only)
    nothing = Results(study, scale)
    for claim in study.claims:
        judge_claim(claim, nothing)
    for exhibit in study.exhibits:
        shown(exhibit, nothing)


def _must_use_skorch(study: Study, scale: str, only: tuple[str, ...]) -> None:
    with_it = [name for name, each in study.by_name.items() if "skorch" in each.engines]
    if not any(scale in study.by_name[name].scales for name in asked(study, only, "skorch") & set(with_it)):
        where = f"of {' and '.join(only)} " if only else ""
        at = f" at {scale} scale" if with_it and not only else ""
        raise StudyError(
            f"{study.file or study.key} has nothing {where}to run with skorch{at}. Leave --engine skorch out"
            + (f"; what uses skorch is {' and '.join(with_it)}." if with_it else ".")
        )


def check(needed: list[Job]) -> None:
    """Raise `StudyError` if a network does not fit its images, or the way it is to be trained.

    So that it is told before anything is trained, and with the name of the experiment.

    Raises
    ------
    StudyError
    MissingExtraError
        skorch is to search, and is not installed.
    """
    for job in needed:
        setup = job.setup
        if isinstance(setup, Classical):
            continue
        train = parts(job.share).train
        try:
            check_fit(setup.network, train.images[:1], len(train.classes))
            if setup.on is not None and setup.on.engine == "skorch":
                check_counterpart(setup)
            if setup.on is not None and setup.on.together:
                Member(setup.network, setup.recipe, job.seed, setup.on.backward)
        except (NetworkError, TrainingError, StudyError) as error:
            name = job.experiment if job.label == job.experiment else f"{job.experiment} ({job.label})"
            raise StudyError(f"{name} of {job.study} cannot be trained: {error}") from None


def unfinished(
    needed: list[Job], store: Store, engine: str = "auto", alone: Collection[Job] = ()
) -> list[Task]:
    """Return what of the needed trainings is not in the store; a crew is not while one of its members is.

    On a GPU, candidates of searches are done as batched computations, but for those that are to be `alone`.
    """
    made = get_engine(engine)

    def kept(job: Job) -> bool:
        return store.find(identity(job.what(made.settings(job.recipe)))) is not None

    missing = [
        task
        for task in tasks(needed)
        if not all(kept(job) for job in (task.jobs if isinstance(task, Crew) else (task,)))
    ]
    if not on_gpu(engine):
        return missing
    rest = [task for task in missing if task in alone]
    return rest + in_batches([task for task in missing if task not in alone], cast("TorchEngine", made))
