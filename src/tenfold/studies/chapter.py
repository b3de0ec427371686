"""A study and its results as chapters of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tenfold.errors import StudyError
from tenfold.report.document import (
    MARKS,
    SO_FAR,
    Block,
    Cell,
    Column,
    Document,
    Note,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
)
from tenfold.runs import Run
from tenfold.studies.checks import blamed
from tenfold.studies.comparison import comparison
from tenfold.studies.exhibit import Exhibit, marked, with_runs
from tenfold.studies.experiment import READINGS, SEARCH, Setup
from tenfold.studies.judgment import judge_claim, lines
from tenfold.studies.questions import STUDIED
from tenfold.studies.results import Group, Results, measured, per_seed
from tenfold.studies.share import division
from tenfold.studies.watched import Watched

FEW = 3
"""How many names a sentence bears; more are folded away."""


def verdicts(results: Results) -> tuple[Verdict, ...]:
    """Return what became of every claim of a study, with the numbers that decided it."""
    found = []
    for claim in results.study.claims:
        watched = Watched.of_results(results)
        judgment = judge_claim(claim, watched)
        found.append(
            Verdict(
                claim.key,
                claim.text,
                judgment.outcome,
                judgment.reason,
                lines(judgment.parts),
                lines(judgment.parts, folded=True),
                judgment.so_far,
                watched.ran_at,
            )
        )
    return tuple(found)


def chapter(results: Results) -> tuple[Section, ...]:
    """Return a study's chapter: what it is, the verdicts, every table and figure, deviations, assumptions."""
    study = results.study
    authors = ", ".join(study.authors)
    opening: list[Block] = [
        Text(f"{authors}: *{study.title}*.{f' {study.source}.' if study.source else ''} {study.summary}"),
        *_scale_notes(results),
    ]
    exhibits = tuple(block for exhibit in study.exhibits for block in shown(exhibit, results))
    deviations = Table(
        (Column("No.", "right"), Column("The paper"), Column("Here"), Column("Why")),
        tuple(
            (number, each.paper, each.ours, each.reason) for number, each in enumerate(study.deviations, 1)
        ),
        "Where we deviate from the paper",
    )
    assumptions = Table(
        (Column("Setting"), Column("Taken"), Column("Why")),
        tuple((each.setting, each.value, each.reason) for each in study.assumptions),
        "What the paper leaves out, and what we take",
    )
    noticed = "Noticed in the paper:\n\n" + "\n".join(f"- {each}" for each in study.noticed)
    return (
        Section(f"{study.authors[0]} ({study.key})", tuple(opening), key=study.key),
        Section("Verdicts", (Verdicts(verdicts(results)),), key=f"{study.key}-verdicts", level=3),
        Section("Tables and figures", exhibits, key=f"{study.key}-figures", level=3),
        Section(
            "Deviations and assumptions",
            (
                deviations,
                *([assumptions] if study.assumptions else []),
                *tried(results),
                *([Text(noticed)] if study.noticed else []),
            ),
            key=f"{study.key}-deviations",
            level=3,
        ),
    )


def tried(results: Results) -> list[Block]:
    """Return how much depends on what we took, where it was tried: on validation images, never on test."""
    rows: list[tuple[Cell, ...]] = []
    marks = []
    for each in results.study.assumptions:
        taken = results.find(each.taken, SEARCH) if each.taken else None
        for instead, label in each.tried.items():
            other = results.find(label, SEARCH)
            change = None
            if taken is not None and other is not None:
                gaps = 100 * per_seed(other, taken, "validation_accuracy")
                change = measured(gaps, percent=False, digits=2)
            rows.append((each.setting, instead, change))
            marks.append(marked(other if taken else None))
    columns = (
        Column("Setting"),
        Column("Instead of what we take"),
        Column("Difference", "right", "points", help="of validation accuracy, paired by seed."),
    )
    untried = [each.setting for each in results.study.assumptions if not each.tried]
    blocks: list[Block] = []
    if rows:
        blocks.append(with_runs("How much depends on what we take", columns, rows, marks, heads=2))
    if untried:
        blocks.append(Text(f"Not tried otherwise: {'; '.join(untried)}."))
    return blocks


