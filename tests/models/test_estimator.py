import copy
import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tenfold import DigitClassifier
from tenfold.errors import (
    DataError,
    NetworkError,
    RecipeError,
    TenfoldError,
    TenfoldWarning,
    UnknownNameError,
)
from tenfold.models.model import Model
from tenfold.networks.architecture import network
from tenfold.networks.layers import Dense, ReLU
from tenfold.training.recipe import Recipe

QUICK = {"engine": "numpy", "random_state": 0, "epochs": 2}


@parametrize_with_checks([DigitClassifier(), DigitClassifier(engine="torch", epochs=20)])
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    """scikit-learn's 1,797 digits of 8 x 8, in 0 to 16: every third is held out."""
    data = load_digits()
    held = np.arange(len(data.target)) % 3 == 0
    return data.images[~held], data.target[~held], data.images[held], data.target[held]


@pytest.fixture(scope="module")
def few(mnist):
    """600 images of MNIST to train on, and 500 others from its training part."""
    train = mnist.train
    return train.images[:600], train.labels[:600], train.images[600:1100], train.labels[600:1100]


# What it learns


def test_it_learns_mnist_from_a_few_images(few):
    images, labels, others, truth = few
    clf = DigitClassifier("fast", random_state=0).fit(images, labels)
    assert clf.score(others, truth) > 0.93


def test_it_learns_pictures_of_another_size(digits):
    images, labels, others, truth = digits
    clf = DigitClassifier(random_state=0, epochs=5).fit(images, labels)
    assert clf.image_shape_ == (8, 8)
    assert clf.score(others, truth) > 0.96


def test_it_learns_plain_features(digits):
    images, labels, others, truth = digits
    clf = DigitClassifier(random_state=0).fit(images.reshape(-1, 64), labels)
    assert clf.image_shape_ == (64,)
    assert clf.score(others.reshape(-1, 64), truth) > 0.93


def test_it_learns_what_is_no_digit():
    X, y = load_iris(return_X_y=True)
    clf = DigitClassifier(random_state=0).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > 0.9


def test_it_learns_colors():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    X = rng.integers(0, 100, (150, 12, 10, 3))
    X[np.arange(150), :, :, y] += 100
    clf = DigitClassifier(random_state=0, epochs=5).fit(X, y)
    assert clf.model_.architecture.input_shape == (3, 12, 10)
    assert clf.score(X.reshape(150, -1), y) == 1.0


# What it takes


@pytest.mark.parametrize(
    "same",
    [
        lambda images: images.reshape(len(images), 784),
        lambda images: images[..., np.newaxis],
        lambda images: images.astype(np.int64),
        lambda images: images / 255,
        lambda images: images.tolist(),
    ],
)
def test_the_same_pictures_in_another_form_train_the_same_network(few, same):
    images, labels = few[0][:80], few[1][:80]
    one = DigitClassifier("fast", **QUICK).fit(images, labels)
    other = DigitClassifier("fast", **QUICK).fit(same(images), labels)
    for key, value in one.model_.weights.items():
        np.testing.assert_array_equal(other.model_.weights[key], value)
    np.testing.assert_array_equal(other.predict_proba(same(images)), one.predict_proba(images))


def test_pictures_may_be_predicted_in_another_form_than_they_were_learned_in(few):
    images, labels = few[0][:80], few[1][:80]
    flat = images.reshape(len(images), 784)
    for network_name in ("fast", "lin-simple-nn"):
        for learned, seen in ((images, flat), (flat, images)):
            clf = DigitClassifier(network_name, **QUICK).fit(learned, labels)
            np.testing.assert_array_equal(clf.predict_proba(seen), clf.predict_proba(learned))


