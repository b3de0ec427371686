"""Laying a page on its template: which point of the picture each point of the form is.

First a coarse search: the template's lines are drawn and laid over those that were found, at every shift, at
a few sizes and the angle at which the page's rules run. Then a fine one: along its normal, each point of a
printed line is drawn to the nearest line found, and the map that follows them best is taken (iterated least
squares; at first a similarity, at last a homography, as a phone photo needs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import FormError
from tenfold.reading.forms.printed import Printed
from tenfold.reading.forms.sheet import find_sheet
from tenfold.reading.forms.template import Segment, Template
from tenfold.reading.ink import Ink

Map = NDArray[np.float64]
"""(3, 3): a homography from millimeters of the form to pixels."""
Points = NDArray[np.float64]
"""(n, 2): left and top of each."""

COARSE = 300
"""Pixels of the page's longer side in the coarse search."""
MARGIN = 0.22
"""How far the page may be shifted, as a part of its longer side."""
SCALES = np.arange(0.80, 1.22, 0.02)
TILT = 7.0
"""Degrees by which the page may be turned, beside quarters."""
STEP = 1.0
"""Millimeters between the points of a line that are compared."""
NEAR = 0.6
"""Millimeters within which a line that was found is the template's."""
ENOUGH = 0.8
"""Part of the printed lines that must be found, in each direction."""
SURELY, CLEARLY = 0.95, 0.05
"""Part from which on no other way up is tried, and by which another way up must be better."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Points of the template's printed lines and marks.

    Parameters
    ----------
    points : (n, 2) float
        In millimeters.
    kinds : (n,) int
        0: of a line across, 1: of a line down, 2: the middle of a solid mark.
    """

    points: Points
    kinds: NDArray[np.intp]

    def part(self, chosen: NDArray[np.bool_]) -> Samples:
        """Return some of them."""
        return Samples(self.points[chosen], self.kinds[chosen])


@dataclass(frozen=True, eq=False)
class Alignment:
    """How a page lies.

    Parameters
    ----------
    map : (3, 3) float
        From millimeters of the form to working pixels of the picture turned upright.
    turns : int
        Quarter turns clockwise that turn the picture upright: 0 to 3.
    support : float in [0, 1]
        Part of the printed lines and marks that were found where they should be, in the worse direction.
    """

    map: Map
    turns: int
    support: float

    @property
    def rotation(self) -> int:
        """Degrees by which the page is turned clockwise in the picture: 0, 90, 180 or 270."""
        return 90 * (-self.turns % 4)


def align(template: Template, ink: Ink, printed: Printed) -> Alignment:
    """Return how a page lies on the template.

    Parameters
    ----------
    template : Template
    ink : Ink
        Of the picture.
    printed : Printed
        What `find_printed` found in it.

    Raises
    ------
    FormError
        The page does not fit the template.
    """
    samples = sample(template)
    best = Alignment(np.eye(3), 0, 0.0)
    for pair in ((0, 2), (1, 3)):
        for quarters in pair:
            turned = printed.turned(quarters)
            for start in _starts(template, turned, np.rot90(ink.gray, -quarters)):
                for guess in _coarse(template, turned, start):
                    found = refine(guess, samples, turned)
                    support = min(_support(found, samples, turned))
                    # Upright first: a form of a few boxes or marks may look much the same upside down.
                    if support > best.support + (CLEARLY if quarters != best.turns else 0):
                        best = Alignment(found, quarters, support)
                if best.support > SURELY:
                    break
            if best.support > SURELY:
                return best
        if best.support >= ENOUGH:
            return best
    raise FormError(
        f"The page does not fit the template{f' {template.name!r}' if template.name else ''}: "
        f"{best.support:.0%} of its printed lines were found where they should be, {ENOUGH:.0%} are needed. "
        f"Is it this form, whole, and turned by less than {TILT:g} degrees?"
    )


def sample(template: Template) -> Samples:
    """Return points of all that is printed on a form."""
    lines = [sample_line(line) for line in template.lines()]
    marks = [template.millimeters(mark) for mark in template.marks]
    middles = np.array([[left + width / 2, top + height / 2] for left, top, width, height in marks])
    points = np.concatenate([item.points for item in lines] + [middles.reshape(-1, 2)])
    kinds = np.concatenate([item.kinds for item in lines] + [np.full(len(marks), 2)])
    return Samples(points, kinds.astype(np.intp))


