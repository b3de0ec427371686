"""Pictures of what is not one digit, in MNIST's form, for a network to learn to say so.

Letters that are written as a digit is (O, I, Z, S, ...) are left out, and so is a lone upright line: no
picture of them says which they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.pen import Gray, Pen, draw
from tenfold.data.composites.strokes import curve
from tenfold.data.normalize import BOX, SIZE, center, crop, fit
from tenfold.errors import DataError, lookup, require

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

LETTERS = "ACEFHJKLMNPRTUVWXYacdefhjkmnprtuvwx"
"""Letters that no digit is written like."""

_ALL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SIGNS = "&@#%$*+!<>{}[]~^€£ΓΔΛΞΠΣΦΨΩαεηκλμπφχψωГДЖИЙЛПФЦШЩЮЯджийкпфцшщюя"

_SIDE = 72
"""Height of what is drawn before it is brought to MNIST's form."""

Rng = np.random.Generator
Digits = NDArray[np.uint8]


def make(
    count: int, rng: Rng, digits: Digits, kinds: Sequence[str] | None = None
) -> tuple[NDArray[np.uint8], list[str]]:
    """Make pictures of what is not one digit.

    Parameters
    ----------
    count : int
    rng : numpy Generator
    digits : (n, 28, 28) uint8
        Ink 255 on paper 0: what pairs and fragments are made of.
    kinds : sequence of str, or None
        Names from `KINDS`, each as often as the others. None: all, as often as `KINDS` says.

    Returns
    -------
    images : (count, 28, 28) uint8
        Brought to MNIST's form as `normalize` does it: in a box of 20x20, by its center of mass.
    kinds : list of str
        What each is.

    Raises
    ------
    UnknownNameError
        There is no such kind.
    DataError
        `digits` has another form.
    MissingExtraError
        For printed letters: Matplotlib, whose fonts are used, is not installed.
    """
    if digits.ndim != 3 or digits.shape[1:] != (SIZE, SIZE) or len(digits) == 0:
        raise DataError(f"digits must be (n, 28, 28) uint8, n >= 1. Got shape {digits.shape} instead.")
    known = {name: lookup("kind", name, KINDS) for name in (KINDS if kinds is None else kinds)}
    shares = np.array([share if kinds is None else 1.0 for share, _ in known.values()])
    chosen = [str(name) for name in rng.choice(list(known), count, p=shares / shares.sum())]
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for image, name in zip(images, chosen, strict=True):
        image[:] = _formed(known[name][1](rng, digits))
    return images, chosen


def _formed(ink: Gray) -> Gray:
    """Bring ink to MNIST's form; paper all over, which has none, is only shrunk."""
    if ink.shape == (SIZE, SIZE):
        return ink
    return center(fit(crop(ink.astype(np.float32)), BOX))


def letter(rng: Rng, digits: Digits) -> Gray:
    """Return a letter as a pen writes it."""
    return _warped(rng, _written(rng, _some(rng, LETTERS, 1)))


def word(rng: Rng, digits: Digits) -> Gray:
    """Return two to five letters, written or printed."""
    text = _some(rng, _ALL_LETTERS, int(rng.integers(2, 6)))
    return _warped(rng, _written(rng, text) if rng.random() < 0.6 else _printed(rng, text))


def print_(rng: Rng, digits: Digits) -> Gray:
    """Return a printed letter, or a sign of another script."""
    text = _some(rng, LETTERS if rng.random() < 0.6 else _SIGNS, 1)
    return _warped(rng, _printed(rng, text))


def scribble(rng: Rng, digits: Digits) -> Gray:
    """Return random lines, with more turns than a digit has."""
    lines = [
        curve(rng.uniform(0.1, 0.9, (1, int(rng.integers(3, 6)), 2)))[0]
        for _ in range(int(rng.integers(3, 6)))
    ]
    if rng.random() < 0.4:
        lines = [curve(rng.uniform(0.1, 0.9, (1, int(rng.integers(8, 15)), 2)))[0]]
    return _penned(rng, lines)


def sign(rng: Rng, digits: Digits) -> Gray:
    """Return a dash, an equals sign, a cross, a plus, a tick, dots, a colon, a hash or an arrow."""
    # A lone dot must stay one: drawn out upright it would be a 1.
    moved = [
        np.array(line) + rng.normal(0, 0.03, np.shape(line)) * (len(line) > 1) for line in _drawn_sign(rng)
    ]
    return _penned(rng, moved)


