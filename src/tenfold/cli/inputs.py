"""What a command reads: standard input, the one picture that it takes, and what it must not write over."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

STDIN = "-"


class StandardInput(io.BytesIO):
    """What came on standard input; called "-" where it is told of."""

    name = STDIN


def take(name: str) -> str | StandardInput:
    """Return what a name stands for: standard input for "-", else the file of that name."""
    return StandardInput(sys.stdin.buffer.read()) if name == STDIN else name


def only(path: str, command: str) -> str | StandardInput:
    """Return the one source that a path, folder or pattern stands for.

    Raises
    ------
    typer.BadParameter
        It stands for several.
    """
    from tenfold.reading.sources import expand

    found = expand([path])
    if len(found) > 1:
        raise typer.BadParameter(
            f"{command} takes one picture; {path!r} stands for {len(found):,}, the first of them {found[0]}",
            param_hint="IMAGE",
        )
    return take(found[0])


def spare(sources: Sequence[str], template: Path | None, out: Path | None, annotate: Path | None) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    typer.BadParameter
        The output, or a drawing that may be replaced, is one of the sources, by whatever name.
    """
    from tenfold.reading.sources import DRAWING

    hints = {"--out": "", "--annotate": ", or leave it out, as folders and quoted patterns do"}
    places = {"--out": [out] if out is not None and out.is_file() else []}
    if annotate is not None and annotate.is_dir():
        places["--annotate"] = [path for path in annotate.iterdir() if DRAWING.search(path.name)]
    if not any(places.values()):
        return
    read: set[tuple[int, int]] = set()
    for source in [*map(Path, sources), *([] if template is None else [template])]:
        with suppress(OSError, ValueError):  # reading it tells what is wrong
            read.add(_identity(source))
    for option, paths in places.items():
        for path in paths:
            with suppress(OSError):
                if _identity(path) in read:
                    raise typer.BadParameter(
                        f"{path} is read, and would be written over. Choose another place{hints[option]}",
                        param_hint=option,
                    )


def _identity(path: Path) -> tuple[int, int]:
    """Return what is the same for two names of one file."""
    status = path.stat()
    return status.st_dev, status.st_ino
