"""The random numbers behind the dropout of a population's step (`engine` says which)."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tenfold import seeds
from tenfold.training.numpy_operation import Array


class Places:
    """Where each image stands in a seed's order of one step; threads may ask for it at once.

    Parameters
    ----------
    step : int
        From 0.
    count : int
        Images.
    """

    def __init__(self, step: int, count: int) -> None:
        self.step, self._count = step, count
        self._found: dict[int, NDArray[np.uint32]] = {}
        self._lock = Lock()

    def of(self, seed: int) -> NDArray[np.uint32]:
        """Return the places (count,) under `seed`."""
        with self._lock:
            if seed not in self._found:
                places = np.empty(self._count, np.uint32)
                places[seeds.epoch_order(seed, self.step, self._count)] = np.arange(self._count)
                self._found[seed] = places
            return self._found[seed]


class Draws:
    """The numbers of some images at a time, for one thread.

    Parameters
    ----------
    places : Places
        Of the step.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._images = np.empty(0, np.int64)
        self._drawn: dict[tuple[int, str, int], Array] = {}
        self._kept: dict[tuple[int, str, int, float], NDArray[np.bool_]] = {}

    def turn_to(self, images: NDArray[np.int64]) -> None:
        """Draw for these images from now on."""
        self._images = images
        self._drawn.clear()
        self._kept.clear()

    def kept(self, seed: int, name: str, width: int, rate: float) -> NDArray[np.bool_]:
        """Return what layer `name` keeps, (width, n); it is found once for all members of a seed and rate."""
        wanted = (seed, name, width, rate)
        if wanted not in self._kept:
            self._kept[wanted] = self._numbers(seed, name, width) >= np.float32(rate)
        return self._kept[wanted]

    def _numbers(self, seed: int, name: str, width: int) -> Array:
        wanted = (seed, name, width)
        if wanted not in self._drawn:
            first = self._places.of(seed)[self._images] * np.uint32(width)
            index = first + np.arange(width, dtype=np.uint32)[:, None]
            self._drawn[wanted] = seeds.uniform_at(seeds.key(seed, "dropout", self._places.step, name), index)
        return self._drawn[wanted]
