"""What the five papers say about the same questions, answered in numbers on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import StudyError
from tenfold.evaluation import mean_interval
from tenfold.report import figures
from tenfold.report.document import Block, Cell, Column, Measured, Section, Table, Text
from tenfold.report.tables import format_number
from tenfold.studies import hao, okon, shrestha
from tenfold.studies.experiment import HONEST, PUBLISHED
from tenfold.studies.ranks import differences
from tenfold.studies.results import Results, per_seed, scores

Answer = Literal["confirms", "contradicts", "open", "shortened", "not claimed", "not run"]

CLAIMED = {"+": "first better", "-": "second better", "": "nothing"}


@dataclass(frozen=True)
class Effect:
    """How much better the first of two is, in points of accuracy.

    Attributes
    ----------
    values : (n,) float64
        One for each pair.
    low, high : float
        The 95% interval of the mean; infinite for one pair.
    scale : str
        What was run.
    """

    values: NDArray[np.float64]
    low: float
    high: float
    scale: str

    @property
    def mean(self) -> float:
        """The mean over the pairs."""
        return float(self.values.mean())

    def __str__(self) -> str:
        ends = [format_number(end, 2, signed=True) for end in (self.mean, self.low, self.high)]
        if not np.isfinite(self.low):
            return ends[0]
        return f"{ends[0]} [{ends[1]},\N{NO-BREAK SPACE}{ends[2]}]"


@dataclass(frozen=True)
class Contrast:
    """Two experiments of one study that differ in what is asked about.

    Attributes
    ----------
    study, first, second : str
    claimed : "+", "-" or ""
        Which of them the paper calls better: the first, the second, or it does not say.
    reading : str
    what : str
        What is compared, in words; by default the two names.
    least : float
        The points of accuracy by which it must be better for the paper to be right.
    """

    study: str
    first: str
    second: str
    claimed: str = "+"
    reading: str = HONEST
    what: str = ""
    least: float = 0.0

    @property
    def title(self) -> str:
        """What is compared."""
        return self.what or f"{self.first} − {self.second}"

    def effect(self, results: Results) -> Effect:
        """Return the difference, paired by seed; `StudyError` where one of the two was not run."""
        first, second = (results.get(name, self.reading) for name in (self.first, self.second))
        gaps = 100 * per_seed(first, second, "test_accuracy")
        scales = sorted({first.scale, second.scale})
        return Effect(gaps, *_interval(gaps), " and ".join(scales))


@dataclass(frozen=True)
class Marginal:
    """A setting of Okon's grid: all pairs of candidates that differ in it alone, on validation folds."""

    setting: str
    value: str
    other: str
    claimed: str = "+"
    study: str = "okon"
    least: float = 0.0

    @property
    def title(self) -> str:
        """What is compared."""
        return f"Grid: {self.setting} {self.value} − {self.other}"

    def effect(self, results: Results) -> Effect:
        """Return the differences of all pairs; `StudyError` where the search is not done."""
        groups = results.of(okon.OWN)
        if len({group.label for group in groups}) < len(okon.SETTINGS):
            raise StudyError(f"{okon.OWN} was not run whole.")
        gaps = 100 * np.array(differences(dict(scores(groups)), okon.SETTINGS, self.setting, self.value))
        return Effect(gaps, *_interval(gaps), groups[0].scale)


@dataclass(frozen=True)
class Question:
    """A question that several papers answer.

    Attributes
    ----------
    text : str
    contrasts : tuple of Contrast or Marginal
    """

    text: str
    contrasts: tuple[Contrast | Marginal, ...]


def corrected(first: int, second: int, claimed: str = "+") -> Contrast:
    """Return the contrast of two of Shrestha and Paudel's experiments, with the true gradient."""
    better, worse = (shrestha.named(number, shrestha.CORRECTED) for number in (first, second))
    return Contrast("shrestha", better, worse, claimed)


