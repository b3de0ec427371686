import numpy as np
import pytest

from tenfold.data import Dataset
from tenfold.errors import ModelError
from tenfold.models.model import Model
from tenfold.models.teacher import with_teacher
from tenfold.networks import Dense, network
from tenfold.training import INITIALIZERS, Recipe, initial_weights

TEACHER = network(784)(Dense(10), name="teacher")


@pytest.fixture
def folder(tmp_path):
    weights = initial_weights(TEACHER, INITIALIZERS["torch"], 0)
    return Model(TEACHER, weights).save(tmp_path / "teacher")


@pytest.fixture
def known(folder):
    """2,500 pictures, all of which the teacher gets right."""
    images = np.random.default_rng(0).integers(0, 256, (2500, 28, 28), np.uint8)
    return Dataset(images, Model.load(folder).predict(images))


def recipe(name):
    return Recipe(epochs=2).change({"distillation.teacher": str(name)})


def test_a_recipe_without_a_teacher_has_none(known):
    assert with_teacher(Recipe(), TEACHER, known) == (Recipe(), None)


def test_the_teacher_is_a_model_by_its_folder(folder, known):
    taught, teacher = with_teacher(recipe(folder), network(784)(Dense(5), Dense(10)), known)
    assert taught == recipe(folder)
    assert teacher is not None
    assert teacher.architecture == TEACHER


def test_a_teacher_of_other_pictures_or_classes_teaches_nothing(folder, known):
    for other in (network(64)(Dense(10)), network(784)(Dense(3))):
        assert with_teacher(recipe(folder), other, known) == (Recipe(epochs=2), None)


def test_a_teacher_that_gets_most_pictures_wrong_teaches_nothing(folder, known):
    guessed = np.where(np.arange(2500) % 5 < 2, known.labels, (known.labels + 1) % 10)
    others = Dataset(known.images, guessed)
    assert with_teacher(recipe(folder), TEACHER, others) == (Recipe(epochs=2), None)

    no_pictures = Dataset(np.full((20, 784), 7.0), np.arange(20) % 10)
    assert with_teacher(recipe(folder), TEACHER, no_pictures) == (Recipe(epochs=2), None)


def test_a_teacher_that_is_nowhere_is_an_error(known):
    with pytest.raises(ModelError, match="no model folder 'nobody'"):
        with_teacher(recipe("nobody"), TEACHER, known)
