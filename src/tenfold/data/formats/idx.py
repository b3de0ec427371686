"""The idx format of MNIST: a magic number, big-endian sizes, then the values.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File
formats". Byte 2 of the magic number is the type, byte 3 the number of dimensions.
"""

from __future__ import annotations

import gzip
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.formats.files import atomic, read_bytes
from tenfold.errors import FormatError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The NumPy type of each type code."""

_PREFIXES = {"train": ("train",), "test": ("t10k", "test")}
_MARKS = ("-idx3-ubyte", ".idx3-ubyte"), ("-idx1-ubyte", ".idx1-ubyte")


def parse_idx(raw: bytes, name: str) -> NDArray[Any]:
    """Return the array in the bytes of an idx file.

    Parameters
    ----------
    raw : bytes
        Uncompressed.
    name : str
        What errors call it.

    Raises
    ------
    FormatError
        The magic number is wrong, or there are fewer or more values than the sizes promise.
    """
    if len(raw) < 4:
        raise FormatError(
            f"{name} is no idx file: expected a magic number of 4 bytes, the file has {len(raw)}."
        )
    zeros, code, dimensions = raw[:2], raw[2], raw[3]
    if zeros != b"\0\0" or code not in TYPES or dimensions == 0:
        hint = " It looks like a web page." if raw.lstrip()[:1] == b"<" else ""
        raise FormatError(
            f"{name} is no idx file: byte 0 should begin a magic number such as 0x00000803 (images) or "
            f"0x00000801 (labels), found 0x{raw[:4].hex()}.{hint}"
        )
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise FormatError(
            f"{name} is truncated: {dimensions} sizes should end at byte {start}, the file at {len(raw)}."
        )
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", dimensions, offset=4))
    dtype = np.dtype(TYPES[code])
    end = start + prod(shape) * dtype.itemsize
    if len(raw) != end:
        what = "is truncated" if len(raw) < end else "has bytes left over"
        raise FormatError(
            f"{name} {what}: sizes {' x '.join(map(str, shape))} end at byte {end}, the file at {len(raw)}."
        )
    # A copy, in the machine's byte order: an array over `bytes` cannot be written to.
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_idx(path: str | Path) -> NDArray[Any]:
    """Return the array in an idx file, plain or gzip. Raises as `parse_idx`."""
    return parse_idx(read_bytes(Path(path)), str(path))


def write_idx(path: str | Path, array: NDArray[Any]) -> None:
    """Write an array as idx, gzip where the name ends in ``.gz``; the same array gives the same bytes.

    Parameters
    ----------
    path : path
    array : array of uint8, int8, int16, int32, float32 or float64, 1 to 255 dimensions
    """
    path = Path(path)
    codes = {np.dtype(kind).newbyteorder("="): code for code, kind in TYPES.items()}
    if array.dtype.newbyteorder("=") not in codes or not 1 <= array.ndim <= 255:
        raise FormatError(
            f"{path}: idx holds uint8, int8, int16, int32, float32 or float64 of one dimension or more. "
            f"Got {array.dtype} of shape {array.shape} instead."
        )
    code = codes[array.dtype.newbyteorder("=")]
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    raw = header + array.astype(TYPES[code]).tobytes()
    with atomic(path) as stream:
        stream.write(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


def read_pair(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (n, height, width) uint8 and labels (n,) int64 from two idx files of one part."""
    pictures, marks = read_idx(images), read_idx(labels)
    if pictures.ndim != 3 or pictures.dtype != np.uint8:
        raise FormatError(
            f"{images}: expected images of magic number 0x00000803 (n x height x width, unsigned bytes), "
            f"got {pictures.dtype} of shape {pictures.shape}."
        )
    if marks.ndim != 1 or marks.dtype != np.uint8:
        raise FormatError(
            f"{labels}: expected labels of magic number 0x00000801 (n, unsigned bytes), "
            f"got {marks.dtype} of shape {marks.shape}."
        )
    if len(pictures) != len(marks):
        raise FormatError(
            f"{images} holds {len(pictures)} images, {labels} {len(marks)} labels; "
            "there must be one label for each image."
        )
    return pictures, marks.astype(np.int64)


def idx_files(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Return the image and label file of each part ("train", "test") that has either, by canonical name.

    A name that is missing is returned as it should be (``train-images-idx3-ubyte``, plain or ``.gz``).
    """
    found = {}
    for part, prefixes in _PREFIXES.items():
        pair = []
        for kind, marks in zip(("images", "labels"), _MARKS, strict=True):
            names = [
                f"{prefix}-{kind}{mark}{end}" for end in ("", ".gz") for prefix in prefixes for mark in marks
            ]
            pair.append(
                next((folder / name for name in names if (folder / name).is_file()), folder / names[0])
            )
        if pair[0].is_file() or pair[1].is_file():
            found[part] = (pair[0], pair[1])
    return found


def read_idx_folder(
    folder: str | Path,
) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Return images and labels of each part in a folder of idx files with the canonical names.

    Parameters
    ----------
    folder : path
        Holds ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, the same with ``t10k`` (or
        ``test``), or both pairs, plain or ``.gz``.

    Returns
    -------
    parts : dict
        "train", "test" or both, each with images (n, height, width) uint8 and labels (n,) int64.

    Raises
    ------
    FormatError
        None of the names is there, one of a pair is missing, counts do not match, or as `read_idx`.
    """
    folder = Path(folder)
    files = idx_files(folder)
    if not files:
        raise FormatError(
            f"{folder} holds no idx files; expected train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "or the same with t10k, plain or .gz."
        )
    for pair in files.values():
        for there, missing in (pair, pair[::-1]):
            if not missing.is_file():
                raise FormatError(f"{folder} holds {there.name} but no {missing.name} (plain or .gz).")
    return {part: read_pair(*pair) for part, pair in files.items()}
