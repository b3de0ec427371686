"""What a field holds, of all that its cells might hold and its constraints allow.

Each cell has a probability for each digit and for being blank. A filling of the cells is digits side by side
and blanks around them; its probability is the product over the cells. Every number here is exact: the
likeliest allowed filling, and the mass of all allowed ones, come from dynamic programming over the product of
the cells and the constraints' automata, or over the list of allowed values, not from some good guesses. Only
a user's own function is asked filling by filling, the likeliest first.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.forms.constraints import Constraint, Values
from tenfold.reading.result import Change

BLANK = 10
DOUBT = 0.02
"""How likely, beside an allowed text, one that breaks a constraint is to have been written: people slip."""
TRIES = 5_000
"""How many fillings a user's own function is asked about, at most."""
FILLED = "must be filled"
"""What the constraint is called that a field may not be blank."""
NEGLIGIBLE = 1e-9
"""Mass that is too small to matter: what is less likely is not looked into."""


@dataclass(frozen=True)
class Candidate:
    """A text that a field may hold, and how likely the picture alone makes it."""

    text: str
    probability: float


class Source(Protocol):
    """What a picture of a field says about its text, before any constraint."""

    @property
    def legible(self) -> float:
        """The probability that the field holds digits or nothing, rather than something else."""

    @property
    def blank(self) -> float:
        """The probability that nothing is written."""

    def ranked(self, constraints: Sequence[Constraint], blank: bool) -> Iterator[Candidate]:
        """Yield the allowed candidates, the likeliest first; the empty text only where `blank` is true."""

    def mass(self, constraints: Sequence[Constraint], blank: bool) -> float:
        """Return how likely it is that the field holds an allowed text."""


class Cells:
    """A field of cells with at most one digit in each.

    Parameters
    ----------
    probabilities : (cells, 11) float
        Of the ten digits and of being blank; what is left to 1 is that a cell holds something else.
    """

    def __init__(self, probabilities: NDArray[np.floating]) -> None:
        self.probabilities = np.asarray(probabilities, np.float64)
        self._rows = [[float(value) for value in row] for row in self.probabilities]
        self._graphs: dict[tuple[Constraint, ...], _Graph] = {}

    @property
    def legible(self) -> float:
        return float(self.probabilities.sum(axis=1).prod())

    @property
    def blank(self) -> float:
        return float(self.probabilities[:, BLANK].prod())

    def place(self, text: str) -> int:
        """Return in which cell a text most likely begins."""
        digits = [int(digit) for digit in text]
        rows, count = self.probabilities, len(digits)

        def likely(first: int) -> float:
            blank = rows[:first, BLANK].prod() * rows[first + count :, BLANK].prod()
            return float(blank * rows[np.arange(first, first + count), digits].prod())

        return max(range(len(rows) - count + 1), key=likely)

    def ranked(self, constraints: Sequence[Constraint], blank: bool) -> Iterator[Candidate]:
        """Yield fillings as `Source.ranked` says; one text may come from several places."""
        empty = Candidate("", self.blank)
        waiting = blank
        for filling in self._fillings(tuple(constraints)):
            if waiting and empty.probability >= filling.probability:
                waiting = False
                yield empty
            yield filling
        if waiting:
            yield empty

    def mass(self, constraints: Sequence[Constraint], blank: bool) -> float:
        constraints = tuple(constraints)
        empty = self.blank if blank else 0.0
        if all(constraint.stepwise for constraint in constraints):
            return empty + self._graph(constraints).mass
        if any(isinstance(constraint, Values) for constraint in constraints):
            return empty + sum(filling.probability for filling in self._fillings(constraints))
        graph = self._graph(tuple(constraint for constraint in constraints if constraint.stepwise))
        seen = allowed = 0.0
        for filling in itertools.islice(graph.ranked(), TRIES):
            seen += filling.probability
            allowed += filling.probability if _all_allow(constraints, filling.text) else 0
            if graph.mass - seen <= NEGLIGIBLE * allowed:
                break
        # What was not asked about is counted as allowed, which can only lower the confidence.
        return empty + allowed + max(graph.mass - seen, 0.0)

    def _fillings(self, constraints: tuple[Constraint, ...]) -> Iterator[Candidate]:
        for constraint in constraints:
            if isinstance(constraint, Values):
                others = tuple(other for other in constraints if other is not constraint)
                yield from self._of_values(constraint.keeping(others))
                return
        functions = [constraint for constraint in constraints if not constraint.stepwise]
        graph = self._graph(tuple(constraint for constraint in constraints if constraint.stepwise))
        for filling in itertools.islice(graph.ranked(), TRIES if functions else None):
            if _all_allow(functions, filling.text):
                yield filling

    def _of_values(self, values: Sequence[str]) -> list[Candidate]:
        """Return the fillings of given texts, the likeliest first."""
        blanks = self.probabilities[:, BLANK]
        found = []
        for length in sorted({len(value) for value in values} & set(range(1, len(blanks) + 1))):
            texts = [value for value in values if len(value) == length]
            digits = np.array([[int(digit) for digit in text] for text in texts])
            for first in range(len(blanks) - length + 1):
                around = float(blanks[:first].prod() * blanks[first + length :].prod())
                rows = self.probabilities[first : first + length]
                likely = around * rows[np.arange(length), digits].prod(axis=1)
                found += [Candidate(text, float(value)) for text, value in zip(texts, likely, strict=True)]
        return sorted(found, key=lambda candidate: -candidate.probability)

    def _graph(self, constraints: tuple[Constraint, ...]) -> _Graph:
        if constraints not in self._graphs:
            graph = _Graph(self._rows, constraints, NEGLIGIBLE**2)
            # Where only the unlikeliest places are left, they are looked into as well.
            self._graphs[constraints] = graph if graph.mass > 0 else _Graph(self._rows, constraints, 0.0)
        return self._graphs[constraints]


