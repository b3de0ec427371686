"""DigitClassifier: a network behind scikit-learn's contract."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from math import prod
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.data.dataset import Dataset
from tenfold.errors import DataError, NetworkError, TenfoldWarning, TrainingStopped, require
from tenfold.models.card import describe
from tenfold.models.defaults import choose_engine, choose_network, choose_recipe
from tenfold.models.model import Model
from tenfold.models.scaling import Pixels, Scaling, Standard
from tenfold.models.teacher import with_teacher
from tenfold.networks.architecture import Architecture
from tenfold.networks.layers import Shape
from tenfold.training.engines import get_engine
from tenfold.training.loop import train
from tenfold.training.recipe import Recipe

require("sklearn", extra="train", purpose="DigitClassifier")
# After the line that says how to install it, hence not at the top.
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402
from sklearn.utils.validation import (  # noqa: E402
    check_array,
    check_is_fitted,
    check_random_state,
    validate_data,
)


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network that is trained by `fit`, with scikit-learn's methods and conventions.

    It is made for digits and takes any pictures, any features and any classes.

    Parameters
    ----------
    network : str, Architecture or None
        A network of the zoo, or one of your own; its input and its last layer follow the data. None: the
        default for the data: `fast` for pictures (smaller convolutions below 20 pixels), and for 784 features
        none of which is negative, which are taken for pictures of 28 x 28; dense layers for other features.
    recipe : str, Path, Recipe, dict or None
        A recipe by name, file or value; or changes to the network's own recipe, by dotted key. None: the
        network's own. Where that would take fewer than 300 steps because there are few images, it is given
        smaller batches and more epochs.
    engine : "auto", "numpy" or "torch"
        "auto": torch where it is installed, but NumPy for small dense networks, which it trains faster.
    random_state : int, RandomState or None
        The seed. An int gives the same weights, bit for bit, on the same machine and thread count.
    epochs : int or None
    batch_size : int, "full" or None
    lr : float or None
        Instead of the recipe's, for convenience and for parameter searches.

    Attributes
    ----------
    classes_ : (classes,) array
        The labels, sorted.
    n_features_in_ : int
        Number of values in one image.
    feature_names_in_ : (n_features_in_,) array of str
        Where `X` was a data frame whose columns are all named by strings.
    image_shape_ : tuple of int
        Shape of one image as the network takes it, ``(n_features_in_,)`` for plain features.
    scaling_ : Pixels or Standard
        How inputs are scaled before they reach the network: pictures to uint8 by the range seen in training,
        features to mean 0 and standard deviation 1.
    model_ : Model
        The trained network; it takes inputs that are scaled already.
    history_ : History
        What happened, epoch by epoch.
    n_iter_ : int
        Epochs trained.

    Examples
    --------
    >>> from tenfold import DigitClassifier, load
    >>> digits = load("mnist")
    >>> clf = DigitClassifier("fast", random_state=0)
    >>> clf.fit(digits.train.images, digits.train.labels)       # doctest: +SKIP
    >>> clf.score(digits.test.images, digits.test.labels)       # doctest: +SKIP

    >>> from sklearn.model_selection import GridSearchCV
    >>> grid = {"epochs": [5, 10], "lr": [0.01, 0.1]}
    >>> search = GridSearchCV(DigitClassifier("lin-simple-nn", random_state=0), grid, cv=3)
    >>> search.fit(digits.train.images, digits.train.labels)    # doctest: +SKIP
    >>> search.best_params_                                     # doctest: +SKIP
    """

    def __init__(
        self,
        network: str | Architecture | None = None,
        recipe: str | Path | Recipe | Mapping[str, Any] | None = None,
        engine: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        *,
        epochs: int | None = None,
        batch_size: int | str | None = None,
        lr: float | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.engine = engine
        self.random_state = random_state
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr

    def fit(self, X: ArrayLike, y: ArrayLike) -> DigitClassifier:
        """Train the network.

        Parameters
        ----------
        X : (n, features), (n, height, width) or (n, height, width, channels)
            Pictures of any range, with ink high on paper low; or plain features.
        y : (n,)
            Labels of any kind, at least two different ones.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            `X` or `y` cannot be used; `NetworkError`, `DataError`, `RecipeError` and `UnknownNameError` are
            among these.
        """
        values, y = validate_data(self, X, y, allow_nd=True, dtype="numeric")
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise DataError(f"y holds one class only ({classes[0]!r}); at least two are needed.")
        seed = self._seed()
        architecture, shape, scaling = self._plan(values, len(classes))
        recipe = choose_recipe(
            self.recipe,
            architecture,
            len(values),
            {"epochs": self.epochs, "batch_size": self.batch_size, "optimizer.lr": self.lr},
        )
        data = Dataset(
            scaling.apply(values.reshape(len(values), *shape)),
            labels.astype(np.int64),
            classes=tuple(map(str, classes)),
            name="arrays given to fit",
        )
        recipe, teacher = with_teacher(recipe, architecture, data)
        engine = get_engine(choose_engine(self.engine, architecture, recipe, len(data)))
        try:
            trained = train(architecture, recipe, data, engine=engine, seed=seed, teacher=teacher)
        except TrainingStopped:
            # A search takes an error for a failed candidate and goes on to the next; Ctrl-C ends it all.
            raise KeyboardInterrupt from None
        self.n_features_in_ = prod(shape)
        self.classes_ = classes
        self.image_shape_ = shape
        self.scaling_ = scaling
        card = describe(trained, data) | {"scaling": scaling.to_dict()}
        self.model_ = Model(architecture, trained.weights, data.classes, card=card)
        self.history_ = trained.history
        self.n_iter_ = len(trained.history)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the probability of each class.

        Parameters
        ----------
        X : (n, features), (n, height, width) or (n, height, width, channels)
            On the same scale as in `fit`; a `TenfoldWarning` tells where pictures are far from it. Pictures
            may be given as rows of features too.

        Returns
        -------
        probabilities : (n, classes) float32, rows sum to 1
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(self._inputs(X), self.engine)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable of `classes_` for each image, (n,); else as `predict_proba`."""
        labels = self.predict_proba(X).argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[labels]
        return predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _plan(self, values: NDArray[Any], classes: int) -> tuple[Architecture, Shape, Scaling]:
        """Return the network, the shape it is given one image in, and how the values are scaled before."""
        shape: Shape = values.shape[1:]
        if len(shape) == 3 and shape[2] == 1:
            shape = shape[:2]
        pixels = len(shape) > 1 or values.dtype == np.uint8 or (shape == (784,) and values.min() >= 0)
        if self.network is None and pixels and shape == (784,):
            shape = (28, 28)
        architecture = choose_network(self.network, shape, classes)
        if len(shape) == 1 and len(architecture.input_shape) == 3:
            channels, height, width = architecture.input_shape
            shape = (height, width) if channels == 1 else (height, width, channels)
            pixels = True
        values = values.reshape(len(values), *shape)
        return architecture, shape, Pixels.of(values) if pixels else Standard.of(values)

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            if self.random_state < 0:
                raise DataError(f"random_state must be an integer >= 0. Got {self.random_state!r} instead.")
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _inputs(self, X: ArrayLike) -> NDArray[Any]:
        """Return `X` as the network takes it, checked against what `fit` saw."""
        shape = self.image_shape_
        if (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) <= 2:
            values = validate_data(self, X, reset=False, dtype="numeric")
        else:
            values = check_array(X, allow_nd=True, dtype="numeric")
            got = tuple(values.shape[1:])
            if got not in (shape, (*shape, 1)) and (len(shape) > 1 or prod(got) != self.n_features_in_):
                raise NetworkError(f"X has images of shape {got}; DigitClassifier was fitted on {shape}.")
        if isinstance(self.scaling_, Pixels) and values.size:
            _warn_of_range(values, self.scaling_)
        return self.scaling_.apply(values.reshape(len(values), *shape))


def _warn_of_range(values: NDArray[Any], scaling: Pixels) -> None:
    """Warn where the brightest value is a tenth or ten times of what `fit` saw: another unit, it seems."""
    top = (float(values.max()) - scaling.low) / (scaling.high - scaling.low)
    if 0 < top < 0.1 or top > 10:
        effect = "nearly blank" if top < 1 else "cut off at the top"
        warnings.warn(
            f"X lies in {values.min():g} to {values.max():g}, but DigitClassifier was fitted on values of "
            f"{scaling.low:g} to {scaling.high:g}, by which it is scaled: the pictures are {effect}. "
            "Give X in the unit that fit was given.",
            TenfoldWarning,
            stacklevel=4,
        )