def _drawn_sign(rng: Rng) -> list[list[list[float]]]:
    flat = [[0.05, 0.5], [0.5, 0.5], [0.95, 0.5]]
    match rng.integers(9):
        case 0:
            return [flat]
        case 1:
            gap = rng.uniform(0.1, 0.25)
            return [[[x, y + side * gap] for x, y in flat] for side in (-1, 1)]
        case 2:
            return [[[0.1, 0.1], [0.9, 0.9]], [[0.9, 0.1], [0.1, 0.9]]]
        case 3:
            return [flat, [[0.5, 0.05], [0.5, 0.95]]]
        case 4:
            return [[[0.1, 0.5], [0.35, 0.85], [0.95, 0.1]]]
        case 5:
            return [[[x, y]] for x, y in rng.uniform(0.2, 0.8, (int(rng.integers(1, 4)), 2))]
        case 6:
            return [
                [[0.1, 0.35], [0.9, 0.35]],
                [[0.1, 0.65], [0.9, 0.65]],
                [[0.35, 0.1], [0.35, 0.9]],
                [[0.65, 0.1], [0.65, 0.9]],
            ]
        case 7:
            return [[[0.05, 0.4], [0.3, 0.6], [0.6, 0.4], [0.95, 0.6]]]
        case _:
            return [flat, [[0.65, 0.25], [0.95, 0.5], [0.65, 0.75]]]


def pair(rng: Rng, digits: Digits) -> Gray:
    """Return two or three digits that touch."""
    ink = _tight(rng, digits)
    for _ in range(1 + (rng.random() < 0.25)):
        ink = _beside(
            ink, _tight(rng, digits), overlap=int(rng.integers(0, 4)), drop=int(rng.integers(-3, 4))
        )
    return ink


def between(rng: Rng, digits: Digits) -> Gray:
    """Return the end of one digit and the beginning of the next: what lies between two."""
    one, two = _tight(rng, digits), _tight(rng, digits)
    one = one[:, -max(2, round(one.shape[1] * rng.uniform(0.25, 0.5))) :]
    two = two[:, : max(2, round(two.shape[1] * rng.uniform(0.25, 0.5)))]
    return _beside(one, two, overlap=-int(rng.integers(3, 9)), drop=int(rng.integers(-2, 3)))


def fragment(rng: Rng, digits: Digits) -> Gray:
    """Return a piece of a digit: one that is wider than tall, for an upright one may well be a 1."""
    for _ in range(8):
        ink = _tight(rng, digits)
        part = max(3, round(len(ink) * rng.uniform(0.2, 0.42)))
        start = int(rng.choice([0, len(ink) - part, int(rng.integers(len(ink) - part + 1))]))
        piece = crop(ink[start : start + part].astype(np.float32))
        if piece.size and piece.shape[1] > 1.2 * piece.shape[0]:
            return piece.astype(np.uint8)
    return np.zeros((SIZE, SIZE), np.uint8)


def blob(rng: Rng, digits: Digits) -> Gray:
    """Return a filled shape, broader than an upright line."""
    corners = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.2, 0.48, (corners, 1)) * _SIDE
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach + _SIDE / 2
    ink = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(ink, [points.astype(np.int32)], 255, cv2.LINE_AA)
    if rng.random() < 0.5:
        axes = (int(rng.integers(18, 32)), int(rng.integers(8, 32)))
        cv2.ellipse(ink, (_SIDE // 2, _SIDE // 2), axes, float(rng.uniform(-40, 40)), 0, 360, 255, -1)
    return ink


def texture(rng: Rng, digits: Digits) -> Gray:
    """Return paper: its grain, its squares, or the waves printed on it, over the whole picture."""
    if rng.random() < 0.5:
        fine = cv2.GaussianBlur(rng.random((SIZE, SIZE)), (0, 0), float(rng.uniform(0.4, 2.5)))
        level = np.quantile(fine, rng.uniform(0.4, 0.95))
        ink = (fine - level) / max(1e-6, float(fine.max() - level))
        return np.asarray(np.clip(255 * ink, 0, 255), np.uint8)
    place = np.arange(SIZE) - rng.uniform(0, SIZE)
    waves = np.zeros((SIZE, SIZE))
    for _ in range(int(rng.integers(1, 4))):
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 12)
        bend = rng.uniform(0, 2) * np.sin(place / rng.uniform(2, 8))
        phase = (np.cos(angle) * place[:, None] + np.sin(angle) * place + bend) * 2 * np.pi / period
        waves = np.maximum(waves, np.cos(phase))
    width = rng.uniform(0.3, 0.9)
    return np.asarray(np.clip(255 * (waves - width) / (1 - width), 0, 255), np.uint8)


def blank(rng: Rng, digits: Digits) -> Gray:
    """Return nothing, or next to nothing."""
    ink = np.zeros((SIZE, SIZE), np.uint8)
    if rng.random() < 0.7:
        specks = rng.integers(0, SIZE, (2, int(rng.integers(1, 12))))
        ink[specks[0], specks[1]] = rng.integers(20, 256, specks.shape[1])
    return ink


KINDS: dict[str, tuple[float, Callable[[Rng, Digits], Gray]]] = {
    "letter": (3.0, letter),
    "word": (2.0, word),
    "print": (4.0, print_),
    "scribble": (3.0, scribble),
    "sign": (1.5, sign),
    "pair": (2.0, pair),
    "between": (1.0, between),
    "fragment": (1.0, fragment),
    "blob": (0.7, blob),
    "texture": (1.0, texture),
    "blank": (0.5, blank),
}
"""What is made, by name: how often, relative to 1, and by which function."""


def _some(rng: Rng, letters: str, count: int) -> str:
    return "".join(letters[index] for index in rng.integers(len(letters), size=count))


def _written(rng: Rng, text: str) -> Gray:
    """Return a text in one of the faces of A. V. Hershey (1967), which are made of strokes."""
    face = int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7])) | (cv2.FONT_ITALIC if rng.random() < 0.3 else 0)
    scale = 1.8
    thick = int(rng.integers(2, 9))
    (width, height), below = cv2.getTextSize(text, face, scale, thick)
    ink = np.zeros((height + below + 24, width + 24), np.uint8)
    cv2.putText(ink, text, (12, height + 12), face, scale, 255, thick, cv2.LINE_AA)
    return ink


