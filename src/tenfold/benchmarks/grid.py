"""Okon's grid of 128 candidates in three folds: GridSearchCV over skorch, and our search.

Both get the same images, folds and candidates (batches of 32 and 64 among them), two processes and one thread
each. The whole counts, start included. What a side takes to start is measured too, with one candidate on a
few images, and the time without it is told beside the whole.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from statistics import mean, stdev
from time import perf_counter
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure, Side, Values

IMAGES, EPOCHS = 450, (6, 8)
START = 30
"""Images, where little but the start counts."""

Scores = Mapping[str, Sequence[float]]
"""The accuracies of each candidate on what was held out, fold by fold."""


def candidates(epochs: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the points of the grid, with these numbers of epochs."""
    from tenfold.studies.okon import GRID
    from tenfold.tuning import Space

    return Space({**GRID, "max_epochs": epochs}).grid()


def pictures(images: int) -> Any:
    """Return the images: the first so many of MNIST's training set."""
    from tenfold import load

    return load("mnist").train.take(slice(0, images))


def ours(images: int, points: list[dict[str, Any]], halve: bool, seed: int) -> dict[str, Any]:
    """Search with Tenfold; `seed` is that of the folds and of the trainings."""
    from tenfold.data import folds
    from tenfold.runs import Store
    from tenfold.studies.okon import candidate, label
    from tenfold.tuning import Candidate, Rung, halving, search

    made = [
        Candidate(label(point), setup.network, setup.recipe)
        for point in points
        for setup in (candidate(**point),)
    ]
    longest = max(point["max_epochs"] for point in points)
    rungs = halving(len(made), longest, 3) if halve else [Rung()]
    with tempfile.TemporaryDirectory() as folder:
        found = search(
            made,
            folds(pictures(images), 3, seed=seed),
            store=Store(folder),
            rungs=rungs,
            seeds=(seed,),
            engine="torch",
            workers=2,
        )
    return {"scores": {score.label: score.accuracies for score in found.rungs[-1]}, "epochs": found.trained}


