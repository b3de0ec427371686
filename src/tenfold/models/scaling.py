"""How what the user gives becomes what a network is fed: learned from the training data, then fixed."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
"""How many pictures are held as float64 at once."""


@dataclass(frozen=True)
class Pixels:
    """Pictures become uint8, 0 at `low` and 255 at `high`.

    Attributes
    ----------
    low, high : float
    """

    low: float = 0.0
    high: float = 255.0

    @classmethod
    def of(cls, images: NDArray[Any]) -> Pixels:
        """Return the scaling for `images`: none where they are uint8, else from the least to the greatest."""
        if images.dtype == np.uint8:
            return cls()
        low, high = float(images.min()), float(images.max())
        return cls(low, high if high > low else low + 1.0)

    def apply(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Return `images` scaled; values beyond the range are cut off."""
        if images.dtype == np.uint8 and (self.low, self.high) == (0.0, 255.0):
            return images
        pixels = np.empty(images.shape, dtype=np.uint8)
        # Half of each where the range itself is too large for a float.
        unit = 1.0 if isfinite(self.high - self.low) else 0.5
        low, high = self.low * unit, self.high * unit
        for start in range(0, len(images), _BLOCK):
            scaled = (images[start : start + _BLOCK].astype(np.float64) * unit).clip(low, high)
            pixels[start : start + _BLOCK] = np.rint((scaled - low) / (high - low) * 255.0)
        return pixels

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling as plain JSON values."""
        return {"inputs": "pixels, 0 at low and 255 at high", "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Standard:
    """Features get mean 0 and standard deviation 1, as float64, which engines predict in float64.

    Attributes
    ----------
    mean, deviation : (features,) float64
        The deviation of a feature that never varies is 1.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[Any]) -> Standard:
        """Return the scaling for `features` (n, features)."""
        values = features.astype(np.float64)
        deviation = values.std(axis=0)
        return cls(values.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def apply(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return `features` scaled."""
        return (features.astype(np.float64) - self.mean) / self.deviation

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling as plain JSON values."""
        return {
            "inputs": "features, (x - mean) / deviation",
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
        }


Scaling = Pixels | Standard