def _printed(rng: Rng, text: str) -> Gray:
    from PIL import Image, ImageDraw

    fonts = _fonts()
    font = fonts[int(rng.integers(len(fonts)))]
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    picture = Image.new("L", (max(1, right - left) + 16, max(1, bottom - top) + 16))
    ImageDraw.Draw(picture).text((8 - left, 8 - top), text, 255, font)
    return np.asarray(picture).copy()


@cache
def _fonts() -> list[FreeTypeFont]:
    """Return the fonts that Matplotlib ships and that have our letters."""
    matplotlib: Any = require("matplotlib", extra="train", purpose="Making printed letters")
    from PIL import ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    paths = sorted([*folder.glob("DejaVu*.ttf"), *folder.glob("STIXGeneral*.ttf")])
    return [ImageFont.truetype(str(path), 52) for path in paths if "Display" not in path.name]


def _warped(rng: Rng, ink: Gray) -> Gray:
    """Bend a picture as a hand does, and change its slant, aspect and thickness."""
    height, width = ink.shape
    if rng.random() < 0.6:
        size = int(rng.integers(2, 6))
        shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        ink = np.asarray(cv2.erode(ink, shape) if rng.random() < 0.3 else cv2.dilate(ink, shape), np.uint8)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    lean = float(rng.uniform(-0.3, 0.5))
    wide = float(np.exp(rng.uniform(-0.4, 0.4)))
    across = (columns - width / 2) * wide + lean * (rows - height / 2) + width / 2
    down = rows
    for _ in range(2):
        period, reach = rng.uniform(25, 80, 2), rng.uniform(0, 3.5, 2)
        phase = rng.uniform(0, 2 * np.pi, 2)
        across = across + reach[0] * np.sin(rows / period[0] * 2 * np.pi + phase[0])
        down = down + reach[1] * np.sin(columns / period[1] * 2 * np.pi + phase[1])
    warped = cv2.remap(ink, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def _penned(rng: Rng, lines: Sequence[NDArray[Any]]) -> Gray:
    """Draw lines in a unit square with a random pen."""
    pen = Pen(float(rng.uniform(2.5, 11)), float(rng.uniform(0, 0.4)), float(rng.uniform(0, 2 * np.pi)))
    return draw([(line * (_SIDE - 16) + 8).astype(np.float32) for line in lines], (_SIDE, _SIDE), pen)


def _tight(rng: Rng, digits: Digits) -> Gray:
    """Return a random digit without the paper around it."""
    ink = crop(digits[int(rng.integers(len(digits)))].astype(np.float32))
    return ink.astype(np.uint8) if ink.size else np.full((4, 4), 255, np.uint8)


def _beside(one: Gray, two: Gray, overlap: int, drop: int) -> Gray:
    """Put ink to the right of other ink, so many columns over its end and so many rows lower."""
    overlap = min(overlap, one.shape[1], two.shape[1])
    height = max(len(one), len(two)) + abs(drop)
    ink = np.zeros((height, one.shape[1] + two.shape[1] - overlap), np.uint8)
    first, second = max(0, -drop), max(0, drop)
    ink[first : first + len(one), : one.shape[1]] = one
    place = ink[second : second + len(two), one.shape[1] - overlap :]
    np.maximum(place, two, out=place)
    return ink