QUESTIONS = (
    Question(
        "MLP or CNN?",
        (
            Contrast("lin", "Simple CNN", "Enhanced Simple NN"),
            Contrast("lin", "Enhanced CNN with Adam", "Enhanced Simple NN"),
            Contrast("hao", hao.LIGHTWEIGHT, hao.MLP),
            Contrast("hao", hao.BEST, hao.MLP),
            Contrast("okon", okon.FINAL, "ANN", reading=PUBLISHED),
        ),
    ),
    Question(
        "Which optimizer?",
        (
            Contrast("lin", "Enhanced CNN with Adam", "Enhanced CNN with RMSprop"),
            Contrast("lin", "Enhanced CNN with RMSprop", "Enhanced CNN with Default SGD"),
            Contrast("lin", "Enhanced CNN with Default SGD", "Enhanced CNN with Modified SGD"),
            Marginal("optimizer", "Adam", "RMSprop"),
        ),
    ),
    Question(
        "Which learning rate?",
        (
            Contrast("hao", hao.tuned(), hao.tuned(lr=0.01), what="Adam 0.001 − 0.01"),
            Contrast("hao", hao.tuned(), hao.tuned(lr=0.0001), what="Adam 0.001 − 0.0001"),
            Contrast("okon", "Section V", "Section IV", what="Adam 0.0001 − 0.001, final network"),
            Marginal("lr", "0.0001", "0.001"),
        ),
    ),
    Question(
        "How much dropout?",
        (
            *(
                Contrast("hao", of[0.3], of[other], what=f"{model}: 0.3 − {other:g}")
                for model, of in hao.DROPPED.items()
                for other in hao.DROPOUTS
                if other != 0.3
            ),
            Contrast("abdelsalam", "Untuned", "Without dropout", what="MLP: 0.2 − 0"),
        ),
    ),
    Question(
        "How deep?",
        (
            Contrast("hao", hao.mlp(2, 128), hao.mlp(1, 128)),
            Contrast("hao", hao.mlp(3, 128), hao.mlp(2, 128), "-"),
            Contrast("hao", hao.BEST, hao.LIGHTWEIGHT),
            Contrast("lin", "Enhanced Simple NN", "Simple NN"),
            corrected(11, 1, "-"),
            corrected(14, 6, "-"),
        ),
    ),
    Question(
        "How wide?",
        (
            Contrast("hao", hao.mlp(1, 256), hao.mlp(1, 64)),
            Contrast("hao", hao.cnn((64, 128), 128), hao.LIGHTWEIGHT),
            Contrast("hao", hao.cnn((32, 64, 64), 256), hao.BEST, "-"),
            corrected(6, 1),
            corrected(7, 2),
            corrected(8, 3),
            Marginal("out_units", "30", "20", "-"),
            Marginal("fout_units", "50", "40", "-"),
        ),
    ),
    Question(
        "Which activation?",
        (corrected(1, 4), corrected(1, 5), corrected(6, 10), Marginal("nonlinear", "ReLU", "Softmax")),
    ),
    Question(
        "Which initialization?",
        (corrected(2, 1), corrected(3, 1), corrected(7, 6), corrected(8, 6)),
    ),
    Question(
        "Does the framework matter?",
        (
            # A framework that explains the published difference of 3.45 points gives at least one of them.
            Contrast("shrestha", shrestha.TORCH_FULL, shrestha.NUMPY_FULL, least=1.0),
            Contrast("shrestha", shrestha.TORCH_MINI, shrestha.NUMPY_MINI, least=1.0),
            Contrast(
                "shrestha",
                shrestha.NUMPY_MINI,
                shrestha.NUMPY_FULL,
                "",
                what="not the framework but the recipe: mini-batch − full batch, both in NumPy",
            ),
        ),
    ),
)


