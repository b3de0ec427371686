"""Which images a training of a study sees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.data import CATALOG, Dataset, folds, hold_out, load, load_dataset
from tenfold.errors import DataError, UnknownNameError
from tenfold.seeds import generator
from tenfold.studies.experiment import FOLDS, HONEST, PUBLISHED
from tenfold.studies.study import Shuffled, Study

SPLIT_SEED = 0
"""All runs of all studies share one validation split, so that their differences are not the split's."""

FULL_TRAINING_SET = 60_000


@dataclass(frozen=True)
class Share:
    """Which images a training sees.

    Attributes
    ----------
    data : str
        Name or path of the data set.
    reading : str
    train, test : int or None
        As in `Scale`.
    validation : int
        Size of the validation split, of the whole training set; a smaller one is held out of a part of it.
    split : Shuffled or None
        As in `Study`.
    """

    data: str
    reading: str
    train: int | None
    test: int | None
    validation: int
    split: Shuffled | None = None

    @property
    def count(self) -> int:
        """About how many images are trained on, without reading any."""
        if self.split is not None:
            most = self.split.drawn - self.split.test - self.split.validation
        else:
            most = FULL_TRAINING_SET
        return min(self.train or most, most)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for the identity of a run. A file is told by its content."""
        divided = None if self.split is None else vars(self.split)
        return {
            "name": self.data if self.data in CATALOG else f"sha256:{_hash(self.data)}",
            "reading": self.reading,
            "train": self.train,
            "test": self.test,
            "validation": 0 if self.reading in (PUBLISHED, *FOLDS) else self.validation,
            "split_seed": SPLIT_SEED,
        } | ({} if divided is None else {"shuffled": divided})


def _hash(path: str) -> str:
    if Path(path).is_dir():
        digits = load(path)
        return hashlib.sha256(f"{digits.train.sha256} {digits.test.sha256}".encode()).hexdigest()
    try:
        return _hash_of(path, Path(path).stat().st_mtime_ns)
    except OSError as error:
        if Path(path).name == Path(path).stem == path:  # reads as a name
            raise UnknownNameError("data set or path", path, CATALOG) from None
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from None


@lru_cache(maxsize=4)
def _hash_of(path: str, modified: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Parts:
    """The data of a training: what it learns from, what it is watched on, what it is tested on at the end."""

    train: Dataset
    monitors: dict[str, Dataset]
    test: Dataset | None


@lru_cache(maxsize=8)
def parts(share: Share) -> Parts:
    """Return the images that `share` describes.

    Raises
    ------
    DataError
        The data set cannot be read, or does not hold as many images as are to be drawn.
    """
    if share.split is not None:
        return _shuffled(share, share.split)
    digits = load(share.data)
    train, test = digits.train, digits.test
    validation = round(share.validation * len(train) / FULL_TRAINING_SET)
    if share.train is not None and share.train < len(train):
        validation = round(validation * share.train / len(train))
        _, train = hold_out(train, share.train, seed=SPLIT_SEED)
    if share.test is not None and share.test < len(test):
        _, test = hold_out(test, share.test, seed=SPLIT_SEED)
    if share.reading == PUBLISHED:
        return Parts(train, {"test": test}, test)
    if share.reading in FOLDS:
        rest, held = folds(train, len(FOLDS), seed=SPLIT_SEED)[FOLDS.index(share.reading)]
        return Parts(rest, {"validation": held}, None)
    rest, held = hold_out(train, validation, seed=SPLIT_SEED)
    return Parts(rest, {"validation": held}, test if share.reading == HONEST else None)


def _shuffled(share: Share, split: Shuffled) -> Parts:
    whole = pile(share.data)
    must_hold(whole, split, share.data)
    order = generator(SPLIT_SEED, "split", "shuffled").permutation(len(whole))[: split.drawn]
    test, validation, train = np.split(order, np.cumsum([split.test, split.validation]))
    part = 1.0 if share.train is None else min(1.0, share.train / len(train))
    held = whole.take(validation[: round(part * len(validation))], name=f"{whole.name}/validation")
    return Parts(
        whole.take(train[: share.train], name=f"{whole.name}/train"),
        {"validation": held},
        whole.take(test[: share.test], name=f"{whole.name}/test") if share.reading == HONEST else None,
    )


def must_hold(whole: Dataset, split: Shuffled, name: str) -> None:
    """Raise `DataError` unless the data set `name`, which is `whole`, holds as many images as are divided."""
    if len(whole) < split.drawn:
        raise DataError(
            f"{name} holds {len(whole):,} images; the study divides {split.drawn:,}. "
            "Give the whole file (Kaggle's digit-recognizer train.csv has 42,000 rows)."
        )


def pile(data: str) -> Dataset:
    """Return all images of a data set; of one with a test part, training and test images together."""
    if data not in CATALOG:
        return replace(load_dataset(data), name=Path(data).name)
    digits = load(data)
    return Dataset(
        np.concatenate([digits.train.images, digits.test.images]),
        np.concatenate([digits.train.labels, digits.test.labels]),
        classes=digits.train.classes,
        name=data,
    )


def division(study: Study) -> str:
    """Return in words how the validation images come about."""
    if study.split is None:
        return f"{study.validation:,} training images, stratified, split seed {SPLIT_SEED}"
    return (
        f"{study.split.drawn:,} images shuffled, seed {SPLIT_SEED}: {study.split.test:,} for test, "
        f"{study.split.validation:,} for validation, the rest for training"
    )
