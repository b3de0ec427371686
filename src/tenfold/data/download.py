"""Bringing the files of a data set into the cache: from the web, or from a folder of the user's.

`plan` decides what is to be done with each file; `obtain` does it. A file is taken only if its hash is
right, so it does not matter where it comes from.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import logging
import lzma
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tenfold.data.entries import Archive, Entry, File
from tenfold.data.formats.files import atomic
from tenfold.errors import FetchError

TIMEOUT = 20
"""Seconds that a mirror may be silent."""

_OPENERS: dict[bytes, type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZ": bz2.BZ2File,
    b"\xfd7": lzma.LZMAFile,
}
_BLOCK = 1 << 20


def cache_folder() -> Path:
    """Return where fetched data sets are kept: ``$TENFOLD_CACHE``, else the platform's cache folder."""
    given = os.environ.get("TENFOLD_CACHE")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("tenfold")


def folder_of(entry: Entry) -> Path:
    """Return the folder in which the files of a fetched data set are kept."""
    return cache_folder() / "data" / (entry.folder or entry.name)


@dataclass(frozen=True)
class Step:
    """What is to be done for one file.

    Attributes
    ----------
    file : File
    action : "keep", "copy", "unpack" or "download"
    origin : Path or None
        The file that is kept or copied, or the archive that is unpacked.
    """

    file: File
    action: str
    origin: Path | None = None


def names_of(file: File) -> tuple[str, ...]:
    """Return the names a file is looked for under: as published, and uncompressed where that is known."""
    stem = file.name.rpartition(".")[0]
    return (file.name, stem) if file.content else (file.name,)


def matches(path: Path, file: File) -> bool:
    """Return whether the file at `path` is `file`: the published bytes, or the published content."""
    kind, _, wanted = file.hash.partition(":")
    if _digest(path, kind, unpack=False) == wanted:
        return True
    return bool(file.content) and _digest(path, "sha256", unpack=True) == file.content


def find(file: File, folder: Path) -> Path | None:
    """Return where in `folder` a file with the right hash lies under one of its names, or None."""
    candidates = (folder / name for name in names_of(file))
    return next((path for path in candidates if path.is_file() and matches(path, file)), None)


def plan(entry: Entry, source: Path | None = None) -> list[Step]:
    """Decide what is to be done for each file of a data set; touches nothing but what it reads.

    Parameters
    ----------
    entry : Entry
    source : Path, optional
        A folder of the user's to copy from; then nothing is downloaded.

    Raises
    ------
    FetchError
        The folder is none, or lacks files; names each with its hash and what was wrong.
    """
    if source is not None and not source.is_dir():
        raise FetchError(f"{source} is no folder. Name the folder that holds the files of {entry.name}.")
    steps, missing = [], []
    archive = None
    if source is not None and entry.archive is not None:
        archive = find(entry.archive.file, source)
    for file in entry.files:
        kept = find(file, folder_of(entry))
        found = None if kept or source is None else find(file, source)
        if kept:
            steps.append(Step(file, "keep", kept))
        elif found:
            steps.append(Step(file, "copy", found))
        elif archive:
            steps.append(Step(file, "unpack", archive))
        elif source is None:
            steps.append(Step(file, "download"))
        else:
            missing.append(file)
    if source is not None and missing:
        lines = [f"{source} lacks {len(missing)} of the {len(entry.files)} files of {entry.name}:"]
        for file in missing:
            lines.append(_missing(file, source))
        raise FetchError("\n".join([*lines, _advice(entry)]))
    return steps


