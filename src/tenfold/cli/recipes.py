"""``tenfold recipes``: what our own recipes reach, and the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.options import JsonOption, QuietOption, examples
from tenfold.cli.output import show, show_json
from tenfold.cli.progress import Display, show_training

if TYPE_CHECKING:
    from tenfold.training.loop import Progress

commands = typer.Typer(
    help="Our recipes: measure them over seeds, ship their weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="All by default.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="recipes")


@commands.command(
    "measure", epilog=examples("tenfold recipes measure sprint fast", "tenfold recipes measure --seeds 3")
)
def measure(
    names: NamesArgument = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="How many, from 0.")] = 10,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where recipes.md and recipes.json lie.")
    ] = Path("results"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train each recipe under several seeds, measure each once on MNIST's test set, and write a page.

    What is measured already is kept: a run that was stopped goes on where it was.
    """
    from dataclasses import asdict

    from tenfold.benchmarks.recipes import GOALS, PAGE
    from tenfold.benchmarks.recipes import measure as run
    from tenfold.errors import lookup
    from tenfold.runs.store import Store
    from tenfold.training.engines import get_engine

    chosen = names or list(GOALS)
    for name in chosen:
        lookup("recipe of ours", name, GOALS)
    with Display(quiet) as display:

        def tell(name: str, seed: int, progress: Progress) -> None:
            show_training(display, f"{name}, seed {seed}", progress, epoch_done=False)

        engine = get_engine("torch", device="cpu")
        found = run(chosen, range(seeds), engine=engine, store=Store(), folder=out, on_progress=tell)
    if as_json:
        show_json([asdict(each) for each in found if each.name in chosen])
    else:
        show(str(out / PAGE))


@commands.command("ship", epilog=examples("tenfold recipes ship", "tenfold recipes ship base tiny-8k"))
def ship(names: NamesArgument = None) -> None:
    """Put the weights that ship into the package, from the runs that `measure` kept."""
    from tenfold.benchmarks.shipping import SHIPPED
    from tenfold.benchmarks.shipping import ship as put
    from tenfold.runs.store import Store
    from tenfold.training.engines import get_engine

    engine, store = get_engine("torch", device="cpu"), Store()
    for name in names or list(SHIPPED):
        show(str(put(name, engine=engine, store=store)))
