"""From the patch of a line to the string network's input: even light, one contrast, one height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT = 40
"""Rows of the network's input."""

STRIDE = 4
"""Columns of the input for each column of the network's answer."""

MARGIN = 4
"""Columns of bare paper put before and behind."""

LONGEST = 2400
"""Columns beyond which a patch is pressed together."""


FAINTEST = 0.12
"""Share of the light that ink must take away to count as full ink."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A patch brought to the network's form.

    Attributes
    ----------
    ink : (HEIGHT, width) uint8
        Paper about 0, the pen's strongest 255; `width` is a multiple of STRIDE.
    scale : float
        Columns of the strip for each column of the patch.
    offset : float
        Column of the strip where the patch begins.
    """

    ink: NDArray[np.uint8]
    scale: float
    offset: float

    def column(self, answer: float) -> float:
        """Return the column of the patch at a column of the network's answer, counted from its left edge."""
        return (answer * STRIDE - self.offset) / self.scale


@dataclass(frozen=True)
class View:
    """A way to look at a patch.

    Attributes
    ----------
    zoom : float > 0
        Times that the writing is enlarged beyond what fills the height; below 1 leaves more paper around.
    width : float > 0
        Times that it is stretched along the line.
    slant : float
        Columns by which a row is moved to the right for each row that it lies above the middle.
    """

    zoom: float = 1.0
    width: float = 1.0
    slant: float = 0.0


PLAIN = View()


def make_strip(patch: NDArray[np.uint8], view: View = PLAIN) -> Strip:
    """Bring the patch of a line to the network's form.

    Parameters
    ----------
    patch : (h, w) uint8
        One upright line, dark ink on lighter paper, of any size.
    view : View

    Returns
    -------
    strip : Strip
    """
    return make_strips(patch, (view,))[0]


def make_strips(patch: NDArray[np.uint8], views: Sequence[View]) -> list[Strip]:
    """Bring a patch to the network's form in several ways, as `make_strip` in one."""
    ink = level(patch)
    rows = extent(ink)
    return [_cut(ink, rows, view) for view in views]


def _cut(ink: NDArray[np.uint8], rows: tuple[float, float], view: View) -> Strip:
    """Return the strip between two rows of leveled ink."""
    tall = (rows[1] - rows[0]) / view.zoom
    top = (rows[0] + rows[1] - tall) / 2
    scale = HEIGHT / tall
    inside = min(LONGEST, max(STRIDE, round(ink.shape[1] * scale * view.width)))
    # Slanted rows need room on both sides; whole strides, so that columns stay where they were.
    room = MARGIN + -(-round(abs(view.slant) * HEIGHT / 2) // STRIDE) * STRIDE
    total = -(-(inside + 2 * room) // STRIDE) * STRIDE
    source = ink
    if scale < 1:  # shrunk by area first, so that no thin line is lost between pixels
        size = (inside, max(1, round(ink.shape[0] * scale)))
        source = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)
    across, down = source.shape[1] / inside, source.shape[0] / (ink.shape[0] * scale)
    # From a pixel of the strip to one of the source: middles of pixels lie half a pixel in.
    matrix = np.array(
        [
            [across, across * view.slant, across * (0.5 - room - view.slant * (HEIGHT - 1) / 2) - 0.5],
            [0, down, down * (0.5 + top * scale) - 0.5],
        ],
        np.float32,
    )
    strip = cv2.warpAffine(
        source, matrix, (total, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=0
    )
    return Strip(np.asarray(strip, np.uint8), inside / ink.shape[1], float(room))


def level(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ink on even paper: light made even, contrast brought to one scale.

    The light is the median around each pixel; ink is how far a pixel lies below it, as a share of it. What
    the strongest pixels beside the rules reach becomes 255, but grain is not blown up to ink.
    """
    height, width = patch.shape
    step = max(1, round(height / 24))
    small = cv2.resize(patch, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_AREA)
    side = max(3, min(255, round(0.9 * small.shape[0]))) | 1
    light = cv2.resize(cv2.medianBlur(small, side), (width, height), interpolation=cv2.INTER_LINEAR)
    share = cv2.subtract(light, patch).astype(np.float32) / np.maximum(light, 16)
    beside = share[:, :: max(1, width // 256)]
    # A rule fills its row; the median of a row is what lies all along it.
    beside = beside[np.quantile(beside, 0.4, axis=1) < 0.5 * beside.max()]
    strongest = float(np.quantile(beside[:: max(1, height // 64)], 0.985)) if beside.size else 0.0
    leveled: NDArray[np.uint8] = np.minimum(share * np.float32(255 / max(FAINTEST, strongest)), 255).astype(
        np.uint8
    )
    return leveled


def extent(ink: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the top and bottom of the writing, with a little slack; rules, specks and texture left out.

    Parameters
    ----------
    ink : (h, w) uint8, paper about 0

    Returns
    -------
    top, bottom : float
        May lie outside the picture. Of a blank one, the whole of it.
    """
    height, width = ink.shape
    strong = (ink > 120).astype(np.uint8)
    long = max(24, width // 3)
    if width > long:
        rules = cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((1, long), np.uint8))
        strong[np.asarray(cv2.dilate(rules, np.ones((3, 1), np.uint8)), np.uint8) > 0] = 0
    count, _, boxes, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    tall = boxes[1:, cv2.CC_STAT_HEIGHT]
    rows = np.zeros(height, np.float32)
    if count > 1:
        # Texture falls into many low pieces; digits are tall. A piece counts by its height.
        low = 0.3 * float(np.sort(tall)[-3:].mean())
        for box in boxes[1:][tall >= low]:
            top = box[cv2.CC_STAT_TOP]
            high = box[cv2.CC_STAT_HEIGHT]
            rows[top : top + high] += box[cv2.CC_STAT_AREA] / high
    total = np.cumsum(rows)
    if total[-1] <= 0:
        return 0.0, float(height)
    first = int(np.searchsorted(total, 0.015 * total[-1]))
    last = int(np.searchsorted(total, 0.985 * total[-1])) + 1
    tallness = max(float(last - first), 0.25 * height, 6.0)
    middle = (first + last) / 2
    return middle - 0.62 * tallness, middle + 0.62 * tallness
