"""Learning-rate schedules as values: a factor on the optimizer's learning rate at each step."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

from tenfold.training.optimizers import check


@dataclass(frozen=True)
class Constant:
    """The same rate throughout."""

    def factor(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor for `step` (from 0) of `steps` in all."""
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiplied by `gamma` after every `every` epochs.

    Attributes
    ----------
    every : int >= 1
    gamma : float in (0, 1]
    """

    every: int = 10
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check("schedule.every", self.every, self.every >= 1, "an integer >= 1")
        check("schedule.gamma", self.gamma, 0 < self.gamma <= 1, "in (0, 1]")

    def factor(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor for `step` (from 0) of `steps` in all."""
        return float(self.gamma ** (step // steps_per_epoch // self.every))


@dataclass(frozen=True)
class Cosine:
    """Falls from 1 to `final` along half a cosine, after a linear rise over the first part.

    Attributes
    ----------
    warmup : float in [0, 1)
        Which part of all steps is spent rising.
    final : float in [0, 1]
    """

    warmup: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        check("schedule.warmup", self.warmup, 0 <= self.warmup < 1, "in [0, 1)")
        check("schedule.final", self.final, 0 <= self.final <= 1, "in [0, 1]")

    def factor(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor for `step` (from 0) of `steps` in all."""
        rising = self.warmup * steps
        if step < rising:
            return (step + 1) / (rising + 1)
        progress = (step - rising) / max(steps - 1 - rising, 1)
        return self.final + (1 - self.final) * (1 + cos(pi * min(progress, 1.0))) / 2


@dataclass(frozen=True)
class OneCycle:
    """Rises linearly from `start` to 1, then falls linearly to `final` (after Smith, 2018).

    Attributes
    ----------
    warmup : float in (0, 1)
        Which part of all steps is spent rising.
    start, final : float in [0, 1]
    """

    warmup: float = 0.25
    start: float = 0.1
    final: float = 0.0

    def __post_init__(self) -> None:
        check("schedule.warmup", self.warmup, 0 < self.warmup < 1, "in (0, 1)")
        check("schedule.start", self.start, 0 <= self.start <= 1, "in [0, 1]")
        check("schedule.final", self.final, 0 <= self.final <= 1, "in [0, 1]")

    def factor(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor for `step` (from 0) of `steps` in all."""
        progress = (step + 0.5) / steps
        if progress < self.warmup:
            return self.start + (1 - self.start) * progress / self.warmup
        return self.final + (1 - self.final) * (1 - progress) / (1 - self.warmup)


Schedule = Constant | Step | Cosine | OneCycle

SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "cosine": Cosine,
    "one-cycle": OneCycle,
}
