"""Taking a model out of Tenfold: choose the form, write the files, say what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.formats.files import atomic
from tenfold.errors import ExportError, lookup
from tenfold.export import c, javascript, onnx
from tenfold.export.metadata import metadata
from tenfold.export.quantize import quantize
from tenfold.networks.fold import fold
from tenfold.networks.program import Program, lower

if TYPE_CHECKING:
    from tenfold.models.model import Model

CALIBRATION_IMAGES = 1000
"""More than these add time, and no accuracy that could be measured."""


@dataclass(frozen=True)
class Exported:
    """A model that was written in another form.

    Attributes
    ----------
    form : str
        "onnx", "c" or "js".
    int8 : bool
    paths : tuple of Path
        The files; the first one holds the network.
    size : int
        Bytes of all files.
    table_bytes, memory_bytes : int or None
        Of C and JavaScript: bytes of constant tables, and of static working memory.
    program : Program
        What was written, to check it against.
    """

    form: str
    int8: bool
    paths: tuple[Path, ...]
    size: int
    table_bytes: int | None
    memory_bytes: int | None
    program: Program = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what can be told as plain JSON values."""
        return {
            "form": self.form,
            "int8": self.int8,
            "paths": [str(path) for path in self.paths],
            "size": self.size,
            "table_bytes": self.table_bytes,
            "memory_bytes": self.memory_bytes,
        }


def export(
    model: Model,
    to: str,
    path: str | Path | None = None,
    *,
    int8: bool = False,
    calibration: NDArray[np.uint8] | None = None,
) -> Exported:
    """Write a model in another form.

    Parameters
    ----------
    model : Model
    to : "onnx", "c" or "js"
        One ONNX file; one C99 file and its header; one JavaScript module.
    path : path, optional
        The file to write, or an existing folder to put it in. By default the network's name, here.
    int8 : bool
        Weights and arithmetic in 8-bit integers instead of float32.
    calibration : uint8 pictures, optional
        For int8: images like those the model was trained on; 1,000 of them are looked at. By default
        MNIST's training images, where the model was trained on them.

    Returns
    -------
    exported : Exported

    Raises
    ------
    UnknownNameError
        There is no such form.
    ExportError
        The form cannot hold the network, or the file cannot be written. Nothing is written then.
    MissingExtraError
        ONNX is wanted and not installed.

    Examples
    --------
    >>> export(model, "c", "digits.c", int8=True).paths         # doctest: +SKIP
    (PosixPath('digits.c'), PosixPath('digits.h'))
    """
    form = lookup("export form", to, _FORMS)
    target = _target(model, to, path)
    program = fold(lower(model.architecture, model.weights))
    if int8:
        program = quantize(program, _calibration(model, calibration), model.temperature)
    files, table_bytes, memory_bytes = form(model, program, target, metadata(model, int8=int8))
    try:
        with ExitStack() as together:
            # All are written before the first one appears under its name.
            for place, content in files.items():
                together.enter_context(atomic(place)).write(content)
    except OSError as error:
        raise ExportError(
            f"{' and '.join(map(str, files))} cannot be written: {error.strerror or error}. "
            "Choose another place."
        ) from None
    size = sum(map(len, files.values()))
    return Exported(to, int8, tuple(files), size, table_bytes, memory_bytes, program)


def _target(model: Model, to: str, path: str | Path | None) -> Path:
    """Return the file to write, its name ending as the form wants it."""
    suffixes = _SUFFIXES[to]
    given = Path("." if path is None else path).expanduser()
    if given.is_dir():
        # The name is whatever the model's folder says: it may lead nowhere else.
        name = re.sub(r"[^\w.-]+", "-", model.architecture.name).strip(".-") or "network"
        return given / f"{name}{suffixes[0]}"
    if not given.suffix:
        return given.with_suffix(suffixes[0])
    if given.suffix not in suffixes:
        raise ExportError(f"{given} must end with {' or '.join(suffixes)} for the form {to!r}.")
    return given


def _calibration(model: Model, images: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if images is None:
        from tenfold.data.catalog import load

        trained_on = str((model.card.get("data") or {}).get("name", "mnist"))
        if trained_on.split("/")[0] != "mnist" or prod(model.architecture.input_shape) != 784:
            raise ExportError(
                f"int8 is calibrated on images like those of the training. This model was trained on "
                f"{trained_on} and takes {model.architecture.input_shape}: give some hundreds of them as "
                "calibration (--calibrate)."
            )
        images = load("mnist").train.images
    return calibration_images(images)


def calibration_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return those that calibration looks at: 1,000, from the first to the last."""
    places = np.linspace(0, len(images) - 1, min(CALIBRATION_IMAGES, len(images))).astype(np.int64)
    return images[places]


_Files = tuple[dict[Path, bytes], int | None, int | None]


def _onnx(model: Model, program: Program, target: Path, stated: Mapping[str, str]) -> _Files:
    return {target: onnx.render(program, temperature=model.temperature, stated=stated)}, None, None


def _c(model: Model, program: Program, target: Path, stated: Mapping[str, str]) -> _Files:
    header = target.with_suffix(".h")
    source = c.render(
        program,
        prefix=c.identifier(target.stem),
        header_name=header.name,
        temperature=model.temperature,
        stated=stated,
    )
    files = {target: source.code.encode(), header: source.header.encode()}
    return files, source.table_bytes, source.memory_bytes


def _javascript(model: Model, program: Program, target: Path, stated: Mapping[str, str]) -> _Files:
    source = javascript.render(program, temperature=model.temperature, stated=stated)
    return {target: source.code.encode()}, source.table_bytes, source.memory_bytes


_FORMS: dict[str, Callable[[Model, Program, Path, Mapping[str, str]], _Files]] = {
    "onnx": _onnx,
    "c": _c,
    "js": _javascript,
}
_SUFFIXES = {"onnx": (".onnx",), "c": (".c",), "js": (".mjs", ".js")}
