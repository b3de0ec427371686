"""What was measured, kept in one JSON file as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenfold.benchmarks.circumstances import Circumstances
from tenfold.errors import ReportError
from tenfold.report.files import write


@dataclass(frozen=True)
class Measurement:
    """One side, measured once.

    Attributes
    ----------
    benchmark, side : str
    repeat : int
        From 0.
    values : dict
    seconds : float
        How long the side's process lived.
    load : float or None
        How many cores other work kept busy, from the beginning of that process to its end, in the mean; None
        where the system does not tell.
    date : str
    commit : str or None
    hardware, versions : dict
    source : str
        As in `Circumstances`.
    """

    benchmark: str
    side: str
    repeat: int
    values: dict[str, float | None]
    seconds: float
    load: float | None
    date: str
    commit: str | None
    hardware: dict[str, Any] = field(repr=False)
    versions: dict[str, str] = field(repr=False)
    source: str = ""

    @property
    def circumstances(self) -> Circumstances:
        """What it holds under."""
        return Circumstances(self.source, self.commit, self.hardware, self.versions)


class Measurements:
    """The measurements in a file.

    Parameters
    ----------
    path : Path
        It need not be there yet.

    Raises
    ------
    ReportError
        The file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.every: list[Measurement] = []
        try:
            found = json.loads(path.read_text("utf-8"))["measurements"]
            self.every = [Measurement(**values) for values in found]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ReportError(
                f"{path} holds no measurements of benchmarks ({error}). Move it away, or write to another "
                "folder with --out."
            ) from None

    def of(self, benchmark: str, side: str | None = None) -> list[Measurement]:
        """Return those of a benchmark, and of one side of it, by repeat."""
        found = [each for each in self.every if each.benchmark == benchmark and side in (None, each.side)]
        return sorted(found, key=lambda each: each.repeat)

    def has(self, benchmark: str, side: str, repeat: int, now: Circumstances | None = None) -> bool:
        """Return whether it was measured: under the same circumstances as `now`, where those are given."""
        return any(
            each.repeat == repeat and (now is None or each.circumstances.same(now))
            for each in self.of(benchmark, side)
        )

    def add(self, measurement: Measurement) -> None:
        """Keep a measurement, on disk too.

        What was measured of its side under other circumstances goes: no mean is taken of both.
        """
        self.every = [each for each in self.every if not _replaces(measurement, each)]
        self.every.append(measurement)
        self._write()

    def forget(self, benchmarks: Iterable[str]) -> None:
        """Drop what was measured of some benchmarks."""
        gone = set(benchmarks)
        self.every = [each for each in self.every if each.benchmark not in gone]
        self._write()

    def _write(self) -> None:
        rows = {"measurements": [asdict(each) for each in self.every]}
        write(self.path, (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode())


def _replaces(new: Measurement, old: Measurement) -> bool:
    one_side = (new.benchmark, new.side) == (old.benchmark, old.side)
    return one_side and (new.repeat == old.repeat or not new.circumstances.same(old.circumstances))
