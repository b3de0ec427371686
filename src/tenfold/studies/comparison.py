"""What the five papers say about the same questions, answered in numbers on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from tenfold.errors import StudyError
from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Measured, Outcome, Section, Table, Text
from tenfold.studies.contrasts import Contrast, Effect, Marginal
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED, above
from tenfold.studies.questions import QUESTIONS, Question
from tenfold.studies.results import IncomparableError, Results

Answer = Literal["confirms", "contradicts", "open", "not claimed"]

ANSWERS: dict[Outcome, Answer] = {HOLDS: "confirms", FAILS: "contradicts", UNDECIDED: "open"}
CLAIMED = {"+": "first better", "-": "second better", "": "nothing"}
DECIDED = {"confirms": "Confirmed", "contradicts": "Contradicted", "open": "Open"}

SHORTENED = {"confirms": "confirm {}", "contradicts": "contradict {}", "open": "leave {} open"}


def answer(claimed: str, effect: Effect, least: float = 0.0) -> Answer:
    """Return what an effect makes of a claim: its interval leaves `least` on one side, or it is open.

    Decided as a claim of the study is (`judgment.above`).
    """
    if not claimed:
        return "not claimed"
    low, high = (effect.low, effect.high) if claimed == "+" else (-effect.high, -effect.low)
    outcome, _ = above(low, high, least, equal=not effect.values.any())
    return ANSWERS[outcome]


def comparison(every: Sequence[Results]) -> tuple[Section, ...]:
    """Return the page: a section for each question, with what each study measured and what its paper says."""
    by_key = {results.study.key: results for results in every}
    sections = [_question(question, by_key, number) for number, question in enumerate(QUESTIONS, 1)]
    rows = tuple(row for row, _ in sections)
    columns = (
        Column("Question"),
        Column(
            "Effects",
            unit="points",
            help="differences of what is counted, the smallest and the largest, each with its interval.",
        ),
        Column("Confirms", help="papers, and how many of their comparisons."),
        Column("Contradicts"),
        Column("Open", help="the interval leaves it open, or there is none to decide by."),
        Column("Shortened", help="compared on shortened runs alone, which decide nothing about a paper."),
        Column(
            "Not counted",
            help="what differs in more than is asked, was not run alike, or is a part of what is counted.",
        ),
        Column("Not run"),
    )
    opening = Text(
        "Each comparison is a difference of accuracy in points, the first minus the second, with its 95% "
        "interval. It is paired by seed, on the test set, in the reading that is named; for Okon's grid it "
        "is on validation folds, where a fold and seed give one value: the mean over all pairs of candidates "
        "that differ in one setting alone. It *confirms* its paper where the interval lies wholly above what "
        "the paper claims (0, or the points under *Claimed*), *contradicts* it where it lies wholly below, "
        "and is *open* where it holds that value. What counts are full runs of two that differ in nothing "
        "but what is asked about; the rest is shown, and says why it does not count."
    )
    first = Section("The five papers compared", (opening, Table(columns, rows)), key="comparison")
    return (first, *(section for _, section in sections))


def _question(
    question: Question, by_key: Mapping[str, Results], number: int
) -> tuple[tuple[Cell, ...], Section]:
    rows: list[tuple[Cell, ...]] = []
    dots, effects = [], []
    papers: dict[str, list[str]] = {}
    said: dict[str, list[str]] = {}
    so_far: dict[str, list[str]] = {}
    for place, contrast in enumerate(question.contrasts, 1):
        points = f" by {contrast.least:g} point{'s' * (contrast.least != 1)}" if contrast.least else ""
        says = CLAIMED[contrast.claimed] + points
        head = (place, contrast.study, contrast.title, contrast.on)
        found, also = _measure(contrast, by_key, question.about)
        if isinstance(found, str):
            papers.setdefault("not run" if found == "not run" else "not counted", []).append(contrast.study)
            rows.append((*head, None, None, says, "; ".join([found, *also])))
            continue
        outcome = answer(contrast.claimed, found, contrast.least)
        kind: str = outcome
        if also:
            kind, shown = "not counted", f"not counted: {'; '.join(also)}"
        elif not contrast.claimed:
            shown = kind
        elif not found.full:
            kind, shown = "shortened", f"{outcome} so far (shortened)"
            so_far.setdefault(outcome, []).append(contrast.study)
        else:
            shown = kind
            effects.append(found)
            said.setdefault(outcome, []).append(f"{contrast.study}: {contrast.title}, {found}")
        papers.setdefault(kind, []).append(contrast.study)
        finite = bool(np.isfinite(found.low))
        low, high = (found.low, found.high) if finite else (None, None)
        measured = Measured(found.mean, low, high, len(found.values), percent=False, digits=2, each="pair")
        rows.append((*head, measured, found.scale, says, shown))
        if kind != "not counted":
            dots.append(
                figures.Dots(
                    f"{place}. {contrast.study}: {contrast.title}",
                    found.values.tolist(),
                    low,
                    high,
                    each="pair",
                )
            )
    columns = (
        Column("No.", "right"),
        Column("Study"),
        Column("Comparison"),
        Column("Accuracy on"),
        Column("Difference", "right", "points", help="a pair is a seed; for the grid, a fold and a seed."),
        Column("Run at"),
        Column("Claimed"),
        Column("Outcome"),
    )
    blocks: list[Block] = [_answered(said, so_far), Table(columns, tuple(rows))]
    if dots:
        left_out = " What is not counted is left out." if len(dots) < len(rows) else ""
        blocks.append(
            figures.dot_plot(
                question.text,
                dots,
                xlabel="Difference in points of accuracy",
                percent=False,
                differences=True,
                caption=f"Right of zero the first is better.{left_out}",
            )
        )
    key = f"comparison-{number}"
    kinds = ("confirms", "contradicts", "open", "shortened", "not counted", "not run")
    summary: tuple[Cell, ...] = (
        Text(f"[{question.text}](#{key})"),
        _span(effects),
        *(_counted(papers.get(kind, [])) for kind in kinds),
    )
    return summary, Section(question.text, tuple(blocks), key=key, level=3)


def _measure(
    contrast: Contrast | Marginal, by_key: Mapping[str, Results], about: str
) -> tuple[Effect | str, tuple[str, ...]]:
    """Return the effect, or why there is none, and why it is not counted.

    The effect is that at the scale that was asked for, or else that of shorter runs.
    """
    results = at = by_key.get(contrast.study)
    if results is None:
        return "not run", ()
    more = contrast.also(results, about) if contrast.claimed else ()
    also = (f"differs also in {', '.join(more)}",) if more else contrast.beside
    while at is not None:
        try:
            return contrast.effect(at), also
        except IncomparableError as error:
            return f"{error}".removesuffix("."), also
        except StudyError:
            at = at.shorter
    found = contrast.lacking(results)
    return found, () if found == "not run" else also


def _answered(said: Mapping[str, Sequence[str]], so_far: Mapping[str, Sequence[str]]) -> Text:
    """Return the answer in a list: what of the papers is confirmed, contradicted and open, by how much."""
    lines = [f"- **{word}**: {'; '.join(said[kind])}." for kind, word in DECIDED.items() if kind in said]
    if not said:
        lines.append("- No answer yet: of what is claimed nothing was run in full.")
    if so_far:
        shown = "; ".join(
            SHORTENED[kind].format(_counted(so_far[kind])) for kind in DECIDED if kind in so_far
        )
        lines.append(f"- Shortened runs decide nothing; so far they {shown}.")
    return Text("\n".join(lines))


def _span(effects: Sequence[Effect]) -> str:
    """Return the smallest and the largest effect."""
    if not effects:
        return "not run in full"
    ordered = sorted(effects, key=lambda effect: effect.mean)
    return " to ".join(dict.fromkeys(str(effect) for effect in (ordered[0], ordered[-1])))


def _counted(papers: Sequence[str]) -> str | None:
    """Return the papers, each with how often it occurs: "hao 2, lin 1"."""
    return ", ".join(f"{paper} {papers.count(paper)}" for paper in dict.fromkeys(papers)) or None
