"""Augmentation as a value: decided once for all images, then done by whichever engine trains.

`Augmentation.draw` decides: it draws what is to happen to each image, as plain arrays (`Draw`). `apply` does
it in NumPy; an engine on a GPU does the same from the same `Draw`. What every engine keeps to, for image
``x`` of height h and width w:

1. Stroke. ``Draw.stroke`` is a radius a in pixels. One step of dilation makes every pixel the largest of
   itself and its 4 neighbors inside the image (erosion: the smallest). With ``k = floor(|a|)`` and
   ``f = |a| - k`` the image becomes ``(1 - f) * step^k(x) + f * step^(k+1)(x)``, dilated for a > 0, eroded
   for a < 0.
2. Warp. The output pixel at row r, column c takes the input at::

       [row, column] = A[:, :2] @ [r - (h-1)/2, c - (w-1)/2] + A[:, 2] + [(h-1)/2, (w-1)/2] + d(r, c)

   with ``A = Draw.affine``. The displacement is ``d = basis(h) @ Draw.field @ basis(w).T`` in pixels, for
   rows and for columns. The input is read between pixels bilinearly, and is 0 outside.
3. Noise. Pixel ``i = r * w + c`` (channels last: ``(r * w + c) * channels + channel``) gets
   ``noise * (b0 + b1 + b2 + b3 - 510) / NOISE_SCALE``, where b are the four bytes of
   ``mix(mix(key0 + i) ^ key1)`` in 32-bit arithmetic (`tenfold.seeds.mix`) and the keys ``Draw.noise_keys``.
   The sum of four bytes is near to a normal distribution, and the same to the bit wherever it is computed.
   Then the image is clipped to its range.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import floor

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError, RecipeError
from tenfold.seeds import mix

Floats = NDArray[np.float32]

NOISE_SCALE = float(np.sqrt(4 * (256**2 - 1) / 12))
"""The standard deviation of the sum of four uniform bytes."""

_INTERVALS = 4
_CHUNK = 128

_MOST = {
    "shift": 14.0,
    "rotation": 180.0,
    "scale": 0.9,
    "shear": 60.0,
    "elastic": 10.0,
    "stroke": 3.0,
    "noise": 1.0,
}


@dataclass(frozen=True)
class Draw:
    """What is to happen to each of n images; None where nothing is.

    Attributes
    ----------
    affine : (n, 2, 3) float32 or None
        From output to input pixels, about the center of the image, in (row, column).
    field : (n, 2, 7, 7) float32 or None
        Control points of the displacement, in pixels, for rows and for columns.
    stroke : (n,) float32 or None
        Radius of dilation (> 0) or erosion (< 0), in pixels.
    noise : (n,) float32 or None
        Standard deviation, as a fraction of full ink.
    noise_keys : (n, 2) int64 in [0, 2**32), or None
    """

    affine: Floats | None = None
    field: Floats | None = None
    stroke: Floats | None = None
    noise: Floats | None = None
    noise_keys: NDArray[np.int64] | None = None

    def take(self, index: NDArray[np.int64] | slice) -> Draw:
        """Return what is to happen to the images at `index`, in that order."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return Draw(**{name: None if value is None else value[index] for name, value in values.items()})


