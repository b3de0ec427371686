"""The network and the recipe that fit the data, where the user leaves them open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, isqrt, prod
from pathlib import Path
from typing import Any

from tenfold.errors import NetworkError, RecipeError
from tenfold.networks.architecture import Architecture, network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Flatten, Layer, MaxPool, ReLU, Shape
from tenfold.networks.zoo import get
from tenfold.training.optimizers import AdamW
from tenfold.training.recipe import Recipe, default_recipe, load_recipe
from tenfold.training.schedules import Cosine

STEPS = 300
"""The fewest steps that a training by a network's own recipe takes."""

NUMPY_ENDS = 1_000_000
"""Up to how many multiply-adds a step NumPy trains a dense network faster than torch."""

_BATCHES = 16
"""In how many batches a small data set is divided, where they can be of 32 or more."""

_SMALL = 20
"""Pictures whose shorter side is smaller lose too much in the first, strided convolution of `fast`."""


def choose_network(given: Architecture | str | None, shape: Shape, classes: int) -> Architecture:
    """Return the network for data of `shape` and so many classes.

    Parameters
    ----------
    given : Architecture, str or None
        A network, or the name of one; its input and its last layer are made to follow the data. None: `fast`
        for pictures, a smaller one for pictures below 20 pixels, dense layers for features.
    shape : tuple of int
        Of one picture, ``(height, width)`` or ``(height, width, channels)``, or ``(features,)``.
    classes : int

    Raises
    ------
    UnknownNameError
        No network has this name.
    NetworkError
        The network does not fit: a convolution for features that form no picture, or a picture too small.
    """
    if len(shape) > 3:
        raise NetworkError(
            "Each image must be (height, width) or (height, width, channels), or a row of features; "
            f"got {len(shape)} dimensions, {_text(shape)}."
        )
    if given is None:
        return _default_network(shape, classes)
    if isinstance(given, str):
        given = get(given)
    if not isinstance(given, Architecture):
        raise NetworkError(f"network must be a name, an Architecture or None. Got {given!r} instead.")
    return adapt(given, shape, classes)


def adapt(architecture: Architecture, shape: Shape, classes: int) -> Architecture:
    """Return the network with its input and its last layer made to follow the data; as `choose_network`."""
    name = architecture.name or "the network"
    if len(architecture.input_shape) == 1:
        wanted: Shape = (prod(shape),)
    elif len(shape) == 1:
        if shape[0] != prod(architecture.input_shape):
            side = isqrt(shape[0])
            image = f"(n, {side}, {side})" if side**2 == shape[0] else "(n, height, width)"
            channels, *size = architecture.input_shape
            raise NetworkError(
                f"{name} takes images: {_text(tuple(size))} needs {prod(architecture.input_shape)} features"
                f"{f' ({channels} channels)' if channels > 1 else ''}, X has {shape[0]}. "
                f"If they are pixels, reshape X to {image}; "
                "else choose a network of dense layers, or none."
            )
        wanted = architecture.input_shape
    else:
        wanted = (shape[2] if len(shape) == 3 else 1, shape[0], shape[1])
    try:
        fitted = replace(architecture, input_shape=wanted)
        if fitted.classes != classes:
            fitted = replace(fitted, layers=_with_classes(fitted.layers, classes))
    except NetworkError as error:
        raise NetworkError(f"{name} does not fit inputs of {_text(shape)}: {error}") from None
    if fitted.classes != classes:
        raise NetworkError(
            f"{name} ends with {fitted.classes} logits, and no last Dense or Conv layer could be made "
            f"to give {classes}. End it with Dense({classes})."
        )
    return fitted


