"""From a study to the trainings it needs: which network, recipe, part of the data and seed, each once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from tenfold.runs import Run, Store, identity
from tenfold.studies.checks import blamed
from tenfold.studies.experiment import FOLDS, SEARCH, Candidates, Classical, Experiment, Setup
from tenfold.studies.results import Group, Results, on_common_seeds, scores
from tenfold.studies.share import FULL_TRAINING_SET, Share
from tenfold.studies.study import Study
from tenfold.training import Constant, Recipe

if TYPE_CHECKING:
    from tenfold.training.torch_engine import TorchEngine


@dataclass(frozen=True)
class Job:
    """One training of a study.

    Attributes
    ----------
    study, experiment, label, scale : str
        What it is for; not part of what it is.
    setup : Setup
        As it is run: with the recipe cut to the scale, and the longest of those that are its prefixes.
    share : Share
    seed : int
    """

    study: str
    experiment: str
    label: str
    scale: str
    setup: Setup | Classical
    share: Share
    seed: int

    count = 1
    """How many trainings it is."""

    @property
    def arm(self) -> str:
        """The hash of all that is trained but the seed, whatever the engine: equal arms are the same
        training, in any study.
        """
        what = self.setup.identity()
        if "network" in what:
            del what["network"]["name"]
        return identity(what | {"data": self.share.to_dict()})

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of a network's training; None for a classical model."""
        return None if isinstance(self.setup, Classical) else self.setup.recipe

    def what(self, engine: dict[str, Any]) -> dict[str, Any]:
        """Return the identity of the run: the arm, the seed and the engine's settings.

        The engine is the one that the experiment is about, if it is about one, else the given.
        """
        what = self.setup.identity()
        chosen = what.pop("on", engine)
        return what | {"data": self.share.to_dict(), "seed": self.seed, "engine": chosen}

    @property
    def cost(self) -> float:
        """How long it takes, roughly, in seconds of one core: arithmetic, and a constant a step and image."""
        count = self.share.count
        if isinstance(self.setup, Classical):
            part = count / FULL_TRAINING_SET
            return self.setup.seconds * part * sqrt(part) + 0.5
        network, recipe, on = self.setup.network, self.setup.recipe, self.setup.on
        if on is not None and on.engine == "numpy":
            # Batches are gathered and scaled anew in every epoch, all images at once are not. Together, half
            # of the pixels are left out.
            image, steps = 6 * network.multiply_adds / 8e10, recipe.steps_per_epoch(count)
            image = image / 2 + 2e-7 if on.together else image + (4e-6 if steps > 1 else 0)
            return recipe.epochs * (count * image + steps * 2e-4)
        steps = recipe.steps_per_epoch(count)
        arithmetic = 6 * network.multiply_adds * count + 20 * network.parameters * steps
        return recipe.epochs * (arithmetic / 4e10 + steps * 1.5e-4 + count * 1e-6)

    @property
    def name(self) -> str:
        """What to call it while it runs."""
        on = self.setup.on if isinstance(self.setup, Setup) else None
        engine = f", {on.engine}" if on else ""
        return f"{self.study}: {self.label}, {self.share.reading}{engine}, seed {self.seed}"


@dataclass(frozen=True)
class Crew:
    """Trainings that are done together.

    Attributes
    ----------
    jobs : tuple of Job
    engine : str
        "numpy": of equal images, epochs, precision and seed (`training.population`). "torch": candidates of
        a search, alike in all that one batched computation needs (`training.together`).
    """

    jobs: tuple[Job, ...]
    engine: str = "numpy"

    @property
    def count(self) -> int:
        """How many trainings it is."""
        return len(self.jobs)

    @property
    def cost(self) -> float:
        """As for `Job`."""
        return sum(job.cost for job in self.jobs)

    @property
    def name(self) -> str:
        """What to call it while it runs."""
        first = self.jobs[0]
        those = f"{first.label} ..."
        if self.engine == "torch":  # of several folds and seeds
            those = f"{first.experiment}: {those}, {first.share.reading}"
        return f"{first.study}: {self.count} networks together, {those}, seed {first.seed}"


Task = Job | Crew


def tasks(jobs: list[Job]) -> list[Task]:
    """Return the jobs with those that are trained together in crews."""
    crews: dict[Hashable, list[Job]] = {}
    found: list[Task] = []
    for job in jobs:
        setup = job.setup
        if isinstance(setup, Setup) and setup.on is not None and setup.on.together:
            recipe = setup.recipe
            key = (job.study, job.share, job.seed, recipe.epochs, recipe.precision, setup.monitor_every)
            crews.setdefault(key, []).append(job)
        else:
            found.append(job)
    return [*found, *(Crew(tuple(crew)) for crew in crews.values())]