State = tuple[Hashable | None, ...]
"""The states of all constraints, in their order."""
Node = tuple[int, State]
"""Where the digits will end, and the states before the next digit."""


class _Graph:
    """All allowed fillings of some cells: layer by layer, from the left, the nodes that can be reached.

    Runs of cells that are less than `least` times as likely as the likeliest are left out.
    """

    def __init__(
        self, rows: Sequence[Sequence[float]], constraints: Sequence[Constraint], least: float
    ) -> None:
        self.rows = rows
        self.constraints = constraints
        self.starts = self._starts(least)
        self.mass = 0.0
        self.edges: list[dict[Node, list[tuple[int, Node]]]] = []
        layer: dict[Node, float] = {}
        for place, row in enumerate(rows):
            for node, weight in self.starts[place].items():
                layer[node] = layer.get(node, 0.0) + weight
            following: dict[Node, float] = {}
            edges = {}
            for node, mass in layer.items():
                edges[node] = ways = list(self._steps(node))
                for digit, then in ways:
                    following[then] = following.get(then, 0.0) + mass * row[digit]
            self.edges.append(edges)
            self.mass += sum(mass for node, mass in following.items() if self._ended(node, place + 1))
            layer = {node: mass for node, mass in following.items() if node[0] > place + 1}
        self.ahead = self._look_ahead()

    def _starts(self, least: float) -> list[dict[Node, float]]:
        """Return for each cell the nodes that may begin there, with the probability of the blanks around."""
        count = len(self.rows)
        blanks = [row[BLANK] for row in self.rows]
        peaks = [max(row[:BLANK]) for row in self.rows]
        found: list[tuple[float, float, int, Node]] = []
        for length in range(1, count + 1):
            state = tuple(constraint.start(length) for constraint in self.constraints)
            if None in state:
                continue
            for first in range(count - length + 1):
                end = first + length
                weight = math.prod(blanks[:first]) * math.prod(blanks[end:])
                found.append((weight * math.prod(peaks[first:end]), weight, first, (end, state)))
        least *= max((bound for bound, *_ in found), default=0.0)
        starts: list[dict[Node, float]] = [{} for _ in range(count)]
        for bound, weight, first, node in found:
            if bound > least:
                starts[first][node] = weight
        return starts

    def _steps(self, node: Node) -> Iterator[tuple[int, Node]]:
        end, state = node
        for digit in range(10):
            then = tuple(
                constraint.step(part, digit) for constraint, part in zip(self.constraints, state, strict=True)
            )
            if None not in then:
                yield digit, (end, then)

    def _ended(self, node: Node, place: int) -> bool:
        end, state = node
        return end == place and all(
            constraint.ends(part) for constraint, part in zip(self.constraints, state, strict=True)
        )

    def _look_ahead(self) -> list[dict[Node, float]]:
        """Return how likely the best way from each node to an allowed end is, layer by layer."""
        ahead: list[dict[Node, float]] = [{}]
        for place in reversed(range(len(self.rows))):
            row, after = self.rows[place], ahead[0]
            best = {}
            for node, ways in self.edges[place].items():
                if node[0] == place + 1:
                    best[node] = max(
                        (row[digit] for digit, then in ways if self._ended(then, place + 1)), default=0.0
                    )
                else:
                    best[node] = max((row[digit] * after[then] for digit, then in ways), default=0.0)
            ahead.insert(0, best)
        return ahead

    def ranked(self) -> Iterator[Candidate]:
        """Yield all fillings, the likeliest first: A*, with the exact best way ahead as its guide."""
        order = itertools.count()
        # How likely at best, a number that settles ties, the place, the node, how likely so far, the text.
        heap: list[tuple[float, int, int, Node, float, str]] = [
            (-weight * self.ahead[place][node], next(order), place, node, weight, "")
            for place, starts in enumerate(self.starts)
            for node, weight in starts.items()
        ]
        heapq.heapify(heap)
        while heap:
            best, _, place, node, so_far, text = heapq.heappop(heap)
            if best == 0:
                return
            if node[0] == place:
                yield Candidate(text, so_far)
                continue
            for digit, then in self.edges[place][node]:
                reached = so_far * self.rows[place][digit]
                guide = self.ahead[place + 1].get(then, float(self._ended(then, place + 1)))
                heapq.heappush(
                    heap, (-reached * guide, next(order), place + 1, then, reached, f"{text}{digit}")
                )


