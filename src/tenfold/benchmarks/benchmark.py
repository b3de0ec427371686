"""A benchmark is a value: sides that do the same work, what is measured of each, and what compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Values = Mapping[str, float | None]
"""What a side measured, by key; None where there is nothing to tell (an accuracy that was not reached)."""

Better = Literal["less", "more"]


@dataclass(frozen=True)
class Measure:
    """One column of a benchmark's table.

    Attributes
    ----------
    key : str
        Where `Values` have it.
    title, unit : str
    digits : int or None
        Decimals; None: four significant digits.
    percent : bool
        Fractions, shown times 100.
    better : "less", "more" or None
        Where given, a column tells how many times as good as the reference each side is.
    ratio : bool
        Whether that column is wanted: not of what is compared with nobody's.
    """

    key: str
    title: str
    unit: str = ""
    digits: int | None = None
    percent: bool = False
    better: Better | None = None
    ratio: bool = True


@dataclass(frozen=True)
class Side:
    """One way to do the work.

    Attributes
    ----------
    name : str
    measure : function of (repeat, smoke) to Values
        Does the work once, in a process of its own. `repeat` counts from 0, and is the seed where there is
        one. With `smoke` the work is as little as shows that it can be done.
    packages : tuple of str
        The modules it needs beyond the base install.
    threads : int or None
        For the libraries' arithmetic; None: one a core, as they choose.
    repeats : int or None
        Where it is so slow that it is measured less often than the others; None: as often as they.
    recipe : str or None
        The recipe that its network was trained by, whose accuracy over the seeds counts where a goal wants
        accuracy; None: the network's own accuracy counts.
    reference : str or None
        The side that it is compared with; "": with none, since none does the same. None: with the
        benchmark's.
    """

    name: str
    measure: Callable[[int, bool], Values]
    packages: tuple[str, ...] = ()
    threads: int | None = None
    repeats: int | None = None
    recipe: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Goal:
    """What a side is meant to reach, in the mean over the repeats.

    Attributes
    ----------
    text : str
        The goal in words.
    side : str
        The side's name. One that ends with a star stands for every side that begins so: the best of them
        counts.
    measure : str
        The key of a measure that says which way is better.
    limit : float or str
        At least, or at most, as the measure has it; of ratios, at least. A word is the key of another measure
        of the same side, a standard error: each repeat has its own, and their mean that of a mean of as many.
    times : bool
        Whether the ratio to the reference counts instead of the value.
    accuracy : float
        Sides count whose accuracy is at least this: in the mean over the seeds of their recipe, where those
        are measured, else their measure ``accuracy``.
    also : tuple of (str, float)
        Further measures of the same side with their limits: one side must keep all.
    """

    text: str
    side: str
    measure: str
    limit: float | str
    times: bool = False
    accuracy: float = 0.0
    also: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Benchmark:
    """What is measured side by side, in one run.

    Attributes
    ----------
    key, title : str
    protocol : str
        Markdown: the work, the data, what counts and what does not.
    sides : tuple of Side
        In the order of the table. They take turns.
    measures : tuple of Measure
    reference : str
        The side that the others are compared with, unless they name another.
    repeats : int
    goals : tuple of Goal
    """

    key: str
    title: str
    protocol: str
    sides: tuple[Side, ...]
    measures: tuple[Measure, ...] = ()
    reference: str = ""
    repeats: int = 3
    goals: tuple[Goal, ...] = ()

    def repeats_of(self, side: Side) -> int:
        """Return how often a side is measured."""
        return self.repeats if side.repeats is None else side.repeats

    def reference_of(self, side: Side) -> str:
        """Return the name of the side that a side is compared with; "" where there is none."""
        wanted = self.reference if side.reference is None else side.reference
        return "" if wanted == side.name else wanted


@dataclass(frozen=True)
class Growth(Benchmark):
    """How a cost grows: each side is a curve, and its values are costs by the size they belong to.

    Attributes
    ----------
    size : str
        What grows ("images").
    cost : str
        What it costs, with its unit.
    """

    size: str = ""
    cost: str = ""
