"""What a measurement holds under: the source, the packages and the machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenfold.runs import environment

PACKAGE = Path(__file__).resolve().parents[1]
PEERS = ("keras", "onnxruntime", "skorch")
"""Packages whose version is told beside those that every run tells."""

MACHINE = ("cpu", "cores", "gpu", "os")


@dataclass(frozen=True)
class Circumstances:
    """What must be equal for two measurements to be compared.

    Attributes
    ----------
    source : str
        A hash of the package's files. A commit would not do: it changes with the published results, and does
        not tell changes from one another that are not committed.
    commit : str or None
        Told to people.
    hardware, versions : dict
    """

    source: str
    commit: str | None
    hardware: dict[str, Any] = field(repr=False)
    versions: dict[str, str] = field(repr=False)

    def same(self, other: Circumstances) -> bool:
        """Return whether source, machine, and the version of every package that both had are equal.

        A package that was installed in between, for a side that was left out, changes nothing of the others.
        """
        both = self.versions.keys() & other.versions.keys()
        return (
            self.source == other.source
            and all(self.hardware.get(key) == other.hardware.get(key) for key in MACHINE)
            and all(self.versions[name] == other.versions[name] for name in both)
        )


def here() -> Circumstances:
    """Return what would hold for a measurement now."""
    return Circumstances(source(), environment.commit(), environment.hardware(), environment.versions(PEERS))


def source(package: Path = PACKAGE) -> str:
    """Return a hash of all files of a package, their names among it; what Python compiles is left out."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            found.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()