def in_batches(tasks: Sequence[Task], engine: TorchEngine) -> list[Task]:
    """Return the tasks with what searches train, as far as it is alike, in crews of torch.

    Only what is read as `SEARCH` or `FOLDS`: other trainings may be compared by the time that each takes,
    which of these is a share.
    """
    from tenfold.training.together import divided

    found: list[Task] = []
    candidates: dict[str, list[tuple[Job, Setup]]] = {}
    for task in tasks:
        if (
            isinstance(task, Job)
            and isinstance(task.setup, Setup)
            and task.setup.on is None
            and not task.setup.watch_every
            and task.share.reading in (SEARCH, *FOLDS)
        ):
            candidates.setdefault(task.study, []).append((task, task.setup))
        else:
            found.append(task)
    for those in candidates.values():
        crews, alone = divided(those, lambda pair: (pair[1].network, pair[1].recipe), engine)
        found += [job for job, _ in alone]
        found += [Crew(tuple(job for job, _ in crew), "torch") for crew in crews]
    return found


@dataclass(frozen=True)
class Arm:
    """One group of runs, before it is run: a setup in one reading.

    Attributes
    ----------
    experiment : Experiment
    label : str
        The experiment's name, or the candidate's.
    setup : Setup
        As published.
    job : Job
        Its training, with seed 0.
    epoch : int or None
        Where the training goes on longer than this setup does: its last epoch.
    """

    experiment: Experiment
    label: str
    setup: Setup | Classical
    job: Job
    epoch: int | None


def arms(
    study: Study,
    experiment: Experiment,
    scale: str,
    results: Results,
    *,
    least: int = 1,
    expected: bool = False,
) -> list[Arm]:
    """Return the groups that `experiment` consists of at `scale`.

    None where it has no such scale, and while the search that it waits for is not done at that scale with at
    `least` so many seeds; unless what is `expected` to win will do.
    """
    if scale not in experiment.scales:
        return []
    size = experiment.scales[scale]
    setups = _setups(study, experiment, scale, results, least)
    if not setups and expected and not isinstance(experiment.setup, Candidates):
        setups = {experiment.name: experiment.setup}
    found = []
    for label, setup in setups.items():
        trained, prefix = setup.at(size), None
        if isinstance(setup, Setup):
            longest = _longest(setup, [each for each in setups.values() if isinstance(each, Setup)]).at(size)
            epochs = size.apply(setup.recipe).epochs
            trained, prefix = longest, epochs if epochs < longest.recipe.epochs else None
        for reading in experiment.readings:
            share = Share(study.data, reading, size.train, size.test, study.validation, study.split)
            job = Job(study.key, experiment.name, label, scale, trained, share, seed=0)
            found.append(Arm(experiment, label, setup, job, prefix))
    return found


def _setups(
    study: Study, experiment: Experiment, scale: str, results: Results, least: int
) -> dict[str, Setup | Classical]:
    """Return what `experiment` trains, by label."""
    setup = experiment.setup
    if isinstance(setup, Candidates):
        return dict(setup.setups)
    if experiment.chosen_from:
        chosen = winner(study, experiment, results, scale, least=least)
        if chosen is None:
            return {}
        if experiment.takes and isinstance(setup, Setup):
            taken = {name: getattr(chosen[1].recipe, name) for name in experiment.takes}
            return {experiment.name: replace(setup, recipe=replace(setup.recipe, **taken))}
        return {experiment.name: chosen[1]}
    return {experiment.name: setup}


def winner(
    study: Study, experiment: Experiment, results: Results, scale: str, *, least: int = 1
) -> tuple[str, Setup] | None:
    """Return label and setup of the winner of the search that `experiment` is chosen from.

    The winner has the highest mean validation accuracy over the folds and the seeds that all candidates
    have. None until every candidate was run at `scale` with the first `least` seeds.
    """
    search = study.experiment(experiment.chosen_from)
    groups = [group for group in results.of(search.name) if group.scale == scale]
    if not isinstance(search.setup, Candidates):
        return None
    if len(groups) < len(search.setup.setups) * len(search.readings):
        return None
    # Seeds that are added one by one must not undo a choice, nor favor whom they reach first.
    groups = on_common_seeds(groups)
    if not set(range(least)) <= {run.seed for run in groups[0].runs}:
        return None
    label = scores(groups)[0][0]
    return label, search.setup.setups[label]


