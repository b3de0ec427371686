"""A network in ONNX Runtime: pictures in, logits out, in batches that fit the cache, a thread a core."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.networks.architecture import Architecture
from tenfold.networks.fold import fold
from tenfold.networks.onnx import INPUT, Graph
from tenfold.networks.program import lower, picture_shape
from tenfold.runs import environment
from tenfold.session import open_session

CACHE = 2**20
"""Bytes that the widest value of a batch may take, for a core to keep it near (docs/decisions/0010)."""


class Runtime:
    """Runs one network with its batch norm folded. Safe to share between threads.

    Parameters
    ----------
    architecture : Architecture
    weights : mapping of float32 arrays

    Attributes
    ----------
    batch : int >= 1
        How many pictures are computed at once by one thread.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, NDArray[Any]]) -> None:
        program = fold(lower(architecture, weights))
        graph = Graph(program)
        # Threads take whole batches, each runs the session alone.
        self._session = open_session(graph.content(graph.logits))
        self._input_shape = architecture.input_shape
        self._classes = architecture.classes
        widest = max(prod(shape) for shape in program.shapes.values())
        self.batch = max(CACHE // (4 * widest), 1)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits (n, classes) of `images`, uint8, (n, ...) as the network takes them, n >= 1.

        As many threads work on it as the process may use (a core each, at most ``OMP_NUM_THREADS``); how many
        changes nothing in what comes out.
        """
        pictures = self._arranged(images)
        if len(pictures) <= self.batch:
            return self._run(pictures)
        logits = np.empty((len(pictures), self._classes), np.float32)

        def run(start: int) -> None:
            logits[start : start + self.batch] = self._run(pictures[start : start + self.batch])

        starts = range(0, len(pictures), self.batch)
        # The threads end with the call: a process that is forked later inherits none.
        with ThreadPoolExecutor(min(environment.threads(), len(starts))) as pool:
            deque(pool.map(run, starts), maxlen=0)
        return logits

    def _run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self._session.run(None, {INPUT: pictures})[0]
        return logits

    def _arranged(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the images in the shape that the graph takes, channels last."""
        if len(self._input_shape) == 3 and images.ndim == 2:
            images = images.reshape(-1, *self._input_shape).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images.reshape(-1, *picture_shape(self._input_shape)))
