"""What a network learns from another, by hand; that both engines do the same is proven in contracts/."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tenfold.data.augment import Augmentation
from tenfold.errors import TrainingError
from tenfold.networks.architecture import network
from tenfold.networks.layers import Dense, Flatten, ReLU
from tenfold.training.distillation import Distillation, Teacher
from tenfold.training.engines import get_engine
from tenfold.training.initializers import INITIALIZERS, initial_weights
from tenfold.training.loop import train
from tenfold.training.optimizers import Adam
from tenfold.training.recipe import Recipe

STUDENT = network(784)(Dense(10))
PICTURES = network(28, 28)(Flatten(), Dense(10))
# It takes its pictures on another scale than the student.
TEACHER = network(784, mean=0.2, std=0.5)(Dense(20), ReLU(), Dense(10))
ENGINES = pytest.mark.parametrize("engine", ["numpy", "torch"])


def teacher(architecture=TEACHER, seed=3):
    return Teacher(architecture, initial_weights(architecture, INITIALIZERS["kaiming-normal"], seed))


def recipe(weight=0.6, temperature=4.0, **settings):
    return Recipe(distillation=Distillation("somebody", weight, temperature), precision="float64", **settings)


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.take(range(50))


@ENGINES
def test_the_loss_is_that_of_the_labels_and_that_of_the_teacher_in_their_shares(engine, digits):
    made = get_engine(engine)
    trainer = made.trainer(STUDENT, recipe(), 0, len(digits))
    trainer.learn_from(teacher())
    pixels = digits.images / 255  # float64, so that the logits are computed in it
    mine = made.logits(STUDENT, trainer.weights(), pixels).astype(np.float64)
    theirs = made.logits(TEACHER, teacher().weights, pixels).astype(np.float64)
    by_labels = -log_softmax(mine, axis=1)[np.arange(50), digits.labels].mean()
    by_teacher = -(softmax(theirs / 4, axis=1) * log_softmax(mine / 4, axis=1)).sum(axis=1).mean()
    expected = 0.4 * by_labels + 0.6 * 16 * by_teacher
    assert trainer.step(digits.images, digits.labels) == pytest.approx(expected, rel=1e-6)


@ENGINES
def test_who_learns_from_the_teacher_alone_comes_to_agree_with_it_not_with_the_labels(engine, digits):
    wrong = np.roll(digits.labels, 1)
    made = get_engine(engine)
    trainer = made.trainer(STUDENT, recipe(weight=1.0, temperature=1.0, optimizer=Adam(0.01)), 0, len(digits))
    trainer.learn_from(teacher())
    for _ in range(100):
        trainer.step(digits.images, wrong)
    told = made.logits(TEACHER, teacher().weights, digits.images).argmax(axis=1)
    assert (trainer.logits(digits.images).argmax(axis=1) == told).mean() > 0.9
    assert (told == wrong).mean() < 0.3


def test_a_recipe_and_its_teacher_belong_together(digits):
    engine = get_engine("numpy")
    with pytest.raises(TrainingError, match=r"learns from 'somebody', and no teacher is given"):
        train(STUDENT, recipe(), digits, engine=engine)
    with pytest.raises(TrainingError, match=r"A teacher is given, and the recipe has none"):
        train(STUDENT, Recipe(), digits, engine=engine, teacher=teacher())
    other = teacher(network(784)(Dense(3)))
    with pytest.raises(
        TrainingError, match=r"tells 3 classes apart; the network takes \(784,\) and tells 10"
    ):
        train(STUDENT, recipe(), digits, engine=engine, teacher=other)


def test_a_training_stopped_under_one_teacher_does_not_go_on_under_another(digits, tmp_path):
    engine = get_engine("numpy")
    once = train(STUDENT, recipe(epochs=2), digits, engine=engine, teacher=teacher())
    train(STUDENT, recipe(epochs=2), digits, engine=engine, teacher=teacher(), folder=tmp_path, until=1)
    with pytest.raises(TrainingError, match="teacher"):
        train(STUDENT, recipe(epochs=2), digits, engine=engine, teacher=teacher(seed=4), folder=tmp_path)
    again = train(STUDENT, recipe(epochs=2), digits, engine=engine, teacher=teacher(), folder=tmp_path)
    for key, array in once.weights.items():
        np.testing.assert_array_equal(array, again.weights[key])


def test_the_fingerprint_is_of_the_network_and_its_weights():
    assert teacher().sha256 == teacher().sha256
    assert len({teacher().sha256, teacher(seed=4).sha256, teacher(STUDENT).sha256}) == 3


@ENGINES
def test_the_teacher_is_asked_once_about_the_pictures_as_they_are(engine, digits, monkeypatch):
    moved = recipe(epochs=2, augmentation=Augmentation(shift=2.0))
    trainer = get_engine(engine).trainer(PICTURES, moved, 0, len(digits))
    trainer.learn_from(teacher(PICTURES))
    asked = []
    answer = type(trainer).logits_of
    monkeypatch.setattr(
        type(trainer), "logits_of", lambda self, *given: (asked.append(given[-1]), answer(self, *given))[1]
    )
    for epoch in range(2):
        trainer.run_epoch(digits, epoch)
    assert len(asked) == 1
    assert asked[0] is digits.images
