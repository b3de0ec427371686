"""A folder that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from errno import EACCES, ENOTDIR
from pathlib import Path

from tenfold.errors import ModelError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CARD = "README.md"
FILES = (WEIGHTS, CONFIG, CARD)


def read_file(path: Path) -> bytes:
    """Return the bytes of one file of a model folder.

    Raises
    ------
    ModelError
        The file is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing; a model folder holds {WEIGHTS} and {CONFIG}.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from None


def check_folder(folder: Path) -> Path:
    """Return `folder` where a model can be written there, as far as can be told without writing.

    `write_folder` asks the same; to ask it before a training saves the training.

    Raises
    ------
    ModelError
        The folder holds something that is no part of a model, or cannot be made or written.
    """
    target = _target(folder)
    try:
        _check_replaceable(target, FILES)
        parent = next(place for place in target.parents if place.exists())
        if not parent.is_dir():
            raise NotADirectoryError(ENOTDIR, f"{parent} is a file")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(EACCES, f"{parent} is not yours to write")
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` into `folder`, replacing the model that may be there.

    They are written into a hidden folder beside it, which is then renamed. Where a model is replaced, the old
    one is renamed out of the way for that moment, so a process killed just then leaves both of them whole.

    Parameters
    ----------
    folder : Path
    files : dict of bytes
        Content by name.

    Returns
    -------
    folder : Path

    Raises
    ------
    ModelError
        The folder holds something that is no part of a model, or cannot be written.
    """
    target = _target(folder)
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    fresh = target.with_name(f".{target.name}.new-{mark}")
    stale = target.with_name(f".{target.name}.old-{mark}")
    try:
        _check_replaceable(target, files)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        try:
            for name, content in files.items():
                with open(fresh / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            _swap(fresh, target, stale)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(stale, ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def _target(folder: Path) -> Path:
    return Path(os.path.realpath(folder))  # a link stays a link: what it points to is replaced


def _unwritable(folder: Path, error: OSError) -> ModelError:
    return ModelError(f"The model cannot be written to {folder}: {error.strerror or error}.")


def _check_replaceable(target: Path, names: Collection[str]) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ModelError(f"{target} is a file; a model is written as a folder. Choose another name.")
    there = {path.name for path in target.iterdir()}
    foreign = sorted(there.difference(names))
    if foreign or (there and CONFIG not in there):
        raise ModelError(
            f"{target} is not empty and holds more than a model ({', '.join(foreign or sorted(there))}), "
            "so it is not overwritten. Choose another folder, or move these files."
        )


def _swap(fresh: Path, target: Path, stale: Path) -> None:
    if target.exists():
        target.rename(stale)
    try:
        fresh.rename(target)
    except OSError:
        if stale.exists():
            stale.rename(target)
        raise
