"""Telling ink from paper: the clearest channel, even light, a threshold that knows the noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import Pixels
from tenfold.reading.rules import find_edges, find_rules

AREA = 1_600_000
"""Pixels at which ink is looked for; larger pictures are reduced, and cut from at full size."""

TINT = 12.0
"""Difference of the channels, of 255, up to which all but 2% of a gray picture's pixels are."""

LOOKED_AT = 280
"""Pixels of the longer side at which the channel and the polarity are chosen."""

FLOOR = 16.0
"""Contrast, of 255, below which nothing is ink however quiet the paper."""

SIGMAS = 4.0
"""How far above the paper's noise ink must be."""

SHARE = 0.4
"""Part of the contrast around it that a pixel must have to be ink."""

STRONG = (24.0, 7.0)
"""Contrast, of 255, and how far above the noise the darkest of a piece of ink must be."""

FAINT = 0.6
"""Part of these that is enough beside ink."""

GRAINY = 3.0
"""Noise, of 255, from which on the picture is smoothed."""

TELLING = 0.1
"""Part of the greatest variance that a neighborhood must show to say which side is ink."""

_CHANNELS = ("red", "green", "blue")
_PREFERRED = 1.25
"""How much clearer than the mean of all channels one of them must show the ink: it has more noise."""


@dataclass(frozen=True, eq=False)
class Ink:
    """A picture taken apart into ink and paper.

    Parameters
    ----------
    gray : (height, width) uint8
        The channel that shows the ink best, dark ink on light paper, at the working scale.
    contrast : (height, width) uint8
        How much darker than the paper, of 255; light and shadow flattened.
    ruled : (height, width) uint8
        The same with rules and edges, which `contrast` is clear of.
    mask : (height, width) bool
        Where there is ink.
    rules : (height, width) bool
        Where there were straight lines, which are no ink.
    scale : float
        Working pixels for each pixel of the picture.
    inverted : bool
        Whether the picture has light ink on dark paper.
    channel : str
        "gray", "red", "green" or "blue".
    noise : float
        Standard deviation of the paper's contrast.
    """

    gray: Pixels
    contrast: Pixels
    ruled: Pixels
    mask: NDArray[np.bool_]
    rules: NDArray[np.bool_]
    scale: float
    inverted: bool
    channel: str
    noise: float

    @property
    def strong(self) -> NDArray[np.bool_]:
        """Where the contrast is more than grain or a fold of the paper has."""
        return np.asarray(self.contrast > max(STRONG[0], STRONG[1] * self.noise))


def find_ink(pixels: Pixels, area: int = AREA, *, dark: bool = False, keep_rules: bool = False) -> Ink:
    """Tell ink from paper.

    Parameters
    ----------
    pixels : (height, width) or (height, width, 3) uint8
    area : int
        Pixels to work at.
    dark : bool
        Whether the ink is known to be darker than its paper, as on a printed form; else that is found out.
    keep_rules : bool
        Take printed lines and the edges of the sheet for ink like any other.

    Returns
    -------
    ink : Ink
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, (area / (height * width)) ** 0.5)
    small = resized(pixels, scale) if scale < 1 else pixels
    channel, inverted = choose_channel(small, dark=dark)
    gray = _channel(small, channel)
    if inverted:
        gray = ~gray
    contrast = flatten(gray)
    offset, noise = _paper_noise(contrast)
    if float(np.median(noise)) > GRAINY:
        # On grainy paper a pixel's neighbors tell more than the pixel.
        contrast = np.asarray(cv2.GaussianBlur(contrast, (3, 3), 0), np.uint8)
        offset, noise = _paper_noise(contrast)
    contrast = np.asarray(cv2.subtract(contrast, offset), np.uint8)
    least = np.maximum(SIGMAS * noise, FLOOR)
    # Edges and rules are taken away first: they may be fainter than the ink, or darker.
    rules = np.zeros(contrast.shape, bool)
    if not keep_rules:
        rules = find_edges(contrast > least)
        rules |= find_rules((contrast > least) & ~rules)
    ruled = contrast
    contrast = np.where(rules, np.uint8(0), contrast)
    reach = _odd(_kernel(gray.shape) // 2)
    wide = cv2.dilate(contrast, cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach)))
    around = np.asarray(wide, np.float32)
    mask = contrast > np.maximum(least, SHARE * around)
    # A stroke that grows faint goes on for as long as something is seen of it.
    faint = contrast > np.maximum(FAINT * least, FAINT * SHARE * around)
    mask = _grown(mask, faint)
    noisy = float(np.median(noise))
    return Ink(gray, contrast, ruled, mask, rules, small.shape[1] / width, inverted, channel, noisy)


def _grown(mask: NDArray[np.bool_], faint: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask grown into what is faint, by a few pixels."""
    grown, inside = mask.view(np.uint8), faint.view(np.uint8)
    for _ in range(2):
        grown = np.asarray(cv2.dilate(grown, np.ones((5, 5), np.uint8)), np.uint8) & inside
    return (grown > 0) | mask


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Return pixels scaled in both directions; each new pixel is the mean of those it covers."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def choose_channel(pixels: Pixels, *, dark: bool = False) -> tuple[str, bool]:
    """Return which channel shows the ink best, and whether the ink is lighter than the paper."""
    height, width = pixels.shape[:2]
    small = resized(pixels, min(1.0, LOOKED_AT / max(height, width)))
    if not _is_colored(small):
        return "gray", not dark and is_inverted(_channel(small, "gray"))
    best, found = 0.0, ("gray", False)
    for name in ("gray", *_CHANNELS):
        gray = _channel(small, name)
        inverted = not dark and is_inverted(gray)
        contrast = flatten(~gray if inverted else gray)
        offset, noise = _paper_noise(contrast)
        above = cv2.subtract(contrast, offset)
        ink = above[above > np.maximum(SIGMAS * noise, FLOOR)]
        if ink.size == 0:
            continue
        clear = float(np.percentile(ink, 75)) / max(float(np.median(noise)), 2.0) ** 0.5
        if name != "gray":
            clear /= _PREFERRED
        if clear > best:
            best, found = clear, (name, inverted)
    return found