def _longest(setup: Setup, others: list[Setup]) -> Setup:
    """Return the setup whose first epochs `setup` is, and which is trained in its stead."""
    recipe = setup.recipe
    if not isinstance(recipe.schedule, Constant) or recipe.augmentation_off > 0:
        return setup  # the first epochs depend on how many follow
    if setup.on is not None and setup.on.engine == "skorch":
        return setup  # it tells nothing of the epochs on the way
    same = [
        other
        for other in others
        if replace(other, recipe=recipe) == setup and replace(other.recipe, epochs=recipe.epochs) == recipe
    ]
    return max(same, key=lambda other: other.recipe.epochs)


def asked(study: Study, only: tuple[str, ...] = (), engine: str = "auto") -> set[str]:
    """Return the names of the experiments that are to be run; parameters as for `jobs`."""
    wanted = {study.experiment(name).name for name in only} or {
        name for name, each in study.by_name.items() if not each.on_request or engine in each.engines
    }
    return wanted | {study.by_name[name].chosen_from for name in wanted} - {""}


def jobs(
    study: Study,
    scale: str,
    results: Results,
    *,
    seeds: int | None = None,
    only: tuple[str, ...] = (),
    engine: str = "auto",
    expected: bool = False,
) -> list[Job]:
    """Return the trainings that `study` needs at `scale`, each once, as far as `results` can tell.

    Parameters
    ----------
    seeds : int or None
        How many seeds, instead of the scale's.
    only : tuple of str
        Names of experiments; what they are chosen from is run too. Empty: all but those on request.
    engine : str
        Those on request that are about this engine are not left out.
    expected : bool
        Where a search is to choose and is not done, return what is expected to win.
    """
    wanted = asked(study, only, engine)
    found: dict[tuple[str, int], Job] = {}
    for name in study.by_name:
        if name in wanted:
            experiment = study.by_name[name]
            waits_for = study.by_name.get(experiment.chosen_from, experiment).scales.get(scale)
            least = seeds or (waits_for.seeds if waits_for else 1)
            for arm in arms(study, experiment, scale, results, least=least, expected=expected):
                count = seeds or experiment.scales[scale].seeds
                if isinstance(arm.setup, Classical) and arm.setup.deterministic:
                    count = 1
                for seed in range(count):
                    job = replace(arm.job, seed=seed)
                    found.setdefault((job.arm, seed), job)
    return list(found.values())


def collect(study: Study, scale: str, store: Store) -> Results:
    """Return what the store holds of `study`.

    An experiment that was not run at `scale` is shown at the next smaller scale that it was run at, where
    that is a scale whose numbers mean something: "quick" for "paper".
    """
    scales = (scale, "quick") if scale == "paper" else (scale,)
    # Read once: the store looks through all of its runs for each question.
    kept: dict[str, list[Run]] = {}
    for run in store.list():
        kept.setdefault(run.tags.get("arm", ""), []).append(run)
    with blamed(study):  # whose data may not be there
        found = [_collect_at(study, name, kept) for name in scales]
    results = Results(study, scale, shorter=found[1] if len(found) > 1 else None)
    for experiment in study.experiments:
        each: list[dict[tuple[str, str], Group]] = [
            {key: group for key, group in at.groups.items() if group.experiment.name == experiment.name}
            for at in found
        ]
        if isinstance(experiment.setup, Candidates):
            # Candidates are only compared at one scale: the most complete, of equals the larger.
            most: dict[tuple[str, str], Group] = max(each, key=len)
            results.groups.update(most)
        else:
            for groups in reversed(each):
                results.groups.update(groups)
    return results


def _collect_at(study: Study, scale: str, kept: Mapping[str, list[Run]]) -> Results:
    """Return what of `study` is among the runs that are kept, by arm, at one scale."""
    results = Results(study, scale)
    for experiment in study.experiments:
        for arm in arms(study, experiment, scale, results):
            # What runs on request has candidates of the same labels as what always runs.
            label = f"{experiment.name}: {arm.label}" if experiment.on_request else arm.label
            runs = {run.seed: run for run in reversed(kept.get(arm.job.arm, []))}
            if runs:
                ordered = tuple(runs[seed] for seed in sorted(runs))
                share = arm.job.share
                results.groups[label, share.reading] = Group(
                    experiment, arm.label, arm.setup, share, scale, ordered, arm.epoch
                )
    return results
