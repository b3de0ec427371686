"""How well two searches over the same candidates agree, and what they say about each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import StudyError, require
from tenfold.report.document import Block, Cell, Column, Note, Table
from tenfold.report.tables import format_number
from tenfold.studies.exhibit import Exhibit, marked, missing
from tenfold.studies.judgment import HOLDS, Judgment, Predicate, combine, decide, judged, points
from tenfold.studies.means import Mean
from tenfold.studies.results import Group, Results, on_common_seeds, scores

Settings = Mapping[str, str]
"""A candidate by its settings."""


@dataclass(frozen=True)
class Agreement:
    """How well two rankings agree; 1: perfectly, 0: not at all, -1: the reverse.

    Attributes
    ----------
    spearman, kendall : float in [-1, 1]
        Kendall's is tau-b. NaN where a ranking has ties alone.
    n : int
        How many candidates.
    """

    spearman: float
    kendall: float
    n: int


def agreement(first: Mapping[str, float], second: Mapping[str, float]) -> Agreement:
    """Return how well two scorings of candidates agree, over those that both have."""
    stats = require("scipy.stats", extra="train", purpose="The agreement of two rankings")
    common = [label for label in first if label in second]
    a, b = [first[label] for label in common], [second[label] for label in common]
    if len(common) < 3 or len(set(a)) == 1 or len(set(b)) == 1:
        return Agreement(float("nan"), float("nan"), len(common))
    return Agreement(float(stats.spearmanr(a, b)[0]), float(stats.kendalltau(a, b)[0]), len(common))


@dataclass(frozen=True)
class RankAgreement(Exhibit):
    """How well the ranks of two searches agree, with the first of each.

    Attributes
    ----------
    name, other : str
        The searches.
    shown : int
        How many of the first's best are listed.
    """

    name: str
    other: str
    shown: int = 20

    def blocks(self, results: Results) -> list[Block]:
        groups = {name: results.of(name) for name in (self.name, self.other)}
        for name, of in groups.items():
            if not of:
                return [missing(name, results)]
        first, second = (dict(scores(of)) for of in groups.values())
        found = agreement(first, second)
        places = {label: place for place, label in enumerate(second, 1)}
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (place, label, first[label], places.get(label), second.get(label))
            for place, label in enumerate(list(first)[: self.shown], 1)
        )
        columns = (
            Column(f"Rank, {self.name}", "right"),
            Column("Candidate"),
            Column("Accuracy", "right", "%", digits=2, percent=True),
            Column(f"Rank, {self.other}", "right"),
            Column("Accuracy there", "right", "%", digits=2, percent=True),
        )
        note = (
            f"Over {found.n} candidates the ranks of *{self.name}* and *{self.other}* agree with Spearman's "
            f"rho {format_number(found.spearman, 3)} and Kendall's tau {format_number(found.kendall, 3)} "
            "(1: the same order, 0: no relation)."
            if np.isfinite(found.spearman)
            else f"{found.n} candidates are too few, or too many are equal, to compare the ranks."
        )
        firsts = {self.name: next(iter(first)), self.other: next(iter(second))}
        marks = "; ".join(f"{name}: {_marked_as(label, groups[name])}" for name, label in firsts.items())
        return [Table(columns, rows, f"{self.title} ({marks})"), Note(note)]


def _marked_as(label: str, groups: Sequence[Group]) -> str:
    """Return how much was run of the winner, `label`; where others were run otherwise, said of it alone."""
    marks = {group.label: marked(group) for group in groups}
    return marks[label] if len(set(marks.values())) == 1 else f"{marks[label]}, the winner's"


@dataclass(frozen=True)
class BestSettings(Exhibit):
    """What each search chose, setting by setting, beside the paper.

    Attributes
    ----------
    searches : tuple of str
    settings : mapping of str to mapping of str to str
        Of each candidate.
    paper : mapping of str to str
    """

    searches: tuple[str, ...]
    settings: Mapping[str, Settings]
    paper: Settings

    def blocks(self, results: Results) -> list[Block]:
        found = {name: results.of(name) for name in self.searches}
        short = {name: text for name, groups in found.items() if (text := self._short(groups))}
        best = {
            name: scores(on_common_seeds(groups))[0][0] for name, groups in found.items() if name not in short
        }
        columns = (Column("Setting"), Column("Paper"), *(Column(name) for name in self.searches))
        rows = tuple(
            (
                setting,
                printed,
                *(short.get(name) or self.settings[best[name]][setting] for name in self.searches),
            )
            for setting, printed in self.paper.items()
        )
        marks = "; ".join(f"{name}: {_marked_as(label, found[name])}" for name, label in best.items())
        return [Table(columns, rows, f"{self.title} ({marks})" if marks else self.title)]

    def _short(self, groups: Sequence[Group]) -> str:
        """Return what a search lacks to choose, if anything: the best of a part says nothing of the whole."""
        count = len({group.label for group in groups})
        if not count:
            return "not run"
        if count < len(self.settings):
            return f"{count} of {len(self.settings)} run"
        return "" if on_common_seeds(groups)[0].n else "no seed run whole"


def picks(search: str, settings: Mapping[str, Settings], paper: Settings) -> Predicate:
    """Judge whether a search picks the settings that the paper's search picked.

    The winner must be the paper's; another that is not clearly better leaves it open. And for each setting,
    the mean accuracy with the paper's value must beat that with the other (`marginal`). All are paired by
    fold and seed, which are what another search would draw anew. The winner is the best of many, which
    flatters it a little beside the paper's.
    """

    def predicate(results: Results) -> Judgment:
        groups = results.of(search)
        if len({group.label for group in groups}) < len(settings):
            raise StudyError(f"{search} was not run whole at {results.scale} scale.")
        if any(group.scale != results.scale for group in groups):
            # What a shortened search picks decides nothing about the published one.
            raise StudyError(
                f"{search} was not run at {results.scale} scale, only at {groups[0].scale} scale."
            )
        parts = [_won(groups, settings, paper)]
        for setting, value in paper.items():
            if len({each[setting] for each in settings.values()}) > 1:
                gaps = marginal(groups, settings, setting, value)
                reason = f"{setting} {value}: {_interval(gaps)} over the other"
                parts.append(decide(Mean.of(gaps), reason, *groups))
        return combine(parts)

    return predicate


def _won(groups: Sequence[Group], settings: Mapping[str, Settings], paper: Settings) -> Judgment:
    """Judge whether the winner is the paper's candidate; one that is not clearly better leaves it open."""
    winner, mean = scores(groups)[0]
    text = f"the winner is {winner} ({100 * mean:.2f}%), "
    if settings[winner] == paper:
        return judged(HOLDS, f"{text}the paper's", *groups)
    theirs = next((label for label, each in settings.items() if each == paper), None)
    if theirs is None:
        raise StudyError(f"No candidate has the paper's settings {dict(paper)}.")
    gaps = np.array([each[winner] - each[theirs] for each in by_fold(groups)])
    return decide(-Mean.of(gaps), f"{text}not the paper's ({theirs}): {_interval(gaps)} over it", *groups)


