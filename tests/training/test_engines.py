import importlib.util
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from tenfold.errors import MissingExtraError, UnknownNameError
from tenfold.networks import Dense, Dropout, ReLU, network
from tenfold.seeds import epoch_order
from tenfold.training import SGD, Recipe, engines
from tenfold.training.engines import ENGINES, get_engine


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_an_engine_bears_the_name_it_is_asked_for(name):
    engine = get_engine(name)
    assert engine.name == name
    assert engine.settings()["name"] == name


def test_settings_reach_the_engine():
    assert get_engine("torch", device="cpu").settings()["device"] == "cpu"


def test_auto_is_torch_where_it_is_installed_and_numpy_elsewhere(monkeypatch):
    assert get_engine().name == "torch"
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert get_engine("auto").name == "numpy"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no engine named 'pytorch'\. Did you mean 'torch'"):
        get_engine("pytorch")
    assert sorted(ENGINES) == ["auto", "numpy", "torch"]


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(
        "tenfold.errors.importlib.import_module",
        lambda name: (_ for _ in ()).throw(ModuleNotFoundError(name=name)),
    )
    with pytest.raises(MissingExtraError, match=r"The torch engine needs torch.*tenfold\[train\]"):
        get_engine("torch")


def test_training_and_the_numpy_engine_import_nothing_heavy():
    assert importlib.util.find_spec("torch")
    code = (
        "import sys, tenfold.training; tenfold.training.get_engine('numpy'); "
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_all_images_at_once_are_taken_as_they_lie_and_scaled_once(name, precision, mnist, monkeypatch):
    """Scaled once, they give what they give in any order; and are left as they were for the next step."""
    digits = mnist.train.take(slice(0, 200))
    shuffled = digits.take(np.random.default_rng(0).permutation(200))
    net = network(784)(Dense(12), ReLU(), Dense(10))
    recipe = Recipe(epochs=8, batch_size="full", optimizer=SGD(0.5), precision=precision)
    scaled = []
    module = import_module(f"tenfold.training.{name}_engine")
    monkeypatch.setattr(module, "as_input", counted(module.as_input, scaled))

    found = []
    for data in (digits, shuffled):
        trainer = get_engine(name).trainer(net, recipe, 3, len(data))
        results = [trainer.run_epoch(data, epoch) for epoch in range(8)]
        found.append((trainer.weights(), [result.loss for result in results]))
    assert len(scaled) == 2, "once for each data set, not at every step"

    (first, losses), (second, again) = found
    np.testing.assert_allclose(losses, again, rtol=1e-5)
    assert losses[-1] < 0.7 * losses[0]
    for key in first:
        np.testing.assert_allclose(first[key], second[key], atol=1e-5)


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_with_dropout_the_order_of_a_full_batch_is_drawn(name, mnist):
    """For a value's mask follows from the place of its image in the batch."""
    digits = mnist.train.take(slice(0, 50))
    net = network(784)(Dense(12), ReLU(), Dropout(0.5), Dense(10))
    trainer = get_engine(name).trainer(net, Recipe(epochs=1, batch_size="full", precision="float64"), 3, 50)
    assert not trainer.whole
    order = epoch_order(3, 0, 50)
    by_hand = get_engine(name).trainer(net, Recipe(epochs=1, batch_size="full", precision="float64"), 3, 50)
    loss = by_hand.step(digits.images[order], digits.labels[order])
    assert trainer.run_epoch(digits, 0).loss == pytest.approx(loss, rel=1e-12)


def counted(function, calls):
    def wrapper(*args, **kwargs):
        calls.append(function)
        return function(*args, **kwargs)

    return wrapper
