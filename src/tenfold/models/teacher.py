"""Whom a recipe learns from: a shipped model, or one in a folder."""

from __future__ import annotations

from dataclasses import replace

from tenfold.models.model import open_model
from tenfold.networks.architecture import Architecture
from tenfold.training.distillation import Distillation, Teacher
from tenfold.training.recipe import Recipe


def with_teacher(recipe: Recipe, architecture: Architecture) -> tuple[Recipe, Teacher | None]:
    """Return the recipe for `architecture`, and the teacher it names.

    Where the teacher takes other pictures than `architecture` or tells other classes apart, it can teach it
    nothing: the recipe comes back without it.

    Raises
    ------
    ModelError
        There is no such model.
    """
    if not recipe.distillation.on:
        return recipe, None
    model = open_model(recipe.distillation.teacher)
    teacher = Teacher(model.architecture, model.weights)
    if teacher.fits(architecture):
        return recipe, teacher
    return replace(recipe, distillation=Distillation()), None
