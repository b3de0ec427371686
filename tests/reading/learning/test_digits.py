"""The digit network learns from what is made anew for each epoch, and is judged by what it never saw."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.errors import RecipeError, TrainingError, TrainingStopped, UnknownNameError
from tenfold.reading.learning import digits
from tenfold.reading.learning.digits import OTHER, DigitsRecipe, Stream, change, learn, validation
from tenfold.training.engines import get_engine

SMALL = change({"drawn": 150, "others": 150, "pool": 300, "judged": 100, "epochs": 4, "batch_size": 32})


@pytest.fixture(scope="module")
def some(mnist):
    return mnist.train.take(range(900)), mnist.train.take(range(900, 1100))


def test_an_epoch_mixes_written_digits_drawn_ones_and_what_is_none(some):
    stream = Stream(some[0], SMALL, seed=0)
    made = stream.epoch(0)
    assert len(made) == len(stream) == 1200
    assert np.array_equal(made.labels[:900], some[0].labels)
    assert set(made.labels[900:1050]) == set(range(10))
    assert set(made.labels[1050:]) == {OTHER}
    assert made.images.shape == (1200, 28, 28)


def test_pictures_are_the_same_for_the_same_seed_and_change_after_their_repeats(some):
    one, two, other = (Stream(some[0], SMALL, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.epoch(0).images, two.epoch(0).images)
    assert not np.array_equal(one.epoch(0).images, other.epoch(0).images)
    assert one.epoch(0) is one.epoch(SMALL.repeats - 1)
    assert not np.array_equal(one.epoch(0).images, one.epoch(SMALL.repeats).images)


def test_what_is_held_out_is_not_learned_from(mnist):
    train, held = digits.parts()
    assert (len(train), len(held)) == (54_000, 6_000)
    seen = {image.tobytes() for image in train.images}
    assert sum(image.tobytes() in seen for image in held.images) == 0


def test_it_is_judged_by_four_parts(some):
    judged = validation(some[1], SMALL)
    assert {name: len(part) for name, part in judged.items()} == {
        "mnist": 200,
        "varied": 200,
        "drawn": 100,
        "other": 100,
    }
    assert np.array_equal(judged["mnist"].images, some[1].images)
    assert not np.array_equal(judged["varied"].images, some[1].images)


def test_a_short_training_already_tells_most_digits_and_most_others(some, monkeypatch):
    monkeypatch.setattr(digits, "parts", lambda: some)
    told = []
    recipe = replace(SMALL, recipe=SMALL.recipe.change({"precision": "float32"}))
    cpu = get_engine("torch", device="cpu")
    learnt = learn(recipe, cpu, 0, on_epoch=lambda done, loss: told.append((done, loss)))
    assert [done for done, _ in told] == [1, 2, 3, 4]
    assert told[-1][1] < told[0][1]
    assert learnt.accuracy["mnist"] > 0.7
    assert learnt.accuracy["other"] > 0.5
    assert 0.3 < learnt.temperature < 3


def test_a_training_that_was_stopped_ends_with_the_same_bits(some, monkeypatch, tmp_path):
    monkeypatch.setattr(digits, "parts", lambda: some)
    cpu = get_engine("torch", device="cpu")
    recipe = replace(SMALL, recipe=SMALL.recipe.change({"epochs": 3}))
    whole = learn(recipe, cpu)
    told = []

    def stop(done, loss):
        told.append(done)
        raise KeyboardInterrupt

    # Stopped after each epoch: between two that share their pictures, and between two that do not.
    for done in (1, 2, 3):
        with pytest.raises(TrainingStopped, match=f"after epoch {done} of 3.*Run the same training again"):
            learn(recipe, cpu, folder=tmp_path, on_epoch=stop)
    assert told == [1, 2, 3]
    resumed = learn(recipe, cpu, folder=tmp_path, on_epoch=stop)
    assert all(np.array_equal(array, resumed.weights[key]) for key, array in whole.weights.items())
    assert (resumed.temperature, resumed.accuracy) == (whole.temperature, whole.accuracy)

    with pytest.raises(TrainingError, match=r"another training: recipe\.drawn is 151, in the checkpoint 150"):
        learn(replace(recipe, drawn=151), cpu, folder=tmp_path)


def test_a_training_that_is_stopped_before_anything_is_done_saves_nothing(some, monkeypatch, tmp_path):
    def stop(self, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "parts", lambda: some)
    monkeypatch.setattr(Stream, "epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        learn(SMALL, get_engine("torch", device="cpu"), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_changed_by_key():
    recipe = change({"drawn": 5, "hands.slant": 3.0, "optimizer.lr": 0.5, "epochs": 2})
    assert (recipe.drawn, recipe.hands.slant) == (5, 3.0)
    assert (recipe.recipe.optimizer.lr, recipe.recipe.epochs) == (0.5, 2)
    assert change({}) == DigitsRecipe()
    with pytest.raises(UnknownNameError, match="slant"):
        change({"hands.slnt": 1.0})
    with pytest.raises(UnknownNameError, match="epochs"):
        change({"epoch": 1})
    for wrong in ({"drawn": 0}, {"pool": 2.5}, {"hands.bend": -1.0}, {"hands.bend": "much"}):
        with pytest.raises(RecipeError, match="must be"):
            change(wrong)
