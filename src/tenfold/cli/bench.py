"""``tenfold bench``: Tenfold and its peers, side by side."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.options import JsonOption, QuietOption, examples
from tenfold.cli.output import say, show, show_json
from tenfold.cli.progress import Display
from tenfold.errors import BenchmarkError, TrainingStopped, lookup

if TYPE_CHECKING:
    from tenfold.benchmarks.benchmark import Benchmark
    from tenfold.benchmarks.measurements import Measurements
    from tenfold.benchmarks.runner import Turn


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "bench",
        epilog=examples(
            "tenfold bench",
            "tenfold bench --only inference --only startup",
            "tenfold bench --only grid --fresh --json",
        ),
    )(bench)


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="This benchmark; may be given several times."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where benchmarks.md and benchmarks.json lie.")
    ] = Path("results"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure again what was measured before, instead of going on.")
    ] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke", help="As little work as shows that every side runs; nothing is kept or published."
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure Tenfold and its peers side by side, and write a page.

    What is measured is kept at once: a run that was stopped, of which the page is written too, goes on where
    it was. What was measured with another source, other versions or on another machine is measured anew. The
    whole takes from 40 minutes to two hours of two idle cores, by the machine.
    """
    from tempfile import TemporaryDirectory

    from tenfold.benchmarks.suite import SUITE

    chosen = [lookup("benchmark", name, SUITE) for name in only or SUITE]
    if smoke:
        with TemporaryDirectory() as folder:
            _, failures = _measure(chosen, Path(folder), fresh=False, smoke=True, quiet=quiet)
        _check(failures)
        say(f"Every side ran: {', '.join(benchmark.key for benchmark in chosen)}.")
        return
    from tenfold.benchmarks.publish import publish, to_dict

    began = monotonic()
    kept, failures = _measure(chosen, out, fresh=fresh, smoke=False, quiet=quiet)
    page = publish(list(SUITE.values()), kept, out)
    if failures is None:
        raise TrainingStopped(
            f"The benchmarks stopped after {monotonic() - began:.0f} s; what was measured is kept, and told "
            f"in {page}."
        )
    if as_json:
        show_json(to_dict(chosen, kept))
    else:
        show(str(page))
    _check(failures)


def _check(failures: list[BenchmarkError] | None) -> None:
    """Raise what failed."""
    if failures is None:
        raise TrainingStopped("The benchmarks stopped; nothing is kept of a smoke test.")
    if failures:
        raise BenchmarkError("\n".join(map(str, failures)))


def _measure(
    chosen: list[Benchmark], folder: Path, *, fresh: bool, smoke: bool, quiet: bool
) -> tuple[Measurements, list[BenchmarkError] | None]:
    """Measure what is not measured yet; return all that there is, and what failed: None where Ctrl-C came."""
    from tenfold.benchmarks.circumstances import here
    from tenfold.benchmarks.measurements import Measurements
    from tenfold.benchmarks.publish import FIGURES
    from tenfold.benchmarks.runner import missing, run, turns

    kept = Measurements(folder / FIGURES)
    if fresh:
        kept.forget(benchmark.key for benchmark in chosen)
    for side in (side for benchmark in chosen for side in benchmark.sides):
        if lacking := missing(side):
            say(f"Left out: {side.name} ({', '.join(lacking)} not installed: pip install 'tenfold[bench]').")
    now = here()
    todo = [turn for benchmark in chosen for turn in turns(benchmark, kept, now)]
    if smoke:
        todo = [turn for turn in todo if turn.repeat == 0]
    with Display(quiet) as display:

        def tell(done: int, turn: Turn) -> None:
            eta = _left(todo[done:], kept) if done else float("nan")
            minutes = f"{done} of {len(todo)}"
            display.update(turn.name, done / len(todo), eta, minutes, line=f"{minutes}  {turn.name}")

        try:
            return kept, run(todo, kept, smoke=smoke, tell=tell)
        except KeyboardInterrupt:
            return kept, None


def _left(todo: list[Turn], kept: Measurements) -> float:
    """Return the seconds that the turns will take, by those that were measured; NaN while one is unknown."""
    seconds = 0.0
    for turn in todo:
        before = kept.of(turn.benchmark.key, turn.side.name)
        seconds += before[-1].seconds if before else float("nan")
    return seconds
