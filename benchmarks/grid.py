"""Okon's grid of 128 candidates in three folds: scikit-learn's GridSearchCV over skorch, and our search.

    python benchmarks/grid.py [--images 450] [--epochs 6 8] [--json]

Both sides get the same images, folds and candidates (batches of 32 and 64 among them), two processes and one
thread each. The published grid trains 15 and 20 epochs; here they are fewer, in the same ratio. What counts
is processor time, which a busy machine does not lengthen, of all processes of a side, less what the side
takes to start (one candidate on 30 images).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

SIDES = ("skorch", "grid", "halving")
SPREAD = "sd over the three folds"


def candidates(epochs: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the points of the grid, with these numbers of epochs."""
    from tenfold.studies.okon import GRID
    from tenfold.tuning import Space

    return Space({**GRID, "max_epochs": epochs}).grid()


def pictures(images: int) -> Any:
    """Return the images: the first so many of MNIST's training set."""
    from tenfold import load

    return load("mnist").train.take(slice(0, images))


def ours(images: int, points: list[dict[str, Any]], halve: bool) -> dict[str, Any]:
    """Search with Tenfold."""
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
            folds(pictures(images), 3, seed=0),
            store=Store(folder),
            rungs=rungs,
            engine="torch",
            workers=2,
        )
    return {"scores": {score.label: score.accuracies for score in found.rungs[-1]}, "epochs": found.trained}


def theirs(images: int, points: list[dict[str, Any]]) -> dict[str, Any]:
    """Search as skorch's documentation does: a module with parameters, GridSearchCV over them."""
    import numpy as np
    import torch
    from joblib.externals.loky import get_reusable_executor
    from sklearn.model_selection import GridSearchCV
    from skorch import NeuralNetClassifier
    from torch import nn

    from tenfold.data import folds
    from tenfold.studies.okon import label

    class Network(nn.Module):  # type: ignore[misc]  # untyped here
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
            return self.layers(x)

    torch.set_num_threads(1)
    data = pictures(images)
    parts = folds(data, 3, seed=0)
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


def run_side(side: str, images: int, points: list[dict[str, Any]]) -> dict[str, Any]:
    """Do what one side does, in this process and its own."""
    return theirs(images, points) if side == "skorch" else ours(images, points, side == "halving")


def measure(side: str, arguments: argparse.Namespace, start: bool) -> dict[str, Any]:
    """Run a side in a process of its own; add its processor time and wall clock."""
    command = [sys.executable, __file__, "--side", side, "--images", str(30 if start else arguments.images)]
    command += ["--epochs", *map(str, arguments.epochs), *(["--one"] if start else [])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=os.environ | threads, stdout=subprocess.PIPE, check=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"cpu_seconds": used, "seconds": time.perf_counter() - began}


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure every side in turn."""
    import numpy as np

    sides: dict[str, Any] = {}
    for side in SIDES:
        start = measure(side, arguments, start=True)
        found = measure(side, arguments, start=False)
        print(f"{side}: {found['cpu_seconds']:.1f} s, {start['cpu_seconds']:.1f} s to start", file=sys.stderr)
        best = max(found["scores"], key=lambda name: np.mean(found["scores"][name]))
        sides[side] = {
            "cpu_seconds": found["cpu_seconds"] - start["cpu_seconds"],
            "start_cpu_seconds": start["cpu_seconds"],
            "seconds": found["seconds"],
            "epochs": found["epochs"],
            "best": best,
            "accuracies": found["scores"][best],
            "scores": found["scores"],
        }
    for side in SIDES:
        sides[side]["times"] = sides["skorch"]["cpu_seconds"] / sides[side]["cpu_seconds"]
    every = {name: float(np.mean(values)) for name, values in sides["grid"]["scores"].items()}
    chosen = sides["halving"]["best"]
    sides["halving"]["rank_in_grid"] = 1 + sum(value > every[chosen] for value in every.values())
    return {"images": arguments.images, "epochs": arguments.epochs, "sides": sides}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=450)
    parser.add_argument("--epochs", type=int, nargs=2, default=[6, 8], help="instead of 15 and 20")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        points = candidates((arguments.epochs[0], arguments.epochs[1]))
        print(json.dumps(run_side(arguments.side, arguments.images, points[:1] if arguments.one else points)))
        return
    found = compare(arguments)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    import numpy as np

    print(f"128 candidates, 3 folds, {found['images']} images, {found['epochs']} epochs, 2 processes\n")
    print(f"{'':10}{'CPU s':>8}{'times':>8}{'epochs':>8}{'best':>9}  {SPREAD}")
    for side in SIDES:
        row = found["sides"][side]
        accuracies = row["accuracies"]
        print(
            f"{side:10}{row['cpu_seconds']:8.1f}{row['times']:8.2f}{row['epochs']:8}"
            f"{np.mean(accuracies):9.2%}  {np.std(accuracies, ddof=1):.2%}  {row['best']}"
        )
    print(f"\nWhat halving chose is number {found['sides']['halving']['rank_in_grid']} of the full grid.")


if __name__ == "__main__":
    main()