def answer(claimed: str, effect: Effect, least: float = 0.0) -> Answer:
    """Return what an effect makes of a claim: its interval leaves `least` on one side, or it is open.

    Where all seeds differ by the very same there is no interval, unless nothing differs at all.
    """
    if not claimed:
        return "not claimed"
    if effect.values.any() and effect.high - effect.low < 1e-9:
        return "open"
    low, high = (effect.low, effect.high) if claimed == "+" else (-effect.high, -effect.low)
    return "confirms" if low > least else "contradicts" if high < least else "open"


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
            help="differences of what is claimed, the smallest and the largest, each with its interval.",
        ),
        Column("Confirms", help="papers, and how many of their comparisons."),
        Column("Contradicts"),
        Column("Open", help="the interval holds zero, or there is none to decide by."),
        Column("Shortened", help="compared on shortened runs alone, which decide nothing about a paper."),
        Column("Not run"),
    )
    opening = Text(
        "Each comparison is a difference of accuracy in points, the first minus the second, paired by seed, "
        "with its 95% interval; those of Okon's grid are over all pairs of candidates that differ in one "
        "setting, on validation folds. It *confirms* its paper where the interval lies wholly on the side "
        "that the paper claims, and *contradicts* it where it lies wholly on the other. What was only run "
        "shortened is shown too, marked as such; the effects in this table are of full runs."
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
    for place, contrast in enumerate(question.contrasts, 1):
        says = CLAIMED[contrast.claimed] + (f" by {contrast.least:g}" if contrast.least else "")
        found = _measure(contrast, by_key)
        if found is None:
            papers.setdefault("not run", []).append(contrast.study)
            rows.append((place, contrast.study, contrast.title, None, None, says, "not run"))
            continue
        outcome = answer(contrast.claimed, found, contrast.least)
        if outcome != "not claimed" and found.scale != by_key[contrast.study].scale:
            outcome = "shortened"
        papers.setdefault(outcome, []).append(contrast.study)
        if contrast.claimed and outcome != "shortened":
            effects.append(found)
            said.setdefault(outcome, []).append(f"{contrast.study}: {contrast.title}, {found}")
        finite = bool(np.isfinite(found.low))
        low, high = (found.low, found.high) if finite else (None, None)
        measured = Measured(found.mean, low, high, len(found.values), percent=False, digits=2)
        rows.append((place, contrast.study, contrast.title, measured, found.scale, says, outcome))
        shown = found.values.tolist() if len(found.values) < 10 else [found.mean]
        dots.append(figures.Dots(f"{place}. {contrast.study}", shown, low, high, n=len(found.values)))
    columns = (
        Column("No.", "right"),
        Column("Study"),
        Column("Comparison"),
        Column("Difference", "right", "points"),
        Column("Scale"),
        Column("Claimed"),
        Column("Outcome"),
    )
    blocks: list[Block] = [_answered(said), Table(columns, tuple(rows))]
    if dots:
        blocks.append(
            figures.dot_plot(
                question.text,
                dots,
                xlabel="Difference in points of accuracy",
                percent=False,
                differences=True,
                caption="Right of zero the first is better.",
            )
        )
    key = f"comparison-{number}"
    summary: tuple[Cell, ...] = (
        Text(f"[{question.text}](#{key})"),
        _span(effects),
        *(
            _counted(papers.get(kind, []))
            for kind in ("confirms", "contradicts", "open", "shortened", "not run")
        ),
    )
    return summary, Section(question.text, tuple(blocks), key=key, level=3)


def _measure(contrast: Contrast | Marginal, by_key: Mapping[str, Results]) -> Effect | None:
    """Return the effect at the scale that was asked for, or else that of shorter runs."""
    results = by_key.get(contrast.study)
    while results is not None:
        try:
            return contrast.effect(results)
        except StudyError:
            results = results.shorter
    return None


def _answered(said: Mapping[str, Sequence[str]]) -> Text:
    """Return the answer in a list: what of the papers is confirmed, contradicted and open, by how much."""
    if not said:
        return Text("No answer yet: of what is claimed nothing was run in full.")
    words = {"confirms": "Confirmed", "contradicts": "Contradicted", "open": "Open"}
    return Text(
        "\n".join(f"- **{word}**: {'; '.join(said[kind])}." for kind, word in words.items() if kind in said)
    )


def _span(effects: Sequence[Effect]) -> str:
    """Return the smallest and the largest effect."""
    if not effects:
        return "not run in full"
    ordered = sorted(effects, key=lambda effect: effect.mean)
    return " to ".join(dict.fromkeys(str(effect) for effect in (ordered[0], ordered[-1])))


def _counted(papers: Sequence[str]) -> str | None:
    """Return the papers, each with how often it occurs: "hao 2, lin 1"."""
    return ", ".join(f"{paper} {papers.count(paper)}" for paper in dict.fromkeys(papers)) or None


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    return mean_interval(values) if len(values) > 1 else (-np.inf, np.inf)


STUDIED = tuple(dict.fromkeys(chain.from_iterable([c.study for c in q.contrasts] for q in QUESTIONS)))
"""The studies that the page draws on."""
