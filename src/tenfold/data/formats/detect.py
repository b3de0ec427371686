"""Reading whatever a path holds: idx folder, image folder, CSV or npz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.data.formats.folder import (
    DIGITS,
    SUFFIXES,
    class_folders,
    is_pattern,
    matching,
    pictures_in,
    read_folder,
    read_pictures,
)
from tenfold.data.formats.idx import idx_files, read_idx, read_idx_folder
from tenfold.data.formats.npz import read_npz
from tenfold.data.formats.table import read_csv
from tenfold.errors import FormatError

_PARTS = ("train", "test")


def read_parts(path: str | Path, *, classes: tuple[str, ...] | None = None) -> dict[str, Dataset]:
    """Return the labeled parts that a path holds.

    Parameters
    ----------
    path : path
        A folder of idx files with the canonical names; a folder with one subfolder of pictures a class; a
        folder with such folders, or CSV or npz files, called ``train`` and ``test``; a CSV file; an npz file.
    classes : tuple of str, optional
        The name of each label; by default the ten digits, or what an image folder holds.

    Returns
    -------
    parts : dict of Dataset
        "train" and "test" where the path tells them apart, else "all".

    Raises
    ------
    FormatError
        The path is none of these, or labels are missing or outside the classes; names file and place.
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"There is no file or folder {path}.")
    if path.is_dir():
        return _read_directory(path, classes)
    if _is_called(path, ".csv"):
        images, labels = read_csv(path)
        return {"all": _dataset(path, "all", images, labels, classes)}
    if _is_called(path, ".npz"):
        return {part: _dataset(path, part, *pair, classes) for part, pair in read_npz(path).items()}
    raise FormatError(
        f"{path}: a data set is a folder of idx files or pictures, a .csv or an .npz file. "
        f"For idx files name the folder that holds them: {path.parent}."
    )


def read_images(path: str | Path) -> tuple[NDArray[Any], list[str]]:
    """Return pictures to be labeled, with or without labels of their own, and a name for each.

    Parameters
    ----------
    path : path
        A picture, a folder of pictures, a pattern that pictures match (``scans/*.png``), an idx file of
        images, a CSV or npz file, or whatever `read_parts` reads (all parts).

    Returns
    -------
    images : (n, height, width) uint8 or (n, features) float32
    names : list of str
        File names where there are files, else "1", "2", ...

    Raises
    ------
    FormatError
        The path is none of these, or holds no pictures.
    """
    path = Path(path)
    if path.is_dir():
        pictures = pictures_in(path)
        if not pictures and not idx_files(path):
            pictures = [picture for item in class_folders(path) for picture in pictures_in(item)]
        if pictures:
            return read_pictures(pictures), [str(picture.relative_to(path)) for picture in pictures]
        if not _holds_data(path):
            raise FormatError(f"{path} holds no pictures. Known kinds: {' '.join(SUFFIXES)}")
        images: NDArray[Any] = _joined(path, [part.images for part in read_parts(path).values()])
    elif is_pattern(path):
        pictures = matching(path)
        if not pictures:
            raise FormatError(f"No picture matches {path}. Known kinds: {' '.join(SUFFIXES)}")
        return read_pictures(pictures), [str(picture) for picture in pictures]
    elif path.suffix.lower() in SUFFIXES:
        return read_pictures([path]), [path.name]
    elif _is_called(path, ".csv"):
        images = read_csv(path)[0]
    elif _is_called(path, ".npz"):
        images = _joined(path, [pair[0] for pair in read_npz(path).values()])
    elif path.is_file() and "idx" in path.name:
        images = read_idx(path)
        if images.ndim != 3 or images.dtype != np.uint8:
            raise FormatError(f"{path}: expected idx images (n x height x width), got shape {images.shape}.")
    else:
        images = _joined(path, [part.images for part in read_parts(path).values()])
    return images, [str(number) for number in range(1, len(images) + 1)]


def is_unlabeled(path: Path) -> bool:
    """Return whether a path means pictures alone: one, those of a folder without data sets, or a pattern."""
    if path.is_dir():
        return bool(pictures_in(path)) and not _holds_data(path)
    return is_pattern(path) or path.suffix.lower() in SUFFIXES


def _holds_data(folder: Path) -> bool:
    """Return whether a folder holds labeled images: idx files, subfolders, or files of parts."""
    return bool(idx_files(folder) or class_folders(folder) or any(_files_of(folder, p) for p in _PARTS))


def _is_called(path: Path, suffix: str) -> bool:
    """Return whether the name ends in `suffix`, in small or capital letters, maybe with ``.gz`` behind it."""
    return suffix in (each.lower() for each in path.suffixes)


def _joined(path: Path, parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the images of all parts in one array."""
    first = parts[0]
    for part in parts[1:]:
        if (part.shape[1:], part.dtype) != (first.shape[1:], first.dtype):
            raise FormatError(
                f"{path}: its parts hold images of two kinds, {first.dtype} of shape {first.shape[1:]} and "
                f"{part.dtype} of shape {part.shape[1:]}. Put each part into a file of its own."
            )
    return np.concatenate(parts)


def _read_directory(path: Path, classes: tuple[str, ...] | None) -> dict[str, Dataset]:
    if idx_files(path):
        return {part: _dataset(path, part, *pair, classes) for part, pair in read_idx_folder(path).items()}
    found: dict[str, Dataset] = {}
    for part in _PARTS:
        names = _files_of(path, part)
        if names:
            inner = read_parts(names[0], classes=classes)
            if list(inner) != ["all"]:
                raise FormatError(
                    f"{names[0]} should hold the {part} part alone; it holds {', '.join(inner)}."
                )
            found[part] = inner["all"]
    if found:
        if len({data.classes for data in found.values()}) > 1:
            raise FormatError(
                f"{path}: train and test have different classes. Give both the same subfolders."
            )
        return found
    images, labels, known = read_folder(path, classes=classes)
    return {"all": _dataset(path, "all", images, labels, known)}


def _files_of(path: Path, part: str) -> list[Path]:
    """Return the folder or files that hold one part in the folder `path`."""
    return [name for end in ("", ".csv", ".csv.gz", ".npz") if (name := path / f"{part}{end}").exists()]


def _dataset(
    path: Path,
    part: str,
    images: NDArray[Any],
    labels: NDArray[np.int64] | None,
    classes: tuple[str, ...] | None,
) -> Dataset:
    if labels is None:
        raise FormatError(f"{path} holds pictures but no labels; expected a label for each.")
    if len(images) == 0:
        raise FormatError(f"{path} holds no images.")
    known = DIGITS if classes is None else classes
    bad = np.flatnonzero((labels < 0) | (labels >= len(known)))
    if len(bad):
        place = f"{path}, image {bad[0]} counted from 0" + (f" ({part})" if part != "all" else "")
        raise FormatError(
            f"{place}: label {labels[bad[0]]} is outside 0 to {len(known) - 1} ({len(known)} classes). "
            + (
                "Unless they are named, the classes are the ten digits; subfolders of pictures name them, "
                "in Python load_dataset(..., classes=...) does."
                if classes is None
                else f"The classes are {', '.join(known)}."
            )
        )
    name = path.name if part == "all" else f"{path.name}/{part}"
    return Dataset(images, labels, known, name, {"path": str(path), "part": part})
