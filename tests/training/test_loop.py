"""The loop: what it records, and that a training stopped anywhere goes on as if it never had been."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tenfold.data.dataset import Dataset
from tenfold.errors import NetworkError, TrainingError, TrainingStopped
from tenfold.networks.architecture import network
from tenfold.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, ReLU
from tenfold.training.checkpoint import FILE, load_checkpoint
from tenfold.training.engines import get_engine
from tenfold.training.loop import cross_entropy, train
from tenfold.training.optimizers import SGD, Adam
from tenfold.training.recipe import Recipe
from tenfold.training.schedules import Cosine

CNN = network(6, 6)(Conv(3, 3), BatchNorm(), ReLU(), Flatten(), Dropout(0.2), Dense(4), name="tiny")
RECIPE = Recipe(epochs=5, batch_size=8, optimizer=Adam(0.01), schedule=Cosine(warmup=0.2), ema=0.9)
ENGINES = ["numpy", "torch"]


def bars(count=30, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 60, (count, 6, 6)).astype(np.uint8)
    images[np.arange(count), :, labels] = 250
    return Dataset(images, labels, classes=tuple("abcd"), name="bars")


def train_tiny(engine="numpy", data=None, recipe=RECIPE, seed=3, **settings):
    data = bars() if data is None else data
    settings = {"monitors": {"test": bars(20, seed=1)}} | settings
    return train(CNN, recipe, data, engine=get_engine(engine), seed=seed, **settings)


def without_clock(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def assert_same(one, two):
    assert without_clock(one.history) == without_clock(two.history)
    assert one.weights.keys() == two.weights.keys()
    for key, array in one.weights.items():
        np.testing.assert_array_equal(array, two.weights[key], strict=True)


@pytest.fixture(scope="module", params=ENGINES)
def undisturbed(request):
    return train_tiny(request.param)


def test_the_history_has_a_row_an_epoch_and_what_it_measured(undisturbed):
    history = undisturbed.history
    assert history.columns == [
        "epoch", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds",
    ]  # fmt: skip
    assert history.column("epoch") == [1, 2, 3, 4, 5]
    assert history.column("seconds") == sorted(history.column("seconds"))
    assert history.column("train_loss")[-1] < history.column("train_loss")[0]
    assert history.column("lr")[-1] == pytest.approx(0.0)
    assert 0 < undisturbed.seconds <= history.column("seconds")[-1]
    assert undisturbed.cpu_seconds > 0


def test_the_last_row_is_what_the_returned_weights_give(undisturbed):
    test = bars(20, seed=1)
    engine = get_engine(undisturbed.engine["name"])
    logits = engine.logits(CNN, undisturbed.weights, test.images).astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    last = undisturbed.history.rows[-1]
    expected = log_loss(test.labels, probabilities, labels=range(4))
    assert last["test_loss"] == pytest.approx(expected, rel=1e-5)
    assert last["test_accuracy"] == np.mean(logits.argmax(1) == test.labels)


def test_monitoring_changes_nothing_and_may_be_rare():
    plain, rare = train_tiny(monitors={}), train_tiny(monitor_every=2)
    assert plain.weights.keys() == rare.weights.keys()
    for key, array in plain.weights.items():
        np.testing.assert_array_equal(array, rare.weights[key])
    assert "test_loss" not in plain.history.columns
    assert [row["epoch"] for row in rare.history if "test_loss" in row] == [2, 4, 5]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stop", range(1, 6))
@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_stopped_after_any_epoch_and_resumed_it_ends_with_the_same_bits(
    engine, stop, failure, tmp_path, request
):
    def fail(progress):
        if progress.epoch == stop:
            raise failure

    # A failure that is no interrupt stands for a crash: only what was written before is left.
    every = 10.0 if failure is KeyboardInterrupt else 0.0
    with pytest.raises(TrainingStopped if failure is KeyboardInterrupt else RuntimeError):
        train_tiny(engine, folder=tmp_path, on_epoch=fail, checkpoint_seconds=every)
    epochs = []
    resumed = train_tiny(engine, folder=tmp_path, on_epoch=lambda progress: epochs.append(progress.epoch))
    done = stop if failure is KeyboardInterrupt else stop - 1
    assert epochs == list(range(done + 1, 6))
    assert_same(resumed, train_tiny(engine))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("call", [1, 7, 11])
def test_interrupted_within_an_epoch_the_last_finished_one_is_saved(engine, call, tmp_path, monkeypatch):
    made = get_engine(engine)
    kind = type(made.trainer(CNN, RECIPE, 0, 30))
    original, calls = kind.rate, []

    def interrupted(self, step):
        calls.append(step)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "rate", interrupted)
        with pytest.raises(TrainingStopped) as stopped:
            train_tiny(engine, folder=tmp_path)
    saved = load_checkpoint(tmp_path)
    assert len(saved.history) == saved.epoch
    assert f"after epoch {saved.epoch} of 5" in str(stopped.value)
    assert str(tmp_path / FILE) in str(stopped.value)
    assert_same(train_tiny(engine, folder=tmp_path), train_tiny(engine))


def test_interrupted_while_monitoring_the_epoch_is_done_again(tmp_path, monkeypatch):
    calls = []

    def interrupted(logits, labels):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return cross_entropy(logits, labels)

    with monkeypatch.context() as patch:
        patch.setattr("tenfold.training.loop.cross_entropy", interrupted)
        with pytest.raises(TrainingStopped, match="after epoch 2 of 5"):
            train_tiny(folder=tmp_path)
    assert_same(train_tiny(folder=tmp_path), train_tiny())


def test_stopped_several_times_it_still_ends_with_the_same_bits(tmp_path):
    def stop(progress):
        raise KeyboardInterrupt

    for epoch in range(1, 6):
        with pytest.raises(TrainingStopped, match=f"after epoch {epoch} of 5"):
            train_tiny(folder=tmp_path, on_epoch=stop)
    assert_same(train_tiny(folder=tmp_path), train_tiny())


def test_interrupted_without_a_folder_it_says_that_nothing_is_saved():
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="Nothing is saved, because no folder"):
        train_tiny(on_epoch=stop)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_loop
test_loop.train_tiny(
    folder=Path(sys.argv[1]),
    checkpoint_seconds=0.0,
    recipe=test_loop.LONG,
    monitors={},
    on_epoch=lambda progress: time.sleep(600 if progress.epoch == 50 else 0),
)
"""
LONG = replace(RECIPE, epochs=60)


