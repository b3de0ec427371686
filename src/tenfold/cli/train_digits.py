"""``tenfold train reader-digits``: train the network that reads single digits, as the shipped one was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from tenfold.cli.output import show_json, show_pairs
from tenfold.cli.progress import Display, seconds_text
from tenfold.errors import ExportError, RecipeError, require

if TYPE_CHECKING:
    from tenfold.reading.learning.digits import DigitsRecipe, LearntDigits

DIGITS = "reader-digits"
FILE = "digits.onnx"


def train_digits(
    settings: Mapping[str, Any], seed: int, out: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Train the digit network, and write it as ONNX, and as JavaScript beside that.

    Parameters
    ----------
    settings : mapping
        What to change in the recipe, by dotted key.
    seed : int
    out : Path or None
        The file, or the folder in which it is called ``digits.onnx``; None: the working folder. Beside it
        lies a checkpoint until the training is done; one that a stopped training left there is gone on from.
    """
    target = _target(out)
    folder = target.with_name(f"{target.stem}-checkpoint")
    with Display(quiet) as display:
        display.update(DIGITS, 0.0, float("nan"))
        # What would be missed at the end is asked for at the beginning.
        require("torch", extra="train", purpose="Training the reader")
        require("onnx", extra="export", purpose="Writing the weights of the reader")
        from tenfold.reading.learning.digits import change, learn
        from tenfold.runs import environment
        from tenfold.training.checkpoint import remove_checkpoint
        from tenfold.training.engines import get_engine

        environment.commit()  # of what runs now, not of what lies there when it is done
        recipe = change(settings)
        epochs, start = recipe.recipe.epochs, monotonic()
        before: int | None = None

        def tell(done: int, loss: float) -> None:
            nonlocal before
            before = done - 1 if before is None else before
            seconds = monotonic() - start
            display.update(
                DIGITS,
                done / epochs,
                seconds / (done - before) * (epochs - done),
                f"loss {loss:.4f}",
                line=f"{DIGITS}: epoch {done} of {epochs}  loss {loss:.4f}  {seconds_text(seconds)}",
            )

        learnt = learn(recipe, get_engine("torch", device="cpu"), seed, folder=folder, on_epoch=tell)
    content, module = _forms(recipe, learnt, seed)
    from tenfold.data.formats.files import atomic

    try:
        with atomic(target) as stream, atomic(target.with_suffix(".mjs")) as page:
            stream.write(content)
            page.write(module)
    except OSError as error:
        raise ExportError(f"{target} cannot be written: {error.strerror or error}.") from None
    remove_checkpoint(folder)
    with suppress(OSError):  # the user keeps something else there
        folder.rmdir()
    result = {"weights": str(target), "bytes": len(content), "seed": seed, "temperature": learnt.temperature}
    if as_json:
        show_json(result | {"held_out_accuracy": learnt.accuracy})
        return
    held = {f"held out, {name}": f"{value:.2%}" for name, value in learnt.accuracy.items()}
    show_pairs(result | {"temperature": f"{learnt.temperature:.3f}"} | held)


def _target(out: Path | None) -> Path:
    target = (out or Path()).expanduser()
    if target.suffix != ".onnx":
        target = target / FILE
    if target.is_dir():
        raise RecipeError(f"{target} is a folder. Name a file that ends with .onnx, or the folder above.")
    return target


def _forms(recipe: DigitsRecipe, learnt: LearntDigits, seed: int) -> tuple[bytes, bytes]:
    """Return the network as the reader runs it (ONNX), and as the page does (JavaScript)."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    from tenfold.export import javascript, onnx
    from tenfold.networks.fold import fold, folded_parameters
    from tenfold.networks.program import lower
    from tenfold.reading.learning.digits import CLASSES, NETWORK
    from tenfold.runs import environment

    program = fold(lower(NETWORK, learnt.weights))
    stated: dict[str, Any] = {
        "producer": f"tenfold {version('tenfold')}",
        "network": NETWORK.name,
        "classes": CLASSES,
        "parameters": folded_parameters(program),
        "parameters_counted": "folded",
        "temperature": learnt.temperature,
        "recipe": asdict(recipe) | {"recipe": recipe.recipe.to_dict()},
        "seed": seed,
        "held_out_accuracy": learnt.accuracy,
        "versions": environment.versions(),
        "commit": environment.commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in stated.items()
        if value is not None
    }
    module = javascript.render(program, temperature=learnt.temperature, stated=texts).code
    return onnx.render(program, temperature=learnt.temperature, stated=texts), module.encode()
