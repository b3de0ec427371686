"""What the text of a field must keep to: length, range, pattern, checksum, allowed values, a function.

A constraint is an automaton over the digits of a text whose length is known: `start`, then `step` for every
digit from the left, then `ends`. So a search over what the cells might hold drops a beginning as soon as
nothing allowed begins like that. A list of values and a user's own function judge whole texts only.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.errors import FormError, UnknownNameError
from tenfold.reading.forms.pattern import NOTHING, after, can_end, parse

State = Any
"""What a constraint keeps of the digits so far: hashable, and nobody's business but its own."""


class Constraint(ABC):
    """What a text must keep to. Texts are digits only and never empty."""

    stepwise = True
    """Whether `start`, `step` and `ends` decide; else only `allows` does."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What the constraint is called in results ("length 7 to 9", "checksum luhn")."""

    @abstractmethod
    def start(self, length: int) -> State | None:
        """Return the state before the first of `length` digits; None where none of that length is allowed."""

    @abstractmethod
    def step(self, state: State, digit: int) -> State | None:
        """Return the state after one more digit; None where nothing allowed begins like that."""

    def ends(self, state: State) -> bool:
        """Return whether the text is allowed to end in `state`, all digits taken."""
        return True

    def allows(self, text: str) -> bool:
        """Return whether a text is allowed."""
        state = self.start(len(text))
        for digit in text:
            if state is None:
                return False
            state = self.step(state, int(digit))
        return state is not None and self.ends(state)


@dataclass(frozen=True)
class Length(Constraint):
    """At least `low` and at most `high` digits."""

    low: int
    high: int

    @property
    def label(self) -> str:
        return f"length {self.low}" if self.low == self.high else f"length {self.low} to {self.high}"

    def start(self, length: int) -> State | None:
        return 0 if self.low <= length <= self.high else None

    def step(self, state: State, digit: int) -> State | None:
        return state


@dataclass(frozen=True)
class Range(Constraint):
    """A number of at least `low` and at most `high`; zeros may stand before it."""

    low: int
    high: int

    @property
    def label(self) -> str:
        return f"range {self.low} to {self.high}"

    def start(self, length: int) -> State | None:
        if len(str(self.low)) > length:
            return None
        # What may follow depends only on whether the digits so far are those of a bound.
        return (length, length, True, len(str(self.high)) <= length)

    def step(self, state: State, digit: int) -> State | None:
        length, left, on_low, on_high = state
        place = length - left
        low, high = int(str(self.low).zfill(length)[place]), int(str(self.high).zfill(length)[place])
        if (on_low and digit < low) or (on_high and digit > high):
            return None
        return (length, left - 1, on_low and digit == low, on_high and digit == high)


class Pattern(Constraint):
    """A regular expression that the whole text matches (`pattern.parse` says what it may hold)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._node = parse(text)

    @property
    def label(self) -> str:
        return f"pattern {self.text}"

    def start(self, length: int) -> State | None:
        return self._node

    def step(self, state: State, digit: int) -> State | None:
        left = after(state, digit)
        return None if left == NOTHING else left

    def ends(self, state: State) -> bool:
        return can_end(state)


@dataclass(frozen=True)
class Checksum(Constraint):
    """A rule that the digits keep together: a name from `CHECKSUMS`."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in CHECKSUMS:
            raise UnknownNameError("checksum", self.name, CHECKSUMS)

    @property
    def label(self) -> str:
        return f"checksum {self.name}"

    def start(self, length: int) -> State | None:
        lengths = CHECKSUMS[self.name].lengths
        return (length, 0) if not lengths or length in lengths else None

    def step(self, state: State, digit: int) -> State | None:
        left, total = state
        total = CHECKSUMS[self.name].add(total, digit, left)
        return None if total is None else (left - 1, total)

    def ends(self, state: State) -> bool:
        return bool(state == (0, CHECKSUMS[self.name].end))


@dataclass(frozen=True)
class Rule:
    """How a checksum is taken.

    Attributes
    ----------
    add : (total, digit, digits left with this one) -> total
        None where the digit cannot stand there.
    end : int
        The total of a text that keeps the rule.
    lengths : tuple of int
        What lengths there are; empty for any.
    """

    add: Callable[[int, int, int], int | None]
    end: int
    lengths: tuple[int, ...] = ()


