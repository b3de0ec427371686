"""Made forms: a template printed, filled in with given digits, scanned or photographed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.forms.template import Template

Gray = NDArray[np.uint8]


def print_form(template: Template, dpi: int = 150, line: float = 0.35, ink: int = 40) -> Gray:
    """Return a blank form as it would be printed.

    Parameters
    ----------
    dpi : int
        Pixels an inch.
    line : float
        Width of the lines in millimeters.
    ink : int
        Gray level of the lines: 0 is black.

    Returns
    -------
    page : (height, width) uint8
        On white paper.
    """
    scale = dpi / 25.4
    page = np.full((round(template.size[1] * scale), round(template.size[0] * scale)), 255, np.uint8)
    thick = max(1, round(line * scale))
    for segment in template.lines():
        left, top, right, bottom = (round(value * scale) for value in segment)
        # A line's ends reach to the far side of the line that it meets.
        half = thick // 2
        cv2.rectangle(
            page, (left - half, top - half), (right - half + thick - 1, bottom - half + thick - 1), ink, -1
        )
    for mark in template.marks:
        x, y, width, height = (value * scale for value in template.millimeters(mark))
        cv2.rectangle(page, (round(x), round(y)), (round(x + width), round(y + height)), 0, -1)
    return page


def write(
    page: Gray,
    template: Template,
    field: str,
    glyphs: list[NDArray[np.uint8] | None],
    rng: np.random.Generator,
    *,
    size: float = 0.8,
    wander: float = 0.06,
    ink: int = 60,
) -> None:
    """Write digits into the cells of a field, in place.

    Parameters
    ----------
    page : (height, width) uint8
        As `print_form` returns it.
    field : str
    glyphs : list of (28, 28) uint8 or None
        Ink 255; one for each cell from the left, None for a cell that stays empty. Into a field without
        cells they go side by side.
    size : float
        Height of a digit, as a part of the cell's.
    wander : float
        How far digits stray from the middle of their cells, as a part of the cell (standard deviation).
    ink : int
        Gray level of the pen: 0 is black.
    """
    scale = page.shape[1] / template.size[0]
    (chosen,) = (item for item in template.fields if item.name == field)
    cells = template.cells(chosen)
    if chosen.cells is None:
        left, top, width, height = cells[0]
        step = 0.62 * height
        start = left + width / 2 - step * len(glyphs) / 2
        cells = [(start + step * index, top, step, height) for index in range(len(glyphs))]
    for (left, top, width, height), glyph in zip(cells, glyphs, strict=False):
        if glyph is None:
            continue
        # MNIST's digits are 20 high in their 28.
        side = max(8, round(min(size * height, 1.15 * size * width) * scale * 28 / 20))
        across, down = rng.normal(0, wander, 2)
        middle = ((left + width * (0.5 + across)) * scale, (top + height * (0.5 + down)) * scale)
        _stamp(page, glyph, side, middle, ink)


def _stamp(page: Gray, glyph: NDArray[np.uint8], side: int, middle: tuple[float, float], ink: int) -> None:
    drawn = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    left, top = round(middle[0] - side / 2), round(middle[1] - side / 2)
    above, before = max(0, -top), max(0, -left)
    part = page[max(top, 0) : top + side, max(left, 0) : left + side]
    drawn = drawn[above : above + part.shape[0], before : before + part.shape[1]]
    part[:] = np.minimum(part, 255 - drawn * (255 - ink)).astype(np.uint8)


def scan(
    page: Gray,
    rng: np.random.Generator,
    *,
    shift: float = 0.0,
    angle: float = 0.0,
    scale: float = 1.0,
    perspective: float = 0.0,
    shade: float = 0.0,
    noise: float = 3.0,
    blur: float = 0.6,
) -> Gray:
    """Return a page as a scanner or a phone would give it.

    Parameters
    ----------
    shift : float
        How far it is shifted in each direction, as a part of its width (standard deviation).
    angle : float
        Degrees by which it is turned clockwise.
    scale : float
    perspective : float
        How far each corner is moved, as a part of the width (standard deviation). More than 0 shows the desk
        around the page.
    shade : float in [0, 1)
        How much darker the darkest side is.
    noise : float
        Standard deviation, in gray levels.
    blur : float
        Standard deviation, in pixels.
    """
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    middle = corners.mean(axis=0)
    turn = np.deg2rad(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    desk = 0.9 if perspective else 1.0
    moved = (corners - middle) * desk @ matrix.T + middle + rng.normal(0, shift * width, 2)
    moved += rng.normal(0, 1, (4, 2)) * perspective * width
    warp = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    around = 90 if perspective else 250
    taken = cv2.warpPerspective(page, warp, (width, height), flags=cv2.INTER_AREA, borderValue=around)
    values = cv2.GaussianBlur(taken, (0, 0), blur).astype(np.float32) if blur else taken.astype(np.float32)
    if shade:
        towards = rng.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        values *= 1 - shade * (1 + rows * np.sin(towards) + columns * np.cos(towards)) / 2.5
    values += rng.normal(0, noise, values.shape)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
