"""Learning from another network: what it says of the very pictures, besides their labels.

A label names one digit; a teacher's probabilities also say which others a picture resembles, which a small
network could not find out by itself (Hinton, Vinyals and Dean, 2015). The teacher is asked once, about each
picture as it lies in the data set: augmentation is to move a picture too little to make another digit of it,
and to ask at every step would take longer than to train.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from tenfold.errors import TrainingError
from tenfold.training.initializers import Weights
from tenfold.training.optimizers import check

if TYPE_CHECKING:
    from tenfold.networks.architecture import Architecture


@dataclass(frozen=True)
class Distillation:
    """How a network learns from another.

    The loss becomes ``(1 - weight) * loss + weight * temperature**2 * h``, where h is the mean cross-entropy
    of the softmax of ``logits / temperature`` under that of the teacher's ``logits / temperature``.

    Attributes
    ----------
    teacher : str
        A shipped model by name, or a model folder; empty: there is none.
    weight : float in (0, 1]
    temperature : float > 0
    """

    teacher: str = ""
    weight: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check("distillation.weight", self.weight, 0 < self.weight <= 1, "in (0, 1]")
        check("distillation.temperature", self.temperature, 0 < self.temperature < inf, "> 0 and finite")

    @property
    def on(self) -> bool:
        """Whether there is a teacher."""
        return bool(self.teacher)


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained network to learn from.

    Attributes
    ----------
    architecture : Architecture
    weights : dict of float32 arrays
    """

    architecture: Architecture
    weights: Weights = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """The fingerprint of the network and its weights."""
        digest = hashlib.sha256(self.architecture.sha256.encode())
        for key in sorted(self.weights):
            digest.update(key.encode())
            digest.update(np.ascontiguousarray(self.weights[key]).tobytes())
        return digest.hexdigest()

    def fits(self, architecture: Architecture) -> bool:
        """Return whether it takes the same pictures as `architecture`, and tells as many classes apart."""
        mine, other = self.architecture, architecture
        return (mine.input_shape, mine.classes) == (other.input_shape, other.classes)


def check_teacher(distillation: Distillation, teacher: Teacher | None, architecture: Architecture) -> None:
    """Raise `TrainingError` unless `teacher` is there where the recipe wants one, and fits `architecture`."""
    if distillation.on and teacher is None:
        raise TrainingError(
            f"The recipe learns from {distillation.teacher!r}, and no teacher is given. Give it to `train` "
            "as `teacher`, or train with a recipe without distillation."
        )
    if teacher is not None and not distillation.on:
        raise TrainingError(
            "A teacher is given, and the recipe has none. Set distillation.teacher to its name."
        )
    if teacher is not None and not teacher.fits(architecture):
        raise TrainingError(
            f"The teacher {distillation.teacher!r} takes {teacher.architecture.input_shape} and tells "
            f"{teacher.architecture.classes} classes apart; the network takes {architecture.input_shape} and "
            f"tells {architecture.classes} apart. They must be alike."
        )
