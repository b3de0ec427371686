"""Fields that must add up: chosen together.

The likeliest texts of every field are combined so that each sum holds, by dynamic programming over the
fields: after each, one number for every sum that is still open. That is exact for the texts considered, at
most `CANDIDATES` a field; what was left out is counted against the confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.forms.search import DOUBT, Candidate

CANDIDATES = 300
"""How many texts of a field are considered at most."""
STATES = 50_000
"""How many combinations of running sums are followed at most; the likeliest are."""


@dataclass(frozen=True)
class Sum:
    """Fields that add up to another: ``parts[0] + parts[1] + ... = total``."""

    parts: tuple[str, ...]
    total: str

    @property
    def label(self) -> str:
        """What the constraint is called in results ("sum q1 + q2 = total")."""
        return f"sum {' + '.join(self.parts)} = {self.total}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of all its fields."""
        return (*self.parts, self.total)

    def holds(self, texts: dict[str, str]) -> bool:
        """Return whether texts add up; a blank field counts 0."""
        return sum(number(texts[part]) for part in self.parts) == number(texts[self.total])


@dataclass(frozen=True)
class Choice:
    """What `choose` chose.

    Attributes
    ----------
    texts : dict of field to text
    confidence : dict of field to float
        The probability that the text is what was written, given the other fields.
    """

    texts: dict[str, str]
    confidence: dict[str, float]


def number(text: str) -> int:
    """Return what a text counts in a sum: a blank counts 0."""
    return int(text or 0)


def groups(sums: Sequence[Sum]) -> list[list[Sum]]:
    """Return the sums in groups that share no field."""
    found: list[list[Sum]] = []
    for item in sums:
        touching = [group for group in found if any(set(item.fields) & set(other.fields) for other in group)]
        found = [group for group in found if group not in touching]
        found.append([*(other for group in touching for other in group), item])
    return found


def choose(fields: Mapping[str, Sequence[Candidate]], sums: Sequence[Sum]) -> Choice:
    """Return the likeliest texts: with which all sums hold, or what was written where that rather does not.

    Parameters
    ----------
    fields : dict of field to candidates
        Of every field in `sums`, the likeliest first, with probabilities that add up to at most 1; what is
        left is that the field holds something else.
    sums : sequence of Sum
    """
    table = _Table(fields, sums)
    best, together = table.run(None)
    written = [0] * len(table.names)
    if best is None or table.likely(best) < DOUBT * table.likely(written):
        best = written
    texts = {name: fields[name][place].text for name, place in zip(table.names, best, strict=True)}
    known = {name: sum(item.probability for item in fields[name]) for name in table.names}
    all_known = float(np.prod(list(known.values())))
    total = together + DOUBT * max(all_known - together, 0.0) + (1 - all_known)
    confidence = {}
    for index, (name, place) in enumerate(zip(table.names, best, strict=True)):
        alone = fields[name][place].probability
        others_known = all_known / known[name] if known[name] else 0.0
        _, with_it = table.run((index, place))
        # Where another field is not legible the sum says nothing about this one.
        mass = with_it + DOUBT * max(alone * others_known - with_it, 0.0) + alone * (1 - others_known)
        confidence[name] = min(mass / total, 1.0)
    return Choice(texts, confidence)


class _Table:
    """The dynamic programming: fields in order, running sums as state."""

    def __init__(self, fields: Mapping[str, Sequence[Candidate]], sums: Sequence[Sum]) -> None:
        self.names = [name for name in fields if any(name in item.fields for item in sums)]
        self.weights = [
            np.array([item.probability for item in fields[name]], np.float64) for name in self.names
        ]
        self.values = [
            np.array([number(item.text) for item in fields[name]], dtype=np.int64) for name in self.names
        ]
        self.signs = np.array(
            [[item.parts.count(name) - (item.total == name) for item in sums] for name in self.names],
            np.int64,
        )
        last = [max(self.names.index(name) for name in item.fields) for item in sums]
        self.closes = [
            [index for index, at in enumerate(last) if at == step] for step in range(len(self.names))
        ]

    def likely(self, places: Sequence[int]) -> float:
        """Return the probability of a combination of candidates, whether it adds up or not."""
        return float(np.prod([weights[place] for weights, place in zip(self.weights, places, strict=True)]))

    def run(self, fixed: tuple[int, int] | None) -> tuple[list[int] | None, float]:
        """Return the best candidates' places, and the mass of all combinations with which the sums hold.

        `fixed` holds one field to one of its candidates.
        """
        states = np.zeros((1, self.signs.shape[1]), np.int64)
        best: NDArray[np.float64] = np.ones(1)
        mass: NDArray[np.float64] = np.ones(1)
        trail: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for step, (weights, values) in enumerate(zip(self.weights, self.values, strict=True)):
            places = np.array([fixed[1]]) if fixed and fixed[0] == step else np.arange(len(values))
            grown = states[:, None, :] + values[None, places, None] * self.signs[step]
            grown = grown.reshape(-1, grown.shape[2])
            likely = (best[:, None] * weights[None, places]).ravel()
            masses = (mass[:, None] * weights[None, places]).ravel()
            keep = np.flatnonzero((grown[:, self.closes[step]] == 0).all(axis=1) & (likely > 0))
            if len(keep) == 0:
                return None, 0.0
            # The likeliest of each state first, so that `unique` returns it.
            keep = keep[np.argsort(-likely[keep], kind="stable")]
            states, first, member = np.unique(grown[keep], axis=0, return_index=True, return_inverse=True)
            mass = np.asarray(np.bincount(member.ravel(), masses[keep]), np.float64)
            best = likely[keep[first]]
            origin = keep[first]
            if len(states) > STATES:
                chosen = np.argsort(-best, kind="stable")[:STATES]
                states, best, mass, origin = states[chosen], best[chosen], mass[chosen], origin[chosen]
            trail.append((origin // len(places), places[origin % len(places)]))
        row = int(best.argmax())
        found: list[int] = []
        for parents, places in reversed(trail):
            found.insert(0, int(places[row]))
            row = int(parents[row])
        return found, float(mass.sum())