def test_killed_by_the_system_it_goes_on_from_the_last_checkpoint(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path), os.path.dirname(__file__)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not (tmp_path / FILE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    assert 1 <= load_checkpoint(tmp_path).epoch < 50
    assert_same(train_tiny(recipe=LONG, monitors={}, folder=tmp_path), train_tiny(recipe=LONG, monitors={}))


def stopped_at_two(folder):
    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped):
        train_tiny(folder=folder, on_epoch=stop)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"seed": 4}, "seed is 4, in the checkpoint 3"),
        (
            {"recipe": RECIPE.change({"optimizer.lr": 0.5})},
            "recipe.optimizer.lr is 0.5, in the checkpoint 0.01",
        ),
        ({"data": bars(31)}, "data is"),
        ({"engine": "torch"}, "engine.name is 'torch', in the checkpoint 'numpy'"),
        ({"monitors": {}}, "monitors.test is None"),
    ],
    ids=["seed", "recipe", "data", "engine", "monitors"],
)
def test_another_trainings_checkpoint_is_refused_and_left_alone(settings, named, tmp_path):
    stopped_at_two(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(TrainingError) as refused:
        train_tiny(folder=tmp_path, **settings)
    assert named in str(refused.value)
    assert "choose another folder, or delete it to start afresh" in str(refused.value)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path):
    stopped_at_two(tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-7])
    with pytest.raises(TrainingError, match="damaged"):
        train_tiny(folder=tmp_path)


