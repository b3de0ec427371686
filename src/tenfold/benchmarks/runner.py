"""Measuring side by side: every side in a process of its own, in turns, and nothing twice."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Side
from tenfold.benchmarks.circumstances import Circumstances, here
from tenfold.benchmarks.measurements import Measurement, Measurements
from tenfold.errors import BenchmarkError
from tenfold.training.one_core import one_core


@dataclass(frozen=True)
class Turn:
    """One side, to be measured once."""

    benchmark: Benchmark
    side: Side
    repeat: int

    @property
    def name(self) -> str:
        """What it is, for people."""
        times = self.benchmark.repeats_of(self.side)
        return f"{self.benchmark.key}: {self.side.name}, {self.repeat + 1} of {times}"


def turns(benchmark: Benchmark, kept: Measurements, now: Circumstances | None = None) -> Iterator[Turn]:
    """Yield what is not measured yet: all sides once, then all again, back to front every other time.

    So whatever slows the machine down for a while falls on all sides. Sides whose packages are not installed
    are left out. What was measured with another source, other versions or on another machine than `now`
    (None: than those at hand) is measured anew.
    """
    now = here() if now is None else now
    sides = [side for side in benchmark.sides if not missing(side)]
    for repeat in range(max(map(benchmark.repeats_of, sides), default=0)):
        for side in sides if repeat % 2 == 0 else reversed(sides):
            if repeat < benchmark.repeats_of(side) and not kept.has(benchmark.key, side.name, repeat, now):
                yield Turn(benchmark, side, repeat)


def missing(side: Side) -> list[str]:
    """Return the packages that a side needs and that are not installed."""
    return [name for name in side.packages if importlib.util.find_spec(name) is None]


def run(
    todo: Sequence[Turn],
    kept: Measurements,
    *,
    smoke: bool = False,
    tell: Callable[[int, Turn], None] = lambda done, turn: None,
) -> list[BenchmarkError]:
    """Measure each turn and keep what came out.

    A side that fails is not tried again; the others go on.

    Parameters
    ----------
    todo : sequence of Turn
    kept : Measurements
    smoke : bool
        Do as little as shows that it can be done.
    tell : function of (done, turn)
        Called before each turn.

    Returns
    -------
    failures : list of BenchmarkError
        One for each side that failed.
    """
    failures: dict[tuple[str, str], BenchmarkError] = {}
    for done, turn in enumerate(todo):
        side = (turn.benchmark.key, turn.side.name)
        if side in failures:
            continue
        tell(done, turn)
        try:
            kept.add(measure(turn, smoke))
        except BenchmarkError as error:
            failures[side] = error
    return [*failures.values()]


def measure(turn: Turn, smoke: bool = False) -> Measurement:
    """Measure one side once, in a new process.

    Raises
    ------
    BenchmarkError
        It failed; tells what it said last.
    """
    command = [sys.executable, "-m", "tenfold.benchmarks.side", turn.benchmark.key, turn.side.name]
    command += [str(turn.repeat), *(["--smoke"] if smoke else [])]
    # Every library has the thread settings that it comes with; ours sets its own (`get_engine`).
    further = {"KERAS_BACKEND": "torch"} if "keras" in turn.side.packages else {}
    circumstances, before = here(), moment()
    if turn.side.threads == 1:
        with one_core():
            done = _run(command, os.environ | further)
    else:
        done = _run(command, os.environ | further)
    after = moment()
    values = _told(done.stdout) if done.returncode == 0 else None
    if values is None:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BenchmarkError(
            f"{turn.name}: the process ended with {done.returncode}, measured nothing and said: {said}\n"
            f"To see it whole: {shlex.join(['python', *command[1:]])}"
        )
    return Measurement(
        turn.benchmark.key,
        turn.side.name,
        turn.repeat,
        values,
        after.seconds - before.seconds,
        others(before, after),
        datetime.now(UTC).isoformat(timespec="seconds"),
        circumstances.commit,
        circumstances.hardware | {"threads": turn.side.threads or circumstances.hardware["cores"]},
        circumstances.versions,
        circumstances.source,
    )


def _told(printed: str) -> dict[str, Any] | None:
    """Return what a side measured, by the last line that it printed; None where that is something else."""
    try:
        values = json.loads(printed.splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return values if isinstance(values, dict) else None


@dataclass(frozen=True)
class Moment:
    """What the clocks say.

    Attributes
    ----------
    seconds : float
        By the wall.
    used : float
        Processor seconds of this process and of those it started that have ended.
    ticks : tuple of (int, int), or None
        Of all cores since the system started: those in use, and all; None where it does not tell.
    """

    seconds: float
    used: float
    ticks: tuple[int, int] | None


def moment() -> Moment:
    """Return what the clocks say now."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Moment(perf_counter(), sum(each.ru_utime + each.ru_stime for each in usages), _ticks())


def others(before: Moment, after: Moment) -> float | None:
    """Return how many cores other work kept busy between two moments, in the mean.

    None where the system does not tell. The average load would not do: it remembers what went before.
    """
    if before.ticks is None or after.ticks is None or after.ticks[1] == before.ticks[1]:
        return None
    busy, every = (later - earlier for later, earlier in zip(after.ticks, before.ticks, strict=True))
    in_use = busy / every * (os.cpu_count() or 1)
    return max(in_use - (after.used - before.used) / (after.seconds - before.seconds), 0.0)


def _ticks() -> tuple[int, int] | None:
    """Return the ticks of all cores since the start: those in use, and all."""
    try:
        line = Path("/proc/stat").read_text("ascii").splitlines()[0]
    except OSError:  # not Linux
        return None
    user, nice, system, idle, waiting, *others = map(int, line.split()[1:9])
    busy = user + nice + system + sum(others)
    return busy, busy + idle + waiting


def _run(command: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
