"""Which images a training of a study sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tenfold.data import Dataset, hold_out, load
from tenfold.studies.study import HONEST, PUBLISHED

SPLIT_SEED = 0
"""All runs of all studies share one validation split, so that their differences are not the split's."""

FULL_TRAINING_SET = 60_000


@dataclass(frozen=True)
class Share:
    """Which images a training sees.

    Attributes
    ----------
    data : str
        Name of the data set.
    reading : str
    train, test : int or None
        As in `Scale`.
    validation : int
        Size of the validation split, of the whole training set; a smaller one is held out of a part of it.
    """

    data: str
    reading: str
    train: int | None
    test: int | None
    validation: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for the identity of a run."""
        return {
            "name": self.data,
            "reading": self.reading,
            "train": self.train,
            "test": self.test,
            "validation": 0 if self.reading == PUBLISHED else self.validation,
            "split_seed": SPLIT_SEED,
        }


@dataclass(frozen=True)
class Parts:
    """The data of a training: what it learns from, what it is watched on, what it is tested on at the end."""

    train: Dataset
    monitors: dict[str, Dataset]
    test: Dataset | None


@lru_cache(maxsize=8)
def parts(share: Share) -> Parts:
    """Return the images that `share` describes."""
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
    rest, held = hold_out(train, validation, seed=SPLIT_SEED)
    return Parts(rest, {"validation": held}, test if share.reading == HONEST else None)
