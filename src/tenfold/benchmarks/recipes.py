"""Our own recipes, trained from scratch under several seeds and measured once each.

`measure` trains what is not measured yet and keeps every figure in ``recipes.json`` as soon as it is there,
so that a run that was stopped, or that had a seed for each only, goes on where it was. ``recipes.md`` is made
of the same figures. A network or recipe that was changed is measured anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from tenfold.data.catalog import load
from tenfold.errors import TenfoldError, lookup
from tenfold.evaluation.significance import mean_interval
from tenfold.models.fit import Fit, Fitted, fit
from tenfold.models.model import Model
from tenfold.models.teacher import with_teacher
from tenfold.networks import fold, zoo
from tenfold.networks.program import lower
from tenfold.report.files import write
from tenfold.runs.run import identity
from tenfold.runs.store import Store
from tenfold.training import get_engine
from tenfold.training.engine import Engine
from tenfold.training.loop import Progress
from tenfold.training.recipe import default_recipe

SEEDS, FEWER = 10, 5
"""How many seeds a figure wants, and how many where a seed is long."""

LONG = 600
"""Processor seconds from which on a seed is long."""

ON_CPU = tuple(
    {"name": "torch", "device": "cpu", "compile": False, "products": products}
    for products in ("bfloat16", "float32")
)
"""What the engine of torch says of itself on a CPU, for precision "mixed"."""

FIGURES, PAGE = "recipes.json", "recipes.md"


@dataclass(frozen=True)
class Goal:
    """What a recipe is meant to reach; the mean over seeds counts.

    Attributes
    ----------
    accuracy : float
        At least, on MNIST's test set.
    seconds : float or None
        At most, of training on two cores.
    parameters : int or None
        At most, batch norm folded away.
    """

    accuracy: float
    seconds: float | None = None
    parameters: int | None = None


GOALS: dict[str, Goal] = {
    "sprint": Goal(0.990, seconds=6),
    "fast": Goal(0.994, seconds=25),
    "base": Goal(0.996, seconds=600),
    "tiny-700": Goal(0.990, parameters=697),
    "tiny-4k": Goal(0.994, parameters=4_000),
    "tiny-8k": Goal(0.995, parameters=8_000),
}

GPU = (
    "Not measured, for want of a GPU: `sprint` there (goal 99.0% in 0.1 s, warm), `fast` there (99.4% in",
    "0.5 s, warm). Not made yet: `record` (99.73% with one network, 99.80% with an ensemble, in 10 minutes",
    "of a GPU).",
)
"""What is told of the goals that need one."""

AGAIN = (
    "- What earlier networks of these names had on the test set was known when the present ones were made,",
    "  on 2026-11-21 and 22: `tiny-8k` was taken up again at 99.36% (one seed) and at 99.48% (nine),",
    "  `tiny-4k` at 99.39% (one), all short of their goals; `sprint` at 99.31% (ten), for its time. So the",
    "  test set decided that something be tried again, though never what was taken.",
)
"""When the test set was looked at before; a recipe that is made again belongs here."""


@dataclass(frozen=True)
class Measurement:
    """One training, measured once.

    Attributes
    ----------
    name : str
        Of the network and its recipe.
    seed : int
    run : str
        The run's id: a hash of the network, recipe, data, seed, engine and teacher.
    accuracy, nll : float
        On MNIST's test set, at the end.
    seconds, processor : float
        Wall clock of the training, and processor time of all its threads.
    parameters : int
        Batch norm folded away.
    multiply_adds : int
        For one image.
    commit : str or None
    hardware : dict
    versions : dict
    """

    name: str
    seed: int
    run: str
    accuracy: float
    nll: float
    seconds: float
    processor: float
    parameters: int
    multiply_adds: int
    commit: str | None
    hardware: dict[str, Any] = field(repr=False)
    versions: dict[str, str] = field(repr=False)


def folded_parameters(model: Model) -> int:
    """Return how many numbers a network is stored in once batch norm is folded into its neighbors.

    What is zero by the network's structure (the bias of a layer that has none) is not counted.
    """
    return fold.folded_parameters(fold.fold(lower(model.architecture, model.weights)))


def plan(name: str, seed: int) -> Fit:
    """Return the training of the recipe `name` under `seed`: all of MNIST's 60,000 training images.

    Raises
    ------
    UnknownNameError
        It is none of ours.
    ModelError
        Its teacher does not ship.
    """
    lookup("recipe of ours", name, GOALS)
    digits, network = load("mnist"), zoo.get(name)
    recipe, teacher = with_teacher(default_recipe(name), network, digits.train)
    return Fit(network, recipe, digits.train, test=digits.test, seed=seed, teacher=teacher)


def measure(
    names: Sequence[str],
    seeds: Sequence[int],
    *,
    engine: Engine,
    store: Store,
    folder: Path,
    on_progress: Callable[[str, int, Progress], None] | None = None,
) -> list[Measurement]:
    """Measure what is not measured yet, seed by seed, and write both files to `folder`.

    Parameters
    ----------
    names : sequence of str
        Keys of `GOALS`.
    seeds : sequence of int
    engine : Engine
    store : Store
        Keeps the runs, with their weights.
    folder : Path
        Where ``recipes.json`` and ``recipes.md`` lie.
    on_progress : function of (name, seed, Progress), or None

    Returns
    -------
    measurements : list of Measurement
        All that `folder` now holds.

    Raises
    ------
    TenfoldError
        As `plan` and `fit`; or the figures in `folder` cannot be read.
    """
    kept = read(folder)
    for seed in seeds:  # all of one seed first: what is stopped has something of everything
        for name in names:
            wanted = plan(name, seed)
            if any(each.run == identity(wanted.what(engine)) for each in kept):
                continue

            def tell(progress: Progress, name: str = name, seed: int = seed) -> None:
                if on_progress is not None:
                    on_progress(name, seed, progress)

            made = fit(wanted, engine=engine, store=store, on_progress=tell, tags={"recipe": name})
            kept = [each for each in read(folder) if (each.name, each.seed) != (name, seed)]
            kept.append(_measurement(name, made))
            publish(kept, folder)
    return kept


def _measurement(name: str, made: Fitted) -> Measurement:
    run, model = made.run, made.model()
    return Measurement(
        name=name,
        seed=run.seed,
        run=run.id,
        accuracy=run.metrics["test"]["accuracy"],
        nll=run.metrics["test"]["nll"],
        seconds=run.seconds,
        processor=run.metrics["cpu_seconds"],
        parameters=folded_parameters(model),
        multiply_adds=model.architecture.multiply_adds,
        commit=run.commit,
        hardware=run.hardware,
        versions=run.versions,
    )


def read(folder: Path) -> list[Measurement]:
    """Return the measurements that `folder` holds, none if it holds no file of them.

    Raises
    ------
    TenfoldError
        The file is damaged.
    """
    path = folder / FIGURES
    try:
        return [Measurement(**values) for values in json.loads(path.read_text("utf-8"))["measurements"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TenfoldError(
            f"{path} holds no figures of recipes ({error}). Move it away to measure anew."
        ) from None


def current(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return those whose network, recipe, teacher and data are what their name stands for now.

    They were trained by torch on a CPU, be it one with products of bfloat16 or not.
    """
    known = {each.name for each in measurements} & GOALS.keys()
    whats = {name: plan(name, 0).what(get_engine("numpy")) for name in known}

    def is_current(each: Measurement) -> bool:
        what = whats.get(each.name, {}) | {"seed": each.seed}
        return any(each.run == identity(what | {"engine": engine}) for engine in ON_CPU)

    return list(filter(is_current, measurements))