def shown(exhibit: Exhibit, results: Results) -> list[Block]:
    """Return what an exhibit shows; a warning, with the reason, where it cannot.

    Raises
    ------
    StudyError
        It fails otherwise, or returns something else; told with its title and its file.
    UnknownNameError
        It is about an experiment that the study does not have.
    """
    advice = "An exhibit is shown while nothing was run, too: results.find(name) is None then."
    with blamed(results.study, f"exhibit {exhibit.title!r}", advice):
        try:
            blocks = _named(exhibit).blocks(results)
        except StudyError as error:
            return [Note(f"{exhibit.title}: {error}", kind="warning")]
        if not isinstance(blocks, list) or not all(isinstance(block, Block) for block in blocks):
            raise TypeError(
                f"blocks must return a list of blocks, of tenfold.report.document. Got {blocks!r} instead"
            )
    return blocks


def _named(exhibit: Exhibit) -> Exhibit:
    """Return `exhibit` under a title that tells the paper's numbers from the report's."""
    first = exhibit.title.split()[0].removesuffix("s")
    if first in ("Figure", "Chart", "Table", "Appendix", "Appendice"):
        return replace(exhibit, title=f"The paper's {exhibit.title}")
    return exhibit


def _scale_notes(results: Results) -> list[Block]:
    """Say what is not the published recipe in full."""
    groups = list(results.groups.values())
    if not groups:
        return [Note(f"Nothing of this study was run at {results.scale} scale yet.", kind="warning")]
    reduced = [group for group in groups if not group.scaled.full]
    missing = tuple(name for name in results.study.by_name if not results.of(name))
    notes: list[Block] = []
    if len(reduced) == len(groups):
        notes.append(Note(_shortened(results, groups), kind="scale"))
    elif reduced:
        run = {group.experiment.name for group in groups}
        shorter = tuple(dict.fromkeys(group.experiment.name for group in reduced))
        beside = "Every table says so beside the name."
        few = f"At the published recipe in full, except for these, at a smaller scale: {{}}. {beside}"
        many = (
            f"{len(run) - len(shorter)} of {len(run)} experiments were run at the published recipe in full, "
            f"the other {len(shorter)} at a smaller scale. {beside}"
        )
        notes.append(_about(shorter, few, many))
    if missing:
        several = f"Not run at this scale: {len(missing)} of {len(results.study.by_name)} experiments."
        notes.append(_about(missing, "Not run at this scale: {}.", several))
    return notes


def _shortened(results: Results, groups: Sequence[Group]) -> str:
    """Return what was left out of runs of which none is the published recipe in full."""
    fewer = {
        "epochs": [
            isinstance(group.setup, Setup)
            and group.setup.at(group.scaled).recipe.epochs < group.setup.recipe.epochs
            for group in groups
        ],
        "images": [group.scaled.train is not None or group.scaled.test is not None for group in groups],
    }
    what = ", and ".join(
        f"{'' if all(each) else 'for some experiments '}fewer {name}"
        for name, each in fewer.items()
        if any(each)
    )
    text = (
        f"**{groups[0].scale.capitalize()} scale.** These are shortened runs, not the published recipe"
        f"{what and f': {what}'}. They decide nothing about the paper, so every claim is undecided"
    )
    if groups[0].scale == results.scale:
        text += "; beside it stands what holds or fails in them so far"
    scales = [each.scales["paper"] for each in results.study.experiments if "paper" in each.scales]
    if any(scale.full for scale in scales):
        text += f". For the paper's own recipe: `tenfold study run {results.study.argument} --scale paper`"
    return f"{text}."


def _about(names: tuple[str, ...], few: str, many: str) -> Note:
    """Return the note on `names`, which are told in it where they are few, and to be unfolded otherwise."""
    if len(names) <= FEW:
        return Note(few.format("; ".join(names)), kind="scale")
    return Note(many, kind="scale", names=names)


