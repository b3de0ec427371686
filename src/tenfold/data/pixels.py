"""From any picture to 8-bit pixels: turned upright, without alpha, gray or in color."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

DEPTHS = (10, 12, 14, 16)
"""How many bits cameras and scanners fill of the sixteen that a file gives them."""

ROUNDING = 1e-3
"""By how much floats may lie beyond 0 and 1, as arithmetic leaves them."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def to_pixels(picture: Image | NDArray[Any]) -> Pixels:
    """Return a picture as 8-bit pixels, turned upright where its EXIF says so.

    Parameters
    ----------
    picture : Pillow image of any mode, or array
        Arrays are (height, width) or (height, width, 1 to 4 channels: gray, gray and alpha, RGB, RGB and
        alpha); bool, uint8, uint16, or floats in [0, 1]. 16-bit values are taken to fill as few of 10, 12, 14
        and 16 bits as hold them. What is transparent becomes white, or black where the opaque parts are
        light.

    Returns
    -------
    pixels : (height, width) or (height, width, 3) uint8
        Gray levels, or RGB.

    Raises
    ------
    DataError
        The array has another shape or type, or floats that are not finite or not in [0, 1].
    """
    values = picture if isinstance(picture, np.ndarray) else _values(picture)
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or values.size == 0:
        shape = picture.shape if isinstance(picture, np.ndarray) else values.shape
        raise DataError(
            "A picture must be (height, width) or (height, width, 1 to 4 channels), not empty. "
            f"Got shape {shape} instead."
        )
    colors = values.shape[2] >= 3
    if values.shape[2] in (2, 4) and values.dtype == np.uint8 and values[:, :, -1].min() == 255:
        values = values[:, :, :-1]
    if values.shape[2] in (1, 3) and values.dtype == np.uint8:
        return np.ascontiguousarray(values if colors else values[:, :, 0])
    top = _top(values)
    scaled = values.astype(np.float32) * np.float32(255 / top)
    if values.shape[2] in (2, 4):
        scaled = _flatten(scaled)
    whole: Pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return whole if colors else whole[:, :, 0]


def luma(pixels: Pixels) -> Pixels:
    """Return RGB pixels (height, width, 3) as gray levels (ITU-R BT.601); gray ones as they are."""
    if pixels.ndim == 2:
        return pixels
    gray: Pixels = np.clip(np.rint(pixels.astype(np.float32) @ _LUMA), 0, 255).astype(np.uint8)
    return gray


def _top(values: NDArray[Any]) -> float:
    """Return the value that stands for full light; of values that do not tell, refuse to guess it."""
    if values.dtype.kind == "f":
        low, high = float(values.min()), float(values.max())
        if low >= -ROUNDING and high <= 1 + ROUNDING:
            return 1
        # What is not a number is neither below nor above.
        found = f"{low:g} to {high:g}" if np.isfinite(values).all() else "some that are not finite"
        raise DataError(
            f"Floats of a picture must be from 0 (black) to 1 (white). Got {found} instead. Divide levels "
            "from 0 to 255 by 255, and put paper where a number is missing."
        )
    if values.dtype.kind == "b":
        return 1
    if values.dtype == np.uint16:
        highest = int(values.max())
        return min(float(2**bits - 1) for bits in DEPTHS if highest < 2**bits)
    if values.dtype != np.uint8:
        raise DataError(
            f"A picture must be bool, uint8, uint16 or floats in [0, 1]. Got {values.dtype} instead. Levels "
            "from 0 to 255 are taken as array.astype('uint8')."
        )
    return 255


def _flatten(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return color or gray (0 to 255) without its last channel, opacity."""
    opacity = values[:, :, -1:] / np.float32(255)
    shown = values[:, :, :-1]
    weight = float(opacity.sum())
    mean = (shown * opacity).sum(axis=(0, 1)) / (weight or 1.0)
    brightness = float(mean @ _LUMA) if len(mean) == 3 else float(mean[0])
    light = weight > 0 and brightness > 127.5 and bool(opacity.min() < 1)
    flat: NDArray[np.float32] = shown * opacity + np.float32(0 if light else 255) * (1 - opacity)
    return flat


def _values(picture: Image) -> NDArray[Any]:
    """Return a Pillow image as an array that `to_pixels` takes."""
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(picture)
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if mode in ("I", "F"):
        # Neither says how white white is: 1, 255 and 65,535 are what is met.
        values = np.asarray(picture, np.float32)
        top = next((top for top in (1, 255, 65535) if values.max() <= top), float(values.max()))
        scaled: NDArray[np.float32] = np.clip(values / np.float32(top), 0, 1)
        return scaled
    if mode not in ("L", "LA", "RGB", "RGBA"):
        transparent = "transparency" in picture.info or mode in ("PA", "La", "RGBa")
        picture = picture.convert("RGBA" if transparent else "L" if mode == "1" else "RGB")
    elif "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return np.asarray(picture)
