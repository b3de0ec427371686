"""``tenfold study``: published studies, run again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.options import (
    JsonOption,
    QuietOption,
    ScaleName,
    ScaleOption,
    WorkersOption,
    examples,
)
from tenfold.cli.output import say, show, show_json, show_pairs, show_paragraph, show_table
from tenfold.cli.progress import Display, seconds_text, show_study
from tenfold.errors import StudyError, TrainingsFailed

if TYPE_CHECKING:
    from tenfold.studies.results import Results
    from tenfold.studies.study import Study

commands = typer.Typer(
    help="Published studies: list, show, run, report.", no_args_is_help=True, rich_markup_mode=None
)

KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY|FILE", help="A study by key (tenfold study list), or a Python file of your own."
    ),
]
KeysArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY|FILE]...",
        help="Studies by key (tenfold study list), or Python files of your own.",
        show_default=False,
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="All studies of Tenfold.")]
DataPathOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="The paper's own data, for a study that can read it (shrestha: Kaggle's train.csv).",
    ),
]


class StudyEngineName(StrEnum):
    """What computes a study."""

    auto = "auto"
    torch = "torch"
    numpy = "numpy"
    skorch = "skorch"


class ReportFormat(StrEnum):
    """How a report is written."""

    html = "html"
    markdown = "markdown"
    both = "both"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="study")


@commands.command("list", epilog=examples("tenfold study list", "tenfold study list --json"))
def list_studies(as_json: JsonOption = False) -> None:
    """List the studies."""
    from tenfold.studies import STUDIES, get_study

    rows: list[dict[str, Any]] = [
        {
            "key": study.key,
            "title": study.title,
            "authors": list(study.authors),
            "source": study.source,
            "experiments": len(study.experiments),
            "claims": len(study.claims),
        }
        for study in map(get_study, STUDIES)
    ]
    if as_json:
        show_json(rows)
        return
    show_table(
        [
            row | {"authors": row["authors"][0] + (" et al." if len(row["authors"]) > 1 else "")}
            for row in rows
        ],
        {
            "key": "Key",
            "authors": "Authors",
            "title": "Title",
            "experiments": "Experiments",
            "claims": "Claims",
        },
    )


@commands.command("show", epilog=examples("tenfold study show lin", "tenfold study show lin --json"))
def show_one(key: KeyArgument, as_json: JsonOption = False) -> None:
    """Show a study.

    What it did, what is run, what it claims, where we deviate.
    """
    from tenfold.studies import get_study
    from tenfold.studies.exhibit import seeds_text
    from tenfold.studies.share import division

    study = get_study(key)
    values = study.to_dict()
    if as_json:
        show_json(values)
        return
    show_pairs(
        {
            "key": study.key,
            "title": study.title,
            "authors": ", ".join(study.authors),
            "source": study.source or None,
            "framework": study.framework or None,
            "data": f"{study.data}{f', or {study.takes_data}' if study.takes_data else ''}",
            "validation": division(study),
        }
    )
    show("")
    show_paragraph(study.summary)
    show("\nExperiments")
    for experiment in values["experiments"]:
        scales = ", ".join(
            f"{name} {seeds_text(scale['seeds'])}" for name, scale in experiment["scales"].items()
        )
        setups = experiment["setups"]
        first = next(iter(setups.values()))
        what = f"{len(setups)} candidates" if len(setups) > 1 else first.get("network") or first["baseline"]
        show_paragraph(f"  {experiment['name']}: {what}; {', '.join(experiment['readings'])}; {scales}")
    show("\nClaims")
    for name, text in values["claims"].items():
        show_paragraph(f"  {name}  {text}")
    show("\nAssumptions")
    for each in study.assumptions:
        others = f" Tried instead: {', '.join(each.tried)}." if each.tried else ""
        show_paragraph(f"  {each.setting}: {each.value.rstrip('.')}. {each.reason}{others}")
    show("\nDeviations")
    for number, deviation in enumerate(study.deviations, 1):
        show_paragraph(f"  {number}. {deviation.paper} Here: {deviation.ours} Why: {deviation.reason}")


@commands.command(
    "run",
    epilog=examples(
        "tenfold study run lin",
        "tenfold study run abdelsalam lin --scale smoke",
        "tenfold study run lin --scale paper --seeds 3 --only 'Simple NN'",
        "tenfold study run shrestha --data train.csv",
        "tenfold study run okon --engine skorch",
        "tenfold study run my-study.py",
        "tenfold study run --all --scale smoke",
    ),
)
def run(
    keys: KeysArgument = None,
    every: AllOption = False,
    scale: ScaleOption = ScaleName.quick,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, metavar="N", help="How many seeds, instead of the scale's."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="EXPERIMENT", help="Run this experiment only; may be given several times."
        ),
    ] = None,
    data: DataPathOption = None,
    workers: WorkersOption = None,
    engine: Annotated[
        StudyEngineName,
        typer.Option(
            "--engine",
            help="What computes; auto: torch where it is installed. skorch: okon's search the published way "
            "too, with scikit-learn's GridSearchCV.",
        ),
    ] = StudyEngineName.auto,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run studies, and judge their claims.

    What is missing is trained; a finished training is never repeated. Ctrl-C saves the others; the same
    command goes on from there.
    """
    from tenfold.runs.store import Store
    from tenfold.studies.jobs import collect
    from tenfold.studies.runner import estimate, examine, run_study
    from tenfold.studies.workers import Workers, cores

    # Every name is looked up before anything is trained.
    studies = chosen(keys, every, data)
    if only and len(studies) > 1:
        raise typer.BadParameter("name a single study to run some of its experiments.", param_hint="--only")
    for name in only or []:
        studies[0].experiment(name)
    engines = {study.key: engine_for(study, engine, every) for study in studies}
    for study in studies:
        if study.file or engine is StudyEngineName.skorch:
            examine(study, scale.value, tuple(only or ()), engines[study.key])
    if not quiet:
        for study in studies:
            ahead = estimate(
                study,
                scale=scale.value,
                store=Store(),
                seeds=seeds,
                only=tuple(only or ()),
                engine=engines[study.key],
            )
            if ahead.trainings:
                count = min(workers or cores(), ahead.trainings)
                say(
                    f"{study.key}: {ahead.trainings:,} trainings to do, about "
                    f"{seconds_text(ahead.seconds / count)} on {count} {'cores' if count > 1 else 'core'}."
                )
    done: list[Results] = []
    failed: list[str] = []
    with Workers(workers) as processes:
        for study in studies:
            with Display(quiet) as display:
                try:
                    results = run_study(
                        study,
                        scale=scale.value,
                        store=Store(),
                        seeds=seeds,
                        only=tuple(only or ()),
                        engine=engines[study.key],
                        workers=processes,
                        on_progress=partial(show_study, display, study.key),
                    )
                except TrainingsFailed as error:
                    # The other trainings are as good as ever, and so are the other studies.
                    failed.append(str(error))
                    results = collect(study, scale.value, Store())
                done.append(results)
    if as_json:
        show_json([verdicts_dict(results) for results in done])
    else:
        for results in done:
            for line in verdicts_lines(results):
                show_paragraph(line)
    if failed:
        raise TrainingsFailed("\n".join(failed))
    if not quiet and not as_json:
        words = ["--all"] if every else [*(keys or [])]
        words += ["--data", str(data)] if data else []
        say(f"For tables and figures: tenfold study report {shlex.join(words)} --scale {scale.value}")


