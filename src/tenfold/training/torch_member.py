"""One network of a population in torch: what it is, what it is trained on, and with whom it can be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import TrainingError
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Dropout
from tenfold.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class TorchMember:
    """One network of a population, without running mean and teacher.

    Attributes
    ----------
    architecture : Architecture
    recipe : Recipe
    seed : int
    images : (n,) int array or None
        Which of the population's images it is trained on, as alone on ``data.take(images)``. None: all.
    """

    architecture: Architecture
    recipe: Recipe
    seed: int = 0
    images: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.recipe.ema or self.recipe.distillation.on:
            raise TrainingError(
                "A population in torch takes recipes without running mean and teacher. Got ema "
                f"{self.recipe.ema} and teacher {self.recipe.distillation.teacher!r}. Train this one alone."
            )
        if self.images is not None and (
            self.images.ndim != 1
            or not np.issubdtype(self.images.dtype, np.integer)
            or not len(self.images)
            or self.images.min() < 0
        ):
            raise TrainingError(
                "images of a member must be a one-dimensional array of places >= 0 in the population's "
                f"images, at least one, or None. Got {self.images!r} instead."
            )

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What the members of a population have in common."""
        recipe = self.recipe
        return (
            self.form,
            *(recipe.batch_size, recipe.loss, recipe.label_smoothing, recipe.precision, recipe.augmentation),
        )

    @property
    def form(self) -> Architecture:
        """The network without its name, all its dropout layers of one rate: the masks know the true."""
        layers = (Dropout(0.5) if isinstance(each, Dropout) else each for each in self.architecture.layers)
        return replace(self.architecture, layers=tuple(layers)).named("")

    @property
    def fold(self) -> bytes | None:
        """What tells its images from those of others."""
        return None if self.images is None else self.images.astype(np.int64).tobytes()

    @property
    def beginning(self) -> tuple[Any, ...]:
        """What its first epochs depend on: members that begin alike are computed once."""
        return self.architecture.named(""), self.recipe.beginning, self.seed, self.fold
