"""How the digit network that ships is trained: on MNIST's training images and on what Tenfold draws itself.

Three streams are mixed anew in every epoch: MNIST's digits, digits drawn from strokes in the hands that MNIST
lacks, and pictures of what is not one digit. All are varied (`Hands`) and brought to MNIST's form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.augment import Augmentation
from tenfold.data.catalog import load
from tenfold.data.composites.hands import Hands
from tenfold.data.composites.nondigits import make
from tenfold.data.composites.strokes import choose, render
from tenfold.data.dataset import Dataset
from tenfold.data.splits import hold_out
from tenfold.errors import RecipeError, TrainingStopped, lookup
from tenfold.evaluation.calibration import fit_temperature, softmax
from tenfold.networks.architecture import network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, ReLU
from tenfold.seeds import generator
from tenfold.training.checkpoint import Checkpoint, load_same, save_checkpoint
from tenfold.training.engine import Engine
from tenfold.training.history import History
from tenfold.training.initializers import Weights
from tenfold.training.optimizers import AdamW
from tenfold.training.recipe import Recipe
from tenfold.training.schedules import OneCycle

CLASSES = (*"0123456789", "not a digit")
OTHER = 10
"""The class of what is not a digit."""

HELD_OUT, SPLIT_SEED = 6000, 0
"""Training images of MNIST that nothing is learned from: choices and the calibration are made on them."""

NETWORK = network(28, 28, mean=0.1307, std=0.3081)(
    *(Conv(32, 5, stride=2, padding=2, bias=False), BatchNorm(), ReLU()),
    *(Conv(48, 3, padding="same", bias=False), MaxPool(2), BatchNorm(), ReLU()),
    *(Conv(96, 3, padding="same", bias=False), BatchNorm(), ReLU()),
    *(Conv(96, 3, padding="same", bias=False), MaxPool(2), BatchNorm(), ReLU()),
    *(Flatten(), Dropout(0.2), Dense(len(CLASSES))),
).named("reader-digits")


@dataclass(frozen=True)
class DigitsRecipe:
    """What the digit network learns from, and how.

    Attributes
    ----------
    drawn, others : int >= 1
        Digits drawn from strokes, and pictures of no digit, in an epoch; MNIST's are all in each.
    repeats : int >= 1
        Epochs that learn from the same pictures, moved anew: they take as long to make as to learn from.
    pool : int >= 1
        Pictures of no digit that are made in all; an epoch takes some of them, varied anew.
    judged : int >= 1
        Held-out pictures that are drawn from strokes, and as many of no digit, to judge the network by.
    hands : Hands
        How digits, and the rest, are varied before they are normalized.
    recipe : Recipe
        How the network is trained. Its augmentation is what the normalization may be off by.
    """

    drawn: int = 18_000
    others: int = 18_000
    repeats: int = 2
    pool: int = 40_000
    judged: int = 4_000
    hands: Hands = field(default_factory=Hands)
    recipe: Recipe = field(
        default_factory=lambda: Recipe(
            epochs=40,
            batch_size=256,
            optimizer=AdamW(0.01, weight_decay=0.05),
            schedule=OneCycle(warmup=0.2),
            augmentation=Augmentation(shift=1.5, rotation=5.0, scale=0.1),
            precision="mixed",
        )
    )


@dataclass(frozen=True, eq=False)
class LearntDigits:
    """A trained digit network.

    Attributes
    ----------
    weights : Weights
    temperature : float
        Fitted on the held-out pictures.
    accuracy : dict of float
        On each held-out part (`validation`), of the most probable class.
    """

    weights: Weights
    temperature: float
    accuracy: dict[str, float]


def parts() -> tuple[Dataset, Dataset]:
    """Return MNIST's training images without those that are held out, and those."""
    return hold_out(load("mnist").train, HELD_OUT, SPLIT_SEED)


def validation(held: Dataset, recipe: DigitsRecipe) -> dict[str, Dataset]:
    """Return what the network is judged by, none of it learned from: as it is, varied, drawn, no digit."""
    rng = generator(0, "reader-digits", "validation")
    digits = rng.integers(0, 10, recipe.judged)
    drawn = recipe.hands.vary(render(choose(digits, rng), rng), rng)
    other, _ = make(recipe.judged, rng, held.images)
    return {
        "mnist": _dataset("mnist", held.images, held.labels),
        "varied": _dataset("varied", recipe.hands.vary(held.images, rng), held.labels),
        "drawn": _dataset("drawn", drawn, digits),
        "other": _dataset("other", other, np.full(len(other), OTHER)),
    }


