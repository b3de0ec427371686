"""Model: a network with its weights, the names of its classes, and where it comes from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError, ModelError, NetworkError, UnknownNameError
from tenfold.evaluation.calibration import softmax
from tenfold.models.card import render
from tenfold.models.folder import CARD, CONFIG, WEIGHTS, read_file, write_folder
from tenfold.models.runtime import Runtime
from tenfold.networks.architecture import Architecture
from tenfold.training.engine import check_fit
from tenfold.training.engines import get_engine
from tenfold.training.initializers import Weights

FORMAT = "tenfold-model"
FORMAT_VERSION = 1
PRETRAINED = Path(__file__).parent / "pretrained"

PREDICTORS = ("auto", "onnx", "numpy", "torch")
"""What can compute predictions."""

# Of floats, about which ONNX Runtime is not asked. Measured on one core of a server: NumPy did 6 to 15
# thousand million multiply-adds a second, torch two to three times as many, after 0.3 to 1 ms a call and 2 to
# 3 s for its import.
TORCH_STARTS = 10_000_000
"""From how many multiply-adds in one call torch is sooner done than NumPy."""

TORCH_PAYS = 50_000_000_000
"""From how many it is so with its import counted in."""


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained network, ready to predict.

    Attributes
    ----------
    architecture : Architecture
    weights : dict of float32 arrays
        Trained arrays and running statistics by key, exactly those the network has. To change them, make
        another model: what predicts has its own form of them.
    classes : tuple of str
        The name of each label, one for each logit.
    temperature : float > 0
        The logits are divided by it before the softmax (Guo et al., 2017).
    card : dict
        What the model card states, as plain JSON values: ``network``, ``recipe``, ``data`` (name, sha256,
        split), ``seeds``, ``engine``, ``versions``, ``hardware``, ``date``, ``results``, ``limits``.

    Raises
    ------
    ModelError
        The parts do not belong together, or a weight is not finite.

    Examples
    --------
    >>> model = Model.load("my-model")                      # doctest: +SKIP
    >>> model.predict(digits.test.images[:3])               # doctest: +SKIP
    array([7, 2, 1])
    """

    architecture: Architecture
    weights: Weights
    classes: tuple[str, ...] = tuple("0123456789")
    temperature: float = 1.0
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.classes) != self.architecture.classes:
            raise ModelError(
                f"The network tells {self.architecture.classes} classes apart, but "
                f"{len(self.classes)} classes are named; there must be one name for each."
            )
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise ModelError(f"temperature must be a number > 0. Got {self.temperature!r} instead.")
        _check_weights(self.architecture, self.weights)

    def __repr__(self) -> str:
        name = self.architecture.name or "network"
        return f"Model({name}: {self.architecture.parameters:,} parameters, {len(self.classes)} classes)"

    def logits(self, images: NDArray[Any], engine: str = "auto") -> NDArray[np.float32]:
        """Return the logits (n, classes) of `images`, not yet divided by the temperature.

        Parameters
        ----------
        images : (n, height, width), (n, height, width, channels) or (n, features)
            uint8 or other integers in 0 to 255, which are scaled to [0, 1]; or floats, which are taken as
            they are, so pictures must be in [0, 1] already (above 1 is an error). float64 is computed in
            float64.
        engine : "auto", "onnx", "numpy" or "torch"
            "auto" takes ONNX Runtime for pictures of integers, on the CPU, in as many threads as the process
            may use. For floats it takes torch where it is installed and the images are many enough to be
            worth its calls, and its import if nobody imported it yet; else NumPy. torch computes on a GPU
            where there is one. All agree to float32 rounding.

        Raises
        ------
        NetworkError
            The images do not fit the network.
        DataError
            The values are no pixels: not numbers, not finite, integers outside 0 to 255, or floats of
            pictures above 1; or they are floats, and `engine` is "onnx".
        UnknownNameError
            There is no such engine.
        """
        images = _as_pixels(np.asarray(images), self.architecture)
        chosen = choose_engine(self.architecture, images, engine)
        if not len(images):
            return np.empty((0, len(self.classes)), dtype=np.float32)
        if chosen == "onnx":
            return self._runtime.logits(images)
        return get_engine(chosen).logits(self.architecture, self.weights, images)

    def predict_proba(self, images: NDArray[Any], engine: str = "auto") -> NDArray[np.float32]:
        """Return the probability of each class, (n, classes) float32, rows sum to 1; else as `logits`."""
        logits = self.logits(images, engine)
        return softmax(logits, self.temperature) if len(logits) else logits

    def predict(self, images: NDArray[Any], engine: str = "auto") -> NDArray[np.int64]:
        """Return the most probable class of each image as an index into `classes`, (n,) int64.

        Else as `logits`. ``model.classes[index]`` is its name.
        """
        labels: NDArray[np.int64] = self.logits(images, engine).argmax(axis=1).astype(np.int64)
        return labels

    @cached_property
    def _runtime(self) -> Runtime:
        return Runtime(self.architecture, self.weights)

    def __getstate__(self) -> dict[str, Any]:
        # The runtime holds a session, which cannot be pickled; it is made anew where it is wanted.
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def save(self, folder: str | Path) -> Path:
        """Write the model as a folder of ``model.safetensors``, ``config.json`` and ``README.md``.

        The folder appears whole or not at all. A model folder that is there already is replaced.

        Returns
        -------
        folder : Path

        Raises
        ------
        ModelError
            The folder holds something else than a model, or cannot be written; or the card is not JSON.
        """
        import safetensors.numpy

        arrays = {key: np.ascontiguousarray(value) for key, value in self.weights.items()}
        weights = safetensors.numpy.save(arrays, metadata={"format": FORMAT})
        config = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "architecture": self.architecture.to_dict(),
            "classes": list(self.classes),
            "temperature": float(self.temperature),
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "card": self.card,
        }
        try:
            text = json.dumps(config, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        except (TypeError, ValueError) as error:
            raise ModelError(f"The card must hold plain JSON values only: {error}.") from None
        readme = render(self.architecture, self.classes, self.card, temperature=self.temperature)
        return write_folder(Path(folder), {WEIGHTS: weights, CONFIG: text.encode(), CARD: readme.encode()})

    @classmethod
    def load(cls, folder: str | Path) -> Model:
        """Return the model in `folder`.

        Raises
        ------
        ModelError
            There is no such folder, or it is damaged or holds no model; the message names the file.
        """
        import safetensors.numpy

        folder = Path(folder)
        config = _read_config(folder)
        path = folder / WEIGHTS
        data = read_file(path)
        found = hashlib.sha256(data).hexdigest()
        if found != config["weights_sha256"]:
            raise ModelError(
                f"{path} is damaged or belongs to another model: {folder / CONFIG} states the sha256 "
                f"{str(config['weights_sha256'])[:16]}…, the file has {found[:16]}…. "
                "Copy or train the model again."
            )
        try:
            architecture = Architecture.from_dict(config["architecture"])
            temperature = float(config["temperature"])
        except (
            NetworkError,
            UnknownNameError,
            TypeError,
            ValueError,
            OverflowError,
            RecursionError,
        ) as error:
            raise ModelError(f"{folder / CONFIG}: the network cannot be read. {error}") from None
        try:
            weights = safetensors.numpy.load(data)
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is no safetensors file that NumPy can read: {error}.") from None
        try:
            return cls(architecture, weights, tuple(config["classes"]), temperature, config["card"])
        except ModelError as error:
            raise ModelError(f"{folder}: {error}") from None


def open_model(name: str | Path) -> Model:
    """Return the model in the folder `name`, or the shipped model of that name.

    Raises
    ------
    ModelError
        There is neither; or the folder is damaged.
    """
    folder = Path(name)
    shipped = pretrained_names()
    if not folder.exists() and str(name) in shipped:
        folder = PRETRAINED / str(name)
    elif not folder.exists():
        known = f"Shipped models: {', '.join(shipped)}." if shipped else "No model ships with this version."
        raise ModelError(
            f"There is no model folder {str(name)!r}. {known} Train one with: tenfold train fast"
        )
    return Model.load(folder)


def pretrained_names() -> list[str]:
    """Return the names of the models that ship with the package, sorted."""
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{CONFIG}"))


def choose_engine(architecture: Architecture, images: NDArray[Any], engine: str = "auto") -> str:
    """Return the name of the engine that predicts `images`: `engine` itself unless it is "auto"."""
    if engine not in PREDICTORS:
        raise UnknownNameError("engine", engine, PREDICTORS)
    if engine == "onnx" and images.dtype != np.uint8:
        raise DataError(
            f"ONNX Runtime takes pictures of integers in 0 to 255, got {images.dtype}. "
            'Give those, or choose the engine "numpy" or "torch".'
        )
    if engine != "auto":
        return engine
    if images.dtype == np.uint8:
        return "onnx"
    work = architecture.multiply_adds * len(images)
    if "torch" in sys.modules:
        return "torch" if work >= TORCH_STARTS else "numpy"
    return "torch" if work >= TORCH_PAYS and importlib.util.find_spec("torch") is not None else "numpy"


def _check_weights(architecture: Architecture, weights: Mapping[str, NDArray[Any]]) -> None:
    wanted = architecture.parameter_shapes | architecture.statistic_shapes
    missing, extra = sorted(wanted.keys() - weights.keys()), sorted(weights.keys() - wanted.keys())
    if missing or extra:
        raise ModelError(
            "The weights are not this network's."
            + (f" Missing: {', '.join(missing)}." if missing else "")
            + (f" Not in the network: {', '.join(extra)}." if extra else "")
        )
    for key, shape in wanted.items():
        value = weights[key]
        if value.shape != shape or value.dtype != np.float32:
            raise ModelError(
                f"{key} must be float32 of shape {shape}. Got {value.dtype} of shape {value.shape}."
            )
        if not np.isfinite(value).all():
            raise ModelError(f"{key} holds values that are not finite. Train the model again.")


def _as_pixels(images: NDArray[Any], architecture: Architecture) -> NDArray[Any]:
    """Return `images` as the engines take them: uint8, float32 or float64."""
    if images.ndim < 2 or images.shape == architecture.input_shape[1:]:
        raise NetworkError(
            f"Expected a batch of images, got one array of shape {images.shape}. "
            "For a single image give images[np.newaxis]."
        )
    check_fit(architecture, images)
    if images.dtype == np.uint8:
        return images
    if images.dtype == bool or np.issubdtype(images.dtype, np.floating):
        if images.dtype != np.float64:
            images = images.astype(np.float32, copy=False)
        if not np.isfinite(images).all():
            raise DataError("The images hold values that are not finite (NaN or infinity).")
        pictures = images.ndim > 2 or len(architecture.input_shape) == 3
        if pictures and images.size and images.max() > 1 + 1e-6:
            raise DataError(
                f"Pictures as floats must be in [0, 1], got up to {images.max():g}; "
                "pixels of 0 to 255 must be uint8. Use images.astype(np.uint8), or images / 255."
            )
        return images
    if not np.issubdtype(images.dtype, np.integer):
        raise DataError(f"The images must be numbers, got {images.dtype}.")
    if images.size and (images.min() < 0 or images.max() > 255):
        raise DataError(
            f"Integer images must lie in 0 to 255, got {images.min()} to {images.max()}. "
            "Scale them, or give floats in [0, 1]."
        )
    return images.astype(np.uint8)


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ModelError(f"{folder} {what}; expected a model folder with {WEIGHTS} and {CONFIG}.")
    path = folder / CONFIG
    try:
        config = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}.") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelError(f'{path} is not of Tenfold: it must hold "format": "{FORMAT}".')
    version = config.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"{path}: format_version must be an integer >= 1. Got {version!r} instead.")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {version}; this Tenfold reads up to {FORMAT_VERSION}. "
            "Update it with: pip install --upgrade tenfold"
        )
    for key, kind in _CONFIG.items():
        if key not in config:
            raise ModelError(f"{path} lacks {key!r}.")
        value = config[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ModelError(f"{path}: {key} has the wrong type. Got {value!r}.")
    if not all(isinstance(name, str) for name in config["classes"]):
        raise ModelError(f"{path}: classes must be texts. Got {config['classes']!r}.")
    return config


_CONFIG: dict[str, type | tuple[type, ...]] = {
    "architecture": dict,
    "classes": list,
    "temperature": (int, float),
    "weights_sha256": str,
    "card": dict,
}
