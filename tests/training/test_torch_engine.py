"""Training with torch: the same seed gives the same bits, and a state taken up goes on to the same bits.

That its steps are the NumPy engine's and Keras' is proven in contracts/.
"""

import numpy as np
import pytest
import torch

from tenfold.data.augment import Augmentation
from tenfold.data.dataset import Dataset
from tenfold.errors import NetworkError, TrainingError
from tenfold.networks.architecture import network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, ReLU
from tenfold.seeds import epoch_order
from tenfold.training import engine as contract
from tenfold.training import torch_engine
from tenfold.training.optimizers import SGD, AdamW, RMSprop
from tenfold.training.recipe import Recipe
from tenfold.training.schedules import OneCycle
from tenfold.training.torch_engine import TorchEngine, as_input

ENGINE = TorchEngine("cpu")
MLP = network(784)(Dense(16), ReLU(), Dropout(0.3), Dense(10))
CNN = network(28, 28, mean=0.1, std=0.3)(
    Conv(6, 5, stride=2, bias=False), BatchNorm(), ReLU(), MaxPool(2), Dropout(0.2), Flatten(), Dense(10)
)
FULL = Recipe(
    epochs=3,
    batch_size=32,
    optimizer=AdamW(0.01),
    schedule=OneCycle(),
    label_smoothing=0.1,
    augmentation=Augmentation(shift=1, rotation=10, elastic=0.5),
    ema=0.9,
)


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.take(range(200))


def trained(architecture, recipe, data, seed=0, epochs=None):
    trainer = ENGINE.trainer(architecture, recipe, seed, len(data))
    for epoch in range(recipe.epochs if epochs is None else epochs):
        trainer.run_epoch(data, epoch)
    return trainer


