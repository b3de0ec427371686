"""Measuring side by side: every side in a process of its own, in turns, and nothing twice."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from tenfold.benchmarks.benchmark import Benchmark, Side
from tenfold.benchmarks.measurements import Measurement, Measurements
from tenfold.errors import BenchmarkError
from tenfold.runs import environment
from tenfold.training.one_core import one_core

PEERS = ("keras", "onnxruntime", "skorch")
"""Packages whose version is told beside those that every run tells."""


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


def turns(benchmark: Benchmark, kept: Measurements) -> Iterator[Turn]:
    """Yield what is not measured yet: all sides once, then all again, back to front every other time.

    So whatever slows the machine down for a while falls on all sides. Sides whose packages are not installed
    are left out.
    """
    sides = [side for side in benchmark.sides if not missing(side)]
    for repeat in range(max(map(benchmark.repeats_of, sides), default=0)):
        for side in sides if repeat % 2 == 0 else reversed(sides):
            if repeat < benchmark.repeats_of(side) and not kept.has(benchmark.key, side.name, repeat):
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
    load, began = cores_in_use(), perf_counter()
    # Threads that wait sleep, on all sides alike: on a busy machine, spinning ones hold up each other.
    settings = {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "3000",
        "KERAS_BACKEND": "torch",
        "PYTHONWARNINGS": "ignore",
    }
    if turn.side.threads == 1:
        with one_core():
            done = _run(command, os.environ | settings)
    else:
        done = _run(command, os.environ | settings)
    seconds = perf_counter() - began
    values = _told(done.stdout) if done.returncode == 0 else None
    if values is None:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise BenchmarkError(
            f"{turn.name}: the process ended with {done.returncode}, measured nothing and said: {said}\n"
            f"To see it whole: {' '.join(command[1:])!r}"
        )
    return Measurement(
        turn.benchmark.key,
        turn.side.name,
        turn.repeat,
        values,
        seconds,
        load,
        datetime.now(UTC).isoformat(timespec="seconds"),
        environment.commit(),
        environment.hardware() | {"threads": turn.side.threads or environment.hardware()["cores"]},
        environment.versions(PEERS),
    )


def _told(printed: str) -> dict[str, Any] | None:
    """Return what a side measured, by the last line that it printed; None where that is something else."""
    try:
        values = json.loads(printed.splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def cores_in_use(seconds: float = 0.5) -> float | None:
    """Return how many cores are busy now, which nothing of ours is; None where the system does not tell.

    The average load would not do: it remembers the side that was measured before.
    """
    before = _ticks()
    sleep(seconds)
    after = _ticks()
    if before is None or after is None or after[1] == before[1]:
        return None
    busy, every = (later - earlier for later, earlier in zip(after, before, strict=True))
    return busy / every * (os.cpu_count() or 1)


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
