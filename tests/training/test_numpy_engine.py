import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tenfold.data.augment import Augmentation, apply
from tenfold.data.dataset import Dataset
from tenfold.errors import NetworkError, TrainingError
from tenfold.networks.architecture import network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAveragePool, MaxPool, ReLU
from tenfold.seeds import epoch_order, generator
from tenfold.training import numpy_engine
from tenfold.training.initializers import initial_weights
from tenfold.training.numpy_engine import NumpyEngine
from tenfold.training.optimizers import SGD, Adam, AdamW, RMSprop
from tenfold.training.recipe import Recipe
from tenfold.training.schedules import OneCycle

MLP = network(12)(Dense(16), ReLU(), Dropout(0.2), Dense(3), name="mlp")
CNN = network(8, 8)(Conv(4, 3), BatchNorm(), ReLU(), MaxPool(2), Flatten(), Dense(3), name="cnn")


def features(count=50, seed=0):
    """Return three Gaussian clouds in 12 dimensions."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    centers = np.random.default_rng(9).normal(size=(3, 12))
    images = (centers[labels] + rng.normal(size=(count, 12))).astype(np.float32)
    return Dataset(images, labels, classes=("a", "b", "c"), name="clouds")


def pictures(count=40):
    """Return bars at three places, as 8 x 8 pictures."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 40, (count, 8, 8)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 1 + 2 * label] = 255
    return Dataset(images, labels, classes=("a", "b", "c"), name="bars")


def trainer_of(architecture, recipe, count=50, seed=0):
    return NumpyEngine().trainer(architecture, recipe, seed, count)


def same(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.5), SGD(0.1, 0.9, nesterov=True), RMSprop(0.01), Adam(0.02), AdamW(0.02)], ids=str
)
def test_every_optimizer_learns_under_every_loss(optimizer, loss):
    data, test = features(300), features(300, seed=1)
    recipe = Recipe(epochs=8, batch_size=16, optimizer=optimizer, loss=loss)
    trainer = trainer_of(MLP, recipe, len(data))
    results = [trainer.run_epoch(data, epoch) for epoch in range(recipe.epochs)]
    assert results[-1].loss < 0.6 * results[0].loss
    assert np.mean(trainer.logits(test.images).argmax(1) == test.labels) > 0.9


def test_full_batch_is_one_step_an_epoch():
    trainer = trainer_of(MLP, Recipe(epochs=2, batch_size="full"))
    trainer.run_epoch(features(), 0)
    assert trainer.done == 1


def test_a_full_batch_step_is_gradient_descent_on_the_mean_loss():
    data = features()
    architecture = network(12)(Dense(3))
    recipe = Recipe(epochs=1, batch_size="full", optimizer=SGD(0.3), precision="float64")
    trainer = trainer_of(architecture, recipe)
    weight, bias = (
        torch.tensor(array.astype(np.float64), requires_grad=True)
        for array in trainer.first_weights().values()
    )
    x = torch.tensor(data.images.astype(np.float64))
    loss = F.cross_entropy(x @ weight.T + bias, torch.tensor(data.labels))
    loss.backward()
    result = trainer.run_epoch(data, 0)
    assert result.loss == pytest.approx(loss.item(), rel=1e-12)
    state = trainer.state()
    np.testing.assert_allclose(
        state["weights/dense1.weight"], (weight - 0.3 * weight.grad).detach().numpy(), rtol=1e-10
    )


def test_an_epoch_is_its_steps_in_the_seeded_order_and_the_last_batch_may_be_smaller():
    data, recipe = features(50), Recipe(epochs=1, batch_size=16, schedule=OneCycle())
    whole, single = trainer_of(MLP, recipe, seed=5), trainer_of(MLP, recipe, seed=5)
    result = whole.run_epoch(data, 0)
    order = epoch_order(5, 0, 50)
    losses = []
    for start in range(0, 50, 16):
        batch = order[start : start + 16]
        losses.append((single.step(data.images[batch], data.labels[batch]), len(batch)))
    assert same(whole.state(), single.state())
    assert result.loss == pytest.approx(sum(loss * count for loss, count in losses) / 50)
    assert result.lr == whole.rate(3)
    assert [count for _, count in losses] == [16, 16, 16, 2]


