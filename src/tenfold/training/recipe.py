"""Everything about a training but the network, the data and the seed: one frozen value.

A recipe is written as TOML. The shipped ones lie in ``recipes/``, each named after the network it is for;
what a file leaves out has the default stated here, and an unknown key or value is an error that names the
nearest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from importlib import resources
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tenfold.data.augment import Augmentation
from tenfold.errors import RecipeError, UnknownNameError, lookup
from tenfold.training.distillation import Distillation
from tenfold.training.initializers import INITIALIZERS, Initializer, Uniform
from tenfold.training.optimizers import OPTIMIZERS, SGD, Optimizer, check
from tenfold.training.schedules import SCHEDULES, Constant, Schedule, Step

LOSSES = ("cross-entropy", "squared-error")
PRECISIONS = ("float32", "float64", "mixed")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    epochs : int >= 1
        Passes over the training images. With ``batch_size = "full"`` each is one step.
    batch_size : int >= 1 or "full"
        The last batch of an epoch may be smaller.
    optimizer : Optimizer
    schedule : Schedule
        A factor on the optimizer's learning rate, step by step.
    initializer : str
        A name from `INITIALIZERS`, or "uniform(low, high)".
    loss : "cross-entropy" or "squared-error"
        Cross-entropy of the softmax; or the squared distance between the softmax and the one-hot label,
        summed over classes. Both are means over the batch.
    label_smoothing : float in [0, 1)
        The target is ``(1 - s) * one_hot + s / classes``.
    augmentation : Augmentation
        Drawn anew for every image in every epoch.
    augmentation_off : float in [0, 1]
        The last part of the epochs is trained on the images as they are.
    ema : float in [0, 1)
        Decay of a running mean of the weights and statistics, which is what the training returns; 0 for none.
        The mean is corrected for its start.
    precision : "float32", "float64" or "mixed"
        "mixed": products of bfloat16 on a GPU, and on a CPU that has the instructions (AVX512-BF16, AMX)
        under torch; elsewhere, and with NumPy, the same as float32. Weights and optimizer stay float32.
    distillation : Distillation
        Another network to learn from, besides the labels.
    """

    epochs: int = 10
    batch_size: int | str = 64
    optimizer: Optimizer = field(default_factory=SGD)
    schedule: Schedule = field(default_factory=Constant)
    initializer: str = "torch"
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    augmentation_off: float = 0.0
    ema: float = 0.0
    precision: str = "float32"
    distillation: Distillation = field(default_factory=Distillation)

    def __post_init__(self) -> None:
        check("epochs", self.epochs, isinstance(self.epochs, int) and self.epochs >= 1, "an integer >= 1")
        full = self.batch_size == "full"
        check(
            "batch_size",
            self.batch_size,
            full or (isinstance(self.batch_size, int) and self.batch_size >= 1),
            "an integer >= 1, or 'full'",
        )
        check("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "in [0, 1)")
        check("augmentation_off", self.augmentation_off, 0 <= self.augmentation_off <= 1, "in [0, 1]")
        check("ema", self.ema, 0 <= self.ema < 1, "in [0, 1)")
        for name, known in (("loss", LOSSES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise UnknownNameError(name, getattr(self, name), known)
        self.weight_rule()

    def weight_rule(self) -> Initializer:
        """Return the initializer that `initializer` names."""
        text = self.initializer
        if text.startswith("uniform("):
            try:
                low, high = (float(part) for part in text[8:-1].split(",") if text.endswith(")"))
            except ValueError:
                raise RecipeError(
                    f"initializer must be written as 'uniform(low, high)'. Got {text!r} instead."
                ) from None
            return Uniform(low, high)
        found: Initializer = lookup("initializer", text, INITIALIZERS)
        return found

    def batch(self, count: int) -> int:
        """Return the batch size for `count` training images."""
        return count if self.batch_size == "full" else min(int(self.batch_size), count)

    def steps_per_epoch(self, count: int) -> int:
        """Return the steps in one epoch over `count` training images."""
        return -(-count // self.batch(count))

    def augments(self, epoch: int) -> bool:
        """Return whether the images of `epoch` (from 0) are augmented."""
        return self.augmentation.on and epoch < round(self.epochs * (1 - self.augmentation_off))

    @property
    def beginning(self) -> Recipe:
        """What the first epochs depend on: the recipe, with a single epoch where its number says nothing.

        Recipes of one beginning are the same training, which goes on for longer or shorter.
        """
        steady = isinstance(self.schedule, (Constant, Step))
        throughout = not self.augmentation.on or self.augmentation_off == 0
        return replace(self, epochs=1) if steady and throughout else self

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values, every field spelled out.

        Only what came later is left out where it is off, so that runs from before it keep their names.
        """
        values = self._spelled_out()
        if not self.distillation.on:
            del values["distillation"]
        return values

    def to_toml(self) -> str:
        """Return the recipe as TOML, which `load_recipe` reads back as the same; what is None is left out."""
        values = self.to_dict()
        tables = {name: value for name, value in values.items() if isinstance(value, dict) and value}
        lines = _toml_lines({name: value for name, value in values.items() if name not in tables})
        for name, table in tables.items():
            lines += ["", f"[{name}]", *_toml_lines(table)]
        return "\n".join(lines) + "\n"

    def _spelled_out(self) -> dict[str, Any]:
        return {item.name: _plain(item.name, getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `values` describe; what they leave out has its default.

        Raises
        ------
        UnknownNameError, RecipeError
            A key or value is unknown, of the wrong type or out of range.
        """
        recipe: Recipe = _build(cls, values, "")
        return recipe

    def change(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some settings changed, by dotted key (``{"optimizer.lr": 0.1}``).

        ``{"schedule": "cosine"}`` chooses another kind, with that kind's defaults but for what else is set.
        """
        values = self._spelled_out()
        # The choices come first, so that the settings of what is chosen find their place in any order.
        for key, value in sorted(settings.items(), key=lambda item: _choice(item[0]) is None):
            choice = _choice(key)
            if choice:
                values[choice] = Recipe.from_dict({choice: value}).to_dict()[choice]
                continue
            *path, last = key.split(".")
            inner: Any = values
            for part in path:
                inner = inner.get(part) if isinstance(inner, dict) else None
            if not isinstance(inner, dict) or last not in inner:
                raise UnknownNameError("recipe key", key, _dotted(values))
            inner[last] = value
        return Recipe.from_dict(values)


_CHOICES: dict[str, dict[str, type[Any]]] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}


def _choice(key: str) -> str | None:
    """Return which choice `key` makes ("optimizer" for "optimizer" and "optimizer.name"), if any."""
    name = key.removesuffix(".name")
    return name if name in _CHOICES else None


def _plain(name: str, value: Any) -> Any:
    if not is_dataclass(value):
        return value
    values = {item.name: getattr(value, item.name) for item in fields(value)}
    if name in _CHOICES:
        kinds = {kind: key for key, kind in _CHOICES[name].items()}
        return {"name": kinds[type(value)]} | values
    return values


def toml_value(value: bool | int | float | str) -> str:
    """Return a setting as TOML writes it."""
    if isinstance(value, float) and not isfinite(value):
        return repr(value)
    # JSON writes the rest alike, but leaves the delete character as it is, which TOML does not allow.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {toml_value(value)}" for name, value in values.items() if value is not None]


def _build(kind: type[Any], values: object, where: str) -> Any:
    """Make a `kind` of `values`, checking every key and type; `where` is the dotted prefix."""
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where[:-1] or 'a recipe'} must be a table of settings. Got {values!r} instead.")
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]
    given: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{where}{name}"
        if name not in known:
            raise UnknownNameError("recipe key", key, (f"{where}{other}" for other in known))
        if name in _CHOICES:
            table = (
                {"name": value}
                if isinstance(value, str)
                else dict(value)
                if isinstance(value, Mapping)
                else {}
            )
            if "name" not in table:
                raise RecipeError(
                    f'{key} must name one of {", ".join(_CHOICES[name])} (as in name = "..."). '
                    f"Got {value!r} instead."
                )
            chosen = lookup(name, table.pop("name"), _CHOICES[name])
            given[name] = _build(chosen, table, f"{key}.")
        elif is_dataclass(hints[name]):
            given[name] = _build(hints[name], value, f"{key}.")
        else:
            given[name] = _scalar(key, value, hints[name])
    return kind(**given)


def _scalar(key: str, value: Any, hint: Any) -> Any:
    allowed = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if isinstance(value, bool):
        if bool in allowed:
            return value
    elif isinstance(value, int) and int in allowed:
        return value
    elif isinstance(value, (int, float)) and float in allowed:
        return float(value)
    elif isinstance(value, float) and int in allowed and value.is_integer():
        return int(value)
    elif isinstance(value, str) and str in allowed:
        return value
    names = {int: "an integer", float: "a number", str: "a text", bool: "true or false", NoneType: "nothing"}
    expected = " or ".join(names[kind] for kind in allowed)
    raise RecipeError(f"{key} must be {expected}. Got {value!r} instead.")


def _dotted(values: Mapping[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for name, value in values.items():
        keys.add(f"{prefix}{name}")
        if isinstance(value, Mapping):
            keys |= _dotted(value, f"{prefix}{name}.")
    return keys


def recipe_names() -> list[str]:
    """Return the names of the shipped recipes, sorted."""
    folder = resources.files("tenfold.training") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_recipe(name: str | Path) -> Recipe:
    """Return a shipped recipe by name, or one from a TOML file.

    Raises
    ------
    UnknownNameError
        There is neither a shipped recipe nor a file of that name.
    RecipeError
        The file is not TOML, or a setting is out of range; the message names the file.
    """
    path = Path(name)
    if str(name) in recipe_names():
        text = (resources.files("tenfold.training") / "recipes" / f"{name}.toml").read_text("utf-8")
    elif path.suffix == ".toml" or path.is_file():
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            raise RecipeError(
                f"There is no file {path}. Recipes by name: {', '.join(recipe_names())}."
            ) from None
        except OSError as error:
            raise RecipeError(f"{path} cannot be read: {error.strerror or error}.") from None
        except UnicodeDecodeError:
            raise RecipeError(f"{path} cannot be read as a recipe: it is no UTF-8 text.") from None
    else:
        raise UnknownNameError("recipe", name, recipe_names())
    try:
        return Recipe.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecipeError, UnknownNameError) as error:
        raise RecipeError(f"recipe {name}: {error}") from None


_OF: dict[str, str] = {
    **{f"shrestha-{number}": "shrestha-random" for number in (1, 4, 5, 6, 9, 10, 11, 14, 15, 19)},
    **{f"shrestha-{number}": "shrestha-xavier" for number in (3, 8, 13, 16, 17, 20)},
}
"""Networks whose recipe is neither of their own name nor their family's."""


def default_recipe(network: str, known: Iterable[str] | None = None) -> Recipe:
    """Return the recipe that `network` is trained with where none is named.

    That is the shipped recipe of the same name; else the one that `_OF` names; else that of its family
    ("shrestha" for "shrestha-7"); else the shipped recipe "default".
    """
    names = set(recipe_names() if known is None else known)
    family = _OF.get(network, network)
    while family:
        if family in names:
            return load_recipe(family)
        family = family.rpartition("-")[0]
    return load_recipe("default")
