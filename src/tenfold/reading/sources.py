"""From what a user names to the files to read: patterns, folders, standard input."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tenfold.data.formats.folder import SUFFIXES, is_pattern, matching, pictures_in

STDIN = "-"

READABLE = (*SUFFIXES, ".pdf")
"""Suffixes by which files are taken from folders and patterns; a file that is named itself may have any."""

DRAWING = re.compile(r"\.read(-\d+)?\.png$", re.IGNORECASE)
"""How the names of annotated pages end. Folders and patterns leave them out, for they are no sources."""


def expand(paths: Iterable[str]) -> list[str]:
    """Return the files that paths, patterns and folders stand for.

    Parameters
    ----------
    paths : iterable of str
        "-" is standard input. A folder stands for the pictures and PDFs that lie directly in it, a pattern
        such as ``scans/**/*.jpg`` for those that match it, each by name; annotated pages are left out.

    Returns
    -------
    files : list of str
        What stands for nothing is kept as it is, so that reading it tells what is missing.
    """
    files: list[str] = []
    for path in paths:
        found: list[Path] = []
        if path != STDIN and Path(path).is_dir():
            found = pictures_in(Path(path), READABLE)
        elif path != STDIN and is_pattern(Path(path)):
            found = matching(Path(path), READABLE)
        files += [str(item) for item in found if not DRAWING.search(item.name)] or [path]
    return files
