"""What a service's model is named by."""

from __future__ import annotations

from pathlib import Path

from tenfold.errors import ServingError
from tenfold.reading.networks import WEIGHTS
from tenfold.serving.classifier import Classifier, from_model, from_onnx

SHIPPED = "digits.onnx"
"""The digit network of the reader; its form for the page lies beside it."""


def open_classifier(name: str | None) -> Classifier:
    """Return the classifier of that name.

    Parameters
    ----------
    name : str or None
        A model folder, the name of a shipped model, or an ONNX file of ``tenfold export --to onnx``. None:
        the classifier that ships with the reader.

    Raises
    ------
    ServingError, ModelError
        There is none, or it takes other pictures.
    """
    if name is None:
        shipped = WEIGHTS / SHIPPED
        if not shipped.is_file():
            raise ServingError(f"{shipped} is missing. Install Tenfold again, or name a model with --model.")
        return from_onnx(shipped)
    path = Path(name).expanduser()
    if path.suffix == ".onnx":
        return from_onnx(path)
    from tenfold.models.model import open_model

    return from_model(open_model(path if path.exists() else name))
