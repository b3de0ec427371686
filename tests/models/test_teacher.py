import pytest

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


def recipe(name):
    return Recipe(epochs=2).change({"distillation.teacher": str(name)})


def test_a_recipe_without_a_teacher_has_none():
    assert with_teacher(Recipe(), TEACHER) == (Recipe(), None)


def test_the_teacher_is_a_model_by_its_folder(folder):
    taught, teacher = with_teacher(recipe(folder), network(784)(Dense(5), Dense(10)))
    assert taught == recipe(folder)
    assert teacher is not None
    assert teacher.architecture == TEACHER


def test_a_teacher_of_other_pictures_or_classes_teaches_nothing(folder):
    for other in (network(64)(Dense(10)), network(784)(Dense(3))):
        assert with_teacher(recipe(folder), other) == (Recipe(epochs=2), None)


def test_a_teacher_that_is_nowhere_is_an_error():
    with pytest.raises(ModelError, match="no model folder 'nobody'"):
        with_teacher(recipe("nobody"), TEACHER)
