"""What a network reads in a line: a text, how sure it is, and where its digits are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Spot:
    """One digit in a patch.

    Parameters
    ----------
    value : int
    probabilities : (10,) float32
        Of the ten digits; sums to 1.
    left, right : float
        Columns of the patch as given.
    """

    value: int
    probabilities: NDArray[np.float32]
    left: float
    right: float


@dataclass(frozen=True, eq=False)
class Transcript:
    """What a patch says.

    Parameters
    ----------
    spots : tuple of Spot
        From left to right; empty where there is no digit.
    confidence : float in [0, 1]
        Calibrated probability that the whole text is right; without spots, that there is nothing.
    alternatives : tuple of (text, probability)
        Other readings of the whole, the most probable first.
    """

    spots: tuple[Spot, ...]
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> str:
        """The digits in a row."""
        return "".join(str(spot.value) for spot in self.spots)
