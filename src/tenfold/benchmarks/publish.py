"""The page of all benchmarks: a table and its protocol for each, and charts of how cost grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from tenfold.benchmarks import recipes
from tenfold.benchmarks.benchmark import Benchmark, Growth, Measure
from tenfold.benchmarks.chart import growth_chart
from tenfold.benchmarks.measurements import Measurement, Measurements
from tenfold.benchmarks.summary import (
    Outcome,
    Row,
    Spread,
    curves,
    exponents,
    outcomes,
    recipe_accuracies,
    rows,
)
from tenfold.report.files import write
from tenfold.report.tables import NOTHING, format_number

FIGURES, PAGE, CHARTS = "benchmarks.json", "benchmarks.md", "benchmarks"
IDLE = 0.1
"""Up to so many cores may other work have kept busy during a measurement for the machine to count as idle."""


def publish(suite: Sequence[Benchmark], kept: Measurements, folder: Path) -> Path:
    """Write the page and its charts to `folder`; return the page's path."""
    for benchmark in suite:
        if isinstance(benchmark, Growth) and (series := _series(benchmark, kept)):
            svg, _ = growth_chart(benchmark.title, benchmark.size, benchmark.cost, series)
            write(folder / CHARTS / f"{benchmark.key}.svg", f"{svg}\n".encode())
    return write(folder / PAGE, ("\n".join(_page(suite, kept)) + "\n").encode())


def to_dict(suite: Sequence[Benchmark], kept: Measurements) -> dict[str, Any]:
    """Return what the page says as plain JSON values."""
    found: dict[str, Any] = {}
    accuracies = _accuracies(kept)
    for benchmark in suite:
        if isinstance(benchmark, Growth):
            found[benchmark.key] = {
                side.name: {"exponent": exponents(measurements).to_dict()}
                for side in benchmark.sides
                if (measurements := kept.of(benchmark.key, side.name))
            }
        else:
            found_rows = rows(benchmark, kept)
            found[benchmark.key] = {
                "reference": benchmark.reference,
                "rows": [row.to_dict() for row in found_rows],
                "goals": [outcome.to_dict() for outcome in outcomes(benchmark, found_rows, accuracies)],
            }
    return found


def _series(benchmark: Benchmark, kept: Measurements) -> dict[str, list[dict[float, float]]]:
    return {
        side.name: curves(measurements)
        for side in benchmark.sides
        if (measurements := kept.of(benchmark.key, side.name))
    }


def _page(suite: Sequence[Benchmark], kept: Measurements) -> Iterator[str]:
    yield from (
        "# Benchmarks",
        "",
        "`make bench`, or `tenfold bench`, measures what is told here; `tenfold bench --fresh` measures it "
        "anew. Every side runs in a process of its own, and the sides of a benchmark take turns. Told are "
        "means ± standard deviations over the repeats; *times* is how many times as good as the reference "
        "a side is, repeat by repeat: mean (least to most), with its own n where the reference was measured "
        "less often than the side. The reference has a 1.",
        "",
        "Every library has the thread settings that it comes with. Ours sets its own wherever its torch "
        "engine is used, here as in every program: threads that wait soon sleep (`OMP_WAIT_POLICY=passive`, "
        "`GOMP_SPINCOUNT=3000`). Sides of one thread are told so, peers too, and OpenBLAS the width of the "
        "core. Keras computes with torch.",
        "",
        "What our recipes reach over ten seeds is measured by `tenfold recipes measure`, into recipes.md.",
    )
    accuracies = _accuracies(kept)
    for benchmark in suite:
        measurements = [each for side in benchmark.sides for each in kept.of(benchmark.key, side.name)]
        yield from ("", f"## {benchmark.title}", "")
        if not measurements:
            yield f"Not measured yet: `tenfold bench --only {benchmark.key}`."
            continue
        yield from (
            _growth(benchmark, kept) if isinstance(benchmark, Growth) else _table(benchmark, kept, accuracies)
        )
        yield from ("", f"**Protocol.** {benchmark.protocol}", "")
        yield _circumstances(benchmark, measurements)


def _table(benchmark: Benchmark, kept: Measurements, accuracies: Mapping[str, Spread]) -> Iterator[str]:
    found = rows(benchmark, kept)
    titles = ["", *(title for measure in benchmark.measures for title in _titles(measure)), "n"]
    yield _line(titles)
    yield _line(["---", *["---:"] * (len(titles) - 1)])
    for row in found:
        yield _line(_cells(benchmark, row))
    for outcome in outcomes(benchmark, found, accuracies):
        yield f"\n{_outcome(benchmark, outcome)}"
    left = [side.name for side in benchmark.sides if side.name not in {row.side for row in found}]
    if left:
        yield f"\nNot measured: {', '.join(left)}."


def _accuracies(kept: Measurements) -> dict[str, Spread]:
    """Return the accuracies over the seeds that `tenfold recipes measure` left beside the measurements."""
    return recipe_accuracies(recipes.current(recipes.read(kept.path.parent)))


