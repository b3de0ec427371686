"""A report is a value: titled sections of blocks, which know nothing of how they are drawn.

`tenfold.report.html` and `tenfold.report.markdown` render the same `Document`. Every key becomes an anchor,
so ``[the ranking](#ranking)`` in any `Text` points at the block or section whose key is ``ranking``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Align = Literal["left", "right", "center"]
Outcome = Literal["holds", "does not hold", "undecided"]
NoteKind = Literal["info", "warning", "scale"]

MARKS: dict[Outcome, str] = {"holds": "✓", "does not hold": "✗", "undecided": "?"}
"""What stands before an outcome, for those who see no color."""

SO_FAR: dict[Outcome, str] = {
    "holds": "holds so far",
    "does not hold": "fails so far",
    "undecided": "open so far",
}
"""What shortened runs show, which decide nothing."""


@dataclass(frozen=True)
class Measured:
    """A number that was measured, with what it is worth.

    Attributes
    ----------
    mean : float
        Over the seeds; a fraction in [0, 1] if `percent`.
    low, high : float or None
        The interval of the mean, in the units of `mean`.
    n : int
        How many runs, or pairs of them.
    sd : float or None
        The standard deviation between runs, in the units of `mean`.
    percent : bool
        Show everything times 100.
    digits : int
        Decimals shown (of the percentage, if `percent`).
    level : float
        The level of the interval.
    each : str
        What the mean is over: "run", or "pair" of a difference.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    n: int = 1
    sd: float | None = None
    percent: bool = True
    digits: int = 2
    level: float = 0.95
    each: str = "run"


@dataclass(frozen=True)
class Text:
    """Prose in a small, safe Markdown: paragraphs, lists, **bold**, *italics*, `code`, [links](#key)."""

    markdown: str


@dataclass(frozen=True)
class Note:
    """A call-out in the same Markdown as `Text`; ``scale`` says that a result is not the published recipe.

    Attributes
    ----------
    text : str
    kind : "info", "warning" or "scale"
    names : tuple of str
        What it is about, where that is too much to tell at once: a list to unfold. Shown as they are.
    """

    text: str
    kind: NoteKind = "info"
    names: tuple[str, ...] = ()


Cell: TypeAlias = str | int | float | Measured | Text | None


@dataclass(frozen=True)
class Column:
    """A column of a `Table`.

    Attributes
    ----------
    title : str
    align : {"left", "right", "center"}
        Numbers in a right-aligned column stand on their decimal points.
    unit : str
        Shown beside the title ("%", "s").
    help : str
        One line that explains the column, shown on hover and, in Markdown, below the table.
    digits : int or None
        Decimals of floats; None shows four significant digits.
    percent : bool
        Floats are fractions, shown times 100 (`Measured` cells decide for themselves).
    signed : bool
        Floats and integers carry their sign even when positive (differences).
    """

    title: str
    align: Align = "left"
    unit: str = ""
    help: str = ""
    digits: int | None = None
    percent: bool = False
    signed: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells; None is shown as –, strings as they are, `Text` cells as Markdown.

    Attributes
    ----------
    columns : tuple of Column
    rows : tuple of tuple of Cell
    caption, key : str
    whole : bool
        Whether every row is on view at once, however many there are; else HTML lets a long table scroll.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    key: str = ""
    whole: bool = False

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"Table {self.key or self.caption!r}: row {number} has {len(row)} cells "
                    f"for {len(self.columns)} columns."
                )


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes
    ----------
    svg : str
        An ``<svg>`` element. It should follow the page's color: ``currentColor``, or the variables of
        `tenfold.report.figures`.
    caption : str
        What to see in it (Markdown, as in `Text`).
    alt : str
        What it shows, for those who cannot see it.
    key : str
    data : Table or None
        The numbers behind it.
    png : bytes
        The same drawing on white, for Markdown; without it Markdown shows the SVG.
    """

    svg: str
    caption: str
    alt: str
    key: str = ""
    data: Table | None = None
    png: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Digits as pictures.

    Attributes
    ----------
    images : (n, height, width) uint8
        Ink 255 on paper 0; shown dark on light.
    captions : tuple of str
        One for each image, or none at all.
    caption : str
    key : str
    columns : int
        How many stand beside each other on a wide page.
    """

    images: NDArray[Any]
    captions: tuple[str, ...] = ()
    caption: str = ""
    key: str = ""
    columns: int = 10

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise ValueError(
                f"Pictures must be uint8 of shape (n, height, width). "
                f"Got {self.images.dtype} of shape {self.images.shape} instead."
            )
        if self.captions and len(self.captions) != len(self.images):
            raise ValueError(f"{len(self.images)} pictures but {len(self.captions)} captions.")
        if self.columns < 1:
            raise ValueError(f"Pictures need at least one column. Got {self.columns} instead.")


@dataclass(frozen=True)
class Verdict:
    """What became of a claim and the numbers that decided it.

    Attributes
    ----------
    key, claim : str
    outcome : "holds", "does not hold" or "undecided"
    reason : str
        The numbers in sum.
    evidence : tuple of str
        The numbers part by part.
    brief : tuple of str
        What pages show of the evidence, where much of it is alike; empty: all of it.
    so_far : "holds", "does not hold", "undecided" or None
        What shortened runs show of a claim that they leave undecided; None where it is not about such.
    scale : str
        What its runs were at, in words.
    """

    key: str
    claim: str
    outcome: Outcome
    reason: str = ""
    evidence: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()
    so_far: Outcome | None = None
    scale: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """What pages show of the evidence."""
        return self.brief or self.evidence

    def to_dict(self) -> dict[str, object]:
        """Return it as plain JSON values, with the whole evidence."""
        return {
            "key": self.key,
            "claim": self.claim,
            "outcome": self.outcome,
            "reason": self.reason,
            "evidence": list(self.evidence),
            "so_far": self.so_far,
            "run_at": self.scale,
        }


@dataclass(frozen=True)
class Verdicts:
    """Claims and what became of them."""

    rows: tuple[Verdict, ...]
    caption: str = ""
    key: str = ""


@dataclass(frozen=True)
class Numbers:
    """Headline figures: (label, value, help) each."""

    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Listing:
    """Monospaced text, as printed."""

    text: str
    caption: str = ""


Block: TypeAlias = Text | Note | Table | Figure | Pictures | Verdicts | Numbers | Listing


@dataclass(frozen=True)
class Section:
    """A part of the document; `level` 2 is a chapter, 3 a part of the chapter before it."""

    title: str
    blocks: tuple[Block, ...] = ()
    key: str = ""
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes
    ----------
    title, subtitle : str
    sections : tuple of Section
    protocol : dict of str to str
        How the numbers were made (versions, hardware, seeds), shown at the end.
    """

    title: str
    subtitle: str = ""
    sections: tuple[Section, ...] = ()
    protocol: dict[str, str] = field(default_factory=dict)

    def blocks(self) -> Iterator[Block]:
        """Yield every block, in order."""
        for section in self.sections:
            yield from section.blocks
