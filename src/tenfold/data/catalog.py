"""Data sets by name or path: what there is, fetching it, loading it."""

from __future__ import annotations

import bz2
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import formats
from tenfold.data.dataset import Dataset, Digits
from tenfold.data.download import find, folder_of, names_of, obtain
from tenfold.data.entries import CATALOG, Entry, File
from tenfold.data.formats.files import read_bytes
from tenfold.data.formats.folder import is_pattern
from tenfold.data.formats.idx import parse_idx
from tenfold.errors import DataError, FetchError, FormatError, UnknownNameError, lookup

__all__ = ["CATALOG", "Entry", "fetch", "load", "load_dataset", "load_images", "state"]

_PARTS = ("train", "test")


def fetch(name: str, source: str | Path | None = None, *, progress: bool = True) -> Path:
    """Bring a data set into the cache, unless it is there, and return the folder of its files.

    Parameters
    ----------
    name : str
        A name from `CATALOG`.
    source : path, optional
        A folder that holds the published files, to copy from instead of downloading.
    progress : bool
        Show a bar on stderr for each download, where that is a terminal.

    Raises
    ------
    UnknownNameError
        There is no data set of that name.
    FetchError
        A file is missing or its hash is wrong; names files, hashes and what to do.
    """
    entry: Entry = lookup("data set", name, CATALOG)
    if entry.bundled:
        return _bundled_folder(entry)
    return obtain(entry, None if source is None else Path(source).expanduser(), progress=progress)


def state(name: str) -> str:
    """Return "bundled", "cached" or "not fetched". Hashes are not checked here, but when files are read."""
    entry: Entry = lookup("data set", name, CATALOG)
    if entry.bundled:
        return "bundled"
    folder = folder_of(entry)
    cached = all(any((folder / name).is_file() for name in names_of(file)) for file in entry.files)
    return "cached" if cached else "not fetched"


def load(name_or_path: str | Path, *, source: str | Path | None = None) -> Digits:
    """Load a data set with its training and its test part.

    Parameters
    ----------
    name_or_path : str or path
        A name from `CATALOG`, fetched first where it is not in the cache; or the path of a folder of idx
        files, a folder with ``train`` and ``test`` (image folders, CSV or npz files), or an npz file with
        Keras' keys.
    source : path, optional
        A folder to take the published files from instead of downloading.

    Raises
    ------
    UnknownNameError
        This is neither a name nor a path.
    FetchError
        The data set cannot be fetched.
    FormatError
        The path holds no data set, or a damaged one; names file and place.
    DataError
        The path holds a single part; `load_dataset` loads those.

    Examples
    --------
    >>> load("mnist").train
    Dataset(mnist/train: 60,000 images 28x28 uint8, 10 classes)
    """
    entry = _entry(name_or_path)
    if entry is not None:
        folder = fetch(entry.name, source)
        # Decompressing and hashing leave the interpreter free, so a second core shortens them.
        with ThreadPoolExecutor(2) as pool:
            train, test = pool.map(lambda part: _load_part(entry, part, folder), _PARTS)
        return Digits(entry.name, train, test)
    parts = formats.read_parts(_path(name_or_path))
    if set(parts) != set(_PARTS):
        raise DataError(
            f"{name_or_path} holds one data set ({', '.join(parts)}), not a training and a test part. "
            "Put them into one folder as train and test, or load it alone with load_dataset."
        )
    return Digits(Path(name_or_path).name, parts["train"], parts["test"])


def load_dataset(
    name_or_path: str | Path, part: str = "test", *, classes: tuple[str, ...] | None = None
) -> Dataset:
    """Load one data set with labels: what ``--data NAME|PATH`` means.

    Parameters
    ----------
    name_or_path : str or path
        A name from `CATALOG`, a name and a part ("mnist/train"), or a path as `formats.read_parts` takes it.
    part : "train" or "test"
        The part that is meant where neither name nor path says. A path with a single part is that part.
    classes : tuple of str, optional
        The names of the labels of what lies at a path; by default the ten digits, or an image folder's own.

    Raises
    ------
    UnknownNameError, FetchError, FormatError, DataError
        As in `load`.
    """
    if part not in _PARTS:
        raise UnknownNameError("part", part, _PARTS)
    text = str(name_or_path)
    name, _, named = text.rpartition("/")
    if name in CATALOG and named in _PARTS:
        text, part = name, named
    entry = _entry(text)
    if entry is not None:
        return _load_part(entry, part, fetch(entry.name))
    parts = formats.read_parts(_path(text), classes=classes)
    if len(parts) == 1:
        return next(iter(parts.values()))
    return parts[part]


