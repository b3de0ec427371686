"""Showing how far a job is, on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import math
import os
import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tenfold.cli.output import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from tenfold.studies.workers import StudyProgress
    from tenfold.training.loop import Progress as TrainingProgress

PLAIN_SECONDS = 15.0
"""How often a plain line tells of a job that takes long."""


class Display:
    """Shows one job at a time. A context manager, so that the terminal is left as it was.

    Parameters
    ----------
    quiet : bool
        Show nothing at all.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.bar: Bar | None = None
        self._task: TaskID | None = None
        self._said = monotonic()
        self._line = ""
        if not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self.bar, self._task = _bar()

    def __enter__(self) -> Display:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def update(self, title: str, part: float, eta: float, detail: str = "", *, line: str = "") -> None:
        """Show where the job stands.

        Parameters
        ----------
        title : str
            What is being done.
        part : float in [0, 1]
            How much of it is done.
        eta : float
            Seconds until the end; NaN where that cannot be told yet.
        detail : str
            What else to show, parts set apart by two spaces. A bar leaves out the last ones that find no
            room.
        line : str
            What a plain line says, instead of title, part and detail: printed at once where it is new. Else
            a line comes every 15 seconds.
        """
        if self.quiet:
            return
        if self.bar is not None and self._task is not None:
            left = eta_text(eta)
            room = self.bar.console.width - len(title) - len(left) - _BAR_WIDTH - len("100%") - 4
            self.bar.update(
                self._task,
                description=_cut(title, self.bar.console.width // 2),
                completed=part,
                detail=_fitting(detail, room),
                eta=left,
                visible=True,
            )
            return
        words = ""
        if line and line != self._line:
            self._line = words = line
        elif monotonic() - self._said >= PLAIN_SECONDS:
            words = "  ".join(filter(None, [title, detail, f"{part:.0%}"]))
        if words:
            self._print("  ".join(filter(None, [words, eta_text(eta) if part < 1 else ""])))

    def say(self, text: str) -> None:
        """Say something that stays, above the bar where there is one."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self._print(text)

    def _print(self, text: str) -> None:
        self._said = monotonic()
        say(text)


def show_training(display: Display, title: str, progress: TrainingProgress, *, epoch_done: bool) -> None:
    """Show where a training stands; with a plain line for each epoch."""
    numbers = numbers_text(progress.row)
    epoch = f"epoch {min(progress.epoch + 1, progress.epochs)} of {progress.epochs}"
    detail = "  ".join(filter(None, [numbers, epoch]))
    line = ""
    if epoch_done:
        done = f"{title}: epoch {progress.epoch} of {progress.epochs}"
        line = "  ".join([done, numbers, seconds_text(progress.seconds)])
    display.update(title, progress.part, progress.eta, detail, line=line)


def numbers_text(row: dict[str, Any]) -> str:
    """Return loss and accuracies of a row of a history."""
    if not row:
        return ""
    parts = [f"loss {row['train_loss']:.4f}", f"accuracy {row['train_accuracy']:.2%}"]
    if "validation_accuracy" in row:
        parts.append(f"validation {row['validation_accuracy']:.2%}")
    return "  ".join(parts)


def show_study(display: Display, key: str, state: StudyProgress) -> None:
    """Show where a study stands; with a plain line for each finished training."""
    title = f"study {key}: {state.done} of {state.total} trainings"
    running = ""
    if state.running:
        names = [name.removeprefix(f"{key}: ") for name in state.running]
        running = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    display.update(title, state.part, state.eta, running, line=title)


class Stages:
    """Several jobs shown as one, with one time until the end.

    Parameters
    ----------
    display : Display
    costs : dict of str to float
        About how many seconds each job takes, in their order; 0 for what is done already.
    """

    def __init__(self, display: Display, costs: dict[str, float]) -> None:
        self.display = display
        self.costs = costs
        self._start = monotonic()
        self._done = 0.0
        self._now = ""

    def update(self, job: str, part: float, detail: str = "", *, line: str = "") -> None:
        """Show that `part` of `job` is done; the jobs before it are taken to be done."""
        if job != self._now:
            self._now = job
            before = list(self.costs)[: list(self.costs).index(job)]
            self._done = sum(self.costs[name] for name in before)
            line = line or f"{job} ..."
        done, total = self._done + self.costs[job] * part, sum(self.costs.values()) or 1.0
        # The estimates are corrected by how they fared so far: first hardly, in the end wholly.
        trust = 0.1 * total * (1 - done / total)
        pace = (monotonic() - self._start + trust) / (done + trust) if done + trust else 1.0
        self.display.update(job, done / total, pace * (total - done), detail, line=line)


def seconds_text(seconds: float) -> str:
    """Return a duration, to the second where it is ten or more."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def eta_text(seconds: float) -> str:
    """Return ``ETA 1:05``, in minutes and seconds, and nothing where the time cannot be told yet."""
    if math.isnan(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"ETA {minutes}:{rest:02d}" if minutes < 60 else f"ETA {minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    )


_BAR_WIDTH = 5
"""The least; it takes what the words leave."""


def _fitting(detail: str, room: int) -> str:
    parts = detail.split("  ")
    while parts and len("  ".join(parts)) > room:
        parts.pop()
    return "  ".join(parts)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _bar() -> tuple[Bar, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    bar = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=_BAR_WIDTH, max_width=40)),
        TaskProgressColumn("{task.percentage:>3.0f}%", markup=False),
        TextColumn("{task.fields[eta]}", markup=False, table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[detail]}", markup=False, style="dim", table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=5,
        expand=True,
    )
    task = bar.add_task("", total=1.0, visible=False, detail="", eta="")
    return bar, task
