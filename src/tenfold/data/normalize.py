"""From a picture of one digit to the network's 28x28: the one home of this.

The steps are MNIST's own (LeCun et al. 1998, section III.A): the ink fitted into a box of 20x20 with its
aspect kept, and its center of mass put at the center of 28x28. Before them a photo or scan is made ink 255
on paper 0. Every step is a function of its own, and none of them remembers anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.pixels import luma, to_pixels

if TYPE_CHECKING:
    from PIL.Image import Image

Gray = NDArray[np.uint8]
Ink = NDArray[np.float32]

SIZE = 28
BOX = 20
CENTER = 14.0
"""Where MNIST has the center of mass, as a pixel index from 0 (mean of its 70,000 images: 14.00, 14.01)."""

CONTRAST = 24.0
"""Gray levels between ink and paper below which a picture is taken to be blank."""


def normalize(picture: Image | NDArray[Any]) -> Gray:
    """Bring a picture of one digit to MNIST's form.

    Parameters
    ----------
    picture : Pillow image, or array as `to_gray` takes it
        Of any size, ink dark on light or light on dark.

    Returns
    -------
    image : (28, 28) uint8
        Ink 255 on paper 0. A picture that has MNIST's form already (`is_normalized`) comes back as it is, a
        blank one as zeros.
    """
    gray = to_gray(picture)
    return gray if is_normalized(gray) else center(fit(crop(find_ink(gray))))


def to_gray(picture: Image | NDArray[Any]) -> Gray:
    """Return a picture as gray levels, turned upright where its EXIF says so.

    Parameters
    ----------
    picture : Pillow image of any mode, or array
        Arrays are (height, width) or (height, width, 1 to 4 channels: gray, gray and alpha, RGB, RGB and
        alpha); bool, uint8, uint16, or floats in [0, 1]. What is transparent becomes white, or black where
        the opaque parts are light.

    Returns
    -------
    gray : (height, width) uint8
    """
    return luma(to_pixels(picture)).copy()


def is_normalized(gray: Gray) -> bool:
    """Return whether gray levels have MNIST's form already.

    That is 28x28, at most a tenth of the outermost pixels above 0, ink of at least 200, and the center of
    mass within 1.5 pixels of the center. All of MNIST has it.
    """
    if gray.shape != (SIZE, SIZE) or gray.max() < 200:
        return False
    edge = _edge(gray)
    if np.count_nonzero(edge) > len(edge) / 10:
        return False
    row, column = center_of_mass(gray.astype(np.float32))
    return abs(row - CENTER) <= 1.5 and abs(column - CENTER) <= 1.5


def find_ink(gray: Gray) -> Ink:
    """Tell ink from paper.

    The paper's shading is taken to be a plane and subtracted. Paper is then what prevails along the edge, or,
    where nothing does, what the few pixels that stand out do not stand out from.

    Parameters
    ----------
    gray : (height, width) uint8

    Returns
    -------
    ink : (height, width) float32 in [0, 255]
        All 0 where the picture is blank.
    """
    values = gray.astype(np.float32)
    ink = values - _plane(values, np.ones(values.shape, bool))
    level = threshold(ink)
    light = float(np.mean(_edge(ink) > level))
    if light >= 0.75 or (light > 0.25 and _light_paper(ink, level)):
        ink = -ink
    paper = ink <= threshold(ink)
    grain = 0.0
    # No grain parts what lies so far apart: what looks like it are soft edges of ink everywhere.
    apart = float(ink[~paper].mean() - ink[paper].mean()) if not paper.all() else 0.0
    most = apart / 2 if apart >= 4 * CONTRAST else float("inf")
    for _ in range(3):
        ink = ink - _plane(ink, paper)
        # Ink and its soft edges never lie below the paper, so that side tells the paper's grain.
        below = ink[paper & (ink < 0)]
        grain = float(np.sqrt(np.mean(below**2))) if below.size else 0.0
        paper = ink <= min(max(5 * grain, CONTRAST), most)
    if not _hangs_together(~paper):
        return np.zeros_like(values)
    top = percentile(ink[~paper], 75)
    low = min(max(4 * grain, 0.1 * top), 0.5 * top)
    return _clip((ink - low) * (255 / (top - low)))


def threshold(values: NDArray[Any]) -> float:
    """Return the level that parts values into the two groups furthest apart (N. Otsu, 1979), of 256 steps."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return high
    counts, edges = np.histogram(values, 256, (low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    sums = np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = sums / below - (sums[-1] - sums) / above
        spread = np.nan_to_num(below * above * distance**2)
    # Between two groups with nothing between them every level parts them alike; take the middle one.
    best = np.flatnonzero(spread >= spread.max() * (1 - 1e-9))
    return float(edges[1:][best].mean())


def crop(ink: Ink) -> Ink:
    """Return the smallest part that holds all pixels of at least a quarter of full ink; maybe empty."""
    strong = ink >= 64
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    if len(rows) == 0:
        return ink[:0, :0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(ink: Ink, box: int = BOX) -> Ink:
    """Scale ink into a box with its aspect kept.

    Pixels are averaged by area, so a thin line grows faint but never breaks; then ink is brought back to 255.

    Parameters
    ----------
    ink : (height, width) float32 in [0, 255]

    Returns
    -------
    ink : (at most box, at most box) float32 in [0, 255]
        The longer side is `box`.
    """
    if ink.size == 0:
        return ink
    from PIL import Image

    scale = box / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(ink).resize((width, height), method), np.float32)
    peak = percentile(scaled[scaled > 0.3 * scaled.max()], 70)
    return _clip(scaled * (255 / peak))


def center(ink: Ink) -> Gray:
    """Put ink on 28x28 with its center of mass at the center, by whole pixels, nothing cut off."""
    image = np.zeros((SIZE, SIZE), np.uint8)
    if ink.size == 0:
        return image
    height, width = ink.shape
    row, column = center_of_mass(ink)
    top = min(max(round(CENTER - row), 0), SIZE - height)
    left = min(max(round(CENTER - column), 0), SIZE - width)
    image[top : top + height, left : left + width] = np.rint(ink)
    return image


def center_of_mass(ink: NDArray[np.float32]) -> tuple[float, float]:
    """Return the row and column of the center of mass, as pixel indices from 0."""
    total = float(ink.sum()) or 1.0
    row = float(ink.sum(axis=1) @ np.arange(ink.shape[0])) / total
    column = float(ink.sum(axis=0) @ np.arange(ink.shape[1])) / total
    return row, column


def _light_paper(ink: Ink, level: float) -> bool:
    """Return whether paper is what lies above `level`, where the edge does not tell: ink may run along it.

    Paper is what there is clearly more of. Else strokes tell, which hang together and part the paper into
    pieces.
    """
    import cv2

    share = float(np.mean(ink > level))
    if abs(share - 0.5) > 0.12:
        return share > 0.5
    least = 0.01 * ink.size
    dark, light = (
        int(np.count_nonzero(cv2.connectedComponentsWithStats(side.astype(np.uint8))[2][1:, 4] >= least))
        for side in (ink <= level, ink > level)
    )
    return light > dark if light != dark else share > 0.5


def _hangs_together(ink: NDArray[np.bool_]) -> bool:
    """Return whether most ink pixels have ink beside them: a pen leaves lines, grain leaves specks."""
    beside = np.zeros_like(ink)
    beside[1:] |= ink[:-1]
    beside[:-1] |= ink[1:]
    beside[:, 1:] |= ink[:, :-1]
    beside[:, :-1] |= ink[:, 1:]
    return bool(2 * np.count_nonzero(beside & ink) > np.count_nonzero(ink))


def percentile(values: NDArray[Any], percent: float) -> float:
    """Return ``np.percentile(values, percent)`` of (n,) numbers, in a fifth of the time where n is small."""
    place = (len(values) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(values) - 1)
    low, high = np.partition(values, (below, above))[[below, above]].tolist()
    return float(low + (high - low) * (place - below))


def _edge(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def _plane(values: Ink, mask: NDArray[np.bool_]) -> Ink:
    """Return the plane that fits `values` best (least squares) where `mask` is true."""
    height, width = values.shape
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)
    chosen = np.flatnonzero(mask)
    # A few thousand pixels fix three numbers as well as a million. A stride prime to the width spreads them.
    step = max(1, len(chosen) // 4096)
    chosen = chosen[:: step + (step > 1 and width % step == 0)]
    row, column = np.divmod(chosen, width)
    terms = np.stack([np.ones(len(chosen)), rows[row, 0], columns[column]], axis=1)
    constant, down, right = np.linalg.lstsq(terms, values.ravel()[chosen].astype(np.float64), rcond=None)[0]
    plane: Ink = (constant + down * rows + right * columns).astype(np.float32)
    return plane


def _clip(values: NDArray[np.floating[Any]]) -> Ink:
    clipped: Ink = np.clip(values, 0, 255).astype(np.float32)
    return clipped