@commands.command(
    "report",
    epilog=examples(
        "tenfold study report lin",
        "tenfold study report abdelsalam lin --scale quick --format both --out my-report",
        "tenfold study report --all",
        "tenfold study report --all --comparison",
    ),
)
def report(
    keys: KeysArgument = None,
    every: AllOption = False,
    scale: ScaleOption = ScaleName.paper,
    data: DataPathOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to write; by default ./tenfold-report/KEY."),
    ] = None,
    form: Annotated[
        ReportFormat,
        typer.Option(
            "--format",
            help="html: one file that opens anywhere; markdown: with PNGs and results.json beside it.",
        ),
    ] = ReportFormat.html,
    only_comparison: Annotated[
        bool,
        typer.Option(
            "--comparison", help="Only the page that compares the studies, without the rest; needs --all."
        ),
    ] = False,
) -> None:
    """Write a report on what was run.

    Paper beside measured, figures, verdicts, deviations. Nothing is trained. At paper scale, what was not
    run in full is shown at quick scale and marked.
    """
    from tenfold.report.html import write_html
    from tenfold.runs.store import Store
    from tenfold.studies.chapter import comparison_document, document
    from tenfold.studies.jobs import collect
    from tenfold.studies.publication import comparison_to_dict, publish, report_to_dict

    if only_comparison and not every:
        raise typer.BadParameter(
            "it compares the published studies, all of them: give --all instead of names.",
            param_hint="--comparison",
        )
    studies = chosen(keys, every, data)
    found = [collect(study, scale.value, Store()) for study in studies]
    for results in found:
        # With --all, what was not run is marked as such.
        if not results.groups and not (every and any(other.groups for other in found)):
            raise StudyError(_nothing_run(results))
    name = "all" if every else "-".join(results.study.key for results in found)
    folder = out or Path("tenfold-report") / name
    whole = comparison_document(found) if only_comparison else document(found)
    if form in (ReportFormat.html, ReportFormat.both):
        show_pairs({"report": write_html(whole, folder / "index.html").absolute()})
    if form in (ReportFormat.markdown, ReportFormat.both):
        values = comparison_to_dict(found) if only_comparison else report_to_dict(found)
        show_pairs({"report": publish(whole, values, folder).absolute()})


