"""Where everything stands in a document: anchors, each used once, and the numbers of tables and figures."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from tenfold.report.document import Block, Document, Figure, Pictures, Section, Table


@dataclass(frozen=True)
class Placed:
    """A block in its place.

    Attributes
    ----------
    block : Block
    anchor : str
        Its id; "" for a block without a key, except figures and tables, which always have one.
    label : str
        "Figure 3", "Table 1", or "".
    rows : tuple of str
        The anchors of what is inside it (one for each verdict).
    """

    block: Block
    anchor: str = ""
    label: str = ""
    rows: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the block's type, in lower case."""
        return type(self.block).__name__.lower()


@dataclass(frozen=True)
class Part:
    """A section in its place; `parts` are the sections of level 3 under it."""

    section: Section
    anchor: str
    blocks: tuple[Placed, ...]
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Outline:
    """The whole document, placed."""

    document: Document
    parts: tuple[Part, ...]
    anchors: frozenset[str]
    protocol_anchor: str


def outline(document: Document) -> Outline:
    """Give every section and block its anchor and number.

    A key that is taken gets a number behind it, so that a document is always valid; links lead to the first.
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    # The keys somebody wrote go before the anchors made up here.
    reserved = {slug(key) for key in _keys(document)}

    def claim(key: str, fallback: str) -> str:
        wanted = slug(key) if key else slug(fallback)
        name, count = wanted, 1
        while name in taken or (not key and name in reserved):
            count += 1
            name = f"{wanted}-{count}"
        taken.add(name)
        return name

    def place(block: Block) -> Placed:
        key = getattr(block, "key", "")
        rows: tuple[str, ...] = ()
        if isinstance(block, Figure | Pictures | Table):
            kind = "Table" if isinstance(block, Table) else "Figure"
            if not block.caption:
                return Placed(block, claim(key, kind) if key else "")
            numbers[kind] += 1
            label = f"{kind} {numbers[kind]}"
            return Placed(block, claim(key, label), label)
        anchor = claim(key, "") if key else ""
        if type(block).__name__ == "Verdicts":
            rows = tuple(claim(row.key, "claim") for row in getattr(block, "rows", ()))
        return Placed(block, anchor, "", rows)

    parts: list[Part] = []
    for section in document.sections:
        anchor = claim(section.key, section.title)
        part = Part(section, anchor, tuple(map(place, section.blocks)))
        if section.level == 3 and parts:
            parts[-1].parts.append(part)
        else:
            parts.append(part)
    protocol = claim("", "protocol")
    return Outline(document, tuple(parts), frozenset(taken), protocol)


def slug(text: str) -> str:
    """Return `text` as an id: lower-case letters, digits and hyphens, never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "part"


def _keys(document: Document) -> list[str]:
    keys = [section.key for section in document.sections]
    for block in document.blocks():
        keys.append(getattr(block, "key", ""))
        keys += [row.key for row in getattr(block, "rows", ()) if hasattr(row, "key")]
    return [key for key in keys if key]