def test_the_same_seed_gives_the_same_bits_and_another_gives_others():
    data, recipe = features(), Recipe(epochs=1, batch_size=16)
    trainers = [trainer_of(MLP, recipe, seed=seed) for seed in (0, 0, 1)]
    for trainer in trainers:
        trainer.run_epoch(data, 0)
    assert same(trainers[0].weights(), trainers[1].weights())
    assert not same(trainers[0].weights(), trainers[2].weights())


def test_augmentation_is_what_the_named_stream_draws():
    data = pictures()
    recipe = Recipe(
        epochs=2, batch_size=16, augmentation=Augmentation(shift=2, rotation=20), augmentation_off=0.5
    )
    trainer, by_hand = trainer_of(CNN, recipe, len(data)), trainer_of(CNN, recipe, len(data))
    draw = recipe.augmentation.draw(len(data), data.images.shape[1:], generator(0, "augment", 0))
    moved = apply(data.images, draw) / np.float32(255)
    for epoch, images in ((0, moved), (1, data.images)):
        trainer.run_epoch(data, epoch)
        order = epoch_order(0, epoch, len(data))
        for start in range(0, len(data), 16):
            by_hand.step(images[order[start : start + 16]], data.labels[order[start : start + 16]])
        for key, array in trainer.weights().items():
            np.testing.assert_allclose(array, by_hand.weights()[key], rtol=1e-4, atol=1e-6)


def test_the_running_mean_is_corrected_for_its_start():
    data, recipe = pictures(), Recipe(epochs=2, batch_size=16, ema=0.8, precision="float64")
    trainer = trainer_of(CNN, recipe, len(data))
    assert same(trainer.weights(), trainer.first_weights())
    sums = {key: np.zeros_like(array) for key, array in trainer.first_weights().items()}
    for step in range(1, 5):
        trainer.step(data.images[:16], data.labels[:16])
        for key in sums:
            sums[key] = 0.8 * sums[key] + 0.2 * trainer.state()[f"weights/{key}"]
        for key, array in trainer.weights().items():
            np.testing.assert_allclose(array, sums[key] / (1 - 0.8**step), rtol=1e-6, atol=1e-9)


def test_weight_decay_spares_biases_and_norms():
    data = pictures()
    plain, decayed = (
        trainer_of(CNN, Recipe(optimizer=SGD(0.1, weight_decay=decay)), len(data)) for decay in (0.0, 0.5)
    )
    for trainer in (plain, decayed):
        trainer.step(data.images[:16], data.labels[:16])
    one, two = plain.weights(), decayed.weights()
    assert {key for key in one if not np.array_equal(one[key], two[key])} == {"conv1.weight", "dense1.weight"}


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), Adam(0.01)], ids=str)
def test_a_state_taken_up_goes_on_with_the_same_bits(optimizer):
    data, recipe = pictures(), Recipe(epochs=3, batch_size=16, optimizer=optimizer, ema=0.9)
    first = trainer_of(CNN, recipe, len(data))
    first.run_epoch(data, 0)
    state = first.state()
    first.run_epoch(data, 1)
    second = trainer_of(CNN, recipe, len(data))
    second.load_state(state)
    second.run_epoch(data, 1)
    assert same(first.state(), second.state())
    assert same(first.weights(), second.weights())
    assert state["done"] == 3


@pytest.mark.parametrize(
    ("architecture", "recipe"),
    [
        (MLP, Recipe(optimizer=Adam())),
        (MLP, Recipe(precision="float64")),
        (MLP, Recipe(ema=0.9)),
        (network(12)(Dense(8), ReLU(), Dense(3)), Recipe()),
    ],
)
def test_a_foreign_state_is_refused_and_changes_nothing(architecture, recipe):
    trainer = trainer_of(MLP, Recipe())
    before = trainer.state()
    with pytest.raises(TrainingError, match=r"state of another training: .* should be .*, it is"):
        trainer.load_state(trainer_of(architecture, recipe).state())
    assert same(before, trainer.state())


