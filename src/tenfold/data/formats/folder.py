"""Folders of pictures: one subfolder a class, any size, light or dark background."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.data.normalize import normalize as to_digit
from tenfold.data.normalize import to_gray
from tenfold.errors import FormatError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff"),
    *(".webp", ".avif", ".pgm", ".ppm", ".pbm"),
)
DIGITS = tuple("0123456789")


def read_pictures(paths: Iterable[str | Path], *, normalize: bool = True) -> NDArray[np.uint8]:
    """Return pictures as images.

    Parameters
    ----------
    paths : iterable of path
    normalize : bool
        Bring each to 28x28, ink 255 on paper 0 (`tenfold.data.normalize`); else only make them gray, and they
        must all be of one size.

    Returns
    -------
    images : (n, 28, 28) or (n, height, width) uint8

    Raises
    ------
    FormatError
        A file is missing or no picture, or without `normalize` a picture has another size than the first;
        names it.
    """
    from PIL import Image, UnidentifiedImageError

    images: list[NDArray[np.uint8]] = []
    for path in paths:
        try:
            with Image.open(path) as picture:
                gray = to_digit(picture) if normalize else to_gray(picture)
        except UnidentifiedImageError:
            raise FormatError(
                f"{path} is no picture that can be read. Remove it, or save it as PNG."
            ) from None
        except FileNotFoundError:
            raise FormatError(f"There is no file {path}.") from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            if isinstance(error, OSError) and error.errno:  # the disk's; Pillow's own have no number
                raise FormatError(f"{path} cannot be read: {error.strerror}.") from None
            raise FormatError(f"{path} is a damaged picture: {error}. Remove it, or save it again.") from None
        if images and gray.shape != images[0].shape:
            raise FormatError(
                f"{path}: expected {images[0].shape[1]}x{images[0].shape[0]} pixels as in the first picture, "
                f"found {gray.shape[1]}x{gray.shape[0]}. Let pictures be normalized, or make them one size."
            )
        images.append(gray)
    return np.stack(images) if images else np.zeros((0, 28, 28), np.uint8)


def pictures_in(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """Return the pictures that lie directly in a folder (told by their suffix), by name."""
    return _pictures(folder.iterdir(), suffixes)


def is_pattern(path: Path) -> bool:
    """Return whether a path is a pattern such as ``scans/*.png``, and no file or folder is called so."""
    return glob.has_magic(str(path)) and not path.exists()


def matching(pattern: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """Return the pictures that match a pattern, by name."""
    return _pictures(map(Path, glob.glob(str(pattern), recursive=True)), suffixes)


def _pictures(items: Iterable[Path], suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        (
            item
            for item in items
            if item.suffix.lower() in suffixes and not item.name.startswith(".") and item.is_file()
        ),
        key=lambda item: (str(item.parent), _natural(item.name)),
    )


def class_folders(folder: Path) -> list[Path]:
    """Return the subfolders of a folder, hidden ones aside, by name (numbers in their order)."""
    found = [item for item in folder.iterdir() if item.is_dir() and not item.name.startswith((".", "_"))]
    return sorted(found, key=lambda item: _natural(item.name))


def read_folder(
    folder: str | Path, *, classes: tuple[str, ...] | None = None, normalize: bool = True
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Return the images, labels and classes of a folder with one subfolder a class.

    Parameters
    ----------
    folder : path
    classes : tuple of str, optional
        The names of the subfolders in the order of the labels. By default all ten digits where every
        subfolder is called by a digit, else the subfolders there are.
    normalize : bool
        As in `read_pictures`.

    Returns
    -------
    images : (n, 28, 28) or (n, height, width) uint8
    labels : (n,) int64
    classes : tuple of str

    Raises
    ------
    FormatError
        There are no subfolders, one is empty or none of the classes, or as `read_pictures`.
    """
    folder = Path(folder)
    folders = class_folders(folder)
    if not folders:
        what = "holds no subfolders" if any(folder.iterdir()) else "is empty"
        raise FormatError(
            f"{folder} {what}: expected one subfolder for each class ({folder / '0'}, {folder / '1'}, ...)."
        )
    names = [item.name for item in folders]
    if classes is None:
        classes = DIGITS if set(names) <= set(DIGITS) else tuple(names)
    images, labels = [], []
    for item in folders:
        if item.name not in classes:
            raise FormatError(f"{item} is none of the {len(classes)} classes: {', '.join(classes)}.")
        paths = pictures_in(item)
        if not paths:
            raise FormatError(f"{item} holds no pictures. Known kinds: {' '.join(SUFFIXES)}")
        images.extend(paths)
        labels.extend([classes.index(item.name)] * len(paths))
    return read_pictures(images, normalize=normalize), np.array(labels, np.int64), classes


def write_folder(folder: str | Path, dataset: Dataset) -> None:
    """Write a data set as PNG files, one subfolder a class: ``3/00017.png`` is image 17.

    Raises
    ------
    FormatError
        The folder exists and is not empty, or the data set holds features instead of images.
    """
    from PIL import Image

    folder = Path(folder)
    if dataset.images.dtype != np.uint8 or dataset.images.ndim not in (3, 4):
        raise FormatError(f"{dataset!r} holds no uint8 images to write as pictures.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FormatError(f"{folder} exists and is not an empty folder. Choose another, or remove it.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The whole folder is written beside its place and moved there, so that a half one never stands.
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        temporary.chmod(0o755)
        for index in np.unique(dataset.labels):
            (temporary / dataset.classes[index]).mkdir()
        for number, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
            Image.fromarray(image).save(temporary / dataset.classes[label] / f"{number:05}.png")
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _natural(name: str) -> tuple[int, int, str]:
    stem = name.partition(".")[0]
    return (0, int(stem), name) if stem.isdecimal() else (1, 0, name)
