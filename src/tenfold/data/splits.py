"""Dividing a data set: hold-out, folds, writers apart, class imbalance. Everything is fixed by the seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.errors import DataError
from tenfold.seeds import generator


def hold_out(
    dataset: Dataset, size: int | float, seed: int, *, by_writer: bool = False
) -> tuple[Dataset, Dataset]:
    """Set images aside.

    Parameters
    ----------
    dataset : Dataset
    size : int or float
        How many images to set aside, or which fraction of them (in (0, 1)).
    seed : int
    by_writer : bool
        Set whole writers aside, so that none is on both sides; then `size` is met as nearly as writers allow,
        and classes fall as they fall. Else every class gives its share, to within one image.

    Returns
    -------
    rest, held : Dataset
        Both in the order of `dataset`.

    Raises
    ------
    DataError
        There are not so many images, or the writers are not known.
    """
    count = _amount(dataset, size)
    if by_writer:
        held = _writers_aside(dataset, count, seed)
    else:
        rng = generator(seed, "split", "hold-out")
        shares = largest_remainder(_class_counts(dataset), count)
        held = np.concatenate(
            [
                rng.permutation(np.flatnonzero(dataset.labels == label))[:share]
                for label, share in enumerate(shares)
            ]
        )
    return _apart(dataset, held, {"hold_out": count, "seed": seed, "by_writer": by_writer})


def folds(
    dataset: Dataset, count: int, seed: int, *, by_writer: bool = False
) -> list[tuple[Dataset, Dataset]]:
    """Divide into folds, each set aside once.

    Parameters
    ----------
    dataset : Dataset
    count : int >= 2
    seed : int
    by_writer : bool
        Keep each writer in one fold, and folds as even as writers allow. Else folds differ by at most one
        image in size and in each class.

    Returns
    -------
    folds : list of (rest, held)
        Of `count` pairs; every image is held once.

    Raises
    ------
    DataError
        `count` is below 2 or above the number of images (or writers), or the writers are not known.
    """
    rng = generator(seed, "split", "folds", count)
    if by_writer:
        writers, inverse, sizes = np.unique(_writers(dataset), return_inverse=True, return_counts=True)
        _check_folds(count, len(writers), "writers")
        # The most productive writer first, each to the fold that is smallest so far.
        loads = np.zeros(count, np.int64)
        place = np.empty(len(writers), np.int64)
        order = rng.permutation(len(writers))
        for writer in order[np.argsort(-sizes[order], kind="stable")]:
            place[writer] = loads.argmin()
            loads[place[writer]] += sizes[writer]
        fold = place[inverse]
    else:
        _check_folds(count, len(dataset), "images")
        shuffled = [
            rng.permutation(np.flatnonzero(dataset.labels == label)) for label in range(len(dataset.classes))
        ]
        fold = np.empty(len(dataset), np.int64)
        # Dealt like cards, class after class: no fold gets two more than another, of any class or in all.
        fold[np.concatenate(shuffled)] = np.arange(len(dataset)) % count
    return [
        _apart(
            dataset,
            np.flatnonzero(fold == number),
            {"fold": number, "folds": count, "seed": seed, "by_writer": by_writer},
        )
        for number in range(count)
    ]


def imbalance(dataset: Dataset, keep: float | Sequence[float], seed: int) -> Dataset:
    """Thin out classes.

    Parameters
    ----------
    dataset : Dataset
    keep : float >= 1, or sequence of float in [0, 1]
        The fraction of each class to keep, in the order of the classes. Or a ratio: the first class is kept
        whole, the last keeps ``1 / ratio``, and those between decline exponentially (the "long-tailed" sets
        of Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019, section 5.1).
    seed : int

    Returns
    -------
    thinned : Dataset
        In the order of `dataset`; each class has the nearest whole number of images to its fraction.

    Raises
    ------
    DataError
        There is not one fraction for each class, one is outside [0, 1], or the ratio is below 1.
    """
    classes = len(dataset.classes)
    if isinstance(keep, (int, float)):
        if not keep >= 1:
            raise DataError(f"The ratio of an imbalance must be >= 1. Got {keep!r} instead.")
        fractions = float(keep) ** -(np.arange(classes) / max(1, classes - 1))
    else:
        fractions = np.asarray(keep, np.float64)
        if fractions.shape != (classes,) or not np.all((fractions >= 0) & (fractions <= 1)):
            raise DataError(
                f"An imbalance needs a fraction in [0, 1] for each of the {classes} classes. "
                f"Got {keep!r} instead."
            )
    rng = generator(seed, "split", "imbalance")
    kept = []
    for label, fraction in enumerate(fractions):
        members = rng.permutation(np.flatnonzero(dataset.labels == label))
        kept.append(members[: int(np.floor(len(members) * fraction + 0.5))])
    index = np.sort(np.concatenate(kept))
    return dataset.take(index, imbalance=fractions.tolist(), imbalance_seed=seed)


def largest_remainder(weights: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide `total` in proportion to `weights` into whole numbers, each within one of its exact share.

    Shares are rounded down; what is left goes to the largest remainders, the first among equals.
    """
    exact = weights.astype(np.int64) * total
    everything = int(weights.sum())
    shares = exact // everything
    order = np.argsort(-(exact % everything), kind="stable")
    shares[order[: total - int(shares.sum())]] += 1
    return shares


def _amount(dataset: Dataset, size: int | float) -> int:
    count = round(len(dataset) * size) if isinstance(size, float) and 0 < size < 1 else size
    if count != int(count) or not 0 < count < len(dataset):
        raise DataError(
            f"{dataset.name} has {len(dataset)} images; a hold-out must be a whole number of 1 to "
            f"{len(dataset) - 1}, or a fraction in (0, 1) that leaves images on both sides. "
            f"Got {size!r} instead."
        )
    return int(count)


def _class_counts(dataset: Dataset) -> NDArray[np.int64]:
    return np.bincount(dataset.labels, minlength=len(dataset.classes)).astype(np.int64)


def _writers(dataset: Dataset) -> NDArray[np.int64]:
    if dataset.groups is None:
        raise DataError(
            f"{dataset.name} does not say who wrote what, so writers cannot be kept apart. "
            "qmnist does; or divide it without by_writer."
        )
    return dataset.groups


def _writers_aside(dataset: Dataset, count: int, seed: int) -> NDArray[np.int64]:
    writers, inverse, sizes = np.unique(_writers(dataset), return_inverse=True, return_counts=True)
    if len(writers) < 2:
        raise DataError(f"{dataset.name} has one writer alone; two are needed to keep writers apart.")
    order = generator(seed, "split", "hold-out", "writers").permutation(len(writers))
    # As many writers, in random order, as come nearest to the size; at least one, and not all.
    reached = np.cumsum(sizes[order])[:-1]
    aside = order[: int(np.abs(reached - count).argmin()) + 1]
    return np.flatnonzero(np.isin(inverse, aside))


def _check_folds(count: int, most: int, what: str) -> None:
    if not 2 <= count <= most:
        raise DataError(f"The number of folds must be 2 to {most} ({what}). Got {count!r} instead.")


def _apart(
    dataset: Dataset, held: NDArray[np.int64], split: dict[str, int | bool]
) -> tuple[Dataset, Dataset]:
    aside = np.zeros(len(dataset), bool)
    aside[held] = True
    rest, taken = np.flatnonzero(~aside), np.flatnonzero(aside)
    return (
        dataset.take(rest, split=split | {"held": False}),
        dataset.take(taken, split=split | {"held": True}),
    )
