"""The NumPy engine and torch compute the same: every network of the zoo, in float64, to 1e-8 of its size."""

import numpy as np
import pytest
import torch

from tenfold.data import load
from tenfold.data.augment import Augmentation
from tenfold.networks.architecture import network
from tenfold.networks.layers import (
    GELU,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from tenfold.networks.zoo import NETWORKS
from tenfold.training.distillation import Distillation, Teacher
from tenfold.training.engine import as_input
from tenfold.training.engines import get_engine
from tenfold.training.initializers import INITIALIZERS, initial_weights
from tenfold.training.numpy_layers import Chain
from tenfold.training.recipe import Recipe, default_recipe
from tenfold.training.torch_layers import forward

# Every layer there is; the zoo's own networks have few of them. No bias comes before a batch norm: its
# gradient would be zero but for rounding, and no two engines round alike.
EVERYTHING = network(28, 28, mean=0.1, std=0.3)(
    *(Conv(8, 5, stride=2, padding=2, bias=False), BatchNorm(), GELU()),
    Residual(
        (
            Conv(8, 3, padding="same", groups=2, bias=False),
            BatchNorm(),
            ReLU(),
            DepthwiseConv(3, padding=1),
            Dropout(0.1),
        )
    ),
    MaxPool(3, stride=2),
    Residual((Conv(12, 3, padding=1, bias=False), LeakyReLU(0.2)), (Conv(12, 1), Tanh())),
    *(AveragePool(2), Softmax(), Conv(16, 2, bias=False), BatchNorm(momentum=0.3), GlobalAveragePool()),
    *(Dense(20, bias=False), Sigmoid(), BatchNorm(), Dropout(0.3), Dense(10)),
    name="everything",
)
FLATTENED = network(28, 28)(MaxPool(4), Flatten(), Dense(10), name="flattened")
DISTINCT = list({net.sha256: net for net in (*NETWORKS.values(), EVERYTHING, FLATTENED)}.values())


@pytest.fixture(scope="module")
def digits():
    return load("mnist").train.take(range(64))


def assert_close(found, expected, what=""):
    """Differences are measured against the largest value of the array."""
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_allclose(
            found[key], array, rtol=0, atol=1e-8 * np.abs(array).max(initial=0), err_msg=f"{what} {key}"
        )


def both(architecture, recipe, count, seed=1):
    return [
        get_engine(name, **settings).trainer(architecture, recipe, seed, count)
        for name, settings in (("numpy", {}), ("torch", {"device": "cpu"}))
    ]


def weights_of(trainer):
    """Return the trained weights and the statistics in full precision."""
    state = trainer.state()
    return {key.removeprefix("weights/"): state[key] for key in state if key.startswith("weights/")}


def forward_of_both(architecture, weights, images):
    x = as_input(architecture, images, np.float64)
    ours = Chain(architecture.nodes, weights).forward(x)
    tensors = {key: torch.tensor(array) for key, array in weights.items()}
    return {"logits": ours}, {"logits": forward(architecture, tensors, torch.tensor(x)).numpy()}


@pytest.mark.parametrize("architecture", DISTINCT, ids=lambda net: net.name)
def test_forward_and_one_step_agree_for_every_network(architecture, digits):
    recipe = default_recipe(architecture.name).change({"precision": "float64", "batch_size": 8})
    images, labels = digits.images[:8], digits.labels[:8]
    ours, theirs = both(architecture, recipe, count=8)
    assert_close(*forward_of_both(architecture, weights_of(ours), images), "forward at the start")
    assert ours.step(images, labels) == pytest.approx(theirs.step(images, labels), rel=1e-8)
    assert_close(weights_of(ours), weights_of(theirs), "after a step")
    assert_close(*forward_of_both(architecture, weights_of(ours), images), "forward after a step")


RECIPES = {
    "sgd": {"optimizer": "sgd"},
    "momentum": {"optimizer.momentum": 0.9, "optimizer.nesterov": True, "optimizer.weight_decay": 0.1},
    "rmsprop, torch": {"optimizer": "rmsprop"},
    "rmsprop, keras": {"optimizer": {"name": "rmsprop", "convention": "keras", "momentum": 0.5}},
    "adam, torch": {"optimizer": "adam"},
    "adam, keras": {"optimizer": {"name": "adam", "convention": "keras", "weight_decay": 0.1}},
    "adamw": {"optimizer": "adamw", "schedule": "one-cycle"},
    "squared error": {"loss": "squared-error", "label_smoothing": 0.1},
    "smoothing": {"label_smoothing": 0.1, "schedule": "cosine"},
    "running mean": {"ema": 0.8},
    "full batch": {"batch_size": "full"},
}


@pytest.mark.parametrize("settings", RECIPES.values(), ids=RECIPES)
def test_two_epochs_agree_under_every_kind_of_recipe(settings, digits):
    values = Recipe(epochs=2, batch_size=24, precision="float64").to_dict()
    recipe = Recipe.from_dict(values).change(settings) if settings else Recipe.from_dict(values)
    ours, theirs = both(EVERYTHING, recipe, count=len(digits))
    for epoch in range(2):
        one, two = ours.run_epoch(digits, epoch), theirs.run_epoch(digits, epoch)
        assert one.loss == pytest.approx(two.loss, rel=1e-7)
        assert (one.accuracy, one.lr) == (two.accuracy, two.lr)
    for key, array in ours.weights().items():
        np.testing.assert_allclose(array, theirs.weights()[key], rtol=1e-5, atol=1e-7, err_msg=key)
    np.testing.assert_allclose(ours.logits(digits.images), theirs.logits(digits.images), rtol=1e-4, atol=1e-5)


def test_two_epochs_with_a_teacher_agree(digits):
    architecture = NETWORKS["fast"]
    teacher = Teacher(architecture, initial_weights(architecture, INITIALIZERS["torch"], seed=7))
    recipe = Recipe(epochs=2, batch_size=24, precision="float64", distillation=Distillation("fast", 0.7, 3.0))
    losses = []
    for trainer in both(FLATTENED, recipe, count=len(digits)):
        trainer.learn_from(teacher)
        losses.append([trainer.step(digits.images, digits.labels), trainer.run_epoch(digits, 0).loss])
    # What the teacher says is float32.
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("kind", ["shift", "rotation", "scale", "shear", "elastic", "stroke", "noise"])
def test_an_augmented_epoch_agrees(kind, digits):
    # The pictures are moved in float32, each engine in its own way of rounding.
    recipe = Recipe(epochs=1, batch_size=16, augmentation=Augmentation(**{kind: 0.5}), precision="float64")
    ours, theirs = both(FLATTENED, recipe, count=len(digits))
    plain = both(FLATTENED, recipe.change({f"augmentation.{kind}": 0.0}), count=len(digits))[0]
    losses = [trainer.run_epoch(digits, 0).loss for trainer in (ours, theirs, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-5)


@pytest.mark.parametrize("name", ["lin-enhanced-cnn", "fast", "abdelsalam-mlp"])
def test_either_engine_predicts_with_the_others_weights(name, digits):
    architecture = NETWORKS[name]
    trainer = get_engine("torch", device="cpu").trainer(architecture, Recipe(), 0, len(digits))
    trainer.step(digits.images, digits.labels)
    found = get_engine("numpy").logits(architecture, trainer.weights(), digits.images)
    np.testing.assert_allclose(found, trainer.logits(digits.images), rtol=1e-4, atol=1e-4)
