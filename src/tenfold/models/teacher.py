"""Whom a recipe learns from: a shipped model, or one in a folder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tenfold.data.dataset import Dataset
from tenfold.errors import DataError
from tenfold.models.model import Model, open_model
from tenfold.networks.architecture import Architecture
from tenfold.training.distillation import Distillation, Teacher
from tenfold.training.recipe import Recipe

_ASKED = 1000
"""About how many training images tell whether a teacher knows them."""


def with_teacher(recipe: Recipe, architecture: Architecture, data: Dataset) -> tuple[Recipe, Teacher | None]:
    """Return the recipe to train `architecture` on `data`, and the teacher it names.

    A teacher that takes other pictures than `architecture` or tells other classes apart can teach it nothing,
    and one that gets most of `data` wrong (one of digits, asked about clothes) would teach it nonsense: then
    the recipe comes back without it.

    Raises
    ------
    ModelError
        There is no such model.
    """
    if not recipe.distillation.on:
        return recipe, None
    model = open_model(recipe.distillation.teacher)
    teacher = Teacher(model.architecture, model.weights)
    if teacher.fits(architecture) and _knows(model, data):
        return recipe, teacher
    return replace(recipe, distillation=Distillation()), None


def _knows(model: Model, data: Dataset) -> bool:
    """Return whether `model` gets more than half of `data`, or of about `_ASKED` images of it, right."""
    some = data.take(slice(None, None, max(len(data) // _ASKED, 1)))
    try:
        found = model.predict(some.images)
    except DataError:  # numbers that are no pictures
        return False
    return bool(2 * np.count_nonzero(found == some.labels) > len(some))
