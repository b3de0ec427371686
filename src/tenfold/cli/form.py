"""``tenfold form``: templates of forms, drafted and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.inputs import spare
from tenfold.cli.options import JsonOption, OutFile, examples
from tenfold.cli.output import say, show, show_json, show_pairs, show_table
from tenfold.errors import FormError

if TYPE_CHECKING:
    from tenfold.data.pixels import Pixels
    from tenfold.reading.pages import Picture

commands = typer.Typer(
    help="Templates of forms: draft one from a blank form, check one against a page.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(commands, name="form")


@commands.command(
    "new",
    epilog=examples(
        "tenfold form new blank.png",
        "tenfold form new blank.pdf --out exam.toml --size 210x297",
    ),
)
def new(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A scan of the blank form, or its PDF.")],
    out: OutFile = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Width and height of the page in millimeters; by default A4 or Letter, whichever fits.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a template that is in --out already.")
    ] = False,
) -> None:
    """Draft a template from the empty boxes of a blank form.

    Boxes side by side become the cells of one field. Name the fields, take away what is none, and add
    constraints: length, range, pattern, checksum, values, and sums of fields.
    """
    from tenfold.reading.forms import draft, save_template
    from tenfold.reading.forms.drafting import may_lie_on_its_side
    from tenfold.reading.forms.toml import to_toml

    millimeters = None if size is None else _size(size)
    spare([image], None, out, None)
    if out is not None and out.exists() and not force:
        raise typer.BadParameter(
            f"{out} is there already, and may have been edited. Choose another name, or give --force",
            param_hint="--out",
        )
    with _naming(image):
        template = draft(_page(image), millimeters, Path(image).stem)
    cells = sum(item.cells or 1 for item in template.fields)
    say(
        f"Found {len(template.fields)} fields with {cells} cells, {len(template.rules)} rules and "
        f"{len(template.marks)} marks on a page of {template.size[0]:g} x {template.size[1]:g} mm."
    )
    if may_lie_on_its_side(template):
        say(
            "Few boxes stand side by side, many one above another. If the page is turned by a quarter, turn"
            " it upright and draft again."
        )
    if out is None:
        show(to_toml(template).rstrip())
        return
    save_template(template, out)
    say(f"The template is in {out}. See what it sees: tenfold form check {out} {image} --out seen.png")


@commands.command(
    "check",
    epilog=examples(
        "tenfold form check exam.toml scan.png --out seen.png",
        "tenfold form check exam.toml scan.png --json",
    ),
)
def check(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="The template, a TOML file.")],
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A page of the form, blank or filled in.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="PNG", help="Draw the page with the template over it into this file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Lay a page on a template and tell how well each field fits.

    The picture shows printed lines that were found in green, others in red, and the ink that will be read in
    blue.
    """
    from tenfold.reading.forms import check_form, load_template

    if out is not None and out.suffix.lower() != ".png":
        raise typer.BadParameter(f"must be a .png file; got {out}", param_hint="--out")
    spare([image], template, out, None)
    loaded = load_template(template)
    with _naming(image):
        found = check_form(loaded, _page(image))
    if out is not None:
        _draw(found.drawn, out)
    if as_json:
        show_json(found.to_dict())
        return
    show_pairs(
        {
            "printed lines": f"{found.support:.0%} found where they should be",
            "rotation": f"{found.rotation} degrees" if found.rotation else None,
            "drawn": out,
        }
    )
    rows = [
        {
            "field": name,
            "fit": "no lines" if item.fit is None else f"{item.fit:.0%}",
            "filled": f"{item.filled} of {item.cells}",
        }
        for name, item in found.fields.items()
    ]
    show("")
    show_table(rows, {"field": "Field", "fit": "Fits", "filled": "Cells with ink"})


def _page(image: str) -> Picture:
    """Return the first page of a source."""
    from tenfold.reading.pages import pictures

    return next(iter(pictures(image)))


@contextmanager
def _naming(image: str) -> Iterator[None]:
    """Name the picture in errors about it."""
    try:
        yield
    except FormError as error:
        raise FormError(f"{image}: {error}") from None


def _size(text: str) -> tuple[float, float]:
    try:
        width, height = (float(part) for part in text.lower().split("x"))
    except ValueError:
        width = height = 0.0
    if not (10 <= width <= 2000 and 10 <= height <= 2000):
        raise typer.BadParameter(
            f"must be width and height in millimeters, such as 210x297; got {text!r}", param_hint="--size"
        )
    return width, height


def _draw(drawn: Pixels, out: Path) -> None:
    from PIL import Image

    from tenfold.data.formats.files import atomic

    try:
        with atomic(out) as file:
            Image.fromarray(drawn).save(file, "PNG")
    except OSError as error:
        raise FormError(
            f"{out} cannot be written: {error.strerror or error}. Choose another place."
        ) from None
