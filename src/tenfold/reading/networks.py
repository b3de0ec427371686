"""The two networks that read: one reads a line as a whole, the other one digit at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tenfold.reading.transcript import Transcript


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
    recognizer : Transcribes
    classifier : Classifies
    """

    recognizer: Transcribes
    classifier: Classifies