@pytest.mark.parametrize(
    ("shape", "name", "input_shape"),
    [
        ((28, 28), "fast", (1, 28, 28)),
        ((784,), "fast", (1, 28, 28)),
        ((32, 32, 3), "fast", (3, 32, 32)),
        ((8, 8), "default-convolutions", (1, 8, 8)),
        ((3, 2), "default-convolutions", (1, 3, 2)),
        ((64,), "default-dense", (64,)),
        ((1,), "default-dense", (1,)),
    ],
)
def test_the_default_network_follows_the_shape(shape, name, input_shape):
    X = np.random.default_rng(0).random((6, *shape))
    clf = DigitClassifier(**QUICK).fit(X, [0, 1, 2, 0, 1, 2])
    assert clf.model_.architecture.name == name
    assert clf.model_.architecture.input_shape == input_shape
    assert clf.model_.architecture.classes == 3
    assert clf.n_features_in_ == np.prod(shape)


def test_features_below_zero_are_no_pixels_even_if_there_are_784():
    X = np.random.default_rng(0).normal(size=(6, 784))
    clf = DigitClassifier(**QUICK).fit(X, [0, 1, 0, 1, 0, 1])
    assert clf.model_.architecture.name == "default-dense"


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes", "no", "yes"],
        [-1.0, 2.0, -1.0, 2.0],
        [False, True, False, True],
        np.array(["no", "yes", "no", "yes"], dtype=object),
    ],
)
def test_labels_come_back_as_they_were(labels):
    X = np.array([[0.0], [9.0], [1.0], [8.0]])
    clf = DigitClassifier(engine="numpy", random_state=0).fit(X, labels)
    assert clf.predict(X).tolist() == list(labels)
    assert clf.classes_.tolist() == sorted(set(labels))
    assert clf.model_.classes == tuple(map(str, sorted(set(labels))))


def test_the_last_layer_of_a_named_network_follows_the_classes(few):
    images, labels = few[0][:100], few[1][:100] % 3
    clf = DigitClassifier("lin-simple-cnn", **QUICK).fit(images, labels)
    assert clf.predict_proba(images).shape == (100, 3)


def test_a_network_of_your_own_is_taken():
    X, y = load_iris(return_X_y=True)
    mine = network(9)(Dense(7), ReLU(), Dense(5), name="mine")
    clf = DigitClassifier(mine, **QUICK).fit(X, y)
    assert clf.model_.architecture == network(4)(Dense(7), ReLU(), Dense(3))


# What it refuses


def test_a_convolution_refuses_features_that_form_no_picture():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(NetworkError, match="28 x 28 needs 784 features, X has 4") as caught:
        DigitClassifier("lin-simple-cnn", **QUICK).fit(X, y)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(NetworkError, match=r"X has 64\. .* reshape X to \(n, 8, 8\)"):
        DigitClassifier("fast", **QUICK).fit(np.zeros((2, 64)), [0, 1])


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"network": "fst"}, UnknownNameError, "Did you mean 'fast'"),
        ({"network": 3}, NetworkError, "network must be"),
        ({"recipe": "fst"}, UnknownNameError, "no recipe named 'fst'"),
        ({"recipe": 3}, RecipeError, "recipe must be"),
        ({"recipe": {"epoch": 3}}, UnknownNameError, "Did you mean 'epochs'"),
        ({"recipe": {"optimizer": {"lr": -1}}}, RecipeError, "lr must be > 0"),
        ({"epochs": 0}, RecipeError, "epochs must be"),
        ({"lr": "fast"}, RecipeError, "lr must be a number"),
        ({"engine": "jax"}, UnknownNameError, "no engine named"),
        ({"random_state": -1}, DataError, "random_state must be"),
        ({"random_state": "zero"}, ValueError, "zero"),
    ],
)
def test_a_setting_that_is_unknown_or_out_of_range_is_named_when_it_is_fitted(settings, error, says):
    X, y = load_iris(return_X_y=True)
    clf = DigitClassifier(**settings)
    with pytest.raises(error, match=says) as caught:
        clf.fit(X, y)
    if issubclass(error, TenfoldError):
        # Workers of a parallel search send their errors home pickled.
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.zeros((3, 4)), [1, 1, 1], "one class only"),
        (np.zeros((3, 4)), [0.5, 0.1, 0.2], "Unknown label type"),
        (np.zeros((3, 4)), [0, 1], "inconsistent numbers of samples"),
        (np.full((3, 4), np.nan), [0, 1, 0], "NaN"),
        (np.zeros((3, 2, 2, 2, 2)), [0, 1, 0], "got 4 dimensions"),
        (np.zeros((0, 28, 28)), [], "0 sample"),
        ([["a"], ["b"]], [0, 1], "numeric"),
        ([[1, 2], [3]], [0, 1], "inhomogeneous"),
    ],
)
def test_what_cannot_be_learned_is_refused(X, y, says):
    with pytest.raises(ValueError, match=says):
        DigitClassifier(**QUICK).fit(X, y)