def _luhn(total: int, digit: int, left: int) -> int:
    twice = 2 * digit if left % 2 == 0 else digit
    return (total + twice // 10 + twice % 10) % 10


def _isbn13(total: int, digit: int, left: int) -> int | None:
    fits = {13: digit == 9, 12: digit == 7, 11: digit in (8, 9)}.get(left, True)
    return (total + digit * (1 if left % 2 else 3)) % 10 if fits else None


CHECKSUMS: dict[str, Rule] = {
    "luhn": Rule(_luhn, 0),
    "mod97": Rule(lambda total, digit, left: (10 * total + digit) % 97, 1),
    "isbn10": Rule(lambda total, digit, left: (total + left * digit) % 11, 0, (10,)),
    "isbn13": Rule(_isbn13, 0, (13,)),
}
"""The checksums by name. mod97 is ISO 7064's MOD 97-10: the number leaves 1. A check digit X of ISBN-10 is no
digit: such a field goes to review."""


class Values(Constraint):
    """A list of allowed values, as a roster of student numbers. It is tried value by value.

    Parameters
    ----------
    values : iterable of str
        Digits only, as they are written.
    """

    stepwise = False

    def __init__(self, values: Iterable[str]) -> None:
        self.values = frozenset(values)
        self._keeping: dict[tuple[Constraint, ...], tuple[str, ...]] = {}

    @property
    def label(self) -> str:
        return "allowed values"

    def start(self, length: int) -> State | None:
        return 0 if any(len(value) == length for value in self.values) else None

    def step(self, state: State, digit: int) -> State | None:
        return state

    def allows(self, text: str) -> bool:
        return text in self.values

    def keeping(self, others: tuple[Constraint, ...]) -> tuple[str, ...]:
        """Return the values that keep other constraints too, sorted."""
        if others not in self._keeping:
            kept = (value for value in self.values if all(other.allows(value) for other in others))
            self._keeping[others] = tuple(sorted(kept))
        return self._keeping[others]


class Function(Constraint):
    """A user's own function of the text, which returns whether it is allowed.

    Parameters
    ----------
    path : str
        ``module:function``, or ``file.py:function`` with a file beside the template.
    folder : Path
        Where the template lies.

    Raises
    ------
    FormError
        There is no such module, file or function.
    """

    stepwise = False

    def __init__(self, path: str, folder: Path) -> None:
        self.path = path
        self._function = _load(path, folder)

    @property
    def label(self) -> str:
        return f"checksum {self.path}"

    def start(self, length: int) -> State | None:
        return 0

    def step(self, state: State, digit: int) -> State | None:
        return 0

    def allows(self, text: str) -> bool:
        try:
            allowed = self._function(text)
            if allowed is None:
                raise TypeError("it returned None")
            return bool(allowed)
        except Exception as error:
            raise FormError(
                f"{self.path} failed on {text!r}: {type(error).__name__}: {error}. It must return whether a "
                "text of digits is allowed, True or False, whatever the text."
            ) from error


def _load(path: str, folder: Path) -> Callable[[str], object]:
    module_name, _, name = path.rpartition(":")
    try:
        if module_name.endswith(".py"):
            file = folder / module_name
            spec = importlib.util.spec_from_file_location(f"tenfold_form_{file.stem}", file)
            if spec is None or spec.loader is None:
                raise ImportError(f"{file} is no Python file")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(module_name)
        function = getattr(module, name)
    except Exception as error:
        raise FormError(
            f"must be a function that can be imported, as module:function or file.py:function. Got {path!r} "
            f"instead ({type(error).__name__}: {error})."
        ) from None
    if not callable(function):
        raise FormError(
            f"must be a function of a text. Got {path!r} instead, which is a {type(function).__name__}."
        )
    checked: Callable[[str], object] = function
    return checked


def possible(constraints: Iterable[Constraint], most: int) -> bool:
    """Return whether any text of at most `most` digits keeps all constraints but users' own functions."""
    constraints = [constraint for constraint in constraints if not isinstance(constraint, Function)]
    for constraint in constraints:
        if isinstance(constraint, Values):
            others = tuple(other for other in constraints if other is not constraint)
            return any(len(value) <= most for value in constraint.keeping(others))
    return any(_reaches_an_end(constraints, length) for length in range(1, most + 1))


def _reaches_an_end(constraints: Sequence[Constraint], length: int) -> bool:
    border = [(0, tuple(constraint.start(length) for constraint in constraints))]
    seen = set(border)
    while border:
        place, state = border.pop()
        parts = list(zip(constraints, state, strict=True))
        if None in state:
            continue
        if place == length:
            if all(constraint.ends(part) for constraint, part in parts):
                return True
            continue
        for digit in range(10):
            then = (place + 1, tuple(constraint.step(part, digit) for constraint, part in parts))
            if then not in seen:
                seen.add(then)
                border.append(then)
    return False
