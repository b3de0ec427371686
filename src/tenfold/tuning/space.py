"""What is searched: a few choices for each setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from tenfold.errors import TuningError
from tenfold.seeds import generator

Point = dict[str, Any]
"""One choice for each setting, by name."""


@dataclass(frozen=True)
class Space:
    """All combinations of some choices.

    Attributes
    ----------
    choices : mapping of str to tuple
        The values to choose from, by setting.
    """

    choices: Mapping[str, tuple[Any, ...]]

    def __post_init__(self) -> None:
        for name, values in self.choices.items():
            if not values:
                raise TuningError(f"{name} must have at least one value to choose from. Got none instead.")

    def __len__(self) -> int:
        return prod(len(values) for values in self.choices.values())

    def point(self, place: int) -> Point:
        """Return the point at `place` in [0, len): the last setting changes fastest."""
        found = {}
        for name, values in reversed(list(self.choices.items())):
            place, digit = divmod(place, len(values))
            found[name] = values[digit]
        return {name: found[name] for name in self.choices}

    def grid(self) -> list[Point]:
        """Return every point."""
        return [dict(zip(self.choices, values, strict=True)) for values in product(*self.choices.values())]

    def sample(self, count: int, seed: int) -> list[Point]:
        """Return `count` points drawn at random, no two alike.

        Raises
        ------
        TuningError
            There are not so many.
        """
        if not 1 <= count <= len(self):
            raise TuningError(
                f"The number of points to draw must be in [1, {len(self)}], for so many there are. "
                f"Got {count!r} instead."
            )
        drawn = generator(seed, "search").choice(len(self), count, replace=False)
        return [self.point(int(place)) for place in drawn]
