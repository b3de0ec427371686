"""The two networks that read: one reads a line as a whole, the other one digit at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import ModelError
from tenfold.reading.decide import Judgment

if TYPE_CHECKING:
    from tenfold.reading.transcript import Transcript


WEIGHTS = Path(__file__).parent / "weights"
"""Where the weights lie that ship with Tenfold."""


class Transcribes(Protocol):
    """What reads lines, as `tenfold.reading.recognizer.Recognizer` does."""

    def transcribe(self, patches: Sequence[NDArray[np.uint8]]) -> list[Transcript]:
        """Return what each patch says: gray pictures of one upright line, ink darker than paper."""
        ...


class Classifies(Protocol):
    """What reads single digits, as `tenfold.reading.classifier.DigitNetwork` does."""

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities (n, 11) of images (n, 28, 28), ink 255: ten digits, and none."""
        ...


@dataclass(frozen=True)
class Networks:
    """The networks of a reader.

    Parameters
    ----------
    classifier : Classifies
    recognizer : Transcribes or None
        None: lines are read digit by digit alone.
    judgment : Judgment
        How sure their readings are.
    """

    classifier: Classifies
    recognizer: Transcribes | None = None
    judgment: Judgment = field(default_factory=Judgment)


FILES = ("strings.onnx", "digits.onnx", "decisions.json")
"""What a folder of a reader's networks holds."""

MADE = (
    "the folder into which tenfold train reader, reader-digits and reader-decisions wrote strings.onnx, "
    "digits.onnx and decisions.json"
)
"""What a folder of a reader's networks is, in words."""


def load(model: str | Path | Networks | None = None, *, judged: bool = True) -> Networks:
    """Return networks: those given, those in a folder, or those that ship with Tenfold.

    Parameters
    ----------
    model : path, Networks or None
        A folder holds ``strings.onnx``, ``digits.onnx`` and ``decisions.json``, as ``tenfold train reader``,
        ``reader-digits`` and ``reader-decisions`` write them.
    judged : bool
        Whether to load how sure the readings are; without, it is what networks have that nothing was fitted
        for, and ``decisions.json`` need not be there.

    Raises
    ------
    ModelError
        There is no such folder, or one of the files is not in it or holds something else.
    """
    if isinstance(model, Networks):
        return model
    from tenfold.reading.classifier import DigitNetwork
    from tenfold.reading.recognizer import Recognizer

    folder = WEIGHTS if model is None else Path(model)
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}. Give {MADE}, or none for the weights that ship.")
    strings, digits, decisions = (folder / name for name in FILES)
    return Networks(
        DigitNetwork(digits),
        Recognizer(strings),
        Judgment.load(decisions) if judged else Judgment(),
    )
