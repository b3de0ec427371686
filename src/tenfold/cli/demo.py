"""``tenfold demo``: the main job. Our network and two studies, trained and told in one report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.options import (
    EngineName,
    EngineOption,
    QuietOption,
    ScaleName,
    ScaleOption,
    WorkersOption,
    examples,
)
from tenfold.cli.output import show_pairs
from tenfold.cli.progress import Display, Stages, numbers_text, seconds_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenfold.data.dataset import Digits
    from tenfold.models.fit import Fitted
    from tenfold.networks.architecture import Architecture
    from tenfold.report.document import Document
    from tenfold.runs.store import Store
    from tenfold.studies.results import Results
    from tenfold.studies.study import Study
    from tenfold.training.engine import Engine
    from tenfold.training.loop import Progress
    from tenfold.training.recipe import Recipe

NETWORK = "fast"
STUDIES = ("abdelsalam", "lin")
LEFT_OUT = ("Enhanced CNN with Adam, 80 epochs",)
"""What a paper did and the demo does not: a tenth of its time for a single chart."""

SEED_SECONDS, REPORT_SECONDS = 25.0, 12.0
"""About how long a seed of our network and the report take on two cores; the time left is corrected by how
long things really take."""


def _shown(study: Study) -> tuple[str, ...]:
    return tuple(name for name in study.own if name not in LEFT_OUT)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo", epilog=examples("tenfold demo", "tenfold demo --seeds 5 --out my-report"))(demo)


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the report is written, as index.html.")
    ] = Path("tenfold-report"),
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, metavar="N", help="How often our network is trained.")
    ] = 3,
    scale: ScaleOption = ScaleName.quick,
    workers: WorkersOption = None,
    engine: EngineOption = EngineName.auto,
    quiet: QuietOption = False,
) -> None:
    """Train our network, run two published studies, read a page, write a report.

    Takes less than five minutes on two cores. Of the studies it runs what the papers did, but for one
    training behind a single chart, not the searches that try other assumptions (tenfold study run adds them).
    What is finished is kept, so a second run is quick, and one that was stopped goes on where it was.
    """
    from tenfold.data.catalog import load
    from tenfold.errors import require
    from tenfold.networks.zoo import get
    from tenfold.report.html import write_html
    from tenfold.runs.store import Store
    from tenfold.studies import get_study
    from tenfold.training.recipe import default_recipe

    # The report comes last; what it needs is asked for first.
    for library in ("jinja2", "matplotlib"):
        require(library, extra="train", purpose="The demo's report")
    with Display(quiet) as display:
        display.update("reading MNIST", 0.0, float("nan"), line="reading MNIST ...")
        job = Demo(
            get(NETWORK),
            default_recipe(NETWORK),
            load("mnist"),
            [get_study(key) for key in STUDIES],
            Store(),
            seeds=seeds,
            scale=scale.value,
            engine=engine.value,
            workers=workers,
        )
        document = job.run(display)
        path = write_html(document, out / "index.html")
    accuracies = [made.run.metrics["test_accuracy"] for made in job.fitted]
    show_pairs(
        {
            "report": path.absolute(),
            "models": "\n".join(str(made.folder) for made in job.fitted),
            "test accuracy": f"{sum(accuracies) / len(accuracies):.2%}, mean of {len(accuracies)} seeds "
            f"({', '.join(f'{value:.2%}' for value in accuracies)})",
            "training": ", ".join(seconds_text(made.run.seconds) for made in job.fitted) + " a seed",
        }
    )


class Demo:
    """The main job: a network over some seeds, and some studies.

    Parameters
    ----------
    network : Architecture
    recipe : Recipe
    digits : Digits
    studies : sequence of Study
    store : Store
    seeds : int
        How often the network is trained.
    scale : str
        Of the studies.
    engine : str
    workers : int or None
        How many processes train the studies' networks.
    """

    def __init__(
        self,
        network: Architecture,
        recipe: Recipe,
        digits: Digits,
        studies: Sequence[Study],
        store: Store,
        *,
        seeds: int = 3,
        scale: str = "quick",
        engine: str = "auto",
        workers: int | None = None,
    ) -> None:
        from tenfold.models.fit import Fit

        self.network = network
        self.digits = digits
        self.studies = studies
        self.store = store
        self.scale = scale
        self.engine = engine
        self.workers = workers
        first = Fit(network, recipe, digits.train, test=digits.test)
        self.plans = [replace(first, seed=seed) for seed in range(seeds)]
        self.fitted: list[Fitted] = []
        """What `run` trained, seed by seed."""

    def run(self, display: Display) -> Document:
        """Do all that is not done yet, and return the report."""
        from tenfold.training.engines import get_engine

        engine = get_engine(self.engine)
        stages = Stages(display, self._costs(engine))
        self.fitted = [self._fit(seed, engine, stages) for seed in range(len(self.plans))]
        results = [self._study(study, stages) for study in self.studies]
        return self._document(results, stages)

    def _costs(self, engine: Engine) -> dict[str, float]:
        """Return about how many seconds each part takes, by its title."""
        from tenfold.runs import identity
        from tenfold.studies.jobs import collect, jobs
        from tenfold.studies.workers import cores

        costs = {
            self._title(seed): SEED_SECONDS if self.store.find(identity(plan.what(engine))) is None else 0.1
            for seed, plan in enumerate(self.plans)
        }
        for study in self.studies:
            needed = jobs(study, self.scale, collect(study, self.scale, self.store), only=_shown(study))
            missing = [
                job
                for job in needed
                if self.store.find(identity(job.what(engine.settings(job.recipe)))) is None
            ]
            seconds = sum(job.cost for job in missing) / min(self.workers or cores(), max(len(missing), 1))
            costs[f"study {study.key}"] = seconds or 0.1
        return costs | {_WRITING: REPORT_SECONDS}

    def _title(self, seed: int) -> str:
        return f"training {self.network.name}, seed {seed + 1} of {len(self.plans)}"

    def _fit(self, seed: int, engine: Engine, stages: Stages) -> Fitted:
        from tenfold.models.fit import fit

        title = self._title(seed)

        def progress(state: Progress) -> None:
            numbers = numbers_text(state.row)
            line = f"{title}: epoch {state.epoch} of {state.epochs}  {numbers}" if numbers else ""
            stages.update(title, state.part, numbers, line=line)

        stages.update(title, 0.0)
        made = fit(self.plans[seed], engine=engine, store=self.store, on_epoch=progress, on_progress=progress)
        if made.repeated:
            stages.update(title, 1.0, line=f"{title}: was trained before")
        return made

    def _study(self, study: Study, stages: Stages) -> Results:
        from tenfold.studies.runner import run_study
        from tenfold.studies.workers import StudyProgress

        def progress(state: StudyProgress) -> None:
            done = f"{state.done} of {state.total} trainings"
            stages.update(f"study {study.key}", state.part, done, line=f"study {study.key}: {done}")

        return run_study(
            study,
            scale=self.scale,
            only=_shown(study),
            store=self.store,
            engine=self.engine,
            workers=self.workers,
            on_progress=progress,
        )

    def _document(self, results: Sequence[Results], stages: Stages) -> Document:
        from tenfold.cli.demo_reading import reading_section
        from tenfold.report.document import Document, Numbers, Section, Text
        from tenfold.report.figures import sample_grid
        from tenfold.report.network import headline, network_chapter
        from tenfold.studies.chapter import chapter, environment, overview, protocol, verdicts

        steps = iter(range(len(results) + 2))

        def drawing(what: str) -> None:
            stages.update(_WRITING, next(steps) / (len(results) + 2), what)

        test = self.digits.test
        runs = [made.run for made in self.fitted]
        probabilities = self.fitted[0].model().predict_proba(test.images, self.engine)
        judged = [verdict.so_far or verdict.outcome for each in results for verdict in verdicts(each)]
        claims = (
            "claims that hold so far",
            f"{judged.count('holds')} of {len(judged)}",
            f"{judged.count('does not hold')} fail so far, {judged.count('undecided')} are open; runs at "
            f"{self.scale} scale decide nothing",
        )
        name, every = self.network.name, [*runs, *(run for each in results for run in each.runs)]
        opening = (
            f"Our network `{name}` on MNIST, and {len(results)} published studies run again at {self.scale} "
            f"scale. Read on: [the network](#{name}), [every claim](#verdicts), "
            + ", ".join(f"[{each.study.authors[0]}](#{each.study.key})" for each in results)
            + "."
        )
        summary = Section(
            "At a glance",
            (
                Text(opening),
                Numbers((*headline(runs).items, claims)),
                sample_grid(
                    self.digits.train.images,
                    self.digits.train.labels,
                    classes=self.digits.train.classes,
                    each=2,
                    caption=f"What it is about: images of {self.digits.train.name}, two of each class.",
                ),
            ),
            key="glance",
        )
        about = (
            f"Trained on all {len(self.digits.train):,} training images, {len(runs)} times from other first "
            "weights and in another order. The test set was used once for each, at the end; nothing was "
            f"chosen on it. The recipe is `tenfold/training/recipes/{name}.toml`."
        )
        drawing(name)
        title = f"Our network: {name}"
        sections = [
            summary,
            *network_chapter(self.network, runs, test, probabilities, title=title, opening=about),
        ]
        sections.append(overview(results))
        for each in results:
            drawing(each.study.key)
            sections += chapter(each)
        drawing("page")
        sections.append(reading_section(test))
        how = protocol(results) | environment(every)
        how[f"Network {name}"] = (
            f"seeds {', '.join(str(run.seed) for run in runs)}; all images of {self.digits.train.name}; "
            f"tested once each on {test.name}"
        )
        return Document(
            "Tenfold: handwritten digits, measured", "What one run of the demo found", tuple(sections), how
        )


_WRITING = "writing the report"
