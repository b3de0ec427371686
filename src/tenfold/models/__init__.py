"""Trained things: model folders, the scikit-learn estimator, and classical baselines.

Each name is loaded when it is first used: the estimator and the baselines need scikit-learn, models do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenfold.models.card import describe
    from tenfold.models.classical import BASELINES, Baseline, baseline
    from tenfold.models.estimator import DigitClassifier
    from tenfold.models.model import Model, open_model, pretrained_names

__all__ = [
    "BASELINES",
    "Baseline",
    "DigitClassifier",
    "Model",
    "baseline",
    "describe",
    "open_model",
    "pretrained_names",
]

_HOMES = {
    "BASELINES": "tenfold.models.classical",
    "Baseline": "tenfold.models.classical",
    "DigitClassifier": "tenfold.models.estimator",
    "Model": "tenfold.models.model",
    "baseline": "tenfold.models.classical",
    "describe": "tenfold.models.card",
    "open_model": "tenfold.models.model",
    "pretrained_names": "tenfold.models.model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
