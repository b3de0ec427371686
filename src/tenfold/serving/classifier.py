"""The network that a service classifies with, whatever form it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import ServingError
from tenfold.session import open_session

if TYPE_CHECKING:
    from tenfold.models.model import Model

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Classifier:
    """A network that tells what is on a picture.

    Attributes
    ----------
    name : str
    classes : tuple of str
        The name of each column.
    predict : function
        Of (n, 28, 28) uint8 pictures, ink 255, to (n, classes) float32 probabilities.
    stated : dict of str
        What the network says about itself.
    module : bytes or None
        The same network in JavaScript, for the page.
    """

    name: str
    classes: tuple[str, ...]
    predict: Predict
    stated: dict[str, str]
    module: bytes | None = None


def from_model(model: Model) -> Classifier:
    """Return a trained model as a classifier."""
    _check(model.architecture.input_shape, model.architecture.name or "the model")
    from tenfold.export import export
    from tenfold.export.metadata import metadata

    with TemporaryDirectory() as folder:
        module = export(model, "js", Path(folder) / "model.mjs").paths[0].read_bytes()
    return Classifier(
        model.architecture.name or "network",
        model.classes,
        model.predict_proba,
        metadata(model, int8=False),
        module,
    )


def from_onnx(path: Path) -> Classifier:
    """Return what ``tenfold export --to onnx`` wrote as a classifier; ONNX Runtime computes, in one thread.

    The page's form is what ``tenfold export --to js`` wrote, of the same name beside it, if it is there.

    Raises
    ------
    ServingError
        It is no such file.
    """
    try:
        session = open_session(path)
        stated = dict(session.get_modelmeta().custom_metadata_map)
        classes = tuple(json.loads(stated["classes"]))
    except Exception as error:
        # ONNX Runtime has errors of its own for each way in which a file can be wrong.
        raise ServingError(
            f"{path} is no ONNX file of `tenfold export --to onnx` ({type(error).__name__}: {error})."
        ) from None
    given, answer = session.get_inputs()[0], session.get_outputs()[0].name
    if given.type != "tensor(uint8)":
        raise ServingError(f"{path} must take pictures of uint8, as `tenfold export` writes it.")
    shape = tuple(given.shape[1:])
    _check(shape, str(path))

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([answer], {given.name: images.reshape(-1, *shape)})[0]
        return found

    beside = path.with_suffix(".mjs")
    module = beside.read_bytes() if beside.is_file() else None
    return Classifier(stated.get("network", path.stem), classes, predict, stated, module)


def _check(shape: tuple[int, ...], name: str) -> None:
    if int(np.prod(shape)) != 28 * 28:
        raise ServingError(f"A service takes pictures of 28x28; {name} takes {' x '.join(map(str, shape))}.")