def load_images(name_or_path: str | Path) -> tuple[NDArray[Any], list[str]]:
    """Load pictures that need no labels, and a name for each: what ``predict --data`` means.

    Takes what `load_dataset` takes (a name means its test part), and also a picture, a folder of pictures, a
    pattern that pictures match, an idx file of images, a CSV or npz file without labels. Raises as
    `load_dataset`.
    """
    name = str(name_or_path)
    if name in CATALOG or (name.rpartition("/")[0] in CATALOG and name.rpartition("/")[2] in _PARTS):
        images = load_dataset(name).images
        return images, [str(number) for number in range(1, len(images) + 1)]
    return formats.read_images(_path(name_or_path))


def has_labels(name_or_path: str | Path) -> bool:
    """Return whether `load_dataset` is to be asked: for all but a picture, a folder of them or a pattern."""
    text = str(name_or_path)
    if text in CATALOG or text.rpartition("/")[0] in CATALOG:
        return True
    return not formats.is_unlabeled(Path(text).expanduser())


def _entry(name: str | Path) -> Entry | None:
    return CATALOG.get(name) if isinstance(name, str) else None


def _path(name: str | Path) -> Path:
    path = Path(name).expanduser()
    if str(name) == "-" and not path.exists():
        raise DataError("Reading from standard input is not supported here. Name a file or a folder.")
    if not path.exists() and not path.suffix and len(path.parts) == 1 and not is_pattern(path):
        raise UnknownNameError("data set or path", name, CATALOG)
    return path


def _bundled_folder(entry: Entry) -> Path:
    return Path(str(resources.files("tenfold.data") / entry.name))


def _load_part(entry: Entry, part: str, folder: Path) -> Dataset:
    half = len(entry.files) // 2
    files = entry.files[:half] if part == "train" else entry.files[half:]
    paths = []
    for file in files:
        path = folder / file.name if entry.bundled else find(file, folder)
        if path is None:
            raise FetchError(f"{folder / file.name} is missing. Run: tenfold data fetch {entry.name}")
        paths.append(path)
    images, labels, groups = _LAYOUTS[entry.layout](files, paths)
    provenance = {
        "name": entry.name,
        "part": part,
        "license": entry.license,
        "homepage": entry.homepage,
        "files": {file.name: file.hash for file in files},
    }
    if entry.note:
        provenance["note"] = entry.note
    try:
        return Dataset(images, labels, entry.classes, f"{entry.name}/{part}", provenance, groups)
    except DataError as error:
        raise FormatError(f"{paths[0]}: {error}") from None


Parsed = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64] | None]
_Files = tuple[File, ...]


def _checked_idx(file: File, path: Path) -> NDArray[Any]:
    raw = read_bytes(path)
    # Hashing what has just been decompressed costs less than reading it from the disk: 30 ms for MNIST.
    if file.content and hashlib.sha256(raw).hexdigest() != file.content:
        raise FetchError(
            f"{path} is damaged: its content has another sha256 than {file.content}. Get it again."
        )
    return parse_idx(raw, str(path))


def _read_idx(files: _Files, paths: list[Path]) -> Parsed:
    images, labels = (_checked_idx(file, path) for file, path in zip(files, paths, strict=True))
    return images, labels.astype(np.int64), None


def _read_emnist(files: _Files, paths: list[Path]) -> Parsed:
    images, labels, _ = _read_idx(files, paths)
    first = int("letters" in files[0].name)
    return np.ascontiguousarray(images.transpose(0, 2, 1)), labels - first, None


def _read_qmnist(files: _Files, paths: list[Path]) -> Parsed:
    """Columns of the labels: class, NIST series, writer, index within the writer, NIST class, ..."""
    images, table = (_checked_idx(file, path) for file, path in zip(files, paths, strict=True))
    if table.ndim != 2 or table.shape[1] != 8:
        raise FormatError(f"{paths[1]}: expected labels of 8 columns, got shape {table.shape}.")
    return images, table[:, 0].astype(np.int64), table[:, 2].astype(np.int64)


def _read_usps(files: _Files, paths: list[Path]) -> Parsed:
    """Lines of ``label 1:value ... 256:value``, labels of 1 to 10, values of -1 to 1."""
    path = paths[0]
    try:
        text = bz2.decompress(path.read_bytes())
        numbers = np.array(text.replace(b":", b" ").split(), np.float64)
        rows = numbers.reshape(-1, 513)
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: expected bzip2 of lines with a label and 256 values: {error}.") from None
    if np.any(rows[:, 1::2] != np.arange(1, 257)):
        raise FormatError(f"{path}: expected the 256 values of each line to be numbered 1 to 256.")
    images = np.clip(np.rint((rows[:, 2::2] + 1) * 127.5), 0, 255).astype(np.uint8)
    return images.reshape(-1, 16, 16), rows[:, 0].astype(np.int64) - 1, None


_LAYOUTS: dict[str, Callable[[_Files, list[Path]], Parsed]] = {
    "idx": _read_idx,
    "emnist": _read_emnist,
    "qmnist": _read_qmnist,
    "usps": _read_usps,
}