def publish(measurements: Sequence[Measurement], folder: Path) -> Path:
    """Write ``recipes.json`` and ``recipes.md`` to `folder`; return the page's path."""
    order = list(GOALS)
    ranked = sorted(measurements, key=lambda each: (order.index(each.name), each.seed))
    text = json.dumps({"measurements": [asdict(each) for each in ranked]}, indent=1, ensure_ascii=False)
    write(folder / FIGURES, f"{text}\n".encode())
    return write(folder / PAGE, ("\n".join(_page(ranked)) + "\n").encode())


def _page(measurements: Sequence[Measurement]) -> Iterator[str]:
    groups = {name: [each for each in measurements if each.name == name] for name in GOALS}
    yield from (
        "# Our recipes",
        "",
        "`tenfold recipes measure --out DIR` repeats what is told here.",
        "",
        "| recipe | test accuracy (mean ± sd) | 95% interval | seeds | goal | reached | parameters, folded | "
        "multiply-adds |",
        "|---|---|---|---|---|---|---|---|",
    )
    for name, group in groups.items():
        if group:
            yield _row(name, GOALS[name], group)
    absent = [name for name, group in groups.items() if not group]
    if absent:
        yield f"\nNot measured yet: {', '.join(absent)}."
    yield from ("", *GPU)
    yield from ("", "## Time", "")
    yield from (
        "| recipe | machine | threads | seeds | processor time, s (mean ± sd) | of them alone on two cores | "
        "wall clock of these, s (mean ± sd, most) |",
        "|---|---|---|---|---|---|---|",
    )
    for group in groups.values():
        yield from _times(group)
    yield from ("", "## Protocol", "")
    yield from _protocol(measurements)
    yield from ("", "## Every training", "")
    yield "| recipe | seed | test accuracy | NLL | machine | threads | processor time, s | commit | run |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for each in measurements:
        yield (
            f"| {each.name} | {each.seed} | {each.accuracy:.2%} | {each.nll:.4f} | {each.hardware['cpu']} | "
            f"{each.hardware['threads']} | {each.processor:.1f} | {(each.commit or '–')[:12]} | "
            f"{each.run[:12]} |"
        )


