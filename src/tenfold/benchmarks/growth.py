"""How cost grows with the images, with the width of a network, and with the members of a population."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tenfold.benchmarks.benchmark import Growth, Side, Values

IMAGES = (6_000, 19_000, 60_000, 190_000, 600_000)
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
MEMBERS = (1, 2, 4, 8, 16, 32, 64)
SMOKE = 3
"""How many sizes a smoke test takes, each a hundredth of what it is (but for widths)."""

TIMES = 3
"""How often a prediction or a step is measured, the least counts; an epoch of training is measured once."""


def spent(work: Callable[[], Any], times: int = 1) -> float:
    """Return the processor seconds of `work`, the least of so many times."""
    from time import process_time

    found = []
    for _ in range(times):
        began = process_time()
        work()
        found.append(process_time() - began)
    return min(found)


def mnist(count: int) -> Any:
    """Return so many of MNIST's training images, from the start again where there are not as many."""
    from dataclasses import replace

    import numpy as np

    from tenfold.data import load

    train = load("mnist").train
    if count <= len(train):
        return train.take(slice(0, count))
    places = np.arange(count) % len(train)
    return replace(train, images=train.images[places], labels=train.labels[places])


def sizes(every: Iterable[int], smoke: bool) -> list[int]:
    """Return the sizes to measure."""
    return [max(each // 100, 1) for each in every][:SMOKE] if smoke else list(every)


def training_by_images(repeat: int, smoke: bool) -> Values:
    """Train `fast` for one epoch of its recipe."""
    return {str(count): epoch("fast", 1.0, count, repeat) for count in sizes(IMAGES, smoke)}


def predicting_by_images(repeat: int, smoke: bool) -> Values:
    """Predict with `fast`."""
    from tenfold.benchmarks.inference import drawn

    model, found = drawn("fast"), {}
    model.predict_proba(mnist(100).images)
    for count in sizes(IMAGES, smoke):
        data = mnist(count)
        found[str(count)] = spent(partial(model.predict_proba, data.images), TIMES)
    return found


def epoch(name: str, width: float, count: int, seed: int) -> float:
    """Return the processor seconds of one epoch of a network with convolutions `width` times as wide.

    An epoch of a few images goes before, in which the libraries make ready.
    """
    from tenfold.networks import get
    from tenfold.training import default_recipe, get_engine

    data = mnist(count)
    network, recipe = widened(get(name), width), default_recipe(name)
    trainer = get_engine("torch", device="cpu").trainer(network, recipe, seed, len(data))
    trainer.run_epoch(data.take(slice(0, 512)), 0)
    return spent(lambda: trainer.run_epoch(data, 0))


def widened(architecture: Any, width: float) -> Any:
    """Return a network whose convolutions have `width` times as many channels."""
    from dataclasses import replace

    from tenfold.networks import Conv

    layers = (
        replace(layer, channels=max(round(layer.channels * width), 1)) if isinstance(layer, Conv) else layer
        for layer in architecture.layers
    )
    return replace(architecture, layers=tuple(layers))


def training_by_width(repeat: int, smoke: bool) -> Values:
    """Train `fast`, narrower and wider, on 6,000 images."""
    return {str(width): epoch("fast", width, 100 if smoke else 6000, repeat) for width in WIDTHS}


def predicting_by_width(repeat: int, smoke: bool) -> Values:
    """Predict 6,000 images with `fast`, narrower and wider."""
    from tenfold.models import Model
    from tenfold.networks import get
    from tenfold.training import INITIALIZERS, initial_weights

    data, found = mnist(100 if smoke else 6000), {}
    for width in WIDTHS:
        network = widened(get("fast"), width)
        model = Model(network, initial_weights(network, INITIALIZERS["torch"], 0))
        model.predict_proba(data.images[:100])
        found[str(width)] = spent(partial(model.predict_proba, data.images), TIMES)
    return found


def population(repeat: int, smoke: bool) -> Values:
    """Take a step of so many networks together (Shrestha and Paudel's seventh, 20 hidden units)."""
    from tenfold.training.numpy_population import Population

    data, found = mnist(300 if smoke else 6000), {}
    for count in sizes(MEMBERS, smoke):
        together = Population([_member(seed) for seed in range(count)], data)
        together.step(counted=False)
        found[str(count)] = spent(partial(together.step, counted=False), TIMES)
    return found


def alone(repeat: int, smoke: bool) -> Values:
    """Take a step of so many networks one after another, with the same engine."""
    from tenfold.training.numpy_population import Population

    data, found = mnist(300 if smoke else 6000), {}
    every = [Population([_member(seed)], data) for seed in range(sizes(MEMBERS, smoke)[-1])]
    for one in every:
        one.step(counted=False)
    for count in sizes(MEMBERS, smoke):
        found[str(count)] = spent(partial(_step_each, every[:count]), TIMES)
    return found


def _step_each(every: Iterable[Any]) -> None:
    for one in every:
        one.step(counted=False)


def _member(seed: int) -> Any:
    from tenfold.studies.shrestha import CORRECTED, full_batch
    from tenfold.training.numpy_population import Member

    setup = full_batch(7, CORRECTED)
    return Member(setup.network, setup.recipe, seed)


_PROTOCOL = (
    "Processor time, one thread. The line is a power of the size fitted by least squares to the "
    "logarithms, in each repeat by itself; told are the mean of the exponents and their standard "
    "deviation. "
)

BENCHMARKS = (
    Growth(
        "growth-images",
        "Cost by images",
        _PROTOCOL + "`fast`: one epoch of its recipe (once), and predicting (the least of three "
        "times). MNIST's training images, from the start again beyond 60,000.",
        (
            Side("training, one epoch", training_by_images, ("torch",), threads=1),
            Side("predicting", predicting_by_images, threads=1),
        ),
        size="images",
        cost="processor time (s)",
        repeats=2,
    ),
    Growth(
        "growth-width",
        "Cost by width",
        _PROTOCOL
        + "`fast` with its 16, 32 and 64 channels times a quarter to four: one epoch of 6,000 images "
        "(once), and predicting them (the least of three times). Multiply-adds grow nearly as the square.",
        (
            Side("training, one epoch", training_by_width, ("torch",), threads=1),
            Side("predicting", predicting_by_width, threads=1),
        ),
        size="width, times that of fast",
        cost="processor time (s)",
        repeats=2,
    ),
    Growth(
        "growth-members",
        "Cost by members of a population",
        _PROTOCOL
        + "A step of gradient descent on 6,000 images in float64, the least of three: networks of 20 "
        "hidden units (experiment 7 of Shrestha and Paudel) under as many seeds, together and one after "
        "another with the same engine.",
        (
            Side("together", population, threads=1),
            Side("one after another", alone, threads=1),
        ),
        size="members",
        cost="processor time of a step (s)",
        repeats=2,
    ),
)