def obtain(entry: Entry, source: Path | None = None, *, progress: bool = True) -> Path:
    """Do what `plan` decided, and return the folder that then holds every file.

    Parameters
    ----------
    entry : Entry
    source : Path, optional
        As in `plan`.
    progress : bool
        Show a bar on stderr for each download, where that is a terminal.

    Raises
    ------
    FetchError
        As in `plan`; or no mirror gave a file with the right hash: names the files, their hashes, what each
        mirror answered and where to put the files by hand.
    """
    folder = folder_of(entry)
    steps = plan(entry, source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for step in steps:
            if step.action == "copy" and step.origin is not None:
                _copy(step.origin, folder / step.origin.name)
        for origin in {step.origin for step in steps if step.action == "unpack" and step.origin}:
            if entry.archive is not None:
                _unpack(origin, entry.archive, folder)
        wanted = [step.file for step in steps if step.action == "download"]
        if wanted:
            _download_all(entry, wanted, folder, progress)
    except OSError as error:
        raise FetchError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return folder


def _download_all(entry: Entry, wanted: list[File], folder: Path, progress: bool) -> None:
    if entry.archive is None:
        for done, file in enumerate(wanted):
            _download(entry, file, folder, wanted[done:], progress)
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as space:
        # The archive is many times what is kept of it; it does not stay in the cache.
        archive = _download(entry, entry.archive.file, Path(space), wanted, progress)
        _unpack(archive, entry.archive, folder)


def _download(entry: Entry, file: File, folder: Path, wanted: list[File], progress: bool) -> Path:
    """Fetch one file from the first mirror that serves it with the right hash."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    bar = progress and sys.stderr.isatty()
    failures = []
    for mirror in entry.mirrors:
        try:
            got = pooch.retrieve(
                mirror + file.name,
                known_hash=file.hash,
                fname=file.name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT, chunk_size=1 << 16),
            )
            return Path(got)
        except (ValueError, OSError) as error:
            # requests' errors are OSErrors; a wrong hash (a web page, a cut-off file) is a ValueError.
            failures.append(f"    {mirror}{file.name}: {_reason(error)}")
    lines = [f"{entry.name} could not be fetched: no mirror gave {file.name}."]
    lines += failures
    lines += ["Still missing:", *(_missing(item, folder_of(entry)) for item in wanted)]
    if entry.archive is not None:
        lines.append(f"They are in {entry.archive.file.name}  {entry.archive.file.hash}")
    raise FetchError("\n".join([*lines, _advice(entry)]))


def _missing(file: File, folder: Path) -> str:
    wrong = any((folder / name).exists() for name in names_of(file))
    return f"  {file.name}  {file.hash}  ({'there, but with another hash' if wrong else 'not there'})"


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"answered {response.status_code}"
    if isinstance(error, ValueError):
        return "served a file with another hash"
    return {"ConnectTimeout": "no answer", "ReadTimeout": "fell silent"}.get(
        type(error).__name__, "no connection" if "Connection" in type(error).__name__ else str(error)
    )


def _advice(entry: Entry) -> str:
    return (
        f"Get them by hand ({entry.homepage}), put them into one folder and run: "
        f"tenfold data fetch {entry.name} --from FOLDER\n"
        f"Or put them where they are looked for: {folder_of(entry)}"
    )


def _copy(origin: Path, target: Path) -> None:
    with origin.open("rb") as reader, atomic(target) as writer:
        shutil.copyfileobj(reader, writer, _BLOCK)


def _unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Take the wanted members out of an archive whose own hash is right, checking each."""
    with zipfile.ZipFile(path) as box:
        for member in archive.members:
            target = folder / member.name
            with box.open(archive.prefix + member.name) as reader, atomic(target) as writer:
                shutil.copyfileobj(reader, writer, _BLOCK)
            if not matches(target, member):
                target.unlink()
                raise FetchError(
                    f"{member.name} in {path.name} has another hash than {member.hash}. "
                    "Please report this: the archive's own hash is right."
                )


def _digest(path: Path, kind: str, *, unpack: bool) -> str:
    """Return the hash of a file, or of what is in it; "" where it cannot be unpacked."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        start = stream.read(2)
    opener = _OPENERS.get(start) if unpack else None
    try:
        with opener(path) if opener else path.open("rb") as reader:
            while block := reader.read(_BLOCK):
                digest.update(block)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        return ""
    return digest.hexdigest()
