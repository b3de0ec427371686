"""Shrestha and Paudel's 20 NumPy experiments: together, and one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Goal, Measure, Side, Values

STEPS = 5
IMAGES = 37_800
"""What the study trains on: 60% of 63,000."""


def members() -> list[Any]:
    """Return the 20 experiments, with the true gradient."""
    from tenfold.studies.shrestha import BACKWARD, CORRECTED, TABLE, full_batch
    from tenfold.training.numpy_population import Member

    setups = [full_batch(row[0], CORRECTED) for row in TABLE]
    return [Member(setup.network, setup.recipe, 0, BACKWARD[CORRECTED]) for setup in setups]


def images(smoke: bool) -> Any:
    """Return the first training images of MNIST, as many as the study trains on."""
    from tenfold.data import load

    return load("mnist").train.take(slice(0, 500 if smoke else IMAGES))


def timed(step: Callable[[], Sequence[float]], smoke: bool) -> Values:
    """Return how long one step of all 20 networks takes, by the clock and the processor's, and the mean loss.

    The first step is not counted: it prepares what later ones use. The loss is the last step's. `step`
    returns the losses of the networks without dropout; the others draw other masks on other sides.
    """
    step()
    steps = 1 if smoke else STEPS
    began, cpu_began = perf_counter(), process_time()
    for _ in range(steps):
        losses = step()
    return {
        "seconds": (perf_counter() - began) / steps,
        "cpu_seconds": (process_time() - cpu_began) / steps,
        "loss": sum(losses) / len(losses),
    }


def together(precision: str, threads: int) -> Callable[[int, bool], Values]:
    """Return a side that trains them as one population, with so many threads."""

    def measure(repeat: int, smoke: bool) -> Values:
        from dataclasses import replace

        from tenfold.training.numpy_population import Population

        every = [
            replace(member, recipe=member.recipe.change({"precision": precision})) for member in members()
        ]
        population = Population(every, images(smoke))
        counted = [place for place, member in enumerate(every) if not has_dropout(member)]

        def step() -> list[float]:
            population.step(counted=False, threads=threads)
            return [population.learners[place].loss for place in counted]

        return timed(step, smoke)

    return measure


def by_engine(repeat: int, smoke: bool) -> Values:
    """Train them one after another with our NumPy engine."""
    from tenfold.training import get_engine

    data, every = images(smoke), members()
    trainers = [
        get_engine("numpy").trainer(each.architecture, each.recipe, each.seed, len(data)) for each in every
    ]
    done = 0

    def step() -> list[float]:
        nonlocal done
        losses = [trainer.run_epoch(data, done).loss for trainer in trainers]
        done += 1
        return [loss for loss, each in zip(losses, every, strict=True) if not has_dropout(each)]

    return timed(step, smoke)


def by_hand(repeat: int, smoke: bool) -> Values:
    """Train them one after another in the plain NumPy that such experiments are written in."""
    import numpy as np

    data, every = images(smoke), members()
    x = data.images.reshape(len(data), -1).T / 255
    wanted = np.eye(10)[data.labels].T
    learners = [_PlainNetwork(each) for each in every]

    def step() -> list[float]:
        losses = [learner.step(x, wanted) for learner in learners]
        return [loss for loss, each in zip(losses, every, strict=True) if not has_dropout(each)]

    return timed(step, smoke)


def has_dropout(member: Any) -> bool:
    """Return whether a network drops some of its values."""
    from tenfold.networks import Dropout

    return any(isinstance(node.layer, Dropout) for node in member.architecture.walk())


class _PlainNetwork:
    """A fully connected network as notebooks have it: a column an image, a few lines of NumPy a layer."""

    def __init__(self, member: Any) -> None:
        import numpy as np

        from tenfold.networks import Dense, Dropout
        from tenfold.training import initial_weights

        weights = initial_weights(member.architecture, member.recipe.weight_rule(), member.seed)
        names = [node.name for node in member.architecture.walk() if isinstance(node.layer, Dense)]
        self.weights = [weights[f"{name}.weight"].astype(np.float64) for name in names]
        self.biases = [weights[f"{name}.bias"].astype(np.float64)[:, None] for name in names]
        kinds = {type(node.layer).__name__ for node in member.architecture.walk()}
        (self.activation,) = kinds & {"ReLU", "Sigmoid", "Tanh"}
        rates = [node.layer.rate for node in member.architecture.walk() if isinstance(node.layer, Dropout)]
        self.dropout = rates[0] if rates else 0.0
        self.rate = member.recipe.optimizer.lr
        self.rng = np.random.default_rng(member.seed)

    def step(self, x: Any, wanted: Any) -> float:
        """Take one step of gradient descent on all images; return the loss before it."""
        import numpy as np

        values, slopes, count = [x], [], x.shape[1]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = weight @ values[-1] + bias
            if self.activation == "ReLU":
                a, slope = np.maximum(z, 0), (z > 0).astype(np.float64)
            elif self.activation == "Tanh":
                a = np.tanh(z)
                slope = 1 - a**2
            else:
                a = 1 / (1 + np.exp(-z))
                slope = a * (1 - a)
            if self.dropout:
                mask = (self.rng.random(a.shape) >= self.dropout) / (1 - self.dropout)
                a, slope = a * mask, slope * mask
            values.append(a)
            slopes.append(slope)
        z = self.weights[-1] @ values[-1] + self.biases[-1]
        power = np.exp(z - z.max(axis=0))
        chances = power / power.sum(axis=0)
        loss = float(-np.log((chances * wanted).sum(axis=0)).mean())
        gradient = (chances - wanted) / count
        for place in reversed(range(len(self.weights))):
            change = gradient @ values[place].T, gradient.sum(axis=1, keepdims=True)
            if place:
                gradient = (self.weights[place].T @ gradient) * slopes[place - 1]
            self.weights[place] -= self.rate * change[0]
            self.biases[place] -= self.rate * change[1]
        return loss


PLAIN = "plain NumPy, one after another"
PLAIN_AS_IT_COMES = f"{PLAIN}, as it comes"
TWO_THREADS = "Tenfold, together, two threads"

BENCHMARK = Benchmark(
    "experiments",
    "The 20 NumPy experiments",
    "Table 1 of Shrestha and Paudel: 20 networks of 5 to 30 hidden units, gradient descent on all "
    f"{IMAGES:,} images (the first of MNIST's training images), with the true gradient, seed 0. One step of "
    f"all 20, the mean of {STEPS} steps after a first one; on one core, NumPy's OpenBLAS told its width, "
    "unless two threads are named, or NumPy as it comes, whose OpenBLAS takes every core; these two are "
    "compared with each other. The plain way "
    "scales the images once, keeps a column for each image, and takes a few lines of NumPy a layer, in "
    "float64. The loss is the mean over the 15 networks without dropout, before the last step: the sides "
    "draw the masks of the others each in its own way.",
    (
        Side(TWO_THREADS, together("float64", 2), threads=1, reference=PLAIN_AS_IT_COMES),
        Side("Tenfold, together", together("float64", 1), threads=1),
        Side("Tenfold, together, float32", together("float32", 1), threads=1),
        Side("Tenfold, one after another", by_engine, threads=1),
        Side(PLAIN, by_hand, threads=1),
        Side(PLAIN_AS_IT_COMES, by_hand),
    ),
    (
        Measure("seconds", "a step", "s", 2, better="less"),
        Measure("cpu_seconds", "processor time", "s", 2, better="less"),
        Measure("loss", "loss", "", 9),
    ),
    reference=PLAIN,
    goals=(
        Goal(
            "together at least 4 times as fast as the plain way, one thread each",
            "Tenfold, together",
            "cpu_seconds",
            4,
            times=True,
        ),
        Goal(
            "together on two cores at least 4 times as fast as the plain way as NumPy comes (wall clock)",
            TWO_THREADS,
            "seconds",
            4,
            times=True,
        ),
    ),
)
