"""Digits shown as what they are: pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.report.document import Pictures


def sample_grid(
    images: NDArray[Any],
    labels: ArrayLike,
    *,
    classes: Sequence[str] = tuple("0123456789"),
    each: int = 3,
    caption: str = "",
    key: str = "",
) -> Pictures:
    """Return the first `each` images of every class, a row for each round through the classes."""
    labels = np.asarray(labels)
    found = [np.flatnonzero(labels == number)[:each] for number in range(len(classes))]
    index = [int(of[row]) for row in range(each) for of in found if row < len(of)]
    return Pictures(images[index], tuple(classes[int(labels[i])] for i in index), caption, key, len(classes))


def mistakes(
    images: NDArray[Any],
    truth: ArrayLike,
    probabilities: NDArray[Any],
    index: ArrayLike,
    *,
    classes: Sequence[str] = tuple("0123456789"),
    caption: str = "",
    key: str = "",
) -> Pictures:
    """Return the images at `index`, each with its true class, what it was read as, and how surely."""
    truth = np.asarray(truth)
    captions = []
    for i in np.asarray(index, dtype=np.int64):
        said = int(probabilities[i].argmax())
        sure = 100 * float(probabilities[i, said])
        captions.append(f"{classes[int(truth[i])]} → {classes[said]}, {sure:.1f}%")
    return Pictures(images[np.asarray(index, dtype=np.int64)], tuple(captions), caption, key, 8)