def test_sparse_matrices_are_refused():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        DigitClassifier(**QUICK).fit(csr_matrix(np.eye(4)), [0, 1, 0, 1])


def test_pictures_of_another_shape_than_learned_are_refused(few):
    clf = DigitClassifier("fast", **QUICK).fit(few[0][:50], few[1][:50])
    with pytest.raises(NetworkError, match=r"\(14, 56\).*\(28, 28\)"):
        clf.predict(few[0][:5].reshape(5, 14, 56))
    with pytest.raises(ValueError, match="783 features"):
        clf.predict(np.zeros((5, 783)))


def test_another_unit_than_learned_is_warned_of(few):
    images, labels = few[0][:80], few[1][:80]
    learned = DigitClassifier("lin-simple-nn", **QUICK).fit(images, labels)
    with pytest.warns(TenfoldWarning, match=r"lies in 0 to 1, .* 0 to 255, .* nearly blank"):
        learned.predict(images / 255)
    scaled = DigitClassifier("lin-simple-nn", **QUICK).fit(images / 255, labels)
    with pytest.warns(TenfoldWarning, match=r"lies in 0 to 255, .* 0 to 1, .* cut off"):
        scaled.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learned.predict(images // 2)
        learned.predict(np.zeros((1, 28, 28), np.uint8))
        scaled.predict_proba(images / 128)


# Recipes


@pytest.mark.parametrize(
    ("settings", "epochs", "lr", "batch_size"),
    [
        ({"recipe": Recipe(epochs=3)}, 3, 0.01, 64),
        ({"recipe": Recipe(epochs=3), "epochs": 2, "lr": 0.5, "batch_size": 50}, 2, 0.5, 50),
        ({"recipe": {"epochs": 4, "optimizer.lr": 0.25, "batch_size": "full"}}, 4, 0.25, "full"),
        ({"recipe": {"epochs": 4, "optimizer": {"lr": 0.25, "name": "sgd"}}, "batch_size": 30}, 4, 0.25, 30),
        ({"epochs": np.int64(2), "lr": np.float64(0.125), "batch_size": np.int64(75)}, 2, 0.125, 75),
    ],
)
def test_a_recipe_is_taken_in_every_form(settings, epochs, lr, batch_size):
    X, y = load_iris(return_X_y=True)
    clf = DigitClassifier(engine="numpy", random_state=0, **settings).fit(X, y)
    recipe = Recipe.from_dict(clf.model_.card["recipe"])
    assert (recipe.epochs, recipe.optimizer.lr, recipe.batch_size) == (epochs, lr, batch_size)
    assert clf.n_iter_ == len(clf.history_) == epochs


def test_a_recipe_is_taken_by_name_and_by_path(tmp_path):
    X, y = load_iris(return_X_y=True)
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 3\n")
    assert DigitClassifier(recipe=path, engine="numpy").fit(X, y).n_iter_ == 3
    assert DigitClassifier(recipe=str(path), engine="numpy").fit(X, y).n_iter_ == 3
    assert DigitClassifier(recipe="default", engine="numpy").fit(X, y).n_iter_ == 10


# Seeds


def weights_of(seed, **settings):
    X, y = load_iris(return_X_y=True)
    return (
        DigitClassifier(**QUICK | {"random_state": seed} | settings).fit(X, y).model_.weights["dense1.weight"]
    )


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_the_same_seed_gives_the_same_bits(engine):
    np.testing.assert_array_equal(weights_of(3, engine=engine), weights_of(3, engine=engine))
    assert (weights_of(3, engine=engine) != weights_of(4, engine=engine)).any()


def test_a_random_state_is_drawn_from():
    shared = np.random.RandomState(0)
    first, second = weights_of(shared), weights_of(shared)
    assert (first != second).any()
    np.testing.assert_array_equal(first, weights_of(np.random.RandomState(0)))


def test_without_a_seed_every_training_is_another():
    assert (weights_of(None) != weights_of(None)).any()


# With the rest of scikit-learn


def test_ctrl_c_ends_a_whole_search(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tenfold.training.numpy_engine.NumpyTrainer.run_epoch", interrupted)
    X, y = load_iris(return_X_y=True)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(DigitClassifier(**QUICK), X, y)


def test_cross_validation(digits):
    images, labels, _, _ = digits
    scores = cross_val_score(
        DigitClassifier(random_state=0, engine="numpy"), images.reshape(-1, 64), labels, cv=3
    )
    assert scores.min() > 0.9


def test_a_search_over_learning_rates_and_networks(few):
    images, labels = few[0][:300], few[1][:300]
    grid = {"network": ["lin-simple-nn", network(784)(Dense(10))], "lr": np.array([1e-6, 0.5])}
    search = GridSearchCV(DigitClassifier(**QUICK), grid, cv=2, error_score="raise").fit(images, labels)
    assert search.best_params_["lr"] == 0.5
    assert search.predict(images).shape == (300,)


def test_a_search_over_recipes():
    X, y = load_iris(return_X_y=True)
    grid = {"recipe": [{"epochs": 30}, {"optimizer.lr": 1e-6}]}
    search = GridSearchCV(DigitClassifier(engine="numpy", random_state=0), grid, cv=2).fit(X, y)
    assert search.best_params_ == {"recipe": {"epochs": 30}}


def test_a_pipeline(digits):
    images, labels, others, truth = digits
    pipeline = make_pipeline(StandardScaler(), DigitClassifier(engine="numpy", random_state=0))
    pipeline.fit(images.reshape(-1, 64), labels)
    assert pipeline.score(others.reshape(-1, 64), truth) > 0.9
    pipeline.set_params(digitclassifier__lr=0.5)
    assert pipeline[-1].lr == 0.5


def test_a_clone_is_unfitted_and_has_the_same_settings():
    clf = DigitClassifier("fast", {"epochs": 3}, random_state=1, lr=0.1)
    twin = clone(clf)
    assert twin.get_params() == clf.get_params()
    assert not hasattr(twin, "model_")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf))])
def test_a_copy_predicts_the_same(few, copied):
    clf = DigitClassifier("lin-simple-nn", **QUICK).fit(few[0], few[1])
    np.testing.assert_array_equal(copied(clf).predict_proba(few[2]), clf.predict_proba(few[2]))


def test_its_model_is_saved_and_says_the_same(few, tmp_path):
    images, labels, others, _ = few
    clf = DigitClassifier("lin-simple-nn", **QUICK).fit(images, labels)
    model = Model.load(clf.model_.save(tmp_path / "model"))
    assert model.classes == tuple("0123456789")
    np.testing.assert_array_equal(model.predict_proba(others, "numpy"), clf.predict_proba(others))


def test_its_model_states_how_features_are_scaled(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = DigitClassifier(**QUICK).fit(X, y)
    model = Model.load(clf.model_.save(tmp_path / "model"))
    scaling = model.card["scaling"]
    scaled = (X - scaling["mean"]) / scaling["deviation"]
    np.testing.assert_array_equal(model.predict_proba(scaled), clf.predict_proba(X))
