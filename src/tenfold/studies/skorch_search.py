"""A grid search the published way: scikit-learn's ``GridSearchCV`` over skorch's ``NeuralNetClassifier``.

It is asked for one candidate and one fold at a time, each from the seed, so that a fit that is done can be
kept, and a search that is killed goes on with the next and ends as it would have undisturbed. In one search
over all candidates the random numbers of a fit would depend on the fits before it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tenfold.data import Dataset
from tenfold.errors import StudyError, require
from tenfold.networks import layers
from tenfold.networks.architecture import Architecture
from tenfold.studies.experiment import On, Setup
from tenfold.training import Adam, Recipe, RMSprop
from tenfold.training.engine import as_input

PURPOSE = "A search with skorch"


@dataclass(frozen=True)
class Fitted:
    """What a candidate scored in one fold.

    Attributes
    ----------
    accuracy, loss : float
        On the fold that was held out.
    seconds : float
        Time spent fitting.
    """

    accuracy: float
    loss: float
    seconds: float


def fit_candidate(setup: Setup, train: Dataset, held: Dataset, seed: int) -> Fitted:
    """Fit `setup` on `train` and score it on `held`.

    Raises
    ------
    MissingExtraError
        skorch is not installed.
    StudyError
        The network or the recipe has no counterpart in skorch.
    """
    torch = require("torch", extra="train", purpose=PURPOSE)
    skorch = require("skorch", extra="skorch", purpose=PURPOSE)
    selection = require("sklearn.model_selection", extra="train", purpose=PURPOSE)
    images = np.concatenate([train.images, held.images])
    labels = np.concatenate([train.labels, held.labels])
    net = skorch.NeuralNetClassifier(
        module_class(),
        criterion=torch.nn.CrossEntropyLoss,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    grid = selection.GridSearchCV(
        net,
        {name: [value] for name, value in _parameters(setup).items()},
        cv=[(np.arange(len(train)), np.arange(len(train), len(images)))],
        scoring=("accuracy", "neg_log_loss"),
        refit=False,
        error_score="raise",
    )
    torch.manual_seed(seed)
    grid.fit(as_input(setup.network, images, np.float32), labels)
    found: dict[str, Any] = grid.cv_results_
    (accuracy,), (loss,) = found["mean_test_accuracy"], found["mean_test_neg_log_loss"]
    return Fitted(float(accuracy), -float(loss), float(found["mean_fit_time"][0]))


def check_counterpart(setup: Setup) -> None:
    """Raise an error if skorch cannot do all that `setup` says.

    Raises
    ------
    MissingExtraError
        skorch is not installed.
    StudyError
        The network or the recipe has no counterpart in skorch; told with the layer or the setting.
    """
    require("skorch", extra="skorch", purpose=PURPOSE)
    _parameters(setup)
    for node in setup.network.nodes:
        _layer(node.layer, node.input_shape)


def _parameters(setup: Setup) -> dict[str, Any]:
    """Return a candidate as skorch names its parameters; raise `StudyError` for what it has no name for."""
    torch = require("torch", extra="train", purpose=PURPOSE)
    recipe, rule = setup.recipe, setup.recipe.optimizer
    if type(rule) is Adam:
        taken = {"lr", "beta1", "beta2", "epsilon"}
        chosen = {
            "optimizer": torch.optim.Adam,
            "optimizer__betas": (rule.beta1, rule.beta2),
            "optimizer__eps": rule.epsilon,
        }
    elif isinstance(rule, RMSprop):
        taken = {"lr", "rho", "epsilon"}
        chosen = {
            "optimizer": torch.optim.RMSprop,
            "optimizer__alpha": rule.rho,
            "optimizer__eps": rule.epsilon,
        }
    else:
        raise StudyError(f"A search with skorch takes Adam or RMSprop. Got {type(rule).__name__} instead.")
    # What is left out of a recipe or a rule is what PyTorch does of its own accord.
    _must_be_left_out(recipe, Recipe(), {"epochs", "batch_size", "optimizer"})
    _must_be_left_out(rule, type(rule)(), taken, "optimizer.")
    _must_be_left_out(setup, Setup(setup.network, recipe), {"network", "recipe", "on"})
    if setup.on is not None:
        _must_be_left_out(setup.on, On("skorch"), {"engine"})
    if not isinstance(recipe.batch_size, int):
        raise StudyError(f"A search with skorch takes a number for batch_size. Got {recipe.batch_size!r}.")
    return chosen | {
        "module__architecture": setup.network,
        "lr": rule.lr,
        "max_epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
    }


def _must_be_left_out(given: Any, plain: Any, taken: set[str], prefix: str = "") -> None:
    """Raise `StudyError` if a field of `given`, but for those that are `taken`, is not as in `plain`."""
    for name in (item.name for item in fields(given)):
        value, only = getattr(given, name), getattr(plain, name)
        if name not in taken and value != only:
            raise StudyError(
                f"A search with skorch knows no {prefix}{name} {value!r}, only {only!r}. "
                "Search with our own engine instead."
            )


def module_class() -> Any:
    """Return the class of the module; it is made here because torch is imported late."""
    torch = require("torch", extra="train", purpose=PURPOSE)

    class Network(torch.nn.Sequential):  # type: ignore[name-defined,misc]  # a class of a late import
        """An architecture as PyTorch's own layers, with PyTorch's own first weights."""

        def __init__(self, architecture: Architecture) -> None:
            super().__init__(*(_layer(node.layer, node.input_shape) for node in architecture.nodes))

    return Network


def _layer(layer: layers.Layer, shape: tuple[int, ...]) -> Any:
    """Return the layer of PyTorch that does what `layer` does to inputs of `shape`."""
    nn = require("torch", extra="train", purpose=PURPOSE).nn
    match layer:
        case layers.Conv():
            sides = {"stride": layer.stride, "padding": layer.pad}
            return nn.Conv2d(
                shape[0], layer.channels, layer.kernel, **sides, groups=layer.groups, bias=layer.bias
            )
        case layers.MaxPool():
            return nn.MaxPool2d(layer.size, layer.step)
        case layers.ReLU():
            return nn.ReLU()
        case layers.Softmax():
            return nn.Softmax(dim=1)
        case layers.Dropout():
            return nn.Dropout(layer.rate)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Dense():
            return nn.Linear(shape[0], layer.units, bias=layer.bias)
    raise StudyError(f"A search with skorch knows no layer {layer}. Search with our own engine instead.")
