"""``tenfold tune``: try settings on held-out training images, and say which are best."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.options import (
    EngineName,
    EngineOption,
    JsonOption,
    QuietOption,
    examples,
)
from tenfold.cli.output import show_json
from tenfold.cli.progress import Display, seconds_text
from tenfold.cli.train import parse_settings
from tenfold.cli.tune_result import Result, network_file
from tenfold.cli.tune_search import Asked, Search, prepare, value_text
from tenfold.errors import TrainingStopped, TuningError

if TYPE_CHECKING:
    from tenfold.tuning import Outcome

FOLDS = 3

EXAMPLES = examples(
    "tenfold tune lin-simple-nn --try optimizer.lr=0.01,0.03,0.1 --try epochs=5,10 --images 6000",
    "tenfold tune fast --try optimizer.lr=0.01,0.02,0.04 --hold-out 6000 --seeds 3 --out my-recipe.toml",
    "tenfold tune lin-simple-nn --try network.dense1.units=64,128 --try batch_size=16,32,64 --halving",
    "tenfold tune lin-simple-nn --try optimizer.lr=0.01,0.03,0.1,0.3 --try epochs=9 --rung 1:2 --rung 3:1:2",
    "tenfold tune fast --try optimizer.lr=0.01,0.02,0.04 --try augmentation.shift=1,1.5,2 --sample 5",
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("tune", epilog=EXAMPLES)(tune)


def tune(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="A network by name (tenfold networks list), or a JSON file that describes one.",
        ),
    ],
    tried: Annotated[
        list[str],
        typer.Option(
            "--try",
            metavar="KEY=A,B,...",
            help="Values of a setting to choose among: of the recipe (optimizer.lr), or of a layer of the "
            "network (network.dropout1.rate). Given several times, all combinations are tried.",
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="FILE|NAME",
            help="The recipe to start from, a TOML file or a name; by default the network's own.",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting of all; may be given several times."
        ),
    ] = None,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="A data set by name (tenfold data list), or a path: a folder of idx files or pictures, "
            "a .csv or an .npz file. Its test part is left alone.",
        ),
    ] = "mnist",
    images: Annotated[
        int | None,
        typer.Option("--images", min=2, metavar="N", help="Use N training images, stratified, not all."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            min=2,
            metavar="N",
            help=f"Divide them into N folds and hold each out once; by default {FOLDS}.",
        ),
    ] = None,
    held_out: Annotated[
        int | None,
        typer.Option("--hold-out", min=1, metavar="N", help="Instead of folds, hold out N images once."),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option("--seeds", min=1, metavar="N", help="Train each under N seeds, from 0, on every fold."),
    ] = 1,
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, metavar="N", help="Try N of the combinations, drawn at random."),
    ] = None,
    halve: Annotated[
        bool,
        typer.Option(
            "--halving",
            help="Begin with one epoch on the first fold; the best quarter, by the loss on what is held out, "
            "goes on for four times as long, and so on; what is left is trained in full on all folds.",
        ),
    ] = False,
    rung: Annotated[
        list[str] | None,
        typer.Option(
            "--rung",
            metavar="EPOCHS:KEEP[:FOLDS]",
            help="A rung of your own instead: after so many epochs the best KEEP go on, by the loss on the "
            "first fold or the first FOLDS. May be given several times; the last, in full, follows by "
            "itself.",
        ),
    ] = None,
    engine: EngineOption = EngineName.auto,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            metavar="N",
            help="How many processes train; by default one a core, and one on a GPU, where candidates train "
            "together.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.toml",
            help="Write the best recipe there, for tenfold train --recipe; where the network was changed, "
            "that one beside it as FILE.network.json.",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try settings and rank them by their accuracy on held-out training images.

    The test set is not touched. Every training is kept: after Ctrl-C or a kill the same command goes on from
    there. Candidates that differ in nothing but their epochs are one training where the rate is constant.

    Who goes on from a rung is decided by the cross-entropy on what is held out; by the accuracy where the
    candidates lower different losses or smooth the labels differently. The best is chosen by its accuracy.

    The accuracy of the best is flattered, for it was chosen by that accuracy; the command that measures it on
    the test set, once, is told at the end.
    """
    choices = parse_choices(tried)
    own = parse_settings(change or [])
    if both := own.keys() & choices.keys():
        raise typer.BadParameter(f"{min(both)} is given to --set as well.", param_hint="--try")
    if folds is not None and held_out is not None:
        raise typer.BadParameter("it takes the place of --folds; give one of them.", param_hint="--hold-out")
    if halve and rung:
        raise typer.BadParameter("it takes the place of --halving; give one of them.", param_hint="--rung")
    asked = Asked(
        network,
        recipe,
        own,
        choices,
        data,
        sample=sample,
        images=images,
        folds=None if held_out else folds or FOLDS,
        held_out=held_out,
        seeds=seeds,
        rungs=[parse_rung(text) for text in rung or []],
        halve=halve,
        engine=engine,
    )
    if out is not None:
        check_out(out, recipe, network)
    with Display(quiet) as display:
        display.update("reading data", 0.0, float("nan"))
        search = prepare(asked)
        display.say(search.announcement())
        outcome = _run(search, workers, display)
    if outcome.best.accuracy == 0:
        raise TuningError(
            "No candidate learned anything: the loss of every training ran away. Try lower rates "
            "(--try optimizer.lr=...)."
        )
    result, written = Result(search, outcome), []
    try:
        if out is not None:
            written = result.write(out)
    finally:  # where it cannot be written, the result is told all the same
        if as_json:
            show_json(result.to_dict(written))
        else:
            result.show(written)