def _outcome(benchmark: Benchmark, outcome: Outcome) -> str:
    """Return a goal and what became of it, in one line."""
    goal = outcome.goal
    if not outcome.measured:
        return f"Goal: {goal.text}. **Open**: not measured."
    if outcome.side is None:
        return (
            f"Goal: {goal.text}. **Not reached**: none that was measured has at least "
            f"{100 * goal.accuracy:g}% right."
        )
    repeats = f"{outcome.met} of {outcome.repeats} repeats"
    accurate = f"; {_seeds(outcome.accuracy)}" if outcome.accuracy else ""
    if outcome.value is None:
        return f"Goal: {goal.text}. **Not reached** ({repeats}): {outcome.side}{accurate}."
    measures = {measure.key: measure for measure in benchmark.measures}
    measure = measures[goal.measure]
    value = _reading(outcome.value, measure, goal.times)
    if isinstance(goal.limit, str) and outcome.limit is not None:
        value += f" beside {_reading(outcome.limit, measure, goal.times)}"
    for key, further in outcome.also.items():
        text = NOTHING if further is None else _reading(further, measures[key], times=False)
        value += f", {measures[key].title} {text}"
    verdict = "Reached" if outcome.reached else "Not reached"
    side = outcome.side if outcome.met == outcome.repeats else f"{outcome.side}; kept in {repeats}"
    return f"Goal: {goal.text}. **{verdict}**: {value} ({side}{accurate})."


def _seeds(accuracy: Spread) -> str:
    """Return the accuracy that a side counts by, and of how many seeds it is the mean."""
    n = len(accuracy.values)
    return f"{accuracy.mean:.2%} right, " + ("measured once" if n == 1 else f"the mean of {n} seeds")


def _reading(value: float, measure: Measure, times: bool) -> str:
    """Return a value in words, with its unit."""
    if times:
        return f"{_times(value)} times"
    return f"{_value(Spread((value,)), measure)} {measure.unit}".rstrip()


def _titles(measure: Measure) -> list[str]:
    title = f"{measure.title} ({measure.unit})" if measure.unit else measure.title
    return [title, "times"] if measure.better and measure.ratio else [title]


def _cells(benchmark: Benchmark, row: Row) -> Iterator[str]:
    references = {benchmark.reference_of(side) for side in benchmark.sides}
    yield row.side
    for measure in benchmark.measures:
        yield _value(row.measured.get(measure.key), measure)
        if measure.better and measure.ratio:
            times = row.times.get(measure.key)
            yield _ratio(times, row.repeats) if times else "1" if row.side in references else NOTHING
    yield str(row.repeats)


def _value(spread: Spread | None, measure: Measure) -> str:
    if spread is None:
        return NOTHING
    scale = 100 if measure.percent else 1
    text = format_number(scale * spread.mean, measure.digits)
    return text if not spread.sd else f"{text} ± {format_number(scale * spread.sd, measure.digits)}"


def _ratio(times: Spread, repeats: int) -> str:
    """Return a ratio with its least and most, and with its n where that is not all repeats of the side."""
    n = len(times.values)
    told = [f"{_times(min(times.values))} to {_times(max(times.values))}"] if n > 1 else []
    told += [f"n = {n}"] if n != repeats else []
    middle = f"**{_times(times.mean)}**"
    return f"{middle} ({', '.join(told)})" if told else middle


def _times(value: float) -> str:
    return format_number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def _growth(benchmark: Growth, kept: Measurements) -> Iterator[str]:
    series = _series(benchmark, kept)
    every = sorted({size for runs in series.values() for curve in runs for size in curve})
    yield f"![{benchmark.title}]({CHARTS}/{benchmark.key}.svg)\n"
    first, *others = every
    yield _line(["", "exponent", f"{first:,g} {benchmark.size}", *(f"{size:,g}" for size in others), "n"])
    yield _line(["---", *["---:"] * (len(every) + 2)])
    for name, runs in series.items():
        exponent = exponents(kept.of(benchmark.key, name))
        spread = f" ± {exponent.sd:.2f}" if exponent.sd is not None else ""
        costs = [format_number(mean(run[size] for run in runs)) for size in every]
        yield _line([name, f"**{exponent.mean:.2f}**{spread}", *costs, str(len(runs))])


def _circumstances(benchmark: Benchmark, measurements: Sequence[Measurement]) -> str:
    """Return when, where and in what company it was measured."""
    packages = {name for side in benchmark.sides for name in side.packages} | {"numpy", "python"}
    names = {"sklearn": "scikit-learn"}
    told = {names.get(name, name) for name in packages} | {"onnxruntime"}
    found = {name: _distinct(each.versions.get(name) for each in measurements) for name in sorted(told)}
    versions = ", ".join(f"{name} {' and '.join(every)}" for name, every in found.items() if every)
    machines = _distinct(f"{each.hardware['cpu']}, {each.hardware['cores']} cores" for each in measurements)
    commits = _distinct((each.commit or "no commit")[:12] for each in measurements)
    dates = _distinct(each.date[:10] for each in measurements)
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    first = measurements[0].circumstances
    mixed = (
        ""
        if all(first.same(each.circumstances) for each in measurements)
        else " **Not all sides were measured with the same source and versions on the same machine**: ratios "
        f"are told between those that were. `tenfold bench --only {benchmark.key}` measures the others anew."
    )
    return (
        f"{' and '.join(machines)}; {versions}; commit {', '.join(commits)}; {when}.{mixed} "
        f"{_company(measurements)}"
    )


def _distinct(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value is not None})


def _company(measurements: Sequence[Measurement]) -> str:
    """Return whether the machine had other work, from the beginning of each measurement to its end."""
    loads = [each.load for each in measurements if each.load is not None]
    if not loads:
        return "Whether the machine was idle is not known."
    busy = [load for load in loads if load > IDLE]
    if not busy:
        return f"The machine was idle: other work used {IDLE} cores at most during any measurement."
    return (
        f"**The machine was busy** during {len(busy)} of {len(loads)} measurements: other work used more "
        f"than {IDLE} cores, {mean(busy):.1f} in their mean, {max(busy):.1f} at most, so that what the wall "
        "clock tells is too long; ratios suffer less."
    )


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
