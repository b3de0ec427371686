"""What the five papers say about the same questions, answered in numbers on one page."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Section, Table, Text
from tenfold.studies.answers import Compared, Kind, compare_all
from tenfold.studies.contrasts import Effect
from tenfold.studies.questions import QUESTIONS, Question
from tenfold.studies.results import Results

DECIDED: dict[Kind, str] = {
    "confirms": "Confirmed",
    "contradicts": "Contradicted",
    "open": "Open",
    "not claimed": "Measured, and claimed by no paper",
}
SHORTENED: dict[Kind, str] = {
    "confirms": "confirm {}",
    "contradicts": "contradict {}",
    "open": "leave {} open",
}
MANY = 6
"""How many comparisons of one outcome are told in one line; more have a line for each network compared."""


def comparison(every: Sequence[Results]) -> tuple[Section, ...]:
    """Return the page: a section for each question, with what each study measured and what its paper says."""
    compared = compare_all(every)
    sections = [
        _question(question, [each for each in compared if each.question is question], number)
        for number, question in enumerate(QUESTIONS, 1)
    ]
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
        Column("Not claimed", help="measured in full, where no paper says which is better."),
        Column("Shortened", help="compared on shortened runs alone, which decide nothing about a paper."),
        Column(
            "Not counted",
            help="what differs in more than is asked, was not run alike, or is a part of what is counted.",
        ),
        Column("Not run"),
    )
    opening = Text(
        "Each comparison is a difference of accuracy in points, the first minus the second, with its 95% "
        "interval. It is paired by seed, on the test set, in the reading that is named. What was only tried "
        "in a search has no test accuracy and is compared on validation images. Okon's grid is "
        "on validation folds, where a fold and seed give one value: the mean over all pairs of candidates "
        "that differ in one setting alone. It *confirms* its paper where the interval lies wholly above what "
        "the paper claims (0, or the points under *Claimed*), *contradicts* it where it lies wholly below, "
        "and is *open* where it holds that value. What counts are full runs of two that differ in nothing "
        "but what is asked about; the rest is shown, and says why it does not count. Each comparison is "
        "judged by itself: among so many, one or two may come out wrong by chance. The verdict on a claim of "
        "several allows for that."
    )
    first = Section("The five papers compared", (opening, Table(columns, rows)), key="comparison")
    return (first, *(section for _, section in sections))


def _question(question: Question, found: Sequence[Compared], number: int) -> tuple[tuple[Cell, ...], Section]:
    rows: list[tuple[Cell, ...]] = [
        (
            each.place,
            each.contrast.study,
            each.contrast.title,
            each.contrast.on,
            each.measured,
            each.effect.scale if each.effect else None,
            each.claimed,
            each.outcome,
        )
        for each in found
    ]
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
    dots = []
    for each in found:
        if each.effect is not None and each.kind != "not counted":
            low, high = each.interval or (None, None)
            label = f"{each.place}. {each.title}"
            dots.append(figures.Dots(label, each.effect.values.tolist(), low, high, each="pair"))
    blocks: list[Block] = [_answered(found), Table(columns, tuple(rows), whole=True)]
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
    kinds: tuple[Kind, ...] = (*DECIDED, "shortened", "not counted", "not run")
    summary: tuple[Cell, ...] = (
        Text(f"[{question.text}](#{key})"),
        _span([each.effect for each in found if each.effect is not None and each.kind in DECIDED]),
        *(_counted([each for each in found if each.kind == kind]) for kind in kinds),
    )
    return summary, Section(question.text, tuple(blocks), key=key, level=3)


def _answered(found: Sequence[Compared]) -> Text:
    """Return the answer in a list: what of the papers is confirmed, contradicted and open, by how much."""
    lines = []
    for kind, word in DECIDED.items():
        told = [each for each in found if each.kind == kind]
        if len(told) <= MANY:
            said = "; ".join(f"{each.title}, {each.effect}" for each in told)
            lines += [f"- **{word}**: {said}."] if said else []
            continue
        alike: dict[str, list[str]] = {}
        for each in told:
            of_what, _, pair = each.title.rpartition(": ")
            alike.setdefault(of_what, []).append(f"{pair}, {each.effect}")
        lines += [f"- **{word}**, {of_what}: {'; '.join(pairs)}." for of_what, pairs in alike.items()]
    if not any(each.kind in DECIDED and each.contrast.claimed for each in found):
        what = "No paper is answered yet" if lines else "No answer yet"
        lines.insert(0, f"- {what}: of what is claimed nothing was run in full.")
    shown = []
    for kind, words in SHORTENED.items():
        short = [each for each in found if each.so_far == kind]
        shown += [words.format(_counted(short))] if short else []
    if shown:
        lines.append(f"- Shortened runs decide nothing; so far they {'; '.join(shown)}.")
    return Text("\n".join(lines))


def _span(effects: Sequence[Effect]) -> str:
    """Return the smallest and the largest effect."""
    if not effects:
        return "not run in full"
    ordered = sorted(effects, key=lambda effect: effect.mean)
    return " to ".join(dict.fromkeys(str(effect) for effect in (ordered[0], ordered[-1])))


def _counted(found: Sequence[Compared]) -> str | None:
    """Return the papers, each with how often it occurs: "hao 2, lin 1"."""
    papers = [each.contrast.study for each in found]
    return ", ".join(f"{paper} {papers.count(paper)}" for paper in dict.fromkeys(papers)) or None