def sample_line(line: Segment) -> Samples:
    """Return points of one line, its very ends left out."""
    start, end = np.array(line[:2]), np.array(line[2:])
    length = float(np.hypot(*(end - start)))
    count = max(2, round(length / STEP))
    share = (np.arange(count) + 0.5) / count
    points = start + share[:, None] * (end - start)
    down = abs(end[1] - start[1]) > abs(end[0] - start[0])
    return Samples(points, np.full(count, int(down), np.intp))


def refine(guess: Map, samples: Samples, printed: Printed, reach: float = 3.0, rigid: bool = False) -> Map:
    """Return the map that takes the samples onto what was found, beginning with a guess.

    Parameters
    ----------
    reach : float
        Millimeters within which a line that was found may be the template's.
    rigid : bool
        Whether the map may only be shifted, turned and scaled.
    """
    stages = [(reach, 4), (reach, 4), (reach / 2, 6), (reach / 2, 6), (NEAR, 8), (NEAR, 8), (NEAR, 8)]
    map_ = guess
    for near, freedom in stages:
        map_ = _step(map_, samples, printed, near, 4 if rigid else freedom)
    return map_


def support(map_: Map, samples: Samples, printed: Printed) -> float:
    """Return the part of the samples that lie on what was found, in the worse direction."""
    return min(_support(map_, samples, printed))


def apply(map_: Map, points: NDArray[np.floating]) -> Points:
    """Return points, (n, 2), where a homography takes them."""
    taken = np.column_stack([points, np.ones(len(points))]) @ map_.T
    return np.asarray(taken[:, :2] / taken[:, 2:], np.float64)


def millimeter(map_: Map, points: Points) -> float:
    """Return how many pixels a millimeter is, about the middle of some points."""
    middle = points.mean(axis=0)
    corners = apply(map_, middle + np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]]))
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    return float(abs(across[0] * down[1] - across[1] * down[0]) ** 0.5)


def _step(map_: Map, samples: Samples, printed: Printed, near: float, freedom: int) -> Map:
    """Return the map after one step of least squares, with 4, 6 or 8 degrees of freedom."""
    here = apply(map_, samples.points)
    unit = millimeter(map_, samples.points)
    rows, targets = [], []
    middle, spread = here.mean(axis=0), max(float(here.std()), 1.0)
    for kind in (0, 1, 2):
        chosen = samples.kinds == kind
        if not chosen.any():
            continue
        points = here[chosen]
        for normal in [_normal(map_, samples.points[chosen], kind)] if kind < 2 else _axes(len(points)):
            # Marks stand further apart than lines.
            reach = near * unit * (1 if kind < 2 else 2)
            if kind < 2:
                away, found = _offsets(printed.soft[kind], points, normal, reach)
            else:
                away, found = _to_middle(printed.middles, points, normal, reach)
            # Far ones count less: they may be another line.
            weight = found / (1 + (away / (0.3 * reach)) ** 2) * (1 if kind < 2 else 8)
            rows.append(_tangents((points - middle) / spread, normal) * weight[:, None])
            targets.append(away * weight)
    system = np.concatenate(rows)
    target = np.concatenate(targets)
    basis = _BASES[freedom]
    # What the lines do not tell stays as it is; perspective least willingly changes.
    hold = np.diag(0.02 * len(target) ** 0.5 * _STIFFNESS) @ basis
    solved = np.linalg.lstsq(
        np.concatenate([system @ basis, hold]), np.concatenate([target, np.zeros(len(hold))]), rcond=None
    )[0]
    shift = basis @ solved / spread
    change = np.array(
        [
            [1 + shift[1], shift[2], shift[0]],
            [shift[4], 1 + shift[5], shift[3]],
            [shift[6], shift[7], 1.0],
        ]
    )
    to_unit = np.array(
        [[1 / spread, 0, -middle[0] / spread], [0, 1 / spread, -middle[1] / spread], [0, 0, 1]]
    )
    moved = np.linalg.inv(to_unit) @ change @ to_unit @ map_
    return np.asarray(moved / moved[2, 2], np.float64)


_BASES = {
    # Shift right, shift down, scale, turn.
    4: np.array(
        [
            [1, 0, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, -1],
            [0, 1, 0, 0],
            [0, 0, 0, 1],
            [0, 0, 1, 0],
            [0, 0, 0, 0],
            [0, 0, 0, 0],
        ],
        np.float64,
    ),
    6: np.eye(8)[:, :6],
    8: np.eye(8),
}
_STIFFNESS = np.array([0.2, 1, 1, 0.2, 1, 1, 4, 4])


def _tangents(points: Points, normal: Points) -> NDArray[np.float64]:
    """Return how far along its normal each point moves with each of a homography's eight parameters."""
    left, top = points.T
    right, down = normal.T
    along = right * left + down * top
    return np.stack(
        [right, right * left, right * top, down, down * left, down * top, -left * along, -top * along], axis=1
    )


