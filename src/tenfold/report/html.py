"""A document as one HTML file that opens anywhere: no network, no script, nothing beside it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import require
from tenfold.report import prose, svg
from tenfold.report.document import (
    MARKS,
    Cell,
    Document,
    Figure,
    Listing,
    Measured,
    Outcome,
    Table,
    Text,
    Verdicts,
)
from tenfold.report.files import write
from tenfold.report.outline import Placed, outline
from tenfold.report.tables import Shown, describe, layout, measures, title

NOTES = {"info": "Note", "warning": "Warning", "scale": "Scale"}


def write_html(document: Document, path: str | Path) -> Path:
    """Write the document to one HTML file and return its path.

    Raises
    ------
    MissingExtraError
        Jinja is not installed.
    ReportError
        The file cannot be written.
    """
    return write(Path(path), render_html(document).encode())


def render_html(document: Document) -> str:
    """Return the document as the text of an HTML page: the same text each time.

    Raises
    ------
    MissingExtraError
        Jinja is not installed.
    ValueError
        A figure's SVG is not well formed, or would run or fetch something.
    """
    require("jinja2", extra="train", purpose="Writing a report")
    import jinja2
    from markupsafe import Markup

    whole = outline(document)
    drawings = Counter[str]()

    def drawing(figure: Figure) -> Markup:
        drawings["svg"] += 1
        return Markup(svg.inline(figure.svg, prefix=f"svg{drawings['svg']}", label=figure.alt))

    def line(text: str) -> Markup:
        blocks = prose.parse(text)
        if len(blocks) == 1 and isinstance(blocks[0], prose.Paragraph):
            return Markup(prose.line_html(blocks[0].line, whole.anchors))
        return Markup(prose.to_html(text, whole.anchors))

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("document.html").render(
        document=document,
        parts=whole.parts,
        protocol_anchor=whole.protocol_anchor,
        prose=lambda text: Markup(prose.to_html(text, whole.anchors)),
        line=line,
        drawing=drawing,
        picture=_picture,
        cells=_cells,
        tail_width=_tail_width,
        column_title=title,
        measures=measures,
        tally=tally,
        MARKS=MARKS,
        NOTES=NOTES,
        is_text=lambda cell: isinstance(cell, Text),
        is_long=_is_long,
    )


def tally(verdicts: Verdicts) -> str:
    """Return how many claims hold, do not hold and are undecided, and what shortened runs show of those."""
    count = Counter(row.outcome for row in verdicts.rows)
    words: dict[Outcome, tuple[str, str]] = {
        "holds": ("holds", "hold"),
        "does not hold": ("does not hold", "do not hold"),
        "undecided": ("is undecided", "are undecided"),
    }
    said = [f"{count[key]} {words[key][count[key] != 1]}" for key in words if count[key]]
    claims = "claim" if len(verdicts.rows) == 1 else "claims"
    shown = Counter(row.so_far for row in verdicts.rows)
    so_far = [f"{shown['holds']} {'holds' if shown['holds'] == 1 else 'hold'}"] * bool(shown["holds"])
    failing = shown["does not hold"]
    so_far += [f"{failing} {'fails' if failing == 1 else 'fail'}"] * bool(failing)
    rest = f" (so far, in shortened runs, {', '.join(so_far)})" if so_far else ""
    return f"Of {len(verdicts.rows)} {claims}, {', '.join(said)}{rest}." if said else "No claims."


def _cells(table: Table) -> list[list[tuple[Cell, Shown, str]]]:
    """Return each cell as (itself, its text, what to say on hover)."""
    return [
        [
            (cell, shown, describe(cell) if isinstance(cell, Measured) else "")
            for cell, shown in zip(row, line, strict=True)
        ]
        for row, line in zip(table.rows, layout(table), strict=True)
    ]


def _tail_width(table: Table) -> list[int]:
    """Return for each column how many characters its longest tail has."""
    rows = layout(table)
    if not rows:
        return [0] * len(table.columns)
    return [max(len(str(replace(cell, head=""))) for cell in column) for column in zip(*rows, strict=True)]


def _is_long(placed: Placed) -> bool:
    """Say whether a block is too tall to be kept on one printed page."""
    if isinstance(placed.block, Listing):
        return placed.block.text.count("\n") > 40
    return isinstance(placed.block, Table) and len(placed.block.rows) > 25


def _picture(image: NDArray[np.uint8]) -> str:
    """Return a digit as a data URI of a PNG, dark on light."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(255 - np.ascontiguousarray(image)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