def test_loaded_weights_start_a_fresh_training():
    data, recipe = features(), Recipe(optimizer=Adam())
    trainer = trainer_of(MLP, recipe)
    start = initial_weights(MLP, recipe.weight_rule(), 77)
    trainer.run_epoch(data, 0)
    trainer.load_weights(start)
    assert trainer.done == 0
    assert same(trainer.weights(), start)
    assert not trainer.state()["square/dense1.weight"].any()


def test_weights_of_another_network_are_refused():
    weights = initial_weights(MLP, Recipe().weight_rule(), 0)
    with pytest.raises(NetworkError, match=r"not those of cnn: conv1\.weight should have shape"):
        NumpyEngine().logits(CNN, weights, pictures().images)
    del weights["dense2.bias"]
    with pytest.raises(NetworkError, match=r"dense2.bias should have shape \(3,\), it has None"):
        trainer_of(MLP, Recipe()).load_weights(weights)


def test_a_runaway_loss_says_where_and_what_to_try():
    data = features()
    trainer = trainer_of(MLP, Recipe(epochs=5, batch_size=1, optimizer=SGD(1e30)))
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) in epoch 1 of 5.*smaller optimizer\.lr"):
        trainer.run_epoch(data, 0)


def test_logits_do_not_depend_on_how_many_are_asked_for(monkeypatch):
    images = pictures().images
    weights = initial_weights(CNN, Recipe().weight_rule(), 0)
    whole = NumpyEngine().logits(CNN, weights, images)
    monkeypatch.setattr(numpy_engine, "_EVALUATION_VALUES", 500)
    np.testing.assert_allclose(NumpyEngine().logits(CNN, weights, images), whole, rtol=1e-5, atol=1e-6)
    assert (whole.shape, whole.dtype) == ((40, 3), np.float32)
    assert NumpyEngine().logits(CNN, weights, images[:0]).shape == (0, 3)


def test_uint8_is_scaled_and_normalized_and_floats_are_taken_as_they_are():
    architecture = network(8, 8, mean=0.2, std=0.5)(Conv(3, 8), GlobalAveragePool())
    weights = initial_weights(architecture, Recipe().weight_rule(), 0)
    images = pictures().images
    scaled = ((images / 255 - 0.2) / 0.5).reshape(-1, 64)
    expected = scaled @ weights["conv1.weight"].reshape(3, 64).T + weights["conv1.bias"]
    for given in (images, (images / 255).astype(np.float32), images.reshape(-1, 64), images[..., None]):
        np.testing.assert_allclose(
            NumpyEngine().logits(architecture, weights, given), expected, rtol=1e-4, atol=1e-5
        )


def test_images_that_do_not_fit_are_refused():
    weights = initial_weights(CNN, Recipe().weight_rule(), 0)
    with pytest.raises(
        NetworkError, match=r"cnn takes images of shape \(1, 8, 8\); these have shape \(9, 8\)"
    ):
        NumpyEngine().logits(CNN, weights, np.zeros((2, 9, 8), np.uint8))


def test_evaluation_leaves_the_training_alone():
    data = pictures()
    trainer = trainer_of(CNN, Recipe(), len(data))
    before = trainer.state()
    first = trainer.logits(data.images)
    assert same(before, trainer.state())
    np.testing.assert_array_equal(first, trainer.logits(data.images))


def test_progress_is_told_within_an_epoch():
    parts = []
    trainer = trainer_of(MLP, Recipe(batch_size=5))
    trainer.on_progress = parts.append
    trainer.run_epoch(features(), 0)
    assert parts
    assert all(0 < part <= 1 for part in parts)