def _is_colored(pixels: Pixels) -> bool:
    """Return whether the channels differ by more than compression makes those of a gray picture differ."""
    if pixels.ndim == 2:
        return False
    red, green, blue = cv2.split(pixels)
    apart = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return bool(np.count_nonzero(np.asarray(apart) > TINT) > 0.02 * apart.size)


def is_inverted(gray: Pixels) -> bool:
    """Return whether what stands out is lighter than what is around it.

    What stands out is sparse, so that the differences from the median around are skewed to its side. Of
    several neighborhoods the one with the greatest skewness counts: it is of the pen's scale. One narrower
    than the pen sees only a few corners, which are as skewed as one likes; there little varies, and it is
    left out.
    """
    smooth = np.asarray(cv2.GaussianBlur(gray, (3, 3), 0), np.uint8)
    moments = []
    for part in (32, 10, 3):
        size = _odd(int(np.clip(min(gray.shape) // part, 3, 127)))
        # Mirrored, a dark edge of the picture stays as narrow as it is; medianBlur would repeat it.
        edge = size // 2
        wide = cv2.copyMakeBorder(smooth, edge, edge, edge, edge, cv2.BORDER_REFLECT)
        middle = np.asarray(cv2.medianBlur(wide, size), np.float32)[edge:-edge, edge:-edge]
        detail = smooth.astype(np.float32) - middle
        square = detail * detail
        moments.append((float(square.mean()), float((square * detail).mean())))
    least = max(0.25, TELLING * max(spread for spread, _ in moments))
    skewness = [third / spread**1.5 for spread, third in moments if spread > least]
    return max(skewness, key=abs, default=0.0) > 0


def flatten(gray: Pixels) -> Pixels:
    """Return how much darker than the paper around it each pixel is, of 255.

    The paper is what a morphological closing leaves: dark things narrower than its kernel are gone, the edges
    of shadows stay where they are.
    """
    size = _kernel(gray.shape)
    smooth = cv2.GaussianBlur(gray, (3, 3), 0)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, kernel)
    paper = np.maximum(cv2.blur(paper, (5, 5)), 1)
    return np.asarray(cv2.bitwise_not(cv2.divide(gray, paper, scale=255)), np.uint8)


def _channel(pixels: Pixels, name: str) -> Pixels:
    if pixels.ndim == 2:
        return pixels
    if name == "gray":
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(pixels[:, :, _CHANNELS.index(name)])


def _paper_noise(contrast: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
    """Return the paper's own contrast and its noise, pixel by pixel: medians over tiles, smoothed."""
    height, width = contrast.shape
    tile = int(np.clip(min(height, width) // 6, 8, 48))
    rows, columns = -(-height // tile), -(-width // tile)
    below, right = rows * tile - height, columns * tile - width
    whole = np.asarray(cv2.copyMakeBorder(contrast, 0, below, 0, right, cv2.BORDER_REFLECT))
    step = 2 if tile >= 16 else 1
    tiles = whole.reshape(rows, tile, columns, tile)[:, ::step, :, ::step].transpose(0, 2, 1, 3)
    tiles = np.sort(tiles.reshape(rows, columns, -1), axis=2)
    count = tiles.shape[2]
    # Ink covers less than half of a tile and lies above the paper: the lower half tells the paper's noise.
    middle = tiles[:, :, count // 2].astype(np.float32)
    low = tiles[:, :, int(count * 0.16)].astype(np.float32)
    middle, spread = (_median(values) for values in (middle, middle - low))
    size = (width, height)
    offset = np.asarray(cv2.resize(middle, size, interpolation=cv2.INTER_LINEAR)).astype(np.uint8)
    noise = cv2.resize(np.maximum(spread, 0.5), size, interpolation=cv2.INTER_LINEAR)
    return offset, np.asarray(noise, np.float32)


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the medians of 3x3 neighborhoods."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(values), 3), np.float32)


def _kernel(shape: tuple[int, ...]) -> int:
    """Return the width, in pixels, below which what is dark counts as ink."""
    return _odd(int(np.clip(min(shape[:2]) / 5, 9, 75)))


def _odd(size: int) -> int:
    return size | 1
