"""``tenfold train NETWORK --int8``: after its training a network learns to be exported in integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tenfold.cli.progress import Display, show_training
from tenfold.errors import require

if TYPE_CHECKING:
    from tenfold.models.fit import Fit, Fitted
    from tenfold.models.model import Model
    from tenfold.runs.store import Store

RECIPE = "int8"
"""The recipe that a network goes on by; ``--set int8.KEY=VALUE`` changes it."""

PREFIX = f"{RECIPE}."


@dataclass(frozen=True)
class Accuracies:
    """What int8 costs, measured on the test images, or on the held-out ones where there are none.

    Attributes
    ----------
    n : int
        How many images.
    float32 : float
        As the training left the network.
    post_training : float
        The same weights in integers.
    aware : float
        In integers, after it was trained for them.
    """

    n: int
    float32: float
    post_training: float
    aware: float


def split(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of the training, and those of what comes after it."""
    own = {key.removeprefix(PREFIX): value for key, value in settings.items() if key.startswith(PREFIX)}
    return {key: value for key, value in settings.items() if not key.startswith(PREFIX)}, own


def train_on(
    plan: Fit, model: Model, settings: Mapping[str, Any], store: Store, display: Display
) -> tuple[Fitted, Accuracies | None]:
    """Let a trained model learn to be rounded; return the kept run, and what it gained if that can be told.

    Parameters
    ----------
    plan : Fit
        What `model` was trained by.
    settings : mapping
        Changes to the shipped recipe.
    """
    require("torch", extra="train", purpose="Quantization-aware training")
    from tenfold.export.aware import AwareEngine
    from tenfold.export.exported import calibration_images
    from tenfold.models.fit import fit
    from tenfold.training.recipe import load_recipe

    engine = AwareEngine(model.weights, calibration_images(plan.train.images))
    title = f"{plan.architecture.name}, int8"
    made = fit(
        replace(plan, recipe=load_recipe(RECIPE).change(settings), teacher=None),
        engine=engine,
        store=store,
        on_epoch=lambda progress: show_training(display, title, progress, epoch_done=True),
        on_progress=lambda progress: show_training(display, title, progress, epoch_done=False),
        waiting=lambda: display.say("Another process is training this very run; waiting for it ..."),
    )
    measured = plan.test or plan.validation
    if measured is None:
        return made, None
    display.update("measuring int8", 1.0, float("nan"))
    answers = (
        model.logits(measured.images),
        engine.logits(plan.architecture, model.weights, measured.images),
        engine.logits(plan.architecture, made.model().weights, measured.images),
    )
    right = [float((each.argmax(axis=1) == measured.labels).mean()) for each in answers]
    return made, Accuracies(len(measured), *right)
