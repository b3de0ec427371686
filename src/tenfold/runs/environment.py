"""What a run ran on: packages, machine, and the commit of the source."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("tenfold", "numpy", "torch", "scikit-learn", "scipy", "Pillow", "safetensors")
_SOURCE = Path(__file__).resolve().parents[1]


def versions(further: Iterable[str] = ()) -> dict[str, str]:
    """Return the version of Python and of each installed package that a result may depend on.

    They are read from the packages' metadata, so nothing is imported. `further` names more packages.
    """
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, *further):
        try:
            found[package] = _version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def _version(package: str) -> str:
    return metadata.version(package)


def hardware() -> dict[str, Any]:
    """Return what the machine is, as plain JSON values.

    Returns
    -------
    hardware : dict
        ``cpu`` (model), ``cores`` (logical ones this process may use), ``threads`` (those that arithmetic
        uses), ``ram_gib`` (float, or None where the system does not say), ``gpu`` (name, or None where there
        is none or torch is not in use), ``os``.
    """
    cores = _cores()
    return {
        "cpu": _cpu(),
        "cores": cores,
        "threads": _threads(cores),
        "ram_gib": _ram_gib(),
        "gpu": _gpu(),
        "os": platform.platform(),
    }


def commit(source: Path | None = None) -> str | None:
    """Return the git commit of the folder `source`, with ``+changes`` where its files differ from it.

    None where git does not track the folder: an installed package inside somebody's repository has no commit
    of its own. By default it is the commit of Tenfold's source when this process first asked: what runs is
    what was loaded, whatever becomes of the files.
    """
    return _own_commit() if source is None else _commit(source)


@cache
def _own_commit() -> str | None:
    return _commit(_SOURCE)


def _commit(source: Path) -> str | None:
    if not _git(source, "ls-files", "--", "."):
        return None
    head = _git(source, "rev-parse", "HEAD")
    changes = _git(source, "status", "--porcelain", "--untracked-files=all", "--", ".")
    if not head or changes is None:
        return None
    return head + ("+changes" if changes else "")


def _git(folder: Path, *arguments: str) -> str | None:
    # A hook sets GIT_DIR and the like, which would point to another repository than the folder's.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def _cpu() -> str:
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
                key, _, value = line.partition(":")
                if key.strip() == "model name" and value.strip():
                    return value.strip()
        except OSError:
            pass
    if sys.platform == "darwin":
        try:
            brand = subprocess.run(
                ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"],
                capture_output=True,
                text=True,
                timeout=5,
                check=False,
            ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            brand = ""
        if brand:
            return brand
    return platform.processor() or platform.machine() or "unknown"


def threads() -> int:
    """Return how many threads this process may compute with: torch's where it is loaded, else
    ``OMP_NUM_THREADS``, else a thread a core.
    """
    return _threads(_cores())


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads(cores: int) -> int:
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isascii() and wanted.isdigit() and int(wanted) > 0 else cores


def _ram_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def _gpu() -> str | None:
    # Importing torch to ask would cost a second and break the base install: who used no torch used no GPU.
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return f"{platform.processor() or 'Apple'} (mps)"
    return None