def _row(name: str, goal: Goal, group: Sequence[Measurement]) -> str:
    values = [each.accuracy for each in group]
    spread = f" ± {stdev(values):.2%}" if len(values) > 1 else ""
    interval = "–"
    if len(values) > 1:
        low, high = mean_interval(values)
        interval = f"{low:.2%} to {high:.2%}"
    limits = [f"≥ {goal.accuracy:.1%}"]
    limits += [f"≤ {goal.seconds:g} s"] if goal.seconds else []
    limits += [f"≤ {goal.parameters:,} parameters"] if goal.parameters else []
    cells = (
        f"`{name}`",
        f"{mean(values):.3%}{spread}",
        interval,
        f"{len(values)}" + (f" of {_wanted(group)}" if len(values) < _wanted(group) else ""),
        ", ".join(limits),
        _verdict(goal, group),
        f"{group[0].parameters:,}",
        f"{group[0].multiply_adds:,}",
    )
    return f"| {' | '.join(cells)} |"


def _times(group: Sequence[Measurement]) -> Iterator[str]:
    """Yield a row for each machine and number of threads, since times of two machines have no mean."""
    places = [(each.hardware["cpu"], each.hardware["threads"]) for each in group]
    for place in sorted(set(places)):
        here = [each for each, its in zip(group, places, strict=True) if its == place]
        idle = _undisturbed(here)
        cells = (
            f"`{here[0].name}`",
            *map(str, place),
            f"{len(here)}",
            _spread([each.processor for each in here]),
            f"{len(idle)}",
            f"{_spread(idle)}, {max(idle):.1f}" if idle else "–",
        )
        yield f"| {' | '.join(cells)} |"


def _spread(seconds: Sequence[float]) -> str:
    return f"{mean(seconds):.1f}" + (f" ± {stdev(seconds):.1f}" if len(seconds) > 1 else "")


def _verdict(goal: Goal, group: Sequence[Measurement]) -> str:
    reached = mean(each.accuracy for each in group) >= goal.accuracy
    if goal.parameters is not None:
        reached = reached and group[0].parameters <= goal.parameters
    so_far = "" if len(group) >= _wanted(group) else ", so far"
    if goal.seconds is None or not reached:
        return ("yes" if reached else "no") + so_far
    idle = _undisturbed(group)
    if not idle:
        return f"accuracy yes{so_far}; the time is open, for want of two idle cores"
    verdict = "yes" if mean(idle) <= goal.seconds else "no, too slow"
    within = sum(seconds <= goal.seconds for seconds in idle)
    return f"{verdict}{so_far}; {within} of {len(idle)} within the time"


def _wanted(group: Sequence[Measurement]) -> int:
    """Return how many seeds the figure of these trainings wants."""
    return FEWER if min(each.processor for each in group) > LONG else SEEDS


def _undisturbed(group: Sequence[Measurement]) -> list[float]:
    """Return the seconds of those trainings whose two threads waited for others less than for each other."""
    return [
        each.seconds
        for each in group
        if each.hardware["threads"] == 2 and each.processor >= 0.6 * 2 * each.seconds
    ]


def _protocol(measurements: Sequence[Measurement]) -> Iterator[str]:
    machines = sorted(
        {
            f"{each.hardware['cpu']}, {each.hardware['threads']} of {each.hardware['cores']} cores in use, "
            f"torch {each.versions.get('torch', '–')}"
            for each in measurements
        }
    )
    names = dict.fromkeys(each.name for each in measurements)
    teachers = {name: default_recipe(name).distillation.teacher for name in names}
    yield from (
        "- Trained on all 60,000 training images of MNIST for a length fixed beforehand; final weights; the",
        "  test set of 10,000 used once a training, at its end. Nothing was chosen on it: what was tried was",
        "  judged on 6,000 held-out training images (`docs/decisions`).",
        *AGAIN,
        f"- Mean and standard deviation are over seeds 0, 1, ...: {SEEDS}, and {FEWER} where each takes over",
        f"  {LONG // 60} minutes of a core; the interval is Student's t, of the mean over these seeds. It",
        "  does not tell how another 10,000 test images would come out.",
        "- Seconds are those of the training, from the drawing of the first weights to the last step (of",
        "  figures before 2026-11-22: of its epochs; the rest takes some 10 ms); data and libraries are",
        "  loaded. Where a time is a goal, the mean decides, of the seeds that were alone on two cores:",
        "  processor time of at least 0.6 times that of two threads. It holds for the machine named",
        "  there. One command trains its seeds in one process: only the first of them starts cold.",
        "- One thread: two commands side by side, each with `OMP_NUM_THREADS=1`; threads and machines change",
        "  the rounding, and so the last digits of an accuracy.",
        "- Parameters are counted after batch norm is folded into the layers beside it.",
        *(
            f"- `{name}` learns from `{teacher}` as it ships, besides labels; its training is not counted."
            for name, teacher in teachers.items()
            if teacher
        ),
        *(f"- Machine: {machine}." for machine in machines),
    )