def _interval(gaps: NDArray[np.float64]) -> str:
    """Return the mean of differences with its interval, in words."""
    mean = Mean.of(gaps)
    return f"{points(mean.value)} points{mean.told(points)} (folds and seeds)"


def by_fold(groups: Sequence[Group]) -> list[dict[str, float]]:
    """Return the validation accuracy of every candidate, for each fold and seed that all candidates have.

    Raises
    ------
    StudyError
        There is none.
    """
    found: dict[tuple[str, int], dict[str, float]] = {}
    for group in groups:
        for run, value in zip(group.runs, group.values("validation_accuracy"), strict=True):
            found.setdefault((group.reading, run.seed), {})[group.label] = float(value)
    labels = {group.label for group in groups}
    whole = [found[place] for place in sorted(found) if found[place].keys() == labels]
    if not whole:
        raise StudyError(f"The candidates of {groups[0].experiment.name} have no fold and seed in common.")
    return whole


def marginal(
    groups: Sequence[Group], settings: Mapping[str, Settings], setting: str, value: str
) -> NDArray[np.float64]:
    """Return what `value` gains over the other, all other settings being equal: (fold x seed,) float64.

    Each is the mean over all pairs of candidates that differ in `setting` alone. The pairs of one fold and
    seed share their images and, where they differ in epochs, even a training; so they are no draws of their
    own, and an interval must not count them.
    """
    chosen = {group.label for group in groups} & settings.keys()
    among = {label: settings[label] for label in settings if label in chosen}
    gaps = [differences(each, among, setting, value) for each in by_fold(groups)]
    if not gaps[0]:
        raise StudyError(f"No two candidates differ in {setting} alone.")
    means: NDArray[np.float64] = np.mean(gaps, axis=1)
    return means


def differences(
    means: Mapping[str, float], settings: Mapping[str, Settings], setting: str, value: str
) -> list[float]:
    """Return the accuracy with `value` minus that with another, all other settings being equal."""

    def rest(label: str) -> list[tuple[str, str]]:
        return sorted((name, other) for name, other in settings[label].items() if name != setting)

    gaps = []
    for _, labels in groupby(sorted(settings, key=rest), key=rest):
        pair = list(labels)
        ours = [means[label] for label in pair if settings[label][setting] == value]
        others = [means[label] for label in pair if settings[label][setting] != value]
        gaps += [a - b for a in ours for b in others]
    return gaps