def _normal(map_: Map, points: Points, kind: int) -> Points:
    along = np.array([[1.0, 0.0]]) if kind == 0 else np.array([[0.0, 1.0]])
    tangent = apply(map_, points + along) - apply(map_, points)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def _axes(count: int) -> list[Points]:
    return [np.tile([1.0, 0.0], (count, 1)), np.tile([0.0, 1.0], (count, 1))]


def _offsets(
    mask: NDArray[np.float32], points: Points, normal: Points, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far along its normal the nearest line lies from each point, and whether there is one."""
    steps = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
    profile = _profile(mask, points, normal, steps)
    # The nearest of what stands out, not the strongest: another line may run beside.
    liking = np.where(profile > 0.3, profile, 0) * (1.2 - np.abs(steps) / (np.ceil(reach) + 1))
    peak = liking.argmax(axis=1)
    # The middle of the line is where its profile's weight is.
    around = np.clip(peak[:, None] + np.arange(-2, 3), 0, len(steps) - 1)
    weight = np.take_along_axis(profile, around, axis=1) + 1e-6
    away = (weight * steps[around]).sum(axis=1) / weight.sum(axis=1)
    found = liking.max(axis=1) > 0
    return np.where(found, away, 0.0), found.astype(np.float64)


def _to_middle(
    middles: Points, points: Points, normal: Points, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far along `normal` the middle of the nearest solid mark lies, and whether there is one."""
    if len(middles) == 0:
        return np.zeros(len(points)), np.zeros(len(points))
    away = middles[None] - points[:, None]
    nearest = np.linalg.norm(away, axis=2).argmin(axis=1)
    chosen = away[np.arange(len(points)), nearest]
    found = np.linalg.norm(chosen, axis=1) <= reach
    return np.where(found, (chosen * normal).sum(axis=1), 0.0), found.astype(np.float64)


def _profile(
    mask: NDArray[np.float32], points: Points, normal: Points, steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    at = (points[:, None, :] + steps[None, :, None] * normal[:, None, :]).astype(np.float32)
    return np.asarray(cv2.remap(mask, at[..., 0], at[..., 1], cv2.INTER_LINEAR), np.float64)


def _support(map_: Map, samples: Samples, printed: Printed) -> list[float]:
    """Return for lines across, lines down and marks the part that lies on what was found."""
    parts = []
    for kind in (0, 1, 2):
        points = samples.points[samples.kinds == kind]
        if len(points) == 0:
            continue
        here = apply(map_, points)
        reach = NEAR * millimeter(map_, points)
        if kind < 2:
            away, found = _offsets(printed.soft[kind], here, _normal(map_, points, kind), max(reach, 2.0))
        else:
            offsets = [_to_middle(printed.middles, here, axis, 2 * reach) for axis in _axes(len(here))]
            away, found = np.hypot(offsets[0][0], offsets[1][0]), offsets[0][1]
        parts.append(float(np.mean(found * (np.abs(away) <= max(reach, 2.0)))))
    return parts


def _starts(template: Template, printed: Printed, gray: NDArray[np.uint8]) -> Iterator[Map]:
    """Yield where the page may lie: all over the picture, or where a light sheet shows in it."""
    width, height = template.size
    rows, columns = printed.across.shape
    scale = min(columns / width, rows / height)
    yield np.array(
        [
            [scale, 0, (columns - scale * width) / 2],
            [0, scale, (rows - scale * height) / 2],
            [0, 0, 1],
        ]
    )
    corners = find_sheet(gray)
    if corners is not None:
        page = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        yield np.asarray(cv2.getPerspectiveTransform(page, corners.astype(np.float32)), np.float64)


def _coarse(template: Template, printed: Printed, start: Map, count: int = 2) -> list[Map]:
    """Return the most promising maps near `start`: turned, scaled and shifted."""
    width, height = template.size
    density = COARSE / max(width, height)
    margin = round(MARGIN * COARSE)
    # The frame: the page as `start` has it, at a low resolution, with a margin.
    to_frame = np.array([[density, 0, margin], [0, density, margin], [0, 0, 1]])
    columns, rows = round(width * density), round(height * density)
    size = (columns + 2 * margin, rows + 2 * margin)
    warp = to_frame @ np.linalg.inv(start)
    seen = [_reduced(mask, warp, size) for mask in (printed.across, printed.down, printed.solid)]
    # Marks alone do not tell the angle: all are tried.
    has_lines = next(template.lines(), None) is not None
    turned = tilt(seen[0], seen[1])
    angles = (
        np.array([turned - 0.4, turned, turned + 0.4]) if has_lines else np.arange(-TILT, TILT + 0.1, 1.0)
    )
    middle = np.array([columns / 2, rows / 2])
    found: list[tuple[float, Map]] = []
    for angle in angles:
        for scale in SCALES:
            turn = _similarity(middle, angle, scale) @ np.diag([density, density, 1])
            score = np.zeros((2 * margin + 1, 2 * margin + 1), np.float32)
            for whole, kind in zip(_drawn(template, turn, (columns, rows), margin), seen, strict=True):
                # Of all that is drawn, not of what is left inside of the page: else one corner of a mark
                # that was met would be worth as much as every mark.
                total = float(whole.sum())
                if total > 0:
                    picture = whole[margin:-margin, margin:-margin]
                    score += np.float32(1 / total) * np.asarray(
                        cv2.matchTemplate(kind, picture, cv2.TM_CCORR), np.float32
                    )
            _, best, _, (right, down) = cv2.minMaxLoc(score)
            shift = np.array([[1, 0, right], [0, 1, down], [0, 0, 1]])
            found.append((best, np.linalg.inv(warp) @ shift @ turn))
    found.sort(key=lambda pair: -pair[0])
    return [map_ for _, map_ in found[:count]]


def _reduced(mask: NDArray[np.uint8], warp: Map, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a mask in the coarse frame, its lines made wide enough to be met."""
    scale = abs(float(np.linalg.det(warp[:2, :2]))) ** 0.5
    wide = max(1, round(1 / max(scale, 0.05)))
    grown = cv2.dilate(mask, np.ones((wide, wide), np.uint8))
    small = cv2.warpPerspective(grown, warp, size, flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.2), np.float32) / np.float32(255)


def _drawn(template: Template, turn: Map, size: tuple[int, int], margin: int) -> list[NDArray[np.float32]]:
    """Return the lines across, the lines down and the marks, with a margin around the page."""
    pictures = [np.zeros((size[1] + 2 * margin, size[0] + 2 * margin), np.float32) for _ in range(3)]
    turn = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]]) @ turn
    for line in template.lines():
        ends = np.rint(apply(turn, np.array([line[:2], line[2:]]))).astype(int)
        down = abs(line[3] - line[1]) > abs(line[2] - line[0])
        cv2.line(pictures[int(down)], tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0)
    for mark in template.marks:
        left, top, width, height = template.millimeters(mark)
        corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
        cv2.fillConvexPoly(pictures[2], np.rint(apply(turn, np.array(corners))).astype(np.int32), 1.0)
    return pictures


def _similarity(middle: NDArray[np.float64], angle: float, scale: float) -> Map:
    """Return the map that turns clockwise by degrees and scales, about a middle."""
    turned = scale * np.exp(1j * np.deg2rad(angle))
    linear = np.array([[turned.real, -turned.imag], [turned.imag, turned.real]])
    found = np.eye(3)
    found[:2, :2] = linear
    found[:2, 2] = middle - linear @ middle
    return found


def tilt(across: NDArray[np.float32], down: NDArray[np.float32]) -> float:
    """Return the degrees by which rules are turned clockwise: where their projections are sharpest.

    Parameters
    ----------
    across, down : (height, width) float32 in [0, 1]
        Where rules run, more or less, in each direction.
    """
    best, found = 0.0, 0.0
    for angle in np.arange(-TILT, TILT + 0.01, 0.25):
        sine, cosine = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
        sharpness = 0.0
        for mask, right, below in ((across, -sine, cosine), (down, cosine, sine)):
            rows, columns = np.nonzero(mask > 0.2)
            place = columns * right + rows * below + max(mask.shape)
            counts = np.bincount(place.astype(np.intp), mask[rows, columns])
            sharpness += float((counts**2).sum())
        # Upright where nothing speaks for an angle.
        sharpness *= 1 - 1e-4 * abs(angle)
        if sharpness > best:
            best, found = sharpness, float(angle)
    return found


def turned_back(quarters: int, shape: tuple[int, ...]) -> Map:
    """Return the map from a picture turned clockwise by quarters to the picture of `shape` as it was."""
    height, width = shape[:2]
    return {
        0: np.eye(3),
        1: np.array([[0.0, 1, 0], [-1, 0, height - 1], [0, 0, 1]]),
        2: np.array([[-1.0, 0, width - 1], [0, -1, height - 1], [0, 0, 1]]),
        3: np.array([[0.0, -1, width - 1], [1, 0, 0], [0, 0, 1]]),
    }[quarters]