class Stream:
    """Makes what is learned from, epoch by epoch, the same for the same seed.

    Parameters
    ----------
    train : Dataset
        MNIST's digits.
    recipe : DigitsRecipe
    seed : int
    """

    def __init__(self, train: Dataset, recipe: DigitsRecipe, seed: int) -> None:
        self.train = train
        self.recipe = recipe
        self.seed = seed
        self._made = -1, train
        self._pool, _ = make(recipe.pool, generator(seed, "reader-digits", "pool"), train.images)

    def __len__(self) -> int:
        return len(self.train) + self.recipe.drawn + self.recipe.others

    def epoch(self, index: int) -> Dataset:
        """Return the pictures of epoch `index` (from 0)."""
        index //= self.recipe.repeats
        if self._made[0] != index:
            self._made = index, self._make(index)
        return self._made[1]

    def _make(self, index: int) -> Dataset:
        rng = generator(self.seed, "reader-digits", index)
        digits = rng.integers(0, 10, self.recipe.drawn)
        drawn = render(choose(digits, rng), rng)
        other = self._pool[rng.choice(len(self._pool), self.recipe.others)]
        images = np.concatenate([self.train.images, drawn, other])
        labels = np.concatenate([self.train.labels, digits, np.full(len(other), OTHER)])
        return _dataset(f"pictures {index}", self.recipe.hands.vary(images, rng), labels)


def change(settings: Mapping[str, Any]) -> DigitsRecipe:
    """Return the recipe with some settings changed.

    Parameters
    ----------
    settings : mapping
        By key: those of `DigitsRecipe` that are numbers, of its hands (``hands.slant``), and of the recipe of
        the training as `Recipe.change` takes them (``epochs``, ``optimizer.lr``).

    Raises
    ------
    UnknownNameError, RecipeError
        A key or value is unknown, of the wrong type or out of range.
    """
    recipe = DigitsRecipe()
    counts = ("drawn", "others", "repeats", "pool", "judged")
    hands = {key.removeprefix("hands."): value for key, value in settings.items() if key.startswith("hands.")}
    for name, value in hands.items():
        kind = type(lookup("recipe key", name, vars(recipe.hands)))
        if isinstance(value, bool) or not isinstance(value, (int, kind)) or value < 0:
            raise RecipeError(f"hands.{name} must be a number >= 0. Got {value!r} instead.")
    for name in counts:
        value = settings.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise RecipeError(f"{name} must be an integer >= 1. Got {value!r} instead.")
    return replace(
        recipe,
        hands=replace(recipe.hands, **hands),
        recipe=recipe.recipe.change(
            {key: value for key, value in settings.items() if key not in counts and "hands." not in key}
        ),
        **{name: settings[name] for name in counts if name in settings},
    )


def learn(
    recipe: DigitsRecipe,
    engine: Engine,
    seed: int = 0,
    *,
    folder: Path | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> LearntDigits:
    """Train the digit network.

    The same recipe and seed, on the same machine with as many threads, give the same weights, however often
    the training was stopped.

    Parameters
    ----------
    recipe : DigitsRecipe
    engine : Engine
    seed : int
    folder : Path or None
        Where a checkpoint is kept, renewed after every epoch. One that lies there already is gone on from.
    on_epoch : function of (int, float) or None
        Told after each epoch how many are done, and the training loss.

    Raises
    ------
    MissingExtraError
        Matplotlib is not installed.
    TrainingError
        The checkpoint in the folder is another training's, or damaged; or the loss is not finite.
    TrainingStopped
        Ctrl-C came after the first epoch, and there is a `folder`.
    """
    train, held = parts()
    identity = _identity(train, recipe, engine, seed)
    found = None if folder is None else load_same(folder, identity)
    stream = Stream(train, recipe, seed)
    trainer = engine.trainer(NETWORK, recipe.recipe, seed, len(stream))
    last = found or Checkpoint(identity, 0, History(), trainer.state())
    trainer.load_state(last.state)
    start = monotonic() - last.seconds
    try:
        for index in range(last.epoch, recipe.recipe.epochs):
            result = trainer.run_epoch(stream.epoch(index), index)
            seconds = monotonic() - start
            row = {"epoch": index + 1, "train_loss": result.loss, "seconds": seconds}
            history = History([*last.history.rows, row])
            last = Checkpoint(identity, index + 1, history, trainer.state(), seconds, seconds)
            if folder is not None:
                save_checkpoint(last, folder)
            if on_epoch is not None:
                on_epoch(index + 1, result.loss)
    except KeyboardInterrupt:
        if folder is None or not last.epoch:
            raise
        path = save_checkpoint(last, folder)
        raise TrainingStopped(
            f"Training stopped after epoch {last.epoch} of {recipe.recipe.epochs}. Its state is saved in "
            f"{path}. Run the same training again to go on from there."
        ) from None
    judged = validation(held, recipe)
    logits = {name: trainer.logits(part.images) for name, part in judged.items()}
    temperature = fit_temperature(
        np.concatenate(list(logits.values())), np.concatenate([part.labels for part in judged.values()])
    )
    return LearntDigits(
        trainer.weights(),
        temperature,
        {name: _accuracy(logits[name], part.labels) for name, part in judged.items()},
    )


def _identity(train: Dataset, recipe: DigitsRecipe, engine: Engine, seed: int) -> dict[str, Any]:
    """Return what makes a training this one, as plain JSON values."""
    values = {
        "network": NETWORK.sha256,
        "recipe": asdict(recipe) | {"recipe": recipe.recipe.to_dict()},
        "data": train.sha256,
        "seed": seed,
        "engine": engine.settings(recipe.recipe),
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float(np.mean(softmax(logits).argmax(axis=1) == labels))


def _dataset(name: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Dataset:
    return Dataset(images, np.asarray(labels, np.int64), CLASSES, name)