def choose_recipe(
    given: Recipe | Mapping[str, Any] | str | Path | None,
    architecture: Architecture,
    count: int,
    changes: Mapping[str, Any],
) -> Recipe:
    """Return the recipe for `count` images.

    Parameters
    ----------
    given : Recipe, mapping, str, Path or None
        A recipe, the name or the file of one, or changes to the network's own. None: the network's own; where
        there are few images its batches are made smaller and its epochs more, so that it takes 300 steps.
    architecture : Architecture
    count : int
    changes : mapping
        Applied last, by dotted key ("optimizer.lr"); those whose value is None are left out.

    Raises
    ------
    UnknownNameError, RecipeError
        A recipe, key or value is unknown or out of range.
    """
    if given is None or isinstance(given, Mapping):
        recipe = enough_steps(_own_recipe(architecture), count)
        recipe = recipe.change(_dotted(given or {}))
    elif isinstance(given, Recipe):
        recipe = given
    elif isinstance(given, str | Path):
        recipe = load_recipe(given)
    else:
        raise RecipeError(
            f"recipe must be a Recipe, a name, a path or a dict of changes. Got {given!r} instead."
        )
    return recipe.change(_dotted({key: value for key, value in changes.items() if value is not None}))


def choose_engine(given: str, architecture: Architecture, recipe: Recipe, count: int) -> str:
    """Return the name of the engine to train with: `given`, or for "auto" the faster one.

    That is torch, where it is installed; but NumPy for dense networks so small that torch spends its time on
    calls. Measured on one core, torch took 1.8 times as long a step at 0.2 million multiply-adds, 1.5 times
    at a million and as long at ten million, besides 2 to 3 s for its import.
    """
    small = recipe.batch(count) * architecture.multiply_adds < NUMPY_ENDS
    dense = len(architecture.input_shape) == 1
    return "numpy" if given == "auto" and dense and small else given


def enough_steps(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe with smaller batches and more epochs where `count` images would give few steps."""
    if recipe.batch_size == "full":
        return recipe
    batch = min(int(recipe.batch_size), max(32, count // _BATCHES))
    if recipe.steps_per_epoch(count) * recipe.epochs >= STEPS:
        return recipe
    return replace(recipe, batch_size=batch, epochs=max(recipe.epochs, ceil(STEPS / ceil(count / batch))))


def _default_network(shape: Shape, classes: int) -> Architecture:
    if len(shape) == 1:
        # Between the sizes of what goes in and what comes out, and never tiny: width is cheap here.
        units = min(256, max(64, 1 << (2 * (shape[0] + classes)).bit_length()))
        layers = (Dense(units), ReLU(), Dense(units), ReLU(), Dense(classes))
        return network(*shape)(*layers, name=_DENSE)
    height, width = shape[:2]
    if min(height, width) >= _SMALL:
        return adapt(get("fast"), shape, classes)
    pool: tuple[Layer, ...] = (MaxPool(2),) if min(height, width) >= 4 else ()
    return network(shape[2] if len(shape) == 3 else 1, height, width)(
        *(Conv(32, 3, padding="same", bias=False), BatchNorm(), ReLU()),
        *(Conv(64, 3, padding="same", bias=False), *pool, BatchNorm(), ReLU()),
        *(Flatten(), Dense(classes)),
        name=_CONVOLUTIONS,
    )


_DENSE, _CONVOLUTIONS = "default-dense", "default-convolutions"


def _own_recipe(architecture: Architecture) -> Recipe:
    if architecture.name not in (_DENSE, _CONVOLUTIONS):
        return default_recipe(architecture.name)
    return Recipe(
        epochs=10,
        batch_size=64,
        optimizer=AdamW(lr=0.005),
        schedule=Cosine(warmup=0.05),
        initializer="kaiming-uniform",
    )


def _with_classes(layers: tuple[Layer, ...], classes: int) -> tuple[Layer, ...]:
    for place in reversed(range(len(layers))):
        layer = layers[place]
        if isinstance(layer, Dense):
            return (*layers[:place], replace(layer, units=classes), *layers[place + 1 :])
        if isinstance(layer, Conv):
            return (*layers[:place], replace(layer, channels=classes), *layers[place + 1 :])
    return layers


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted key, a kind's name before its settings."""
    flat: dict[str, Any] = {}
    for key, value in sorted(values.items(), key=lambda item: item[0] != "name"):
        if isinstance(value, Mapping):
            flat |= _dotted(value, f"{prefix}{key}.")
        else:
            # Search grids are made of NumPy numbers.
            flat[f"{prefix}{key}"] = value.item() if hasattr(value, "item") else value
    return flat


def _text(shape: Shape) -> str:
    return " x ".join(map(str, shape))