def protocol(every: Sequence[Results]) -> dict[str, str]:
    """Return how the numbers were made, from the runs themselves."""
    runs = [run for results in every for run in results.runs]
    if not runs:
        return {}
    days = sorted(run.started[:10] for run in runs)
    found = {"Date": " to ".join(dict.fromkeys((days[0], days[-1])))}
    studies = {results.study.key: results.study for results in every}
    found["Data"] = "; ".join(f"{key}: {study.data}" for key, study in studies.items())
    found["Validation"] = "; ".join(f"{key}: {division(study)}" for key, study in studies.items())
    used = {group.reading for results in every for group in results.groups.values()}
    texts: dict[str, list[str]] = {}
    for name, text in READINGS.items():
        if name in used:
            texts.setdefault(text, []).append(name)
    found["Readings"] = "; ".join(f"{', '.join(names)}: {text}" for text, names in texts.items())
    found["Seeds"] = ", ".join(map(str, sorted({run.seed for run in runs})))
    seconds = sum(run.metrics.get("cpu_seconds", run.seconds) for run in runs)
    found["Trainings"] = f"{len({run.id for run in runs}):,}, {seconds / 60:,.1f} minutes of training"
    found["Intervals"] = (
        "95%, Student's t over seeds; comparisons are paired by seed. They tell how much another seed would "
        "change, not another test set. A claim of several parts holds where all of them do, and "
        "fails where one does so surely that among as many it is no chance: its p times their number is at "
        "most 0.05 (Bonferroni)"
    )
    found |= environment(runs)
    return found


def environment(runs: Sequence[Run]) -> dict[str, str]:
    """Return on what `runs` were made, every distinct value once."""

    def each(values: Sequence[str | None]) -> str:
        return "; ".join(dict.fromkeys(value for value in values if value)) or "unknown"

    return {
        "Hardware": each([_hardware(run) for run in runs]),
        "Engine": each([run.engine for run in runs]),
        "Versions": each(
            [", ".join(f"{name} {number}" for name, number in run.versions.items()) for run in runs]
        ),
        "Commit": each([run.commit for run in runs]),
    }


def _hardware(run: Run) -> str:
    values = run.hardware
    gpu = f", {values['gpu']}" if values.get("gpu") else ""
    return f"{values.get('cpu')}, {values.get('cores')} cores{gpu}"


def overview(every: Sequence[Results], *, linked: bool = True) -> Section:
    """Return the verdicts of all studies in one table; the numbers behind them stand in the chapters.

    `linked`: whether the chapters are in the same document.
    """
    rows = tuple(
        (
            Text(f"[{_together(verdict.key)}](#{results.study.key}-verdicts)")
            if linked
            else _together(verdict.key),
            verdict.claim,
            _said(verdict),
            verdict.scale,
        )
        for results in every
        for verdict in verdicts(results)
    )
    columns = (Column("Key"), Column("Claim"), Column("Verdict"), Column("Run at"))
    return Section("Verdicts on every claim", (Table(columns, rows, whole=True),), key="verdicts")


def _said(verdict: Verdict) -> str:
    """Return what became of a claim, and what shortened runs show of it, if they show anything."""
    said = _together(f"{MARKS[verdict.outcome]} {verdict.outcome}")
    if verdict.so_far is None or verdict.so_far == "undecided":
        return said
    return f"{said}, {_together(SO_FAR[verdict.so_far])}"


def _together(text: str) -> str:
    """Return `text` so that no line breaks within it."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def shared(every: Sequence[Results]) -> bool:
    """Whether all studies that the comparison is made of are there."""
    return {results.study.key for results in every} >= set(STUDIED)


def document(every: Sequence[Results]) -> Document:
    """Return a whole report on some studies."""
    chapters = tuple(section for results in every for section in chapter(results))
    first: tuple[Section, ...] = ()
    if len(every) > 1:
        first = (overview(every), *comparison(every)) if shared(every) else (overview(every),)
    names = ", ".join(results.study.authors[0] for results in every)
    title = "Published studies, tested" if len(every) > 1 else every[0].study.title
    return Document(title, f"{names}: what was said, what we measured", (*first, *chapters), protocol(every))


def comparison_document(every: Sequence[Results]) -> Document:
    """Return the page that compares the papers, with the verdicts on all claims and without the chapters."""
    sections = (overview(every, linked=False), *comparison(every))
    names = ", ".join(results.study.authors[0] for results in every)
    return Document("The published studies compared", names, sections, protocol(every))