def same(one, two):
    assert one.keys() == two.keys()
    return all(np.array_equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("architecture", [MLP, CNN], ids=["mlp", "cnn"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(architecture, digits):
    one, two, other = (trained(architecture, FULL, digits, seed) for seed in (5, 5, 6))
    assert same(one.state(), two.state())
    assert same(one.weights(), two.weights())
    assert not same(one.weights(), other.weights())


@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": "rmsprop"}, {"optimizer.name": "sgd", "ema": 0}], ids=str
)
def test_a_state_taken_up_ends_with_the_bits_of_one_undisturbed(settings, digits):
    recipe = FULL.change(settings)
    undisturbed = trained(CNN, recipe, digits)
    for stop in (1, 2):
        state = trained(CNN, recipe, digits, epochs=stop).state()
        resumed = ENGINE.trainer(CNN, recipe, 0, len(digits))
        resumed.load_state(state)
        for epoch in range(stop, recipe.epochs):
            resumed.run_epoch(digits, epoch)
        assert same(resumed.state(), undisturbed.state())


def test_a_state_is_a_copy(digits):
    trainer = trained(MLP, FULL, digits, epochs=1)
    before = trainer.state()
    kept = {key: array.copy() for key, array in before.items()}
    trainer.run_epoch(digits, 1)
    assert same(before, kept)
    assert not same(before, trainer.state())


def test_a_foreign_state_is_refused_and_changes_nothing(digits):
    trainer = trained(MLP, FULL, digits, epochs=1)
    before = trainer.state()
    for architecture, recipe in ((CNN, FULL), (MLP, FULL.change({"optimizer": "sgd"})), (MLP, Recipe())):
        with pytest.raises(TrainingError, match="another training"):
            trainer.load_state(ENGINE.trainer(architecture, recipe, 0, 200).state())
    assert same(trainer.state(), before)


def test_an_epoch_is_its_steps_in_the_order_of_the_seed(digits):
    recipe = Recipe(epochs=1, batch_size=64, optimizer=SGD(0.1))
    whole = ENGINE.trainer(MLP, recipe, 3, len(digits))
    result = whole.run_epoch(digits, 0)
    single = ENGINE.trainer(MLP, recipe, 3, len(digits))
    order = epoch_order(3, 0, len(digits))
    losses = []
    for start in range(0, len(digits), 64):
        part = order[start : start + 64]
        losses.append(single.step(digits.images[part], digits.labels[part]) * len(part))
    assert same(whole.state(), single.state())
    assert result.loss == pytest.approx(sum(losses) / len(digits), rel=1e-6)
    assert result.lr == 0.1


def test_the_size_of_the_chunks_changes_nothing(digits, monkeypatch):
    whole = trained(CNN, FULL, digits)
    monkeypatch.setattr(torch_engine, "CHUNK", 1)
    np.testing.assert_equal(trained(CNN, FULL, digits).state(), whole.state())


def test_it_learns_and_reports_how_well(digits):
    trainer = ENGINE.trainer(CNN, Recipe(epochs=8, batch_size=20, optimizer=AdamW(0.01)), 0, len(digits))
    results = [trainer.run_epoch(digits, epoch) for epoch in range(8)]
    assert results[0].accuracy < 0.8 < results[-1].accuracy
    assert results[-1].loss < results[0].loss
    assert np.mean(trainer.logits(digits.images).argmax(1) == digits.labels) > 0.95


def test_the_running_mean_is_that_of_the_weights_after_each_step(digits):
    recipe = Recipe(epochs=1, batch_size=50, optimizer=SGD(0.5), ema=0.7, precision="float64")
    trainer = ENGINE.trainer(CNN, recipe, 0, len(digits))
    seen = []
    for start in range(0, 200, 50):
        trainer.step(digits.images[start : start + 50], digits.labels[start : start + 50])
        seen.append(trainer.state()["weights/norm1.mean"])
    shares = 0.7 ** np.arange(4)[::-1]
    expected = np.tensordot(shares / shares.sum(), np.array(seen), 1)
    np.testing.assert_allclose(trainer.weights()["norm1.mean"], expected, rtol=1e-6)


def test_without_a_step_the_running_mean_is_the_first_weights():
    trainer = ENGINE.trainer(CNN, FULL, 0, 200)
    assert same(trainer.weights(), trainer.first_weights())


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
def test_the_loss_is_what_the_recipe_says(loss, digits):
    recipe = Recipe(loss=loss, label_smoothing=0.2, precision="float64")
    net = network(784)(Dense(10))
    trainer = ENGINE.trainer(net, recipe, 0, len(digits))
    weights = trainer.first_weights()
    logits = digits.images.reshape(-1, 784) / 255 @ weights["dense1.weight"].T + weights["dense1.bias"]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = 0.8 * np.eye(10)[digits.labels] + 0.02
    if loss == "cross-entropy":
        expected = -(target * np.log(probabilities)).sum(1).mean()
    else:
        expected = ((probabilities - target) ** 2).sum(1).mean()
    assert trainer.step(digits.images, digits.labels) == pytest.approx(expected, rel=1e-10)


MIXED = FULL.change({"precision": "mixed"})


def test_mixed_precision_multiplies_bfloat16_where_the_cpu_can_and_keeps_float32_weights(digits, monkeypatch):
    monkeypatch.setattr(torch_engine, "multiplies_bfloat16", lambda device: True)
    mixed, plain = (trained(CNN, recipe, digits, epochs=1) for recipe in (MIXED, FULL))
    assert not same(mixed.state(), plain.state())
    assert all(array.dtype == np.float32 for array in mixed.weights().values())
    # A product of bfloat16 has 8 binary digits: the logits agree to about one part in a hundred.
    wanted, found = plain.logits(digits.images), mixed.logits(digits.images)
    assert np.abs(found - wanted).mean() < 0.05 * np.abs(wanted).mean()


def test_mixed_precision_is_float32_on_a_cpu_without_the_instructions(digits, monkeypatch):
    monkeypatch.setattr(torch_engine, "multiplies_bfloat16", lambda device: False)
    assert same(trained(CNN, MIXED, digits, epochs=1).state(), trained(CNN, FULL, digits, epochs=1).state())


def test_a_run_in_another_arithmetic_is_another_run(monkeypatch):
    told = []
    for found in (True, False):
        monkeypatch.setattr(torch_engine, "multiplies_bfloat16", lambda device, found=found: found)
        told.append(ENGINE.settings(MIXED))
    assert [settings["products"] for settings in told] == ["bfloat16", "float32"]
    assert ENGINE.settings(FULL) == ENGINE.settings()


def test_a_loss_that_is_not_finite_stops_and_says_what_to_try(digits):
    recipe = Recipe(epochs=2, optimizer=RMSprop(1e30))
    trainer = ENGINE.trainer(MLP, recipe, 0, len(digits))
    with pytest.raises(TrainingError, match=r"not finite in epoch 1 .*optimizer\.lr than 1e\+30"):
        trainer.run_epoch(digits, 0)


def test_progress_is_told_and_ends_with_one(digits, monkeypatch):
    monkeypatch.setattr(contract, "REPORT_SECONDS", 0.0)
    trainer = ENGINE.trainer(MLP, Recipe(batch_size=50), 0, len(digits))
    told = []
    trainer.on_progress = told.append
    trainer.run_epoch(digits, 0)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_fresh_weights_start_the_training_afresh(digits):
    used = trained(CNN, FULL, digits, epochs=1)
    used.load_weights(used.first_weights())
    assert same(used.state(), ENGINE.trainer(CNN, FULL, 0, len(digits)).state())
    with pytest.raises(NetworkError, match="not those of"):
        used.load_weights(ENGINE.trainer(MLP, FULL, 0, 1).weights())


@pytest.mark.parametrize(
    ("shape", "images"),
    [
        ((784,), np.uint8),
        ((1, 28, 28), np.uint8),
        ((1, 28, 28), np.float32),
        ((3, 8, 8), "channels last"),
        ((3, 8, 8), "flat"),
        ((30,), "features"),
    ],
    ids=str,
)
def test_inputs_are_those_of_every_engine(shape, images):
    rng = np.random.default_rng(0)
    if images == "channels last":
        values = rng.integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    elif images == "flat":
        values = rng.random((5, 192)).astype(np.float32)
    elif images == "features":
        values = rng.normal(size=(5, 30)).astype(np.float32)
    else:
        values = rng.integers(0, 256, (5, 28, 28)).astype(images)
    layers = (Dense(4),) if len(shape) == 1 else (Flatten(), Dense(4))
    architecture = network(*shape, mean=0.2, std=0.7)(*layers)
    found = as_input(architecture, torch.tensor(values), torch.float64)
    np.testing.assert_allclose(found.numpy(), contract.as_input(architecture, values, np.float64), rtol=1e-14)


def test_color_images_and_features_train(digits):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    colored = Dataset(rng.integers(0, 256, (40, 12, 12, 3)).astype(np.uint8), labels)
    net = network(3, 12, 12)(Conv(4, 3), ReLU(), Flatten(), Dense(10))
    assert trained(net, FULL, colored).logits(colored.images).shape == (40, 10)
    features = Dataset(rng.normal(size=(40, 5)).astype(np.float32), labels)
    assert trained(network(5)(Dense(10)), Recipe(epochs=1), features).logits(features.images).shape == (
        40,
        10,
    )


def test_a_last_batch_of_one_image_trains(digits):
    net = network(784)(Dense(8), BatchNorm(), ReLU(), Dense(10))
    trainer = trained(net, Recipe(epochs=1, batch_size=199), digits)
    assert trainer.done == 2
    assert all(np.isfinite(array).all() for array in trainer.weights().values())


def test_images_that_do_not_fit_are_refused(digits):
    trainer = ENGINE.trainer(network(100)(Dense(10)), Recipe(), 0, len(digits))
    with pytest.raises(NetworkError, match="takes images"):
        trainer.run_epoch(digits, 0)
    with pytest.raises(NetworkError, match="takes images"):
        trainer.step(digits.images, digits.labels)
    with pytest.raises(NetworkError, match="takes images"):
        trainer.logits(digits.images)


def test_engine_and_trainer_predict_alike(digits):
    trainer = trained(CNN, FULL, digits, epochs=1)
    found = ENGINE.logits(CNN, trainer.weights(), digits.images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, trainer.logits(digits.images), rtol=1e-5, atol=1e-5)
    # Evaluation looks at each image by itself.
    alone = np.concatenate(
        [ENGINE.logits(CNN, trainer.weights(), image[None]) for image in digits.images[:5]]
    )
    np.testing.assert_allclose(alone, found[:5], rtol=1e-4, atol=1e-5)


def test_the_settings_say_what_may_change_the_numbers():
    assert ENGINE.settings() == {"name": "torch", "device": "cpu", "compile": False}


@pytest.mark.parametrize("device", ["tpu", "cuda:77"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(TrainingError, match=f"Got '{device}' instead"):
        TorchEngine(device)


@pytest.mark.slow
def test_compiled_training_gives_nearly_the_same_losses(digits):
    recipe = Recipe(epochs=1, batch_size=100, optimizer=SGD(0.1))
    compiled = TorchEngine("cpu", compile=True).trainer(MLP, recipe, 0, len(digits)).run_epoch(digits, 0)
    assert compiled.loss == pytest.approx(
        trained(MLP, recipe, digits, epochs=0).run_epoch(digits, 0).loss, rel=1e-4
    )


def test_on_a_gpu_convolutions_are_repeatable_and_of_full_precision():
    flags = torch.backends.cudnn
    before = flags.deterministic, flags.allow_tf32, flags.benchmark
    with torch_engine.deterministic(torch.device("cuda")):
        assert (flags.deterministic, flags.allow_tf32, flags.benchmark) == (True, False, False)
    assert (flags.deterministic, flags.allow_tf32, flags.benchmark) == before