def chosen(keys: list[str] | None, every: bool, data: Path | None) -> list[Study]:
    """Return the studies that the user named, on the user's data where a study takes it."""
    from tenfold.studies import STUDIES, get_study

    if bool(keys) == every:
        raise typer.BadParameter("name one study or several, or give --all.", param_hint="KEY")
    if every:
        # The others have their own data.
        studies = [get_study(key) for key in STUDIES]
        return [on_data(study, data) if study.takes_data else study for study in studies]
    return [on_data(get_study(key), data) for key in dict.fromkeys(keys or [])]


def engine_for(study: Study, engine: StudyEngineName, every: bool) -> str:
    """Return what computes a study: of all studies, skorch is meant for those alone that use it."""
    uses_skorch = any("skorch" in experiment.engines for experiment in study.experiments)
    if engine is StudyEngineName.skorch and every and not uses_skorch:
        return StudyEngineName.auto.value
    return engine.value


def on_data(study: Study, data: Path | None) -> Study:
    """Return `study` on the file that the user gave instead of its own data set.

    The file is read here, so that a wrong one is told before anything is trained.
    """
    if data is None:
        return study
    if not study.takes_data:
        raise StudyError(f"{study.key} runs on {study.data}; it takes no file. Leave --data out.")
    from tenfold.data.catalog import load_dataset
    from tenfold.studies.share import must_hold

    whole = load_dataset(data)
    if study.split is not None:
        must_hold(whole, study.split, str(data))
    return replace(study, data=str(data.absolute()))


def _nothing_run(results: Results) -> str:
    """Say that there is nothing to report, and at which other scales there is."""
    from tenfold.runs.store import Store
    from tenfold.studies.jobs import collect

    study, scale = results.study, results.scale
    others = [
        other.value
        for other in ScaleName
        if other.value != scale and collect(study, other.value, Store()).groups
    ]
    nothing = f"Nothing of {study.key} was run at {scale} scale"
    if others:
        return f"{nothing}, but there are runs at {' and '.join(others)} scale: add --scale {others[-1]}"
    return f"{nothing}. Run it with: tenfold study run {study.argument} --scale {scale}"


def verdicts_dict(results: Results) -> dict[str, Any]:
    """Return what became of a study's claims as plain JSON values."""
    from tenfold.studies.chapter import verdicts

    return {
        "key": results.study.key,
        "scale": results.scale,
        "trainings": len(results.runs),
        "verdicts": [verdict.to_dict() for verdict in verdicts(results)],
    }


def verdicts_lines(results: Results) -> list[str]:
    """Return what became of a study's claims, for people, with the scale marked."""
    from tenfold.report.document import MARKS
    from tenfold.studies.chapter import verdicts

    scale = results.scale
    marked = scale if scale == "paper" else f"{scale} scale: shortened runs, not the published recipe"
    lines = [f"{results.study.key}, {marked}; {len(results.runs)} trainings"]
    for each in verdicts(results):
        lines.append(f"  {MARKS[each.outcome]} {each.key}  {each.outcome}: {each.claim}")
        lines += [f"      {line}" for line in (each.reason, *each.shown)]
    return lines
