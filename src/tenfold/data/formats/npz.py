"""NumPy archives: ``images`` and ``labels``, or Keras' ``x_train, y_train, x_test, y_test``."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.formats.files import atomic
from tenfold.errors import FormatError

_LAYOUTS: dict[str, tuple[str, str]] = {
    "all": ("images", "labels"),
    "train": ("x_train", "y_train"),
    "test": ("x_test", "y_test"),
}


def read_npz(path: str | Path) -> dict[str, tuple[NDArray[Any], NDArray[np.int64] | None]]:
    """Return images and labels of each part of an npz file.

    Returns
    -------
    parts : dict
        "all" (keys ``images``, ``labels``), or "train" and "test" (keys ``x_train``, ...). Images are
        (n, height, width[, channels]) uint8, or (n, features): uint8 as they are, since they are pixels, else
        float32. Labels (n,) int64 or None.

    Raises
    ------
    FormatError
        The file is no npz archive or damaged, has none of these keys, or arrays do not fit together.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(6)
        if not start.startswith((b"PK", b"\x93NUMPY")):
            raise FormatError(f"{path} is no npz archive: it does not begin as a zip file does.")
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise FormatError(f"{path} is a single array, not an npz archive with images and labels.")
        with archive:
            keys = sorted(archive.files)
            wanted = {key for pair in _LAYOUTS.values() for key in pair}
            arrays = {key: archive[key] for key in keys if key in wanted}
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}.") from None
    except FormatError:
        raise
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, zlib.error) as error:
        # NumPy's own advice is to load pickles, which may run any code.
        reason = "an array holds Python objects, not numbers." if "pickle" in str(error) else error
        raise FormatError(f"{path} is no npz archive of plain arrays, or damaged: {reason}") from None
    parts = {
        part: _pair(arrays[images], arrays.get(labels), f"{path}, {images}", f"{path}, {labels}")
        for part, (images, labels) in _LAYOUTS.items()
        if images in arrays
    }
    if not parts:
        raise FormatError(
            f"{path}: expected the keys images and labels, or x_train, y_train, x_test, y_test. "
            f"Found: {', '.join(keys) or 'none'}."
        )
    return parts


def _pair(
    images: NDArray[Any], labels: NDArray[Any] | None, where: str, where_labels: str
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    if images.ndim == 2 and images.dtype.kind in "fiu":
        images = images if images.dtype == np.uint8 else images.astype(np.float32)
    elif images.ndim not in (3, 4) or images.dtype != np.uint8:
        raise FormatError(
            f"{where}: expected (n, height, width) uint8 with ink 255 on paper 0, or (n, features) numbers, "
            f"got {images.dtype} of shape {images.shape}."
        )
    if labels is None:
        return images, None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise FormatError(
            f"{where_labels}: expected integers of shape (n,), got {labels.dtype} of shape {labels.shape}."
        )
    if len(images) != len(labels):
        raise FormatError(
            f"{where} holds {len(images)} images, {where_labels} {len(labels)} labels; "
            "there must be one label for each image."
        )
    return images, labels.astype(np.int64)


def write_npz(path: str | Path, images: NDArray[Any], labels: NDArray[np.int64] | None = None) -> None:
    """Write images, and labels if given, under the keys ``images`` and ``labels``, compressed."""
    with atomic(Path(path)) as stream:
        if labels is None:
            np.savez_compressed(stream, images=images)
        else:
            np.savez_compressed(stream, images=images, labels=labels)
