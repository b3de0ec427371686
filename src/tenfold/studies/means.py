"""A mean over seeds, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot, inf, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError
from tenfold.evaluation.distributions import student_quantile, two_sided_p


@dataclass(frozen=True)
class Mean:
    """A mean over seeds.

    Attributes
    ----------
    value : float
    error : float
        Its standard error, from the spread over the seeds; infinite for one.
    n : int
        How many seeds.
    drawn : float
        The standard deviation that something else adds which another try would draw anew, taken as normal:
        test images, say.
    """

    value: float
    error: float
    n: int
    drawn: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64], drawn: float = 0.0) -> Mean:
        """Return the mean of (n,) values, one a seed."""
        if not np.isfinite(values).all():
            raise DataError(f"Only finite values have a mean. Got {values.tolist()} instead.")
        n = len(values)
        error = float(values.std(ddof=1)) / sqrt(n) if n > 1 else inf
        return cls(float(values.mean()), error, n, drawn)

    def __neg__(self) -> Mean:
        return replace(self, value=-self.value)

    @property
    def single(self) -> Mean:
        """What a further seed would give: its interval has the spread of a single run, too."""
        return replace(self, error=self.error * sqrt(self.n + 1))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Student's t interval; of one value it is (-inf, inf)."""
        if self.n < 2:
            return -inf, inf
        half = student_quantile(confidence, self.n - 1) * self.error
        if self.drawn:
            half = hypot(half, NormalDist().inv_cdf((1 + confidence) / 2) * self.drawn)
        return self.value - half, self.value + half

    def p(self, value: float) -> float:
        """Return the smallest level, 1 - confidence, at which the interval still leaves `value` out."""
        gap = abs(value - self.value)
        if self.n < 2 or not gap:
            return 1.0
        if not self.drawn:
            return two_sided_p(gap / self.error if self.error else inf, self.n - 1)
        # No formula: the two parts of the interval grow differently. Its lower end falls as it gets surer.
        low, high = 0.0, 1.0
        for _ in range(50):
            level = (low + high) / 2
            out = self.value - self.interval(1 - level)[0] < gap
            low, high = (low, level) if out else (level, high)
        return high

    def told(self, show: Callable[[float], str]) -> str:
        """Return the interval and the number of seeds in words, as `show` writes a number."""
        low, high = self.interval()
        ends = f" [{show(low)}, {show(high)}]" if self.n > 1 else ""
        return f"{ends}, n = {self.n}"