@dataclass(frozen=True)
class Augmentation:
    """How images are varied. Every field is a plain number, and 0 is off.

    Attributes
    ----------
    shift : float in [0, 14]
        Largest shift along rows and along columns, in pixels.
    rotation : float in [0, 180]
        Largest rotation either way, in degrees.
    scale : float in [0, 0.9]
        Largest change of size: 0.1 is 90% to 110%.
    shear : float in [0, 60]
        Largest slant of upright strokes either way, in degrees.
    elastic : float in [0, 10]
        Standard deviation of a smooth random displacement, in pixels, the same at every pixel.
    stroke : float in [0, 3]
        Largest radius by which strokes are thickened or thinned, in pixels.
    noise : float in [0, 1]
        Largest standard deviation of noise on each pixel, as a fraction of full ink; each image's is drawn
        between 0 and this.

    Everything but `elastic` is drawn uniformly between its bounds.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    stroke: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise RecipeError(
                    f"augmentation.{name} must be a number in [0, {most:g}]. Got {value!r} instead."
                )

    @property
    def on(self) -> bool:
        """Whether anything happens at all."""
        return any(getattr(self, name) for name in _MOST)

    def scaled(self, strength: float) -> Augmentation:
        """Return the same with every bound multiplied by `strength` in [0, 1]."""
        if not 0 <= strength <= 1:
            raise RecipeError(f"The strength of an augmentation must be in [0, 1]. Got {strength!r} instead.")
        return replace(self, **{name: getattr(self, name) * strength for name in _MOST})

    def draw(
        self, count: int, shape: tuple[int, ...], rng: np.random.Generator, strength: float = 1.0
    ) -> Draw:
        """Decide what is to happen to `count` images.

        Parameters
        ----------
        count : int
        shape : (height, width) or (height, width, channels)
            Of one image. What is drawn does not depend on it.
        rng : numpy Generator
            The same numbers are taken from it whatever is on (`elastic` last, and only if it is on), so that
            turning one thing on or off leaves the others as they were.
        strength : float in [0, 1]
            Multiplies every bound, for an augmentation that fades out.

        Raises
        ------
        DataError
            The shape is that of features, which cannot be shifted or turned.
        """
        if len(shape) not in (2, 3):
            raise DataError(
                "Augmentation needs images of shape (height, width) or (height, width, channels). "
                f"Got {tuple(shape)} instead. Turn it off for plain features."
            )
        bounds = self.scaled(strength)
        # One column each: shift of rows, shift of columns, rotation, scale, shear, stroke, noise.
        numbers = rng.random((count, 7), np.float32)
        keys = rng.integers(0, 2**32, (count, 2), np.int64)
        signed = 2 * numbers - 1
        moved = self.shift or self.rotation or self.scale or self.shear
        side = _INTERVALS + 3
        return Draw(
            affine=_matrices(bounds, signed) if moved else None,
            field=bounds.elastic * rng.standard_normal((count, 2, side, side), np.float32)
            if self.elastic
            else None,
            stroke=bounds.stroke * signed[:, 5] if self.stroke else None,
            noise=bounds.noise * numbers[:, 6] if self.noise else None,
            noise_keys=keys if self.noise else None,
        )


def _matrices(bounds: Augmentation, signed: Floats) -> Floats:
    """Return the matrices from output to input: the inverse of scale, shear, rotation, shift in turn."""
    angle = np.radians(bounds.rotation * signed[:, 2].astype(np.float64))
    factor = 1 + bounds.scale * signed[:, 3].astype(np.float64)
    slant = np.tan(np.radians(bounds.shear * signed[:, 4].astype(np.float64)))
    shift = bounds.shift * signed[:, :2].astype(np.float64)
    cos, sin = np.cos(angle), np.sin(angle)
    # Each is written as its inverse, in (row, column); a positive angle turns counterclockwise.
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)
    lean = np.zeros_like(turn)
    lean[:, 0, 0] = lean[:, 1, 1] = 1
    lean[:, 1, 0] = slant
    linear = lean @ turn / factor[:, None, None]
    return np.concatenate([linear, -linear @ shift[:, :, None]], -1).astype(np.float32)


def basis(size: int) -> Floats:
    """Return what turns control points into displacements along one axis.

    Cubic B-splines on 4 intervals between the first and the last pixel; each row is scaled to length 1, so
    that displacements from independent control points have the control points' standard deviation at every
    pixel.

    Returns
    -------
    basis : (size, 7) float32
    """
    place = np.linspace(0, _INTERVALS, size)
    first = np.minimum(place.astype(np.int64), _INTERVALS - 1)
    t = place - first
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], -1)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    result = np.zeros((size, _INTERVALS + 3), np.float32)
    np.put_along_axis(result, first[:, None] + np.arange(4), weights.astype(np.float32), 1)
    return result


def apply(images: NDArray[np.uint8] | Floats, draw: Draw) -> Floats:
    """Do to images what was drawn for them.

    Parameters
    ----------
    images : (n, height, width[, channels]) uint8, or float32 in [0, 1]
    draw : Draw
        For as many images.

    Returns
    -------
    images : float32 of the same shape, on the same scale
        In [0, 255] if `images` is uint8, else in [0, 1].

    Raises
    ------
    DataError
        These are no images, or not as many as were drawn for.
    """
    if images.ndim not in (3, 4):
        raise DataError(
            "Augmentation needs images of shape (n, height, width) or (n, height, width, channels). "
            f"Got shape {images.shape} instead."
        )
    for item in fields(draw):
        part = getattr(draw, item.name)
        if part is not None and len(part) != len(images):
            raise DataError(f"The augmentation was drawn for {len(part)} images; these are {len(images)}.")
    full = np.float32(255 if images.dtype == np.uint8 else 1)
    result = np.empty(images.shape, np.float32)
    # A chunk fits the processor's cache; all images at once would not.
    for start in range(0, len(images), _CHUNK):
        here = slice(start, start + _CHUNK)
        part = draw.take(here)
        chunk = images[here].astype(np.float32)
        if part.stroke is not None:
            chunk = thicken(chunk, part.stroke)
        if part.affine is not None or part.field is not None:
            chunk = _warp(chunk, part.affine, part.field)
        if part.noise is not None and part.noise_keys is not None:
            chunk = _add_noise(chunk, part.noise, part.noise_keys, full)
        result[here] = chunk
    return result


def thicken(images: Floats, stroke: Floats) -> Floats:
    """Thicken strokes by a radius in pixels for each image, or thin them where it is negative.

    Parameters
    ----------
    images : (n, height, width[, channels]) float32
    stroke : (n,) float32
    """
    result = images.copy()
    for chosen, step in ((stroke > 0, np.maximum), (stroke < 0, np.minimum)):
        index = np.flatnonzero(chosen)
        radius = np.abs(stroke[index])
        image = images[index]
        for done in range(floor(float(radius.max(initial=0))) + 1):
            share = np.clip(radius - done, 0, 1).reshape(-1, *(1,) * (images.ndim - 1))
            if not share.any():
                break
            grown = image.copy()
            for to, of in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
                step(grown[:, to], image[:, of], out=grown[:, to])
                step(grown[:, :, to], image[:, :, of], out=grown[:, :, to])
            result[index] += share * (grown - image)
            image = grown
    return result


def _warp(images: Floats, affine: Floats | None, field: Floats | None) -> Floats:
    count, height, width = images.shape[:3]
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")).astype(np.float32)
    from_middle = (grid - middle[:, None, None]).reshape(2, -1)
    if affine is None:
        places: Floats = np.broadcast_to(grid.reshape(2, -1), (count, 2, height * width))
    else:
        places = affine[:, :, :2] @ from_middle + (affine[:, :, 2] + middle)[:, :, None]
    if field is not None:
        displacement = basis(height) @ field @ basis(width).T
        places = places + displacement.reshape(count, 2, -1).astype(np.float32)
    return _sample(images, places)


def _sample(images: Floats, places: Floats) -> Floats:
    """Read images between pixels bilinearly, 0 outside, at `places` (n, 2, height * width)."""
    count, height, width = images.shape[:3]
    # A border of zeros, so that what lies outside is read like anything else.
    padded = np.zeros((count, height + 3, width + 3, *images.shape[3:]), np.float32)
    padded[:, 1:-2, 1:-2] = images
    flat = padded.reshape(-1, *images.shape[3:])
    rows = np.clip(places[:, 0] + 1, 0, height + 1)
    columns = np.clip(places[:, 1] + 1, 0, width + 1)
    row, column = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - row, columns - column
    if images.ndim == 4:
        down, right = down[:, :, None], right[:, :, None]
    stride = width + 3
    corner = row * stride
    corner += column
    corner += (np.arange(count, dtype=np.int32) * ((height + 3) * stride))[:, None]
    upper = np.take(flat, corner, axis=0)
    upper += right * (np.take(flat, corner + 1, axis=0) - upper)
    corner += stride
    lower = np.take(flat, corner, axis=0)
    lower += right * (np.take(flat, corner + 1, axis=0) - lower)
    lower -= upper
    lower *= down
    lower += upper
    read: Floats = lower.reshape(images.shape)
    return read


def _add_noise(images: Floats, noise: Floats, keys: NDArray[np.int64], full: np.float32) -> Floats:
    count = len(images)
    pixel = np.arange(images[0].size, dtype=np.uint32)
    first, second = (keys[:, side, None].astype(np.uint32) for side in (0, 1))
    bits = mix(mix(first + pixel) ^ second)
    total = bits & np.uint32(255)
    for shift in (8, 16, 24):
        total += (bits >> np.uint32(shift)) & np.uint32(255)
    numbers = (total.astype(np.float32) - np.float32(510)) * (noise * full / np.float32(NOISE_SCALE))[:, None]
    noisy: Floats = np.clip(images.reshape(count, -1) + numbers, 0, full).reshape(images.shape)
    return noisy
