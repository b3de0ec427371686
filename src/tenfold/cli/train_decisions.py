"""``tenfold train reader-decisions``: measure how sure the reader's networks may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from tenfold.cli.output import show_json, show_pairs
from tenfold.cli.progress import Display
from tenfold.errors import RecipeError, UnknownNameError

DECISIONS = "reader-decisions"
FILE = "decisions.json"
SETTINGS: dict[str, Any] = {"pages": 500, "strips": 2500, "weights": ""}
"""Made pages and strips that are read, and the folder of the networks; by default those that ship."""


def train_decisions(
    settings: Mapping[str, Any], seed: int, out: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Fit confidences and thresholds on made pages and strips, and write them as JSON.

    Parameters
    ----------
    settings : mapping
        Of `SETTINGS`. The folder of the networks needs ``strings.onnx`` and ``digits.onnx`` alone.
    seed : int
    out : Path or None
        The file, or the folder in which it is called ``decisions.json``; None: the working folder.
    """
    for key in settings:
        if key not in SETTINGS:
            raise UnknownNameError("setting", key, SETTINGS)
    chosen = SETTINGS | dict(settings)
    for key in ("pages", "strips"):
        if not isinstance(chosen[key], int) or chosen[key] < 1:
            raise RecipeError(f"{key} must be an integer of at least 1. Got {chosen[key]!r} instead.")
    target = (out or Path()).expanduser()
    target = target if target.suffix == ".json" else target / FILE
    with Display(quiet) as display:
        display.update(DECISIONS, 0.0, float("nan"))
        from tenfold.reading.learning.decisions import fit_judgment, held_out
        from tenfold.reading.networks import load

        start = monotonic()

        def tell(part: float) -> None:
            seconds = monotonic() - start
            display.update(DECISIONS, part, seconds / part * (1 - part))

        networks = load(chosen["weights"] or None, judged=False)
        pages, strips = chosen["pages"], chosen["strips"]
        judgment = fit_judgment(networks, held_out(), seed, pages=pages, strips=strips, on_progress=tell)
    judgment.save(target)
    held = judgment.protocol["held out"]
    levels = {
        f"{scene}s, {rate:.1%} wrong": f"from {level:.1%} on: {_told(held[scene], rate)}"
        for scene, thresholds in judgment.thresholds.items()
        for rate, level in thresholds
    }
    if as_json:
        show_json({"decisions": str(target), "thresholds": judgment.thresholds} | judgment.protocol)
        return
    show_pairs({"decisions": target, "lines": judgment.protocol["lines"]} | levels)


def _told(held: Mapping[str, Any], rate: float) -> str:
    """Return in words what a threshold accepts of held-out lines."""
    found = held[f"{rate}"]
    return f"{found['accepted']} of {held['lines']} lines, {found['wrong']} of them wrong"
