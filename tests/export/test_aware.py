import numpy as np
import pytest
import torch

from tenfold import Model, network
from tenfold.errors import ExportError
from tenfold.export import aware, integers
from tenfold.export.aware import AwareEngine, Simulated
from tenfold.export.quantize import Grid, quantize
from tenfold.models.fit import Fit, fit
from tenfold.networks import BatchNorm, Conv, Dense, Flatten, MaxPool, ReLU
from tenfold.networks.fold import fold
from tenfold.networks.program import lower
from tenfold.runs import Store
from tenfold.training import Recipe, load_recipe
from tenfold.training.torch_engine import as_input

TINY = network(28, 28, mean=0.13, std=0.31)(
    *(Conv(4, 3, padding="same", bias=False), MaxPool(2), BatchNorm(), ReLU()),
    *(Conv(6, 3, stride=2, padding=1), BatchNorm(), ReLU(), MaxPool(2)),
    *(Flatten(), Dense(10)),
    name="tiny",
)
FITTING = ("all-image-layers", "three-colors", "ends-with-a-sum", "ends-with-a-relu")
"""The small models of which no norm is folded into the product behind it."""


def tensors(weights):
    return {key: torch.tensor(value) for key, value in weights.items()}


def simulated_logits(model, weights, calibration, images):
    simulated = Simulated(model.architecture, model.weights, calibration)
    x = as_input(model.architecture, torch.tensor(images), torch.float32)
    with torch.no_grad():
        return simulated, simulated.logits(tensors(weights), x).numpy()


def check_same(simulated, found, images):
    """Integers round a half to another side now and then, and what follows differs a little."""
    program = simulated.program
    wanted = integers.run(program, images) * program.grids[program.output].scale
    far = np.abs(found - wanted).max(axis=1) / np.abs(wanted).max()
    assert np.median(far) < 1e-4
    assert far.max() < 0.05


@pytest.fixture
def tiny(of):
    return of(TINY, temperature=1.0)


def test_what_is_trained_is_what_the_export_computes(tiny, pictures):
    calibration, images = pictures(TINY, 200, seed=1), pictures(TINY, 100)

    check_same(*simulated_logits(tiny, tiny.weights, calibration, images), images)


def test_every_layer_is_trained_as_it_is_exported_or_refused(small, pictures):
    calibration, images = pictures(small.architecture, 200, seed=1), pictures(small.architecture, 100)

    if small.architecture.name in FITTING:
        check_same(*simulated_logits(small, small.weights, calibration, images), images)
    else:
        with pytest.raises(ExportError, match="A batch norm stands before"):
            Simulated(small.architecture, small.weights, calibration)


def test_it_stays_so_when_the_weights_have_moved(tiny, pictures):
    calibration, images = pictures(TINY, 100, seed=1), pictures(TINY, 100)
    rng = np.random.default_rng(2)
    moved = {
        key: value + (0.02 * rng.normal(size=value.shape) * np.abs(value).max()).astype(np.float32)
        if key.endswith((".bias", "conv1.weight", "conv2.weight", "dense1.weight"))
        else value
        for key, value in tiny.weights.items()
    }
    _, found = simulated_logits(tiny, moved, calibration, images)

    # The grids are those of the weights as they were; the products are those of the weights as they are.
    now = fold(lower(TINY, moved))
    by_value = {each.output: each for each in now.operations}
    for value, product in aware.products(TINY, tiny.weights).items():
        weight, bias = product.arrays(tensors(moved))
        np.testing.assert_allclose(weight.numpy(), by_value[value].weight, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(bias.numpy(), by_value[value].bias, rtol=1e-4, atol=1e-5)
    assert np.abs(found - simulated_logits(tiny, tiny.weights, calibration, images)[1]).max() > 0


def test_a_norm_before_its_product_is_refused_with_its_name(of):
    model = of(network(20)(BatchNorm(), Dense(10)))

    with pytest.raises(ExportError, match="before dense1"):
        aware.products(model.architecture, model.weights)


def test_rounding_passes_gradients_on_where_the_grid_reaches():
    x = torch.tensor([-3.0, 0.26, 0.9, 300.0], requires_grad=True)

    y = aware.snapped(x, Grid(0.5, -128), -128, 127)

    assert y.tolist() == [0.0, 0.5, 1.0, 127.5]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [0, 1, 1, 0]


def test_training_brings_the_integers_closer_to_the_model(of, mnist):
    # Random weights are hard to round: their values are many times apart.
    rough = of(TINY, seed=3, temperature=1.0)
    data, test = mnist.train.take(slice(2000)), mnist.test.take(slice(500))
    engine = AwareEngine(rough.weights, data.images[:200])
    wanted = rough.logits(test.images, "numpy")

    def error(weights):
        return float(np.square(engine.logits(TINY, weights, test.images) - wanted).mean())

    recipe = load_recipe("int8").change({"epochs": 2, "batch_size": 50})
    trainer = engine.trainer(TINY, recipe, 0, len(data))
    for epoch in range(recipe.epochs):
        trainer.run_epoch(data, epoch)

    assert error(trainer.weights()) < 0.8 * error(rough.weights)


def test_it_is_a_run_like_others_and_the_model_says_so(of, mnist, tmp_path):
    model = of(TINY, temperature=1.0)
    data, test = mnist.train.take(slice(300)), mnist.test.take(slice(100))
    engine = AwareEngine(model.weights, data.images)
    plan = Fit(TINY, Recipe(epochs=1), data, test=test)

    made = fit(plan, engine=engine, store=Store(tmp_path))

    assert fit(plan, engine=engine, store=Store(tmp_path)).repeated
    other = AwareEngine(of(TINY, seed=1).weights, data.images)
    assert plan.what(other) != plan.what(engine)
    found = made.model()
    assert found.card["engine"]["arithmetic"] == "int8"
    program = quantize(fold(lower(TINY, found.weights)), data.images)
    right = integers.run(program, test.images).argmax(axis=1) == test.labels
    assert made.run.metrics["test_accuracy"] == right.mean()
    assert isinstance(found, Model)
