"""``tenfold train``: train a network, measure it, keep the run."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.options import (
    EngineName,
    EngineOption,
    JsonOption,
    QuietOption,
    SeedOption,
    examples,
)
from tenfold.cli.output import accuracy_text, say, short, show_json, show_pairs
from tenfold.cli.progress import Display, seconds_text, show_training
from tenfold.cli.train_decisions import DECISIONS, train_decisions
from tenfold.cli.train_digits import DIGITS, train_digits
from tenfold.cli.train_int8 import Accuracies, split, train_on
from tenfold.cli.train_strings import STRINGS, train_strings
from tenfold.errors import NetworkError

if TYPE_CHECKING:
    from tenfold.data.dataset import Dataset
    from tenfold.models.fit import Fitted
    from tenfold.networks.architecture import Architecture
    from tenfold.training.recipe import Recipe

SPLIT_SEED = 0
"""Whatever the seed of the training, the same images are held out: differences are not the split's."""

EXAMPLES = examples(
    "tenfold train fast",
    "tenfold train lin-simple-nn --engine numpy --set epochs=3 --set optimizer.lr=0.01",
    "tenfold train fast --device cuda --compile",
    "tenfold train fast --data fashion-mnist --seed 1 --out my-model",
    "tenfold train fast --int8 --set int8.epochs=5",
    "tenfold train my-network.json --recipe my-recipe.toml --validation 6000",
    "tenfold train reader --out strings.onnx",
    "tenfold train reader-digits --out digits.onnx",
    "tenfold train reader-decisions --set weights=my-reader --out my-reader",
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("train", epilog=EXAMPLES)(train)


def train(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="A network by name (tenfold networks list), a JSON file that describes one, reader, "
            "reader-digits or reader-decisions.",
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="FILE|NAME",
            help="A recipe's TOML file or name; by default the network's own.",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting of the recipe; may be given several times."
        ),
    ] = None,
    engine: EngineOption = EngineName.auto,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="DEVICE",
            help="Where torch computes: cpu, cuda or cuda:N; auto: on a GPU where there is one.",
        ),
    ] = "auto",
    compile: Annotated[
        bool,
        typer.Option(
            "--compile", help="Let torch compile the steps: a slow start, later ones may be faster."
        ),
    ] = False,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="A data set by name (tenfold data list), or a path: a folder of idx files or pictures, "
            "a .csv or an .npz file.",
        ),
    ] = "mnist",
    seed: SeedOption = 0,
    validation: Annotated[
        int,
        typer.Option(
            "--validation",
            min=0,
            metavar="N",
            help="Hold out N training images, stratified, and measure them after every epoch.",
        ),
    ] = 0,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Then go on in 8-bit integers, as tenfold export --int8 rounds, so that it loses less; "
            "--set int8.KEY=VALUE changes that recipe.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Save the model there too; it is kept with the run anyway."
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a network, measure it, and keep the run.

    The test set of the data is used once, at the end. A run that is kept already is not repeated. Ctrl-C
    saves the training; the same command goes on from there, to the same bits.

    reader is the network with which tenfold read reads strings of digits: it learns from strings that are
    made for it, and is written as strings.onnx to --out. reader-digits is the one that tells single digits
    from what is none, written as digits.onnx; reader-decisions measures how sure both may be, on made pages,
    and writes decisions.json beside the two, whose folder is --set weights=DIR. The three files in one
    folder are what tenfold read --model takes. They are not kept as runs.
    """
    settings = parse_settings(change or [])
    engine_name, engine_settings = parse_engine(engine, device, compile)
    if network in (STRINGS, DIGITS, DECISIONS):
        for option, given_value in {
            "--recipe": recipe,
            "--data": data != "mnist",
            "--validation": validation,
            "--engine": engine is EngineName.numpy,
            "--device": device != "auto",
            "--compile": compile,
            "--int8": int8,
        }.items():
            if given_value:
                raise typer.BadParameter(
                    f"{network} has its own data, recipe and engine; --set changes the recipe.",
                    param_hint=option,
                )
        parts = {STRINGS: train_strings, DIGITS: train_digits, DECISIONS: train_decisions}
        parts[network](settings, seed, out, as_json=as_json, quiet=quiet)
        return
    with Display(quiet) as display:
        display.update("reading data", 0.0, float("nan"))
        from tenfold.data.splits import hold_out
        from tenfold.models.defaults import choose_network
        from tenfold.models.fit import Fit, fit
        from tenfold.models.folder import check_folder
        from tenfold.models.teacher import with_teacher
        from tenfold.runs.store import Store
        from tenfold.training.engines import get_engine

        # What can fail is asked for before the training, not after it.
        if out is not None:
            check_folder(out)
        given = read_network(network)
        own, aware_settings = split(settings) if int8 else (settings, {})
        chosen = read_recipe(recipe, given).change(own)
        training, test = read_parts(data)
        fitted_network = choose_network(given, training.images.shape[1:], len(training.classes))
        if fitted_network != given:
            display.say(
                f"{given.name} is made to fit {training.name}: its input and its last layer follow it."
            )
        chosen, teacher = with_teacher(wanted := chosen, fitted_network, training)
        if chosen != wanted:
            display.say(
                f"{wanted.distillation.teacher} knows other pictures than {training.name}, so the network "
                "learns from the labels alone."
            )
        rest, held = (training, None) if not validation else hold_out(training, validation, seed=SPLIT_SEED)
        plan = Fit(fitted_network, chosen, rest, test=test, validation=held, seed=seed, teacher=teacher)
        title, store = given.name, Store()
        display.update(title, 0.0, float("nan"))
        made = fit(
            plan,
            engine=get_engine(engine_name, **engine_settings),
            store=store,
            on_epoch=lambda progress: show_training(display, title, progress, epoch_done=True),
            on_progress=lambda progress: show_training(display, title, progress, epoch_done=False),
            waiting=lambda: display.say("Another process is training this very run; waiting for it ..."),
        )
        gained: Accuracies | None = None
        if int8:
            made, gained = train_on(plan, made.model(), aware_settings, store, display)
    folder = made.folder
    if made.repeated and not quiet:
        say(f"Run {short(made.run)} was kept already, so nothing was trained.")
    try:
        if out is not None:
            folder = made.model().save(out)
    finally:  # where the copy fails, the result is told all the same, with the folder that is kept
        _show(made, folder, gained, as_json)


def _show(made: Fitted, folder: Path, gained: Accuracies | None, as_json: bool) -> None:
    run, measured = made.run, made.run.metrics
    if as_json:
        keys = ("accuracy", "interval", "n", "nll", "ece")
        result: dict[str, Any] = {"run": run.id, "model": str(folder), "repeated": made.repeated}
        result |= {"network": run.network, "seed": run.seed, "engine": run.engine, "seconds": run.seconds}
        result["train_accuracy"] = measured["train_accuracy"]
        result["validation_accuracy"] = measured.get("validation_accuracy")
        result["test"] = {key: measured["test"][key] for key in keys} if "test" in measured else None
        if gained is not None:
            result["int8"] = asdict(gained)
        show_json(result)
        return
    epochs = len(run.history["epoch"])
    show_pairs(
        {
            "model": folder,
            "run": short(run),
            "trained": f"{epochs} epoch{'s' if epochs > 1 else ''} on {measured['n_train']:,} images "
            f"in {seconds_text(run.seconds)}, seed {run.seed}, {run.engine}",
            "validation accuracy": f"{measured['validation_accuracy']:.2%}"
            if "validation_accuracy" in measured
            else None,
            "test accuracy": accuracy_text(measured["test"])
            if "test" in measured
            else "not measured: the data has no test part (tenfold evaluate MODEL --data ...)",
            "int8": None
            if gained is None
            else f"{gained.float32:.2%} in float32, {gained.post_training:.2%} rounded after that training, "
            f"{gained.aware:.2%} after this one; {gained.n:,} images",
        }
    )


def parse_engine(engine: EngineName, device: str, compile: bool) -> tuple[str, dict[str, Any]]:
    """Return the engine's name and settings; a device or a compiler can only be torch's.

    Raises
    ------
    typer.BadParameter
        There can be no such device, or the engine is numpy.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise typer.BadParameter(
            f"expected auto, cpu, cuda or cuda:N, as in cuda:0. Got {device!r}.", param_hint="--device"
        )
    if device == "auto" and not compile:
        return engine.value, {}
    if engine is EngineName.numpy:
        raise typer.BadParameter(
            "the numpy engine computes on the CPU and compiles nothing; use --engine torch.",
            param_hint="--compile" if compile else "--device",
        )
    return "torch", {"device": device, "compile": compile}


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """Return ``KEY=VALUE`` pairs as a dict; each value is read as TOML, else taken as text.

    Raises
    ------
    typer.BadParameter
        A pair has no ``=``, or no key.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not key:
            raise typer.BadParameter(f"expected KEY=VALUE, as in epochs=3. Got {pair!r}.", param_hint="--set")
        try:
            found = tomllib.loads(f"value = {text}")
        except tomllib.TOMLDecodeError:
            found = {}
        settings[key] = found["value"] if list(found) == ["value"] else text
    return settings


def read_network(name: str) -> Architecture:
    """Return a network of the zoo, or the one that a JSON file describes.

    Raises
    ------
    UnknownNameError, NetworkError
        There is neither, or the file describes no network; the message names the file.
    """
    from tenfold.networks.architecture import Architecture
    from tenfold.networks.zoo import NETWORKS, get

    path = Path(name).expanduser()
    if name in NETWORKS or (path.suffix != ".json" and not path.is_file()):
        return get(name)
    try:
        architecture = Architecture.from_dict(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise NetworkError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"{path} describes no network: {error}") from None
    return architecture if architecture.name else architecture.named(path.stem)


def read_recipe(name: str | None, architecture: Architecture) -> Recipe:
    """Return the recipe that is asked for, else the network's own."""
    from tenfold.training.recipe import default_recipe, load_recipe

    return default_recipe(architecture.name) if name is None else load_recipe(name)


def read_parts(name: str) -> tuple[Dataset, Dataset | None]:
    """Return what to train on and what to test on, None where the data has a single part.

    Raises
    ------
    TenfoldError
        As `tenfold.data.load` and `tenfold.data.load_dataset`.
    """
    from tenfold.data.catalog import CATALOG, load, load_dataset
    from tenfold.data.formats import read_parts as parts_at

    if name in CATALOG:
        digits = load(name)
        return digits.train, digits.test
    path = Path(name).expanduser()
    if not path.exists():
        return load_dataset(name, "train"), None
    parts = parts_at(path)
    if "train" in parts:
        return parts["train"], parts.get("test")
    return next(iter(parts.values())), None
