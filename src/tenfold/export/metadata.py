"""What every export states about the model it was made of."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfold.evaluation.calibration import ERROR_RATES
from tenfold.networks.fold import fold, folded_parameters
from tenfold.networks.program import lower

if TYPE_CHECKING:
    from tenfold.models.model import Model
    from tenfold.training.initializers import Weights


PROMISED = {
    "confidence": {f"{rate:g}": round(1 - rate, 6) for rate in ERROR_RATES},
    "basis": "promised by the probabilities, not measured: the model's card tells of no held-out images",
}
"""The thresholds of a model without measured ones: who is 99 % sure should be wrong once in 100 times."""


def metadata(model: Model, *, int8: bool) -> dict[str, str]:
    """Return what is stated, as texts by name; what has parts is JSON.

    ``parameters`` are counted after batch norm was folded away, as ``parameters_counted`` says.
    ``data_sha256``, ``recipe``, ``versions`` and the like are the model card's, where it has them.
    ``thresholds`` say from which confidence on a prediction may be accepted, by the part of the accepted ones
    that may be wrong, and what that rests on: images held out of the training, or nothing but the
    probabilities' own promise.
    """
    data = model.card.get("data") or {}
    stated: dict[str, Any] = {
        "producer": f"tenfold {version('tenfold')}",
        "network": model.architecture.name or "network",
        "arithmetic": "int8" if int8 else "float32",
        "classes": list(model.classes),
        "temperature": float(model.temperature),
        "parameters": folded_parameters(fold(lower(model.architecture, model.weights))),
        "parameters_counted": "folded",
        "weights_sha256": weights_sha256(model.weights),
        "data": data.get("name"),
        "data_sha256": data.get("sha256"),
        "architecture": model.architecture.to_dict(),
    }
    stated["thresholds"] = model.card.get("thresholds") or PROMISED
    for key in ("recipe", "seeds", "versions", "commit", "date", "results", "limits"):
        stated[key] = model.card.get(key)
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in stated.items()
        if value is not None
    }


def weights_sha256(weights: Weights) -> str:
    """Return the hash of weights, by key in sorted order."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        digest.update(key.encode() + b"\0")
        digest.update(np.ascontiguousarray(weights[key]).data)
    return digest.hexdigest()