def _all_allow(constraints: Sequence[Constraint], text: str) -> bool:
    return all(constraint.allows(text) for constraint in constraints)


class Listed:
    """A field without cells: whole readings, each with its probability.

    Parameters
    ----------
    candidates : sequence of Candidate
        No text twice; what is left to 1 is that the field holds something else.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = sorted(candidates, key=lambda candidate: -candidate.probability)

    @property
    def legible(self) -> float:
        return sum(candidate.probability for candidate in self.candidates)

    @property
    def blank(self) -> float:
        return next((candidate.probability for candidate in self.candidates if not candidate.text), 0.0)

    def ranked(self, constraints: Sequence[Constraint], blank: bool) -> Iterator[Candidate]:
        for candidate in self.candidates:
            if _all_allow(constraints, candidate.text) if candidate.text else blank:
                yield candidate

    def mass(self, constraints: Sequence[Constraint], blank: bool) -> float:
        return sum(candidate.probability for candidate in self.ranked(constraints, blank))


@dataclass(frozen=True)
class Answer:
    """The likeliest text of a field.

    Attributes
    ----------
    text : str
        Empty for a blank field.
    confidence : float
        The probability that this is what was written, where a text that breaks a constraint is taken to be
        `DOUBT` times as likely to be written as an allowed one.
    changes : tuple of Change
        The constraints that led to `text`; or those that it breaks, with `text` itself.
    alternatives : tuple of Candidate
        Other allowed texts, the likeliest first, with their probabilities reckoned in the same way.
    """

    text: str
    confidence: float
    changes: tuple[Change, ...] = ()
    alternatives: tuple[Candidate, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether what was written breaks a constraint."""
        return any(change.without == self.text for change in self.changes)


def answer(source: Source, constraints: Sequence[Constraint], blank: bool, count: int = 5) -> Answer:
    """Return the likeliest text: an allowed one, or what was written where that rather breaks a constraint.

    Parameters
    ----------
    source : Source
    constraints : sequence of Constraint
    blank : bool
        Whether the field may be empty. The constraints do not bear on an empty field.
    count : int
        How many alternatives to give.
    """
    found = texts(source, constraints, blank, count + 1)
    total = weigh(source.mass(constraints, blank), source.legible)
    others = [Candidate(item.text, item.probability / total) for item in found]
    written = next(iter(texts(source, (), True, 1)), Candidate("", 0.0))
    if found and found[0].probability >= DOUBT * written.probability:
        best, *others = others
        changes = tuple(_changes(source, constraints, blank, best.text))
        return Answer(best.text, min(best.probability, 1.0), changes, tuple(others))
    if written.text:
        broken = [item.label for item in constraints if not item.allows(written.text)]
    else:
        broken = [] if blank else [FILLED]
    changes = tuple(Change(label, written.text) for label in broken)
    return Answer(written.text, min(DOUBT * written.probability / total, 1.0), changes, tuple(others[:count]))


def weigh(allowed: float, legible: float) -> float:
    """Return the mass of everything a field may hold, what breaks a constraint weighed by `DOUBT`."""
    return allowed + DOUBT * max(legible - allowed, 0.0) + (1 - legible)


def texts(
    source: Source, constraints: Sequence[Constraint], blank: bool, count: int, enough: float = 1.0
) -> list[Candidate]:
    """Return the likeliest allowed texts, each once: `count` at most, or fewer that hold `enough` mass."""
    found: dict[str, float] = {}
    seen = 0.0
    for candidate in source.ranked(constraints, blank):
        if candidate.text not in found and len(found) == count:
            break
        found[candidate.text] = found.get(candidate.text, 0.0) + candidate.probability
        seen += candidate.probability
        if seen >= enough:
            break
    return [Candidate(text, probability) for text, probability in found.items()]


def _changes(source: Source, constraints: Sequence[Constraint], blank: bool, chosen: str) -> Iterator[Change]:
    """Yield the constraints that led from the likeliest text of all to the chosen one.

    The likeliest text under no constraint breaks some; under those, the likeliest breaks some more; and so on
    until it breaks none. Each that was broken on the way changed the answer.
    """
    active: list[Constraint] = []
    # First whether the field may be blank at all, which is a constraint of its own.
    for may_be_blank in (True, blank):
        while True:
            text = next(iter(source.ranked(active, may_be_blank)), Candidate("", 0.0)).text
            if text == chosen:
                return
            if not text:
                if not blank:
                    yield Change(FILLED, text)
                break
            broken = [item for item in constraints if item not in active and not item.allows(text)]
            yield from (Change(item.label, text) for item in broken)
            if not broken:
                return
            active += broken
