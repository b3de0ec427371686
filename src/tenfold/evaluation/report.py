"""Everything measured on one test set, as a value that can be printed and stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.evaluation.calibration import BINS, expected_calibration_error
from tenfold.evaluation.inputs import Classes, check_pair, check_probabilities, class_names
from tenfold.evaluation.metrics import (
    accuracy,
    brier,
    confusion_matrix,
    nll,
    precision_recall_f1,
    wilson_interval,
)


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1 of one class, or a mean over classes.

    Attributes
    ----------
    name : str
        The class, or "macro" or "weighted".
    precision, recall, f1 : float in [0, 1]
    support : int
        How many images are truly of the class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, the name under "class"."""
        return {
            "class": self.name,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
        }


@dataclass(frozen=True)
class Report:
    """Precision, recall and F1 by class and on average. Prints as a table.

    Attributes
    ----------
    per_class : tuple of Scores
    macro : Scores
        The plain mean over the classes that occur in truth or prediction.
    weighted : Scores
        The mean weighted by support.
    accuracy : float in [0, 1]
    n : int
        How many images.
    """

    per_class: tuple[Scores, ...]
    macro: Scores
    weighted: Scores
    accuracy: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "accuracy": self.accuracy,
            "n": self.n,
            "per_class": [row.to_dict() for row in self.per_class],
            "macro": _averages(self.macro),
            "weighted": _averages(self.weighted),
        }

    def __str__(self) -> str:
        width = max(8, *(len(row.name) for row in self.per_class))
        lines = [f"{'':{width}}  precision  recall      f1  support", ""]
        lines += [_line(row, width) for row in self.per_class]
        lines += ["", f"{'accuracy':{width}}  {self.accuracy:25.4f}  {self.n:7d}"]
        lines += [_line(row, width) for row in (self.macro, self.weighted)]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier's probabilities are worth on one test set.

    Attributes
    ----------
    accuracy : float in [0, 1]
    interval : (float, float)
        Wilson interval of the accuracy at `confidence`.
    n : int
        How many images.
    nll : float
        Mean negative log-likelihood, in nats.
    brier : float in [0, 2]
    ece : float in [0, 1]
        Expected calibration error over `bins` bins of equal width.
    report : Report
    confusion : (classes, classes) int64
        Rows are the truth, columns the prediction.
    confidence : float
    bins : int
    """

    accuracy: float
    interval: tuple[float, float]
    n: int
    nll: float
    brier: float
    ece: float
    report: Report
    confusion: NDArray[np.int64]
    confidence: float = 0.95
    bins: int = BINS

    @property
    def per_class(self) -> tuple[Scores, ...]:
        """Precision, recall and F1 of each class."""
        return self.report.per_class

    @property
    def errors(self) -> int:
        """How many images are wrong."""
        return self.n - int(np.trace(self.confusion))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "n": self.n,
            "nll": self.nll,
            "brier": self.brier,
            "ece": self.ece,
            "per_class": [row.to_dict() for row in self.per_class],
            "confusion": self.confusion.tolist(),
            "macro": _averages(self.report.macro),
            "weighted": _averages(self.report.weighted),
            "errors": self.errors,
            "confidence": self.confidence,
            "bins": self.bins,
        }

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.2%} ({self.confidence:.0%} interval {low:.2%} to {high:.2%}), "
            f"{self.errors:,} wrong of {self.n:,}; NLL {self.nll:.4f}, Brier {self.brier:.4f}, "
            f"ECE {self.ece:.4f} ({self.bins} bins)"
        )


def classification_report(truth: ArrayLike, predicted: ArrayLike, classes: Classes) -> Report:
    """Return precision, recall and F1 by class and on average.

    Parameters
    ----------
    truth, predicted : (n,) integers in [0, classes)
    classes : int or sequence of str

    Raises
    ------
    DataError
        The labels do not fit.
    """
    names = class_names(classes)
    true, guess = check_pair(truth, predicted, len(names))
    columns = precision_recall_f1(true, guess, names)
    support = np.bincount(true, minlength=len(names))
    occurs = support + np.bincount(guess, minlength=len(names)) > 0
    n = len(true)
    return Report(
        per_class=tuple(
            _scores(name, row, int(size))
            for name, row, size in zip(names, zip(*columns, strict=True), support, strict=True)
        ),
        macro=_scores("macro", [float(column[occurs].mean()) for column in columns], n),
        weighted=_scores("weighted", [float(column @ support) / n for column in columns], n),
        accuracy=accuracy(true, guess),
        n=n,
    )


def evaluate(
    truth: ArrayLike,
    probabilities: ArrayLike,
    classes: Classes,
    *,
    confidence: float = 0.95,
    bins: int = BINS,
) -> Evaluation:
    """Measure everything at once. The prediction is the most probable class, the first where several are.

    Parameters
    ----------
    truth : (n,) integers in [0, classes)
    probabilities : (n, classes) floats, rows sum to 1
    classes : int or sequence of str
    confidence : float in (0, 1)
        Of the interval of the accuracy.
    bins : int >= 1
        Of the expected calibration error.

    Raises
    ------
    DataError
        Labels or probabilities do not fit.
    """
    names = class_names(classes)
    true, chances = check_probabilities(truth, probabilities, len(names))
    predicted = chances.argmax(axis=1)
    right = int((predicted == true).sum())
    return Evaluation(
        accuracy=right / len(true),
        interval=wilson_interval(right, len(true), confidence),
        n=len(true),
        nll=nll(true, chances),
        brier=brier(true, chances),
        ece=expected_calibration_error(true, chances, bins),
        report=classification_report(true, predicted, names),
        confusion=confusion_matrix(true, predicted, names),
        confidence=confidence,
        bins=bins,
    )


def _scores(name: str, values: Sequence[float], support: int) -> Scores:
    precision, recall, f1 = map(float, values)
    return Scores(name, precision, recall, f1, support)


def _averages(row: Scores) -> dict[str, float]:
    return {"precision": row.precision, "recall": row.recall, "f1": row.f1}


def _line(row: Scores, width: int) -> str:
    return f"{row.name:{width}}  {row.precision:9.4f}  {row.recall:6.4f}  {row.f1:6.4f}  {row.support:7d}"
