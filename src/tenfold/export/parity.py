"""Proof that an export says what its model says: both are run on the same pictures and compared."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tenfold.errors import ExportError
from tenfold.export import integers
from tenfold.export.arithmetic import as_pictures
from tenfold.export.c import identifier
from tenfold.export.exported import Exported
from tenfold.export.quantize import QuantizedProgram
from tenfold.session import open_session

if TYPE_CHECKING:
    from tenfold.models.model import Model

TOLERANCE = 1e-4
"""How far a probability in float32 may be off."""

ROUNDING = 0.05
"""How far a probability of an int8 ONNX runtime, which rounds in its own way, may be from ours."""

SAME_ANSWERS = 1e-6
"""How far a probability of int8 in JavaScript, which is computed in floats, may be from its own logits'."""

SAME_LABELS = 0.95
"""The part of the labels on which it and ours must agree."""


@dataclass(frozen=True)
class Parity:
    """How an export compares with its model.

    Attributes
    ----------
    images : int
        How many were compared.
    max_difference : float
        The largest difference of a probability from the model's.
    agreement : float
        The part of the images on which both give the same label.
    exact : bool or None
        Of int8 in C and JavaScript: whether every logit and label, and in C every probability, is that of
        the NumPy reference, bit for bit; in JavaScript probabilities are floats and may be off by 1e-6.
    passed : bool
        float32: no probability is off by more than 1e-4, and labels are those of the largest logit. int8: as
        `exact`; in ONNX, none is off by more
        than 0.05 from the reference, and 95 % of the labels are its.
    model_accuracy, export_accuracy : float or None
        Where labels are known.
    """

    images: int
    max_difference: float
    agreement: float
    exact: bool | None
    passed: bool
    model_accuracy: float | None = None
    export_accuracy: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def verify(
    model: Model, exported: Exported, images: NDArray[np.uint8], labels: ArrayLike | None = None
) -> Parity:
    """Run an export and its model on the same pictures.

    ONNX runs in ONNX Runtime, C is compiled with the machine's ``cc``, JavaScript runs in Node.

    Parameters
    ----------
    model : Model
        What was exported.
    exported : Exported
        What `export` gave.
    images : uint8 pictures, at least one
    labels : (n,) integers, optional
        Then the accuracy of both is told.

    Raises
    ------
    ExportError
        The export cannot be run here; says what is missing.
    """
    if not len(images):
        raise ExportError("There are no images to compare on. Give at least one.")
    as_pictures(images, model.architecture.input_shape)
    labeled, probabilities, logits = _RUNNERS[exported.form](exported, np.ascontiguousarray(images))
    expected = model.predict_proba(images, "numpy")
    difference = float(np.abs(probabilities - expected).max())
    largest = (probabilities if logits is None else logits).argmax(axis=1)
    exact, passed = None, difference <= TOLERANCE and bool((labeled == largest).all())
    if isinstance(exported.program, QuantizedProgram):
        reference = integers.run(exported.program, images)
        if logits is None:
            fractions = integers.probabilities(exported.program.confidence, reference) / integers.FULL
            same = (labeled == reference.argmax(axis=1)).mean()
            passed = bool(np.abs(probabilities - fractions).max() <= ROUNDING and same >= SAME_LABELS)
        else:
            same = bool((logits == reference).all() and (labeled == reference.argmax(axis=1)).all())
            exact = passed = same and _same_probabilities(
                exported.program, exported.form, model, probabilities, reference
            )
    wanted = expected.argmax(axis=1)
    accuracies: tuple[float, ...] = ()
    if labels is not None:
        accuracies = tuple(float((each == np.asarray(labels)).mean()) for each in (wanted, labeled))
    return Parity(len(images), difference, float((labeled == wanted).mean()), exact, passed, *accuracies)


def _same_probabilities(
    program: QuantizedProgram, form: str, model: Model, probabilities: _Floats, reference: NDArray[np.int16]
) -> bool:
    """Return whether int8 probabilities are those of the reference's logits."""
    if form == "c":
        whole = integers.probabilities(program.confidence, reference)
        return bool((probabilities == whole / integers.FULL).all())
    scale = program.grids[program.output].scale / model.temperature
    behind = reference.astype(np.float64)  # int16 does not hold the difference of its largest and least
    behind -= behind.max(axis=1, keepdims=True)
    powers = np.exp(behind * scale)
    wanted = powers / powers.sum(axis=1, keepdims=True)
    return bool(np.abs(probabilities - wanted).max() <= SAME_ANSWERS)


_Floats = NDArray[np.floating[Any]]


class _Answers(NamedTuple):
    """What an export says: labels and probabilities as its users get them, and logits where it has them."""

    labels: NDArray[np.intp]
    probabilities: _Floats
    logits: _Floats | None


def _run_onnx(exported: Exported, images: NDArray[np.uint8]) -> _Answers:
    session = open_session(exported.paths[0])
    given = session.get_inputs()[0]
    (probabilities,) = session.run(None, {given.name: images.reshape(len(images), *given.shape[1:])})
    return _Answers(probabilities.argmax(axis=1), probabilities, None)


def _run_c(exported: Exported, images: NDArray[np.uint8]) -> _Answers:
    compiler = _program("cc", "a C compiler (such as gcc)")
    source = exported.paths[0].resolve()
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "network"
        macro = f"-D{identifier(source.stem).upper()}_MAIN"
        _answer([compiler, "-std=c99", "-O2", macro, str(source), "-o", str(binary), "-lm"])
        text = _answer([str(binary)], images.tobytes())
    numbers = np.array(text.split(), np.float64).reshape(len(images), -1)
    logits, probabilities = np.split(numbers[:, 1:], 2, axis=1)
    fractions = probabilities / integers.FULL if exported.int8 else probabilities
    return _Answers(numbers[:, 0].astype(np.intp), fractions, logits)


# The module is read from a copy whose name makes it a module for Node, whatever it is called.
_NODE = """
import { readFileSync, writeFileSync } from "node:fs";
const { classify, logits } = await import("./network.mjs");
const bytes = readFileSync(0), size = Number(process.argv[2]), answers = [];
for (let at = 0; at < bytes.length; at += size) {
  const pixels = bytes.subarray(at, at + size);
  const { label, probabilities } = classify(pixels);
  answers.push(label, ...logits(pixels), ...probabilities);
}
writeFileSync(1, new Uint8Array(Float64Array.from(answers).buffer));
"""


def _run_javascript(exported: Exported, images: NDArray[np.uint8]) -> _Answers:
    node = _program("node", "Node.js")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(exported.paths[0], Path(folder) / "network.mjs")
        script = Path(folder) / "run.mjs"
        script.write_text(_NODE)
        size = images[0].size
        content = _answer([node, str(script), str(size)], images.tobytes())
    numbers = np.frombuffer(content, np.float64).reshape(len(images), -1)
    logits, probabilities = np.split(numbers[:, 1:], 2, axis=1)
    return _Answers(numbers[:, 0].astype(np.intp), probabilities, logits)


def _program(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ExportError(f"Checking this export needs {what}; there is no {name!r} on the PATH. Install it.")
    return found


def _answer(command: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise ExportError(f"{Path(command[0]).name} failed on the export: {lines[-1]}")
    return done.stdout


_RUNNERS: dict[str, Callable[[Exported, NDArray[np.uint8]], _Answers]] = {
    "onnx": _run_onnx,
    "c": _run_c,
    "js": _run_javascript,
}
