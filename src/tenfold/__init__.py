"""Tenfold: handwritten digits, measured honestly.

>>> from tenfold import DigitClassifier, load
>>> digits = load("mnist")
>>> clf = DigitClassifier("fast", random_state=0)
>>> clf.fit(digits.train.images, digits.train.labels)       # doctest: +SKIP
>>> clf.score(digits.test.images, digits.test.labels)       # doctest: +SKIP

Each name is loaded when it is first used, so that importing Tenfold costs nothing and needs neither torch nor
scikit-learn. Layers are in `tenfold.networks`, metrics in `tenfold.evaluation`, optimizers and schedules in
`tenfold.training`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenfold.data.augment import Augmentation
    from tenfold.data.catalog import load
    from tenfold.data.dataset import Dataset, Digits
    from tenfold.errors import TenfoldError
    from tenfold.evaluation.report import evaluate
    from tenfold.models.classical import baseline
    from tenfold.models.estimator import DigitClassifier
    from tenfold.models.model import Model, open_model
    from tenfold.networks.architecture import Architecture, network
    from tenfold.reading.reader import Reader, read
    from tenfold.runs.store import Store
    from tenfold.training.engines import get_engine
    from tenfold.training.loop import train
    from tenfold.training.recipe import Recipe, load_recipe

    __version__: str

__all__ = [
    "Architecture",
    "Augmentation",
    "Dataset",
    "DigitClassifier",
    "Digits",
    "Model",
    "Reader",
    "Recipe",
    "Store",
    "TenfoldError",
    "__version__",
    "baseline",
    "evaluate",
    "get_engine",
    "load",
    "load_recipe",
    "network",
    "open_model",
    "read",
    "train",
]

_HOMES = {
    "Architecture": "tenfold.networks.architecture",
    "Augmentation": "tenfold.data.augment",
    "Dataset": "tenfold.data.dataset",
    "DigitClassifier": "tenfold.models.estimator",
    "Digits": "tenfold.data.dataset",
    "Model": "tenfold.models.model",
    "Reader": "tenfold.reading.reader",
    "Recipe": "tenfold.training.recipe",
    "Store": "tenfold.runs.store",
    "TenfoldError": "tenfold.errors",
    "baseline": "tenfold.models.classical",
    "evaluate": "tenfold.evaluation.report",
    "get_engine": "tenfold.training.engines",
    "load": "tenfold.data.catalog",
    "load_recipe": "tenfold.training.recipe",
    "network": "tenfold.networks.architecture",
    "open_model": "tenfold.models.model",
    "read": "tenfold.reading.reader",
    "train": "tenfold.training.loop",
}

# From version 1.29 on ONNX Runtime tells its maker about each session, and keeps a name for the machine in
# the home folder, unless it is told otherwise before it is loaded. What Tenfold does is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Reading the package's metadata takes longer than all else here.
        from importlib.metadata import version

        value: Any = version("tenfold")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
