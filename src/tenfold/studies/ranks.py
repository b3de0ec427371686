"""How well two searches over the same candidates agree, and what they say about each setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tenfold.errors import StudyError, require
from tenfold.evaluation import mean_interval
from tenfold.report.document import Block, Cell, Column, Note, Table
from tenfold.report.tables import format_number
from tenfold.studies.exhibit import Exhibit, marked, missing
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, Judgment, Predicate, combine
from tenfold.studies.results import Results, scores

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
        caption = f"{self.title} ({marked(groups[self.name][0])})"
        return [Table(columns, rows, caption), Note(note)]


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
        best = {
            name: self.settings[scores(results.of(name))[0][0]] for name in self.searches if results.of(name)
        }
        columns = (Column("Setting"), Column("Paper"), *(Column(name) for name in self.searches))
        rows = tuple(
            (
                setting,
                printed,
                *(best[name][setting] if name in best else "not run" for name in self.searches),
            )
            for setting, printed in self.paper.items()
        )
        return [Table(columns, rows, self.title)]


def picks(search: str, settings: Mapping[str, Settings], paper: Settings) -> Predicate:
    """Judge whether a search picks the settings that the paper's search picked.

    The winner must be the paper's; and for each setting, the mean accuracy with the paper's value must beat
    that with the other: over all pairs of candidates that differ in it alone, paired.
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
        means = dict(scores(groups))
        winner = next(iter(means))
        same = settings[winner] == paper
        parts = [
            Judgment(
                HOLDS if same else FAILS,
                f"the winner is {winner} ({100 * means[winner]:.2f}%), "
                + ("the paper's" if same else "not the paper's"),
            )
        ]
        for setting, value in paper.items():
            gaps = differences(means, settings, setting, value)
            if not gaps:
                continue
            low, high = mean_interval(gaps)
            mean = float(np.mean(gaps))
            outcome = HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED
            reason = (
                f"{setting} {value}: {100 * mean:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}] over the "
                f"other, {len(gaps)} pairs"
            )
            parts.append(Judgment(outcome, reason))
        scales = sorted({group.scale for group in groups if not group.scaled.full})
        found = combine(parts)
        note = f" ({' and '.join(scales)} scale)" if scales else ""
        return Judgment(found.outcome, found.reason + note, found.parts)

    return predicate


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
