"""Results made by hand: what is judged needs no training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tenfold.networks import Dense, network
from tenfold.runs import Run, identity
from tenfold.studies import HONEST, PUBLISHED, Claim, Experiment, Scale, Setup, Study
from tenfold.studies.claims import better
from tenfold.studies.jobs import Job
from tenfold.studies.results import Group, Results
from tenfold.studies.share import Share
from tenfold.training import SGD, Recipe

SCALES = {
    "smoke": Scale(seeds=2, epochs=0.1, train=200, test=100),
    "quick": Scale(seeds=2, epochs=0.5),
    "paper": Scale(seeds=3),
}


def tiny_study(*names: str, epochs: int = 10, **changes: Any) -> Study:
    """Return a study of linear networks, one experiment for each name, with learning rates 0.1, 0.2, ..."""
    linear = network(784)(Dense(10), name="linear")
    experiments = tuple(
        Experiment(name, Setup(linear, Recipe(epochs=epochs, optimizer=SGD(lr=0.1 * place))), SCALES)
        for place, name in enumerate(names, 1)
    )
    values: dict[str, Any] = {
        "key": "tiny",
        "title": "A tiny study",
        "authors": ("Nobody",),
        "summary": "Linear networks.",
        "reported": {},
        "experiments": experiments,
        "claims": (Claim("ti-1", "The first is best.", better(names[0], than=names[-1])),),
        "exhibits": (),
        "deviations": (),
    }
    return Study(**(values | changes))


@pytest.fixture
def make_study() -> Callable[..., Study]:
    return tiny_study


@pytest.fixture
def make_results() -> Callable[..., Results]:
    """Return a function that makes results of ``{experiment: {metric: one value a seed}}``.

    The study has those of `not_run` as well.
    """

    def make(
        measured: Mapping[str, Mapping[str, Sequence[float]]],
        history: Mapping[str, Mapping[str, Sequence[Sequence[float]]]] | None = None,
        scale: str = "paper",
        readings: Sequence[str] = (HONEST, PUBLISHED),
        not_run: Sequence[str] = (),
    ) -> Results:
        study = tiny_study(*measured, *not_run)
        results = Results(study, scale)
        for name, metrics in measured.items():
            experiment = study.experiment(name)
            assert isinstance(experiment.setup, Setup)
            for reading in readings:
                share = Share("mnist", reading, None, None, 6000)
                runs = []
                for seed in range(len(next(iter(metrics.values())))):
                    job = Job("tiny", name, name, scale, experiment.setup, share, seed)
                    what = job.what({"name": "none"})
                    curves = {key: list(of[seed]) for key, of in (history or {}).get(name, {}).items()}
                    length = len(next(iter(curves.values()), []))
                    runs.append(
                        Run(
                            id=identity(what),
                            network="linear",
                            engine="none",
                            data="mnist/train",
                            seed=seed,
                            what=what,
                            history={"epoch": list(range(1, length + 1)), **curves},
                            metrics={key: values[seed] for key, values in metrics.items()},
                            folder=Path("nowhere"),
                            started="2026-01-01T00:00:00+00:00",
                            seconds=1.0,
                        )
                    )
                results.groups[name, reading] = Group(
                    experiment, name, experiment.setup, share, scale, tuple(runs)
                )
        return results

    return make
