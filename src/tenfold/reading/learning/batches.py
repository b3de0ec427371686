"""Samples put together to batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tenfold.reading.learning.network import BLANK
from tenfold.reading.learning.recipe import ReaderRecipe
from tenfold.reading.learning.strips import Sample
from tenfold.reading.strip import HEIGHT, STRIDE

BEYOND = -100
"""What a column beyond a strip is taught: nothing."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Strips of about one width.

    Attributes
    ----------
    ink : (n, 1, HEIGHT, width) uint8
    columns : (n,) int64
        Columns of the answer that belong to each strip.
    texts : (total,) int64
        All digits, one string after the other.
    lengths : (n,) int64
    places : (n, width / STRIDE) int64
        The digit in whose middle a column lies, else BLANK; BEYOND the strip.
    """

    ink: Tensor
    columns: Tensor
    texts: Tensor
    lengths: Tensor
    places: Tensor


def batches(samples: list[Sample], recipe: ReaderRecipe, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches in random order, strips of like width together."""
    for _ in range(recipe.repeats):
        # Widths shaken a little: neighbors change from one repeat to the next.
        widths = [sample.ink.shape[1] * rng.uniform(0.9, 1.1) for sample in samples]
        order = np.argsort(widths, kind="stable")
        for start in rng.permutation(len(samples) // recipe.batch) * recipe.batch:
            chosen = order[start : start + recipe.batch]
            yield collate([tone(samples[place], rng) for place in chosen])


def by_width(samples: list[Sample], size: int = 64) -> Iterator[list[Sample]]:
    """Yield all samples, strips of like width together."""
    order = np.argsort([sample.ink.shape[1] for sample in samples], kind="stable")
    for start in range(0, len(samples), size):
        yield [samples[place] for place in order[start : start + size]]


def tone(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a sample with its ink made stronger or fainter, and moved up or down by a row or two."""
    gamma = float(np.exp(rng.normal(0, 0.25)))
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    ink = table[sample.ink]
    down = int(rng.integers(-2, 3))
    if down:
        ink = np.roll(ink, down, axis=0)
        ink[: max(0, down)] = 0
        ink[HEIGHT + min(0, down) :] = 0
    return Sample(ink, sample.text, sample.places)


def collate(samples: list[Sample]) -> Batch:
    """Put samples side by side, the narrow ones filled up with paper."""
    width = max(sample.ink.shape[1] for sample in samples)
    ink = np.zeros((len(samples), 1, HEIGHT, width), np.uint8)
    places = np.full((len(samples), width // STRIDE), BEYOND, np.int64)
    for row, sample in enumerate(samples):
        own = sample.ink.shape[1]
        ink[row, 0, :, :own] = sample.ink
        places[row, : own // STRIDE] = BLANK
        for place, digit in zip(sample.places, sample.text, strict=True):
            places[row, place] = int(digit)
    return Batch(
        torch.from_numpy(ink),
        torch.tensor([sample.ink.shape[1] // STRIDE for sample in samples]),
        torch.tensor([int(digit) for sample in samples for digit in sample.text], dtype=torch.int64),
        torch.tensor([len(sample.text) for sample in samples]),
        torch.from_numpy(places),
    )
