"""Pieces of code that the exports are put together from: only those that a network needs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

MARK = "//! "


@cache
def sections(name: str) -> dict[str, str]:
    """Return the pieces of one file of `templates`, by name, in its order."""
    text = (files("tenfold.export") / "templates" / name).read_text(encoding="utf-8")
    found = {}
    for part in text.split(MARK)[1:]:
        head, _, body = part.partition("\n")
        found[head.strip()] = body.strip() + "\n"
    return found


def fill(name: str, section: str, **values: object) -> str:
    """Return one piece with its ``$names`` replaced."""
    return Template(sections(name)[section]).substitute({key: str(value) for key, value in values.items()})