def theirs(images: int, points: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Search as skorch's documentation does: a module with parameters, GridSearchCV over them.

    `seed` is that of the folds.
    """
    import numpy as np
    import torch
    from joblib.externals.loky import get_reusable_executor
    from sklearn.model_selection import GridSearchCV
    from skorch import NeuralNetClassifier
    from torch import nn

    from tenfold.data import folds
    from tenfold.studies.okon import label

    class Network(nn.Module):
        def __init__(self, out_units: int = 20, fout_units: int = 40, nonlinear: str = "ReLU") -> None:
            super().__init__()
            f = nn.ReLU if nonlinear == "ReLU" else lambda: nn.Softmax(dim=1)
            self.layers = nn.Sequential(
                *(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), f()),
                *(nn.Conv2d(10, out_units, 5), nn.MaxPool2d(2), f()),
                *(nn.Conv2d(out_units, fout_units, 2), f(), nn.Dropout(0.2), nn.Flatten()),
                *(nn.Linear(9 * fout_units, 200), f(), nn.Dropout(0.3), nn.Linear(200, 10)),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.layers(x)
            return found

    torch.set_num_threads(1)
    data = pictures(images)
    parts = folds(data, 3, seed=seed)
    where = {image.tobytes(): place for place, image in enumerate(data.images)}
    splits = [
        tuple(np.array([where[image.tobytes()] for image in part.images]) for part in pair) for pair in parts
    ]
    x = ((data.images[:, None] / 255 - 0.1) / 0.3).astype(np.float32)
    rules = {"Adam": torch.optim.Adam, "RMSprop": torch.optim.RMSprop}
    grid = [
        {
            "lr": [point["lr"]],
            "max_epochs": [point["max_epochs"]],
            "batch_size": [point["batch_size"]],
            "optimizer": [rules[point["optimizer"]]],
            "module__nonlinear": [point["nonlinear"]],
            "module__out_units": [point["out_units"]],
            "module__fout_units": [point["fout_units"]],
        }
        for point in points
    ]
    net = NeuralNetClassifier(
        Network, criterion=nn.CrossEntropyLoss, train_split=None, iterator_train__shuffle=True, verbose=0
    )
    search = GridSearchCV(net, grid, cv=splits, scoring="accuracy", refit=False, n_jobs=2)
    search.fit(x, data.labels)
    get_reusable_executor().shutdown(wait=True)  # so that its workers' processor time is told
    scores = np.stack([search.cv_results_[f"split{fold}_test_score"] for fold in range(3)], axis=1)
    labels = [label(point) for point in points]
    epochs = 3 * sum(point["max_epochs"] for point in points)
    return {"scores": dict(zip(labels, scores.tolist(), strict=True)), "epochs": epochs}


def measured(kind: str) -> Callable[[int, bool], Values]:
    """Return a side: "skorch", "grid" or "halving"."""

    def measure(repeat: int, smoke: bool) -> Values:
        start = _spent(kind, START, 1, repeat)
        images, points = (START, 1) if smoke else (IMAGES, 0)
        found = start if smoke else _spent(kind, images, points, repeat)
        # What the whole grid says of the candidate that halving chose is looked up afterwards, uncounted.
        whole = _spent("grid", images, points, repeat)["scores"] if kind == "halving" else None
        chosen = best(found["scores"])
        behind, noise = (None, None) if whole is None else shortfall(whole, chosen)
        return {
            "cpu_seconds": found["cpu_seconds"],
            "net": found["cpu_seconds"] - start["cpu_seconds"],
            "start": start["cpu_seconds"],
            "seconds": found["seconds"],
            "epochs": found["epochs"],
            "accuracy": mean(found["scores"][chosen]),
            "all": None if kind == "halving" else mean(map(mean, found["scores"].values())),
            "behind": behind,
            "noise": noise,
        }

    return measure


def best(scores: Scores) -> str:
    """Return the candidate with the highest mean; of equals the one named first."""
    return max(scores, key=lambda label: mean(scores[label]))


def shortfall(scores: Scores, chosen: str) -> tuple[float, float]:
    """Return how far a candidate is behind the best, and the noise of that.

    The noise is the standard error of the difference, fold by fold: both are measured on the same images, so
    what makes one fold harder than another cancels. The standard deviation of the best over the folds would
    have it in, and let more pass.

    Returns
    -------
    behind, noise : float
        In fractions of the images; 0 and 0 where the best was chosen.
    """
    differences = [top - own for top, own in zip(scores[best(scores)], scores[chosen], strict=True)]
    return mean(differences), stdev(differences) / sqrt(len(differences))


def _spent(kind: str, images: int, points: int, seed: int) -> dict[str, Any]:
    """Run a search in a process of its own; add the processor time of all its processes, and the wall clock.

    `points` is how many candidates, 0 for all.
    """
    command = [sys.executable, "-m", "tenfold.benchmarks.grid", kind, *map(str, (images, points, seed))]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # Ours would compute on a GPU, and skorch not.
    settings = os.environ | threads | {"CUDA_VISIBLE_DEVICES": ""}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, check=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"cpu_seconds": used, "seconds": perf_counter() - began}


SKORCH = "GridSearchCV over skorch"

BENCHMARK = Benchmark(
    "grid",
    "Okon's grid",
    f"128 candidates in three folds of the first {IMAGES} training images of MNIST, other folds each repeat, "
    "whose number is the seed of the folds and of our trainings; skorch draws weights and order anew for "
    f"each training; {EPOCHS[0]} and {EPOCHS[1]} epochs in place of the published 15 and 20; two processes "
    "of one thread each on every side (`n_jobs=2`). *Processor*: that of all processes of a side from its "
    "start to its end, libraries imported, nothing taken off; the goals are judged by it. *Net*: the same "
    f"less the *start*, which is the whole of a search of one candidate on {START} images, its training "
    "included, so that net is told a little too short on every side. The grids train all candidates in all "
    "folds; halving lets one in four go on. Epochs are those that were trained. *Best*: the mean over the "
    "folds of the candidate that was chosen, which it was chosen by; the more the trainings differ by "
    "chance, the more it flatters. *Mean of all*: that of the 128 candidates of a whole grid, which chance "
    "does not raise. *Behind*: the candidate that halving chose is looked up in the scores of our whole "
    "grid, same folds and seed, trained again for that, uncounted; told is how far its mean is below that of "
    "the grid's best. *Noise*: the standard error of that difference over the three folds, pair by pair, "
    "since both candidates are measured on the same images. The best of 128 is luckier than most, which is "
    "not taken off: the goal is on the strict side.",
    (
        Side("Tenfold, the whole grid", measured("grid"), ("torch",)),
        Side("Tenfold, successive halving", measured("halving"), ("torch",)),
        Side(SKORCH, measured("skorch"), ("skorch", "sklearn", "torch")),
    ),
    (
        Measure("cpu_seconds", "processor", "s", 1, better="less"),
        Measure("net", "net of the start", "s", 1, better="less"),
        Measure("start", "start", "s", 1),
        Measure("seconds", "wall", "s", 1, better="less"),
        Measure("epochs", "epochs", "", 0),
        Measure("accuracy", "best", "%", 1, percent=True),
        Measure("all", "mean of all", "%", 1, percent=True),
        Measure("behind", "best minus chosen", "points", 2, percent=True, better="less", ratio=False),
        Measure("noise", "noise", "points", 2, percent=True),
    ),
    reference=SKORCH,
    repeats=2,
    goals=(
        Goal(
            "the whole grid at least 4 times as fast, start included",
            "Tenfold, the whole grid",
            "cpu_seconds",
            4,
            times=True,
        ),
        Goal(
            "halving at least 12 times, start included",
            "Tenfold, successive halving",
            "cpu_seconds",
            12,
            times=True,
        ),
        Goal(
            "halving finds a candidate within the noise of the best",
            "Tenfold, successive halving",
            "behind",
            "noise",
        ),
    ),
)


def main() -> None:
    """Search as the command line says, and print the scores as JSON."""
    kind, images, count, seed = sys.argv[1], *map(int, sys.argv[2:5])
    points = candidates(EPOCHS)[: count or None]
    found = (
        theirs(images, points, seed) if kind == "skorch" else ours(images, points, kind == "halving", seed)
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
