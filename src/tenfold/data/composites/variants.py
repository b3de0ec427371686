"""Ways of writing the digits: those of MNIST, and those that it has too few of or lacks.

A drawing is written as its strokes, apart by ``;``. A stroke is the points ``x,y`` that a smooth curve runs
through, in hundredths of the digit's height, y downward; ``/`` is a corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError


@dataclass(frozen=True)
class Variant:
    """A way of writing a digit.

    Attributes
    ----------
    digit : int
    first, second : str
        Two drawings with the same points and corners, as the module documents them; writers lie between.
    weight : float > 0
        How often it is chosen among the variants of its digit, relative to 1.
    """

    digit: int
    first: str
    second: str
    weight: float = 1.0

    @cached_property
    def curves(self) -> tuple[tuple[NDArray[np.int64], ...], ...]:
        """For each stroke, the indices of the points of each of its smooth curves."""
        return _parse(self.first)[1]

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """The points of both drawings, (2, k, 2) float64 in heights."""
        first, second = (_parse(text) for text in (self.first, self.second))
        if [list(map(len, stroke)) for stroke in first[1]] != [
            list(map(len, stroke)) for stroke in second[1]
        ]:
            raise DataError(
                f"The two drawings of a variant of {self.digit} differ in their points or corners."
            )
        return np.stack([first[0], second[0]]) / 100


def _parse(text: str) -> tuple[NDArray[np.float64], tuple[tuple[NDArray[np.int64], ...], ...]]:
    """Return the points of a drawing, and for each stroke the indices of the points of each curve."""
    points: list[tuple[float, ...]] = []
    strokes = []
    for stroke in text.split(";"):
        curves = []
        joint: list[int] = []
        for curve in stroke.split("/"):
            new = [tuple(map(float, point.split(","))) for point in curve.split()]
            index = joint + list(range(len(points), len(points) + len(new)))
            points += new
            curves.append(np.array(index))
            joint = index[-1:]
        strokes.append(tuple(curves))
    return np.array(points), tuple(strokes)


VARIANTS: dict[str, Variant] = {
    "0-closed": Variant(
        0,
        "34,0 16,12 6,50 14,86 32,100 48,86 54,50 46,12 31,1",
        "42,0 12,14 0,50 12,86 40,100 68,86 80,50 68,14 39,-1",
    ),
    "0-overlapping": Variant(
        0,
        "32,1 12,14 3,50 12,86 32,100 50,86 56,50 47,12 24,4",
        "42,10 14,10 2,50 12,88 34,100 54,86 58,50 46,10 16,16",
    ),
    "0-open": Variant(
        0, "38,3 14,12 4,50 12,86 32,100 50,86 56,50 48,12", "26,10 8,24 2,54 12,88 34,100 54,84 60,46 54,2"
    ),
    "0-tail": Variant(
        0,
        "36,8 14,12 4,50 13,88 32,100 50,84 53,44 42,10 54,4 72,10",
        "30,4 8,22 2,54 14,90 32,98 48,84 50,44 34,8 52,-2 88,2",
        0.5,
    ),
    "1-bare": Variant(1, "38,0 30,50 22,100", "22,0 22,50 22,100"),
    "1-flag": Variant(1, "14,20 32,1 / 31,50 30,100", "4,42 36,1 / 35,50 34,100"),
    "1-bent-flag": Variant(1, "12,26 24,18 32,2 / 31,50 29,100", "2,38 22,28 36,1 / 35,50 33,100", 0.5),
    "1-serif": Variant(
        1, "20,12 30,2 / 30,50 30,98 ; 14,98 30,98 46,98", "4,32 32,1 / 31,50 31,98 ; 0,99 31,98 62,97", 1.5
    ),
    "1-european": Variant(1, "2,50 36,1 / 36,50 36,100", "-12,82 38,0 / 38,50 38,100", 1.5),
    "2-plain": Variant(
        2, "6,22 26,1 50,20 38,56 4,97 / 30,96 58,97", "2,18 28,0 56,22 40,60 2,96 / 30,94 64,92"
    ),
    "2-looped": Variant(
        2,
        "6,24 28,1 50,22 34,66 14,95 6,88 16,82 36,95 60,92",
        "4,20 28,0 54,22 40,62 14,98 0,84 16,70 38,92 68,88",
        1.5,
    ),
    "2-zigzag": Variant(
        2, "4,10 28,5 50,6 / 28,50 4,97 / 32,96 58,96", "8,2 30,0 56,3 / 32,48 0,96 / 32,98 62,94"
    ),
    "2-swan": Variant(
        2, "8,30 20,4 48,12 44,46 8,94 / 24,88 42,98 62,88", "4,24 26,0 52,16 40,56 4,97 / 22,84 40,96 66,94"
    ),
    "3-round": Variant(
        3, "6,12 30,0 52,18 26,46 / 56,68 34,100 2,88", "2,8 32,0 54,22 30,46 / 60,72 32,100 -4,82"
    ),
    "3-looped": Variant(
        3,
        "6,12 32,0 50,22 24,46 18,50 28,46 55,70 32,100 2,86",
        "2,10 30,0 48,24 24,52 12,48 24,40 56,66 34,100 -2,90",
        0.7,
    ),
    "3-flat": Variant(
        3,
        "4,3 28,2 50,2 / 36,20 22,40 / 40,42 56,66 40,97 4,92",
        "0,2 28,0 58,0 / 40,20 24,36 / 48,40 60,68 36,100 -2,88",
        1.5,
    ),
    "4-open": Variant(
        4,
        "14,2 9,30 4,58 / 30,57 58,56 ; 44,12 42,56 39,100",
        "8,4 5,30 2,50 / 30,51 62,50 ; 54,-2 52,50 50,100",
        1.5,
    ),
    "4-round": Variant(
        4, "6,4 5,34 16,50 34,50 48,44 ; 52,2 50,50 47,100", "10,2 2,40 14,56 36,54 52,42 ; 58,0 55,50 50,100"
    ),
    "4-closed": Variant(
        4,
        "40,2 20,36 2,66 / 30,65 60,64 ; 41,3 40,50 39,100",
        "44,0 22,30 0,56 / 30,57 64,57 ; 46,2 46,50 45,100",
    ),
    "4-short-stem": Variant(
        4,
        "34,0 18,34 4,64 / 30,62 60,60 ; 42,34 40,66 37,100",
        "24,0 12,36 2,66 / 30,63 62,58 ; 40,44 36,70 30,102",
        1.5,
    ),
    "5-plain": Variant(
        5,
        "50,3 30,4 13,3 / 11,22 8,42 / 30,36 54,62 38,96 3,92",
        "58,0 36,0 14,2 / 12,22 8,44 / 34,38 58,68 34,100 -2,90",
    ),
    "5-detached": Variant(
        5,
        "13,6 11,26 9,45 / 32,38 55,66 36,98 2,90 ; 16,5 36,3 56,1",
        "12,10 10,30 8,48 / 34,42 56,68 36,100 2,92 ; 24,0 44,-4 72,-8",
        1.5,
    ),
    "5-snake": Variant(5, "52,4 22,6 12,36 42,52 46,84 5,96", "56,2 18,10 14,40 46,56 42,90 0,94", 0.7),
    "6-plain": Variant(
        6, "46,0 16,30 4,70 25,99 52,78 38,52 8,66", "34,0 10,40 4,72 28,100 54,76 34,50 6,78"
    ),
    "6-straight": Variant(
        6, "40,0 22,36 6,74 24,99 48,82 36,60 8,76", "26,-4 12,36 4,76 26,99 46,84 32,66 6,80"
    ),
    "6-curled": Variant(
        6, "52,8 32,2 6,50 12,90 36,98 52,72 30,54 6,74", "58,14 40,0 6,44 8,88 36,100 56,74 30,52 -2,72", 0.7
    ),
    "7-plain": Variant(7, "2,5 28,4 54,4 / 34,50 18,100", "0,2 28,2 60,0 / 46,50 38,100"),
    "7-crossed": Variant(
        7,
        "2,5 28,4 54,4 / 34,50 18,100 ; 18,54 34,52 50,50",
        "0,4 28,3 60,2 / 44,48 34,100 ; 12,48 42,46 70,44",
        2.0,
    ),
    "7-hooked": Variant(7, "4,18 5,4 / 28,4 54,4 / 34,50 20,100", "-2,28 4,4 / 30,3 60,2 / 44,50 34,100"),
    "7-hooked-crossed": Variant(
        7,
        "4,16 5,4 / 28,5 54,4 / 34,50 20,100 ; 16,52 34,50 52,50",
        "-2,26 4,2 / 30,6 60,2 / 44,50 32,100 ; 14,56 40,50 66,46",
    ),
    "7-curved": Variant(7, "2,10 26,3 54,8 / 38,36 28,66 26,100", "0,14 28,2 58,4 / 36,40 24,70 20,100", 0.7),
    "8-plain": Variant(
        8,
        "48,14 28,0 10,20 30,46 54,75 28,100 5,76 30,48 52,22 46,10",
        "52,10 26,0 6,22 32,50 56,78 26,100 2,78 28,50 54,24 52,12",
    ),
    "8-loops": Variant(
        8,
        "30,2 13,8 10,24 18,42 32,46 48,38 52,22 44,6 28,2"
        " ; 30,47 10,56 4,75 14,96 32,100 50,94 56,74 48,54 28,47",
        "30,0 16,6 14,24 20,38 30,42 42,36 46,22 42,6 29,0"
        " ; 30,42 8,50 0,74 10,94 30,100 52,94 62,74 50,50 29,42",
    ),
    "8-open": Variant(
        8,
        "46,8 20,3 12,26 34,50 52,78 28,100 6,78 26,52 46,30 52,8",
        "40,6 14,6 14,30 38,52 50,82 26,100 6,80 26,54 52,26 62,0",
    ),
    "9-straight": Variant(
        9,
        "48,14 26,2 6,24 22,47 44,32 49,12 / 48,56 46,100",
        "50,10 24,0 2,22 20,44 46,26 51,8 / 51,56 50,100",
    ),
    "9-hooked": Variant(
        9,
        "50,14 26,2 6,25 22,48 46,32 51,12 / 52,60 44,92 24,100 6,90",
        "52,12 24,0 4,22 22,44 46,28 52,10 / 54,62 42,98 14,98 2,80",
        1.5,
    ),
    "9-curved": Variant(
        9, "49,16 26,2 6,26 24,47 46,32 50,14 44,60 22,100", "52,12 26,0 2,22 22,44 48,26 53,10 48,60 8,100"
    ),
    "9-slanted": Variant(
        9, "46,10 22,4 8,26 24,42 44,14 / 36,56 28,100", "50,8 24,2 4,24 22,44 50,6 / 38,56 24,100"
    ),
    "1-lambda": Variant(1, "-10,100 12,48 36,0 / 38,50 40,100", "-4,74 12,36 30,0 / 26,50 22,104", 1.2),
    "2-curled": Variant(
        2,
        "26,24 12,26 6,12 24,0 48,6 50,28 34,60 2,97 / 30,94 60,97",
        "32,30 10,34 -4,14 20,-2 54,4 56,32 36,66 6,98 / 30,92 70,98",
        1.5,
    ),
    "2-curled-looped": Variant(
        2,
        "26,22 12,25 6,12 24,0 48,6 48,32 20,90 6,94 10,82 30,90 60,95",
        "32,28 10,30 -2,12 22,-2 54,6 54,34 16,92 0,92 8,74 34,88 68,96",
    ),
    "5-narrow": Variant(
        5,
        "20,8 18,24 14,44 / 30,46 40,66 26,94 2,88 ; 20,8 44,4 72,0",
        "14,10 12,28 8,48 / 18,50 24,70 10,98 -10,92 ; 14,10 44,8 86,6",
    ),
    "5-check": Variant(
        5, "2,58 10,70 14,98 / 22,50 28,6 / 56,4 84,4", "-4,66 8,60 18,100 / 24,54 32,2 / 70,2 106,0", 0.5
    ),
    "7-plus": Variant(
        7,
        "0,16 6,4 / 24,6 44,2 / 38,50 34,100 ; 8,50 36,48 66,46",
        "2,24 4,6 / 20,8 34,4 / 34,50 34,104 ; 0,48 34,48 72,46",
        1.5,
    ),
    "9-p": Variant(
        9, "12,46 34,46 52,24 36,2 12,10 / 10,50 6,100", "16,50 44,44 56,18 30,-2 4,14 / 4,56 -6,102"
    ),
    "9-p-looped": Variant(
        9,
        "0,42 20,50 46,36 48,10 28,0 12,16 / 12,50 6,100",
        "-12,36 16,54 52,34 50,4 24,-2 10,22 / 8,60 -4,100",
        0.7,
    ),
    "9-q": Variant(
        9,
        "44,12 20,4 4,26 18,46 42,24 / 46,60 44,100 / 56,86 68,74",
        "48,14 22,2 2,24 20,46 46,22 / 48,60 38,104 / 56,90 80,64",
        0.5,
    ),
}
"""Every variant by name."""
