import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.errors import NetworkError
from tenfold.models.defaults import STEPS, adapt, choose_engine, choose_network, choose_recipe, enough_steps
from tenfold.networks.architecture import network
from tenfold.networks.layers import Conv, Dense, Flatten, GlobalAveragePool, MaxPool, ReLU
from tenfold.networks.zoo import NETWORKS
from tenfold.training.optimizers import Adam
from tenfold.training.recipe import Recipe, default_recipe


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_zoo_follows_the_classes(name):
    fitted = adapt(NETWORKS[name], (28, 28), 47)
    assert fitted.classes == 47
    assert adapt(fitted, (28, 28), 10) == adapt(NETWORKS[name], (28, 28), 10)


def test_a_network_that_fits_stays_as_it_is():
    for given_network in NETWORKS.values():
        if given_network.classes == 10:
            assert adapt(given_network, (28, 28), 10) == given_network


def test_convolutions_follow_the_size_and_the_channels_of_the_pictures():
    fitted = adapt(NETWORKS["lin-simple-cnn"], (32, 40, 3), 5)
    assert fitted.input_shape == (3, 32, 40)
    assert fitted.classes == 5


def test_a_picture_too_small_for_its_network_is_named():
    with pytest.raises(NetworkError, match="okon-cnn does not fit inputs of 5 x 5"):
        adapt(NETWORKS["okon-cnn"], (5, 5), 10)


def test_a_network_that_ends_in_a_pool_gets_its_classes_from_its_last_convolution():
    fitted = adapt(network(8, 8)(Conv(4, 3), ReLU(), Conv(10, 1), GlobalAveragePool()), (8, 8), 3)
    assert fitted.layers[2] == Conv(3, 1)
    assert fitted.classes == 3


def test_a_network_whose_classes_cannot_follow_is_refused():
    with pytest.raises(NetworkError, match=r"End it with Dense\(3\)"):
        adapt(network(8, 8)(MaxPool(2), Flatten()), (8, 8), 3)


@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 60)),
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
    ),
    classes=st.integers(2, 60),
)
@settings(max_examples=100, deadline=None)
def test_there_is_a_default_network_for_any_data(shape, classes):
    fitted = choose_network(None, shape, classes)
    assert fitted.classes == classes
    choose_recipe(None, fitted, 100, {})


@given(
    count=st.integers(1, 100_000),
    epochs=st.integers(1, 60),
    batch_size=st.one_of(st.just("full"), st.integers(1, 2000)),
)
@settings(deadline=None)
def test_few_images_are_seen_more_often_and_many_as_the_recipe_says(count, epochs, batch_size):
    recipe = Recipe(epochs=epochs, batch_size=batch_size)
    given_steps = recipe.epochs * recipe.steps_per_epoch(count)
    changed = enough_steps(recipe, count)
    if batch_size == "full" or given_steps >= STEPS:
        assert changed == recipe
    else:
        assert changed.epochs * changed.steps_per_epoch(count) >= STEPS
        assert changed.epochs >= recipe.epochs
        assert changed.batch_size <= recipe.batch_size


def test_a_network_has_its_own_recipe_and_a_stated_one_is_left_alone():
    fast = NETWORKS["fast"]
    assert choose_recipe(None, fast, 60_000, {}) == default_recipe("fast")
    assert choose_recipe("fast", fast, 10, {}) == default_recipe("fast")
    assert choose_recipe(Recipe(epochs=1), fast, 10, {"epochs": None}) == Recipe(epochs=1)


def test_changes_are_applied_last_and_a_kind_before_its_settings():
    recipe = choose_recipe(
        {"optimizer": {"beta1": 0.8, "lr": 0.1, "name": "adam"}},
        network(4)(Dense(2)),
        100_000,
        {"optimizer.lr": 0.3},
    )
    assert recipe.optimizer == Adam(lr=0.3, beta1=0.8)


def test_small_dense_networks_train_in_numpy_unless_an_engine_is_named():
    small, recipe = network(4)(Dense(8), ReLU(), Dense(3)), Recipe(batch_size=32)
    assert choose_engine("auto", small, recipe, 1000) == "numpy"
    assert choose_engine("torch", small, recipe, 1000) == "torch"
    assert choose_engine("auto", small, Recipe(batch_size="full"), 100_000) == "auto"
    assert choose_engine("auto", NETWORKS["abdelsalam-mlp"], recipe, 1000) == "auto"
    assert choose_engine("auto", NETWORKS["fast"], Recipe(batch_size=1), 1) == "auto"
