"""``tenfold train reader``: train the network that reads strings of digits, as the shipped one was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfold.cli.output import show_json, show_pairs
from tenfold.cli.progress import Display, seconds_text
from tenfold.errors import RecipeError, require

if TYPE_CHECKING:
    from tenfold.reading.learning.train import Progress

STRINGS = "reader"
FILE = "strings.onnx"


def train_strings(
    settings: Mapping[str, Any], seed: int, out: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Train the string network, and write it as ONNX.

    Parameters
    ----------
    settings : mapping
        What to change in the recipe, and `start`: weights to go on from.
    seed : int
    out : Path or None
        The file, or the folder in which it is called ``strings.onnx``; None: the working folder.
    """
    target = (out or Path()).expanduser()
    if target.suffix != ".onnx":
        target = target / FILE
    if target.is_dir():
        raise RecipeError(f"{target} is a folder. Name a file that ends with .onnx, or the folder above.")
    with Display(quiet) as display:
        display.update(STRINGS, 0.0, float("nan"))
        # What would be missed at the end is asked for at the beginning.
        require("torch", extra="train", purpose="Training the reader")
        require("onnx", extra="export", purpose="Writing the weights of the reader")
        from tenfold.reading.learning.recipe import ReaderRecipe
        from tenfold.reading.learning.strings import learn

        changes = dict(settings)
        start = changes.pop("start", None)
        recipe = ReaderRecipe().change(changes)
        exact = ""

        def tell(progress: Progress) -> None:
            nonlocal exact
            if progress.exact is not None:
                exact = f"exact {progress.exact:.1%}"
            left = progress.seconds / progress.done * (1 - progress.done)
            detail = f"loss {progress.loss:.3f}  {exact}"
            display.update(STRINGS, progress.done, left, detail)

        workers = max(1, (os.cpu_count() or 1) - 1)
        begin = None if start is None else Path(str(start)).expanduser()
        made = learn(recipe, target, seed, start=begin, workers=workers, on_progress=tell)
    size = target.stat().st_size
    if as_json:
        show_json(
            {
                "weights": str(target),
                "bytes": size,
                "seed": seed,
                "parameters": made.parameters,
                "held_out_exact": made.exact,
                "held_out_ece": made.ece,
                "held_out_n": made.patches,
                "seconds": made.seconds,
                "calibration": vars(made.calibration),
            }
        )
        return
    show_pairs(
        {
            "weights": target,
            "size": f"{size:,} bytes, {made.parameters:,} parameters",
            "trained": f"{recipe.steps:,} steps of {recipe.batch} strips in {seconds_text(made.seconds)}, "
            f"seed {seed}",
            "held out, exact": f"{made.exact:.1%} of {made.patches:,} made patches",
            "held out, ece": f"{made.ece:.3f}",
        }
    )
