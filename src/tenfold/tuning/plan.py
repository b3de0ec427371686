"""What a search will take, told before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tenfold.tuning.search import Rung, _longest
from tenfold.tuning.trials import Candidate


@dataclass(frozen=True)
class Plan:
    """The most that a search trains, were nothing of it kept from before.

    Attributes
    ----------
    trainings : int
        That begin: candidates that are read off one training count once.
    epochs : tuple of int
        By rung. Exact on the first; on the others those candidates that take longest may not get there.
    """

    trainings: int
    epochs: tuple[int, ...]


def plan(candidates: Sequence[Candidate], folds: int, seeds: int, rungs: Sequence[Rung] = (Rung(),)) -> Plan:
    """Return what `tenfold.tuning.search` with as many folds and seeds takes."""
    longest = _longest(candidates)

    def until(candidate: Candidate, rung: Rung) -> int:
        return min(rung.epochs or candidate.recipe.epochs, candidate.recipe.epochs)

    def tried(rung: Rung) -> int:
        return min(rung.folds or folds, folds)

    def new(candidate: Candidate, number: int) -> int:
        """Return the epochs that `candidate` takes on a rung, beyond what it was trained before."""
        found = 0
        for fold in range(tried(rungs[number])):
            before = [until(candidate, rung) for rung in rungs[:number] if fold < tried(rung)]
            found += max(until(candidate, rungs[number]) - max(before, default=0), 0)
        return found * seeds

    epochs = []
    widest, left = 0, len(candidates)
    for number, rung in enumerate(rungs):
        most: dict[Candidate, int] = {}
        for candidate in candidates:
            whole = longest[candidate.label]
            most[whole] = max(most.get(whole, 0), new(candidate, number))
        going = sorted(most.values(), reverse=True)[:left]
        epochs.append(sum(going))
        # Those that go on were begun before on the folds of the rung before.
        begun = max((tried(earlier) for earlier in rungs[:number]), default=0)
        widest += len(going) * max(tried(rung) - begun, 0) * seeds
        left = min(left, rung.keep or left)
    return Plan(widest, tuple(epochs))
