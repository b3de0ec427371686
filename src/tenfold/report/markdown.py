"""A document as Markdown beside its pictures, as GitHub shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tenfold.report import canvas, prose
from tenfold.report.document import (
    MARKS,
    Align,
    Document,
    Figure,
    Listing,
    Note,
    Numbers,
    Pictures,
    Table,
    Text,
    Verdicts,
)
from tenfold.report.files import write
from tenfold.report.html import NOTES, tally
from tenfold.report.outline import Outline, Part, Placed, outline
from tenfold.report.prose import escape_markdown
from tenfold.report.tables import layout, measures, title

FIGURES = "figures"
_RULES: dict[Align, str] = {"left": ":---", "right": "---:", "center": ":---:"}


def write_markdown(document: Document, folder: str | Path) -> Path:
    """Write the document to ``README.md`` in `folder`, its drawings to ``figures/``; return the page's path.

    Raises
    ------
    MissingExtraError
        There are digits to draw and matplotlib is not installed.
    ReportError
        A file cannot be written.
    """
    folder = Path(folder)
    text, files = render_markdown(document)
    for name, content in files.items():
        write(folder / name, content)
    # The page comes last, so that it never shows a drawing that is not there yet.
    return write(folder / "README.md", text.encode())


def render_markdown(document: Document) -> tuple[str, dict[str, bytes]]:
    """Return the document as Markdown, and the files it shows by their path beside it."""
    page = _Page(outline(document))
    lines = [f"# {escape_markdown(document.title)}"]
    if document.subtitle:
        lines.append(page.prose(document.subtitle))
    lines.append(page.contents())
    for part in page.whole.parts:
        lines += page.part(part, 2)
    if document.protocol:
        lines.append(_heading("Protocol", page.whole.protocol_anchor, 2))
        lines.append(_grid(["", ""], ["left", "left"], document.protocol.items()))
    return "\n\n".join(filter(None, lines)) + "\n", page.files


class _Page:
    """Draws the parts of a document, and gathers the files that they show."""

    def __init__(self, whole: Outline) -> None:
        self.whole = whole
        self.files: dict[str, bytes] = {}

    def contents(self) -> str:
        lines = []
        for part in self.whole.parts:
            lines.append(f"- [{escape_markdown(part.section.title)}](#{part.anchor})")
            lines += [f"  - [{escape_markdown(p.section.title)}](#{p.anchor})" for p in part.parts]
        return "\n".join(lines)

    def part(self, part: Part, level: int) -> list[str]:
        lines = [_heading(part.section.title, part.anchor, level)]
        for placed in part.blocks:
            if placed.anchor:
                lines.append(_anchor(placed.anchor))
            lines += self.block(placed)
        for inner in part.parts:
            lines += self.part(inner, 3)
        return lines

    def block(self, placed: Placed) -> list[str]:
        match placed.block:
            case Text(markdown):
                return [self.prose(markdown)]
            case Note(text, kind, names):
                said = f"**{NOTES[kind]}**\n\n{self.prose(text)}"
                if names:
                    listed = "\n".join(f"- {escape_markdown(name)}" for name in names)
                    said += f"\n\n<details><summary>Which {len(names)}</summary>\n\n{listed}\n\n</details>"
                return [re.sub(r"^", "> ", said, flags=re.MULTILINE)]
            case Table() as table:
                return [self.caption(placed, table.caption), *self.table(table)]
            case Figure() as figure:
                return self.figure(placed, figure)
            case Pictures() as pictures:
                path = self.keep(placed.anchor, "png", _sheet(pictures))
                alt = f"{len(pictures.images)} handwritten samples"
                return [f"![{alt}]({path})", self.caption(placed, pictures.caption)]
            case Verdicts() as verdicts:
                return self.verdicts(verdicts)
            case Numbers(items):
                rows = [
                    (escape_markdown(label), f"**{escape_markdown(value)}**", self.line(help))
                    for label, value, help in items
                ]
                return [_grid(["", "", ""], ["left", "right", "left"], rows, escaped=True)]
            case Listing(text, caption):
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                return [self.line(caption), f"{fence}text\n{text.rstrip()}\n{fence}"]

    def prose(self, text: str) -> str:
        return prose.to_markdown(text, self.whole.anchors)

    def line(self, text: str) -> str:
        return self.prose(text).replace("\n", " ")

    def caption(self, placed: Placed, text: str) -> str:
        return f"**{placed.label}.** {self.prose(text)}" if placed.label else self.prose(text)

    def keep(self, name: str, kind: str, content: bytes) -> str:
        """Note a file to be written, and return its path from the page."""
        wanted = path = f"{FIGURES}/{name or 'figure'}.{kind}"
        number = 1
        while path in self.files:
            number += 1
            path = wanted.replace(f".{kind}", f"-{number}.{kind}")
        self.files[path] = content
        return path

    def table(self, table: Table) -> list[str]:
        rows = [
            [
                self.line(cell.markdown) if isinstance(cell, Text) else escape_markdown(str(shown))
                for cell, shown in zip(cells, line, strict=True)
            ]
            for cells, line in zip(table.rows, layout(table), strict=True)
        ]
        titles = [escape_markdown(title(column)) for column in table.columns]
        helps = [
            f"*{escape_markdown(column.title)}*: {self.line(column.help)}"
            for column in table.columns
            if column.help
        ]
        grid = _grid(titles, [column.align for column in table.columns], rows, escaped=True)
        return [grid, " ".join(filter(None, [*helps, escape_markdown(measures(table))]))]

    def figure(self, placed: Placed, figure: Figure) -> list[str]:
        kind, content = ("png", figure.png) if figure.png else ("svg", figure.svg.encode())
        path = self.keep(placed.anchor, kind, content)
        lines = [f"![{escape_markdown(figure.alt)}]({path})", self.caption(placed, figure.caption)]
        if figure.data is not None:
            summary = f"The numbers behind {placed.label or 'the figure'}"
            lines += [f"<details><summary>{summary}</summary>", *self.table(figure.data), "</details>"]
        return lines

    def verdicts(self, verdicts: Verdicts) -> list[str]:
        rows = [
            (
                escape_markdown(row.key),
                f"{MARKS[row.outcome]} {row.outcome}".replace(" ", "\u00a0"),
                self.line(row.claim),
                "<br>".join(self.line(part) for part in (row.reason, *row.shown) if part),
            )
            for row in verdicts.rows
        ]
        titles = ["", "Verdict", "Claim", "What decided it"]
        grid = _grid(titles, ["left"] * 4, rows, escaped=True)
        return [self.prose(verdicts.caption), f"**{tally(verdicts)}**", grid]


def _heading(text: str, anchor: str, level: int) -> str:
    return f"{_anchor(anchor)}\n\n{'#' * level} {escape_markdown(text)}"


def _anchor(name: str) -> str:
    return f'<a id="{name}"></a>'


def _grid(
    titles: Sequence[str], aligns: Sequence[Align], rows: Iterable[Sequence[str]], *, escaped: bool = False
) -> str:
    lines = [titles, [_RULES[align] for align in aligns]]
    lines += [row if escaped else [escape_markdown(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)


def _sheet(pictures: Pictures) -> bytes:
    """Draw all pictures on one sheet, as PNG."""
    count, columns = len(pictures.images), min(pictures.columns, max(1, len(pictures.images)))
    rows = max(1, -(-count // columns))
    with canvas.style():
        sheet = canvas.paper(rows * (0.95 if pictures.captions else 0.75), columns * 0.8)
        grid = sheet.subplots(rows, columns, squeeze=False)
        for number, axes in enumerate(grid.flat):
            axes.set_axis_off()
            if number >= count:
                continue
            axes.imshow(255 - pictures.images[number], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if pictures.captions:
                text = pictures.captions[number].replace(", ", "\n")
                axes.set_title(text, fontsize=6.5, pad=2, loc="center", fontweight="normal")
        return canvas.printed(sheet)[1]
