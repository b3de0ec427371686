"""``tenfold explain``: every stage of reading a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tenfold.cli.inputs import only
from tenfold.cli.options import examples
from tenfold.cli.output import say, show, show_paragraph


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "explain",
        epilog=examples("tenfold explain photo.jpg", "tenfold explain scan.pdf --page 2 --out stages/"),
    )(explain)


def explain(
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="A picture or PDF; - for standard input."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR|HTML",
            help="An .html file, or a folder for it and a PNG of each stage; by default explained.html.",
        ),
    ] = None,
    page: Annotated[int, typer.Option("--page", min=1, metavar="N", help="Which page.")] = 1,
    error_rate: Annotated[
        float, typer.Option("--error-rate", metavar="P", help="As for tenfold read.")
    ] = 0.01,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="DIR", help="The folder of a reader's weights; by default those that ship."
        ),
    ] = None,
) -> None:
    """Show how a picture is read: each stage as a picture, and in words what is unusual."""
    from tenfold.reading.reader import Reader
    from tenfold.reading.sources import READABLE

    if not 0 < error_rate < 1:
        raise typer.BadParameter("must be between 0 and 1, such as 0.01", param_hint="--error-rate")
    if out is not None and out.suffix.lower() in READABLE and not out.is_dir():
        raise typer.BadParameter(
            f"must be an .html file or a folder; {out} is called like a picture", param_hint="--out"
        )
    found = Reader(model, error_rate).explain(only(image, "explain"), page)
    written = found.save(out or Path("explained.html"))
    show(found.page.text or "(no digits)")
    for note in found.notes:
        show_paragraph(f"  {note}")
    say(f"The stages are in {written[0]}")