def _run(search: Search, workers: int | None, display: Display) -> Outcome:
    """Search, and show how far it is."""
    from tenfold.runs.store import Store
    from tenfold.studies.workers import cores
    from tenfold.tuning import on_gpu
    from tenfold.tuning import search as run

    engine = search.asked.engine.value
    title, epochs, began = f"tune {search.asked.network}", search.plan.epochs, monotonic()
    rung, shown = 0, ""

    def tell(part: float) -> None:
        nonlocal rung, shown
        done = (sum(epochs[:rung]) + part * epochs[rung]) / sum(epochs)
        shown = f"rung {rung + 1} of {len(epochs)}  {part:.0%}" if len(epochs) > 1 else f"{part:.0%}"
        eta = (monotonic() - began) * (1 - done) / done
        display.update(title, done, eta, shown, line=f"{title}: {shown}")
        rung += part == 1

    display.update(title, 0.0, float("nan"))
    try:
        return run(
            search.candidates,
            search.folds,
            store=Store(),
            rungs=search.rungs,
            seeds=range(search.asked.seeds),
            engine=engine,
            # Processes would have to share a GPU and its memory, and what fills it is one computation.
            workers=min(workers or (1 if on_gpu(engine) else cores()), search.plan.trainings),
            on_progress=tell,
        )
    except (KeyboardInterrupt, TrainingStopped):
        where = f", {shown} done" if shown else ""
        raise TrainingStopped(
            f"The search stopped after {seconds_text(monotonic() - began)}{where}. What is trained is kept."
        ) from None


def parse_choices(pairs: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values to choose from, by key, of ``KEY=A,B,...``; each value is read as `parse_settings`
    does. Commas in brackets divide nothing, as in ``initializer=uniform(-1, 1),torch``.

    Raises
    ------
    typer.BadParameter
        A pair has no key, no value or an empty one, or a key or value comes twice.
    """
    choices: dict[str, tuple[Any, ...]] = {}
    for pair in pairs:
        key, equals, text = (part.strip() for part in pair.partition("="))
        parts = [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", text)]
        if not equals or not key or not all(parts):
            raise typer.BadParameter(
                f"expected KEY=A,B,..., as in optimizer.lr=0.01,0.1. Got {pair!r}.", param_hint="--try"
            )
        if key in choices:
            raise typer.BadParameter(
                f"{key} is given twice; give all its values at once.", param_hint="--try"
            )
        values = [parse_settings([f"{key}={part}"])[key] for part in parts]
        for value in values:
            if values.count(value) > 1:
                raise typer.BadParameter(
                    f"{key} has the value {value_text(value)} twice.", param_hint="--try"
                )
        choices[key] = tuple(values)
    return choices


def parse_rung(text: str) -> tuple[int, int, int]:
    """Return the epochs, how many go on, and the folds (by default 1) of ``EPOCHS:KEEP[:FOLDS]``.

    Raises
    ------
    typer.BadParameter
        It is written in another way.
    """
    if not re.fullmatch(r"0*[1-9]\d{0,8}(:0*[1-9]\d{0,8}){1,2}", text):
        raise typer.BadParameter(
            f"expected EPOCHS:KEEP or EPOCHS:KEEP:FOLDS, integers >= 1, as in 2:8. Got {text!r}.",
            param_hint="--rung",
        )
    epochs, keep, *folds = map(int, text.split(":"))
    return epochs, keep, folds[0] if folds else 1


def check_out(out: Path, recipe: str | None, network: str) -> None:
    """Refuse, before the search, a place where the recipe could not be written after it.

    Raises
    ------
    typer.BadParameter
        It is no TOML file, or the very recipe, or beside it the very network, that the search starts from.
    TuningError
        It cannot be written.
    """
    if out.suffix != ".toml":
        raise typer.BadParameter(f"expected a file that ends in .toml. Got {str(out)!r}.", param_hint="--out")
    if recipe is not None and out.exists() and out.samefile(recipe if Path(recipe).exists() else os.devnull):
        raise typer.BadParameter(
            f"{out} is the recipe to start from; choose another name.", param_hint="--out"
        )
    beside = network_file(out)
    if beside.exists() and beside.samefile(network if Path(network).exists() else os.devnull):
        raise typer.BadParameter(
            f"{beside}, which goes with it, is the network to start from; choose another name.",
            param_hint="--out",
        )
    folder = out.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise TuningError(f"{out} cannot be written. Choose another place for the recipe.")
