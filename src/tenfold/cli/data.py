"""``tenfold data``: what data sets there are, what each is, and fetching them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.options import JsonOption, QuietOption, examples
from tenfold.cli.output import show_json, show_pairs, show_table

if TYPE_CHECKING:
    from tenfold.data.entries import Entry

commands = typer.Typer(
    help="The data sets: list them, say what one is, fetch it.", no_args_is_help=True, rich_markup_mode=None
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A data set by name (tenfold data list).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="data")


@commands.command("list", epilog=examples("tenfold data list", "tenfold data list --json"))
def list_data(as_json: JsonOption = False) -> None:
    """List the data sets, and whether they are here."""
    from tenfold.data.entries import CATALOG

    rows = [_row(entry) for entry in CATALOG.values()]
    if as_json:
        show_json(rows)
        return
    show_table(
        [row | {"size": f"{row['height']} × {row['width']}", "count": len(row["classes"])} for row in rows],
        {
            "name": "Data set",
            "train": "Training",
            "test": "Test",
            "size": "Image",
            "count": "Classes",
            "state": "State",
            "license": "License",
        },
    )


@commands.command("info", epilog=examples("tenfold data info mnist", "tenfold data info qmnist --json"))
def info(name: NameArgument, as_json: JsonOption = False) -> None:
    """Say what a data set is.

    Whose it is, where its files come from, and their hashes.
    """
    from tenfold.data.entries import CATALOG
    from tenfold.errors import lookup

    entry: Entry = lookup("data set", name, CATALOG)
    files = ([entry.archive.file] if entry.archive else []) + list(entry.files)
    values = _row(entry) | {
        "description": entry.description,
        "homepage": entry.homepage,
        "citation": entry.citation,
        "note": entry.note or None,
        "files": [{"name": file.name, "hash": file.hash, "bytes": file.size} for file in files],
        "mirrors": list(entry.mirrors),
    }
    if as_json:
        show_json(values)
        return
    show_pairs(
        {
            "name": f"{entry.name}: {entry.title}",
            "what": entry.description,
            "images": f"{entry.counts[0]:,} for training, {entry.counts[1]:,} for testing, "
            f"{entry.shape[0]} × {entry.shape[1]}",
            "classes": ", ".join(entry.classes),
            "state": values["state"],
            "folder": values["folder"],
            "license": entry.license,
            "homepage": entry.homepage,
            "citation": entry.citation,
            "note": entry.note or None,
            "files": "\n".join(f"{file.name}  {file.hash}" for file in files),
            "mirrors": "\n".join(entry.mirrors) or None,
        }
    )


@commands.command(
    "fetch",
    epilog=examples("tenfold data fetch fashion-mnist", "tenfold data fetch kmnist --from ~/Downloads"),
)
def fetch(
    name: NameArgument,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the published files from this folder instead of the web."
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Bring a data set into the cache.

    Each file is checked by its hash, wherever it comes from.
    """
    from tenfold.data.catalog import fetch as bring

    folder = bring(name, source, progress=not quiet)
    show_pairs({"data set": name, "folder": folder})


def _row(entry: Entry) -> dict[str, Any]:
    from tenfold.data.catalog import state
    from tenfold.data.download import folder_of

    now = state(entry.name)
    return {
        "name": entry.name,
        "title": entry.title,
        "train": entry.counts[0],
        "test": entry.counts[1],
        "height": entry.shape[0],
        "width": entry.shape[1],
        "classes": list(entry.classes),
        "license": entry.license,
        "state": now,
        "folder": str(folder_of(entry)) if now == "cached" else None,
    }
