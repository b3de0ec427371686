"""``tenfold networks``: what networks there are, and what each is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenfold.cli.options import JsonOption, examples
from tenfold.cli.output import say, show, show_json, show_table
from tenfold.errors import NetworkError

commands = typer.Typer(help="The networks: list them, show one.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="networks")


@commands.command("list", epilog=examples("tenfold networks list", "tenfold networks list --json"))
def list_networks(as_json: JsonOption = False) -> None:
    """List every network with its size."""
    from tenfold.networks.summary import channels_last, shape_text
    from tenfold.networks.zoo import NETWORKS
    from tenfold.report.document import Column

    rows = [
        {
            "name": name,
            "input_shape": channels_last(found.input_shape),
            "classes": found.classes,
            "parameters": found.parameters,
            "multiply_adds": found.multiply_adds,
        }
        for name, found in NETWORKS.items()
    ]
    if as_json:
        show_json(rows)
        return
    show_table(
        [
            row | {"input_shape": shape_text(channels_last(NETWORKS[str(row["name"])].input_shape))}
            for row in rows
        ],
        {
            "name": "Network",
            "input_shape": Column("Input", "right"),
            "parameters": "Parameters",
            "multiply_adds": "Multiply-adds",
        },
    )


@commands.command(
    "show",
    epilog=examples(
        "tenfold networks show lin-simple-cnn",
        "tenfold networks show fast --json",
        "tenfold networks show fast --svg fast.svg",
    ),
)
def show_network(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A network by name, or a JSON file that describes one.")
    ],
    as_json: JsonOption = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw the network into this file too.")
    ] = None,
) -> None:
    """Show a network layer by layer.

    Output shapes (height, width, channels), parameters, multiply-adds.
    """
    from tenfold.cli.train import read_network
    from tenfold.data.formats.files import atomic
    from tenfold.networks.diagram import diagram
    from tenfold.networks.summary import summary

    found = read_network(name)
    if svg is not None:
        try:
            with atomic(svg) as file:
                file.write(diagram(found).encode())
        except OSError as error:
            raise NetworkError(
                f"{svg} cannot be written: {error.strerror or error}. Choose another place."
            ) from None
        say(f"The diagram is in {svg}")
    table = summary(found)
    if as_json:
        show_json(table.to_dict())
    else:
        show(str(table))
