"""Strips to learn from, made by other processes while the network trains."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.paper import Papers
from tenfold.data.composites.patches import Patch
from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning.legible import legible, make_legible
from tenfold.reading.strip import STRIDE, View, make_strip
from tenfold.seeds import generator

HELD_OUT = 6000
"""Training images of MNIST that no strip to learn from is written with; those to validate on are."""

SPLIT_SEED = 0
WIDEST = 600
PAPERS = 400
DRAWN = 20_000


@dataclass(frozen=True, eq=False)
class Sample:
    """A strip and what it says.

    Attributes
    ----------
    ink : (HEIGHT, width) uint8
    text : str
    places : tuple of int
        Column of the network's answer in which each digit has its middle.
    """

    ink: NDArray[np.uint8]
    text: str
    places: tuple[int, ...]


@cache
def _stock(part: str) -> tuple[Glyphs, Papers, DigitNetwork]:
    from tenfold.data.catalog import load
    from tenfold.data.splits import hold_out

    rest, held = hold_out(load("mnist").train, HELD_OUT, seed=SPLIT_SEED)
    classifier = DigitNetwork()
    digits = legible(rest if part == "train" else held, classifier)
    drawn = draw_glyphs(DRAWN, generator(0, "strokes", part))
    glyphs = Glyphs(digits.images, digits.labels, drawn)
    return glyphs, Papers(PAPERS, generator(0, "papers", part)), classifier


def make_chunk(seed: int, part: str, index: int, count: int) -> list[Sample]:
    """Make strips, the same whenever and wherever they are made.

    Parameters
    ----------
    seed : int
    part : {"train", "validation"}
        Which images of MNIST's training set the digits come from.
    index : int
        Which chunk.
    count : int
        Strips in it.
    """
    rng = generator(seed, "strips", part, index)
    samples: list[Sample] = []
    while len(samples) < count:
        patch = make_legible(*_stock(part), rng)
        strip = make_strip(patch.gray, View(zoom=float(np.exp(rng.normal(0, 0.07)))))
        columns = strip.ink.shape[1] // STRIDE
        if strip.ink.shape[1] > WIDEST or columns < 2 * len(patch.text) + 1:
            continue
        middles = [((left + right) / 2 * strip.scale + strip.offset) / STRIDE for left, right in patch.spans]
        samples.append(Sample(strip.ink, patch.text, _apart(middles, columns)))
    return samples


def make_patches(seed: int, part: str, index: int, count: int) -> list[Patch]:
    """Make patches as those of `make_chunk`, before they are strips."""
    rng = generator(seed, "patches", part, index)
    return [make_legible(*_stock(part), rng) for _ in range(count)]


def chunks(seed: int, part: str, indices: range, count: int, workers: int) -> Iterator[list[Sample]]:
    """Yield chunks in order, made ahead by `workers` processes (0: made here, when asked for)."""
    if workers == 0:
        for index in indices:
            yield make_chunk(seed, part, index, count)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _quiet) as pool:
        ahead = [pool.apply_async(make_chunk, (seed, part, index, count)) for index in indices[: workers + 1]]
        for index in indices:
            samples = ahead.pop(0).get()
            upcoming = index + workers + 1
            if upcoming in indices:
                ahead.append(pool.apply_async(make_chunk, (seed, part, upcoming, count)))
            yield samples


def _quiet() -> None:
    """Keep a worker to one thread, and Ctrl-C to the parent."""
    import signal

    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _apart(middles: list[float], columns: int) -> tuple[int, ...]:
    """Return whole columns in rising order, no two digits in one."""
    places: list[int] = []
    for middle in middles:
        least = places[-1] + 1 if places else 0
        places.append(max(least, int(middle)))
    highest = columns
    for at in range(len(places) - 1, -1, -1):
        highest = places[at] = min(places[at], highest - 1)
    return tuple(places)
