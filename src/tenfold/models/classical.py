"""Classical classifiers by name, the baselines that networks are measured against.

Each is a scikit-learn pipeline: pixels are brought to one row of numbers in [0, 1], then classified. The
settings are those of the notes; where a note says "chosen", it was the best, or the default within noise of
the best, of a short list trained on 5,000 images and scored on 2,000 others, both from MNIST's training set.
The test set chose nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import DataError, lookup, require


@dataclass(frozen=True)
class Baseline:
    """A classical classifier with its settings.

    Attributes
    ----------
    name : str
        What it is called in commands ("svm-rbf").
    title : str
        What it is called in tables ("SVM (RBF)").
    factory : callable
        Takes the random state, an int, and returns a fresh scikit-learn classifier.
    scaling : "unit" or "ink"
        "unit": pixels in [0, 1]. "ink": 1 where a pixel is above a tenth of full ink, else 0.
    note : str
        Where the settings come from, and what to expect of the time where it is long.
    """

    name: str
    title: str
    factory: Callable[[int], Any]
    scaling: Literal["unit", "ink"]
    note: str


def baseline(name: str, random_state: int = 0) -> Any:
    """Return the baseline `name` as an untrained scikit-learn pipeline.

    Its ``fit``, ``predict`` and ``score`` take images (n, height, width) or rows (n, features), as integers
    in [0, 255] or floats in [0, 1]; the two forms of one image are the same to it.

    Parameters
    ----------
    name : str
        A key of `BASELINES`.
    random_state : int >= 0
        Fixes what is drawn by those that draw (trees, forest, linear SVM).

    Raises
    ------
    UnknownNameError
        There is no such baseline.
    MissingExtraError
        scikit-learn is not installed.
    """
    entry: Baseline = lookup("baseline", name, BASELINES)
    pipeline = require("sklearn.pipeline", extra="train", purpose="A classical baseline")
    preprocessing = require("sklearn.preprocessing", extra="train", purpose="A classical baseline")
    scale = preprocessing.FunctionTransformer(unit_rows if entry.scaling == "unit" else ink_rows)
    return pipeline.Pipeline([("scale", scale), ("classify", entry.factory(random_state))])


def unit_rows(images: ArrayLike) -> NDArray[np.float32]:
    """Return images as rows of numbers in [0, 1].

    Parameters
    ----------
    images : (n, ...) integers in [0, 255], divided by 255, or floats in [0, 1], taken as they are

    Returns
    -------
    rows : (n, features) float32 in [0, 1]

    Raises
    ------
    DataError
        There is no image, or a value is out of range or not a number.
    """
    array: NDArray[Any] = np.asarray(images)
    if array.ndim < 2 or 0 in array.shape:
        raise DataError(
            f"Expected images of shape (n, height, width) or (n, features), n >= 1. Got shape {array.shape}."
        )
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"Expected images of numbers, integers in [0, 255] or floats in [0, 1]. Got {array.dtype}."
        )
    highest = 1 if array.dtype.kind in "fb" else 255
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= highest):
        raise DataError(
            f"Pixels of type {array.dtype} must lie in [0, {highest}]. Got {low} to {high}; "
            "pass gray values 0 to 255 as uint8, or divide them by 255."
        )
    return array.reshape(len(array), -1).astype(np.float32) / np.float32(highest)


def ink_rows(images: ArrayLike) -> NDArray[np.float32]:
    """Return images as rows of 1 (ink: above a tenth of full) and 0 (paper), as `unit_rows` else."""
    return (unit_rows(images) > 0.1).astype(np.float32)


def _classifier(path: str, *, seeded: bool = False, **settings: Any) -> Callable[[int], Any]:
    """Return a factory of the scikit-learn class at `path` ("svm.SVC") that imports it when first called."""
    module, kind = path.split(".")

    def factory(random_state: int) -> Any:
        library = require(f"sklearn.{module}", extra="train", purpose="A classical baseline")
        drawn = {"random_state": random_state} if seeded else {}
        return getattr(library, kind)(**settings, **drawn)

    return factory


BASELINES: dict[str, Baseline] = {
    entry.name: entry
    for entry in (
        Baseline(
            "decision-tree",
            "Decision tree",
            _classifier("tree.DecisionTreeClassifier", seeded=True),
            "unit",
            "scikit-learn's defaults: Gini, grown until pure. Limits on depth and leaf size and the entropy "
            "criterion changed nothing beyond noise.",
        ),
        Baseline(
            "svm-rbf",
            "SVM (RBF)",
            _classifier("svm.SVC", C=5.0, gamma="scale", cache_size=500),
            "unit",
            "C chosen from 1, 5, 10; gamma is scikit-learn's 1 / (features * variance), which follows the "
            "size of the images. Fits 5,000 images in about a second, but the time grows with their square: "
            "expect minutes for 60,000.",
        ),
        Baseline(
            "random-forest",
            "Random forest",
            _classifier("ensemble.RandomForestClassifier", seeded=True, n_estimators=200),
            "unit",
            "scikit-learn's defaults but 200 trees; 100, 200 and 300 were equal within noise.",
        ),
        Baseline(
            "naive-bayes-gaussian",
            "Naive Bayes (Gaussian)",
            _classifier("naive_bayes.GaussianNB", var_smoothing=0.03),
            "unit",
            "Smoothing chosen from 1e-9 to 0.3. The default of 1e-9 trusts pixels that hardly vary and loses "
            "20 points of accuracy.",
        ),
        Baseline(
            "naive-bayes-bernoulli",
            "Naive Bayes (Bernoulli)",
            _classifier("naive_bayes.BernoulliNB", alpha=1.0, binarize=None),
            "ink",
            "Laplace smoothing, scikit-learn's default. The threshold of a tenth was chosen from 0.1, 0.3, "
            "0.5.",
        ),
        Baseline(
            "naive-bayes-multinomial",
            "Naive Bayes (multinomial)",
            _classifier("naive_bayes.MultinomialNB", alpha=1.0),
            "unit",
            "Laplace smoothing, scikit-learn's default: 0.01 and 0.1 changed nothing beyond noise. Takes the "
            "amount of ink in a pixel as a count.",
        ),
        Baseline(
            "knn",
            "k-nearest neighbors",
            _classifier(
                "neighbors.KNeighborsClassifier", n_neighbors=3, weights="distance", algorithm="brute"
            ),
            "unit",
            "Euclidean distance on pixels, nearer ones weigh more; chosen from 1, 3, 4, 5 neighbors, with "
            "and without weights, where all were equal within noise. Brute force, because trees do not help "
            "in 784 dimensions.",
        ),
        Baseline(
            "logistic-regression",
            "Logistic regression",
            _classifier("linear_model.LogisticRegression", C=0.3, max_iter=1000),
            "unit",
            "Multinomial with an L2 penalty; C chosen from 0.01, 0.03, 0.1, 0.3, 1. Iterates until it has "
            "converged.",
        ),
        Baseline(
            "linear-svm",
            "Linear SVM",
            _classifier("svm.LinearSVC", seeded=True, C=0.01, dual=False),
            "unit",
            "One against the rest, squared hinge, in the primal, which is meant for more images than "
            "pixels; C chosen from 0.003, 0.01, 0.03, 0.1.",
        ),
    )
}
"""The baselines by name."""