def test_a_kept_checkpoint_gives_the_finished_training_again(tmp_path):
    first = train_tiny(folder=tmp_path, keep_checkpoint=True)
    epochs = []
    again = train_tiny(folder=tmp_path, keep_checkpoint=True, on_epoch=epochs.append)
    assert epochs == []
    assert_same(first, again)
    assert (again.seconds, again.cpu_seconds) == (first.seconds, first.cpu_seconds)


def test_seconds_count_the_drawing_of_the_first_weights_and_not_the_monitoring(monkeypatch):
    engine = get_engine("numpy")
    make = engine.trainer

    def slow(*arguments):
        time.sleep(0.3)
        trainer = make(*arguments)
        measure = trainer.logits
        monkeypatch.setattr(trainer, "logits", lambda images: time.sleep(0.3) or measure(images))
        return trainer

    monkeypatch.setattr(engine, "trainer", slow)
    made = train(CNN, replace(RECIPE, epochs=2), bars(), engine=engine, monitors={"test": bars(20, seed=1)})
    # Two times 0.3 s of monitoring lie between the last step and the start.
    assert 0.3 <= made.seconds <= made.history.column("seconds")[-1] - 0.6


def test_progress_tells_how_far_and_how_long():
    seen = []
    train_tiny(on_epoch=seen.append)
    assert [progress.epoch for progress in seen] == [1, 2, 3, 4, 5]
    assert [progress.part for progress in seen] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert [progress.row["epoch"] for progress in seen] == [1, 2, 3, 4, 5]
    assert seen[-1].eta == 0
    assert all(progress.eta > 0 for progress in seen[:-1])


def test_progress_within_an_epoch_never_goes_back(monkeypatch):
    monkeypatch.setattr("tenfold.training.engine.REPORT_SECONDS", 0.0)
    parts = []
    train_tiny(on_progress=lambda progress: parts.append(progress.part))
    assert len(parts) >= 5
    assert parts == sorted(parts)
    assert 0 < parts[0] <= parts[-1] <= 1


def test_what_does_not_fit_is_told_before_training():
    with pytest.raises(NetworkError, match="tiny takes images of shape"):
        train_tiny(data=replace(bars(), images=np.zeros((30, 5, 5), np.uint8)))
    with pytest.raises(NetworkError, match="tells 4 classes apart; the data has 5"):
        train_tiny(data=replace(bars(), classes=tuple("abcde")))
    with pytest.raises(TrainingError, match="bars holds no images"):
        train_tiny(data=bars(0))
    with pytest.raises(TrainingError, match="monitor_every"):
        train_tiny(monitor_every=0)


def test_cross_entropy_is_that_of_scikit_learn_and_stable():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(50, 4)) * 5, rng.integers(0, 4, 50)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert cross_entropy(logits, labels) == pytest.approx(log_loss(labels, probabilities), rel=1e-12)
    assert cross_entropy(np.array([[1e4, 0.0]]), np.array([1])) == pytest.approx(1e4)


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_what_happens_within_an_epoch_can_be_watched_without_changing_it(mnist, name):
    data, held = mnist.train.take(slice(0, 100)), mnist.test.take(slice(0, 50))
    linear = network(784)(Dense(10))
    recipe = Recipe(epochs=2, batch_size=10, optimizer=SGD(lr=0.1))
    engine = get_engine(name)
    plain = train(linear, recipe, data, engine=engine, monitors={"validation": held})
    watched = train(linear, recipe, data, engine=engine, monitors={"validation": held}, watch_every=4)
    assert all(np.array_equal(watched.weights[key], plain.weights[key]) for key in plain.weights)
    first, second = watched.history.column("by_step")
    assert (first["step"], second["step"]) == ([4, 8], [12, 16, 20])
    assert second["validation_accuracy"][-1] == watched.history.rows[-1]["validation_accuracy"]
    assert 0 <= first["train_accuracy"][0] <= 1
    with pytest.raises(TrainingError, match="watch_every must be"):
        train(linear, recipe, data, engine=engine, watch_every=-1)
