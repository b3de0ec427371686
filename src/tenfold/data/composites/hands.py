"""One digit as other hands, pens and scanners would have made it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.composites.pen import Gray
from tenfold.data.normalize import BOX, SIZE, center, crop, fit

_FINE = 56
"""Side of the picture that is bent: twice that of MNIST's, so that thin strokes stay whole."""

_GRID = 5


@dataclass(frozen=True)
class Hands:
    """How far digits are varied. A part of them stays as it is.

    Attributes
    ----------
    kept : float in [0, 1]
        Part of the digits that are left as they are.
    slant : float
        Most change of slant either way, in degrees.
    turn : float
        Most rotation either way, in degrees.
    aspect : float
        Most change of width to height: 0.3 is by a factor between exp(-0.3) and exp(0.3).
    filled : float in [0, 1]
        Part of the digits that are stretched until they are about as wide as tall (never by more than 2).
    bend : float
        Standard deviation of smooth displacements, in pixels of 28x28.
    stroke : float
        Most change of the stroke's half-width, in pixels of 28x28.
    coarse : float in [0, 1]
        Part of the digits that go through a scan of `least` to `most` pixels in height.
    least, most : int
    binary : float in [0, 1]
        Part of the coarse ones that become black and white.
    """

    kept: float = 0.15
    slant: float = 18.0
    turn: float = 12.0
    aspect: float = 0.3
    filled: float = 0.15
    bend: float = 0.8
    stroke: float = 0.8
    coarse: float = 0.5
    least: int = 12
    most: int = 24
    binary: float = 0.5

    def vary(self, images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return digits as others would have written and scanned them.

        Parameters
        ----------
        images : (n, 28, 28) uint8
            In MNIST's form.
        rng : numpy Generator

        Returns
        -------
        images : (n, 28, 28) uint8
            In MNIST's form again, as `normalize` would bring them to it.
        """
        numbers = rng.random((len(images), 11))
        fields = rng.normal(0, self.bend, (len(images), 2, _GRID, _GRID)).astype(np.float32)
        varied = images.copy()
        for image, draw, field in zip(varied, numbers, fields, strict=True):
            if draw[0] >= self.kept:
                image[:] = self._vary(image, draw, field)
        return varied

    def _vary(self, image: Gray, draw: NDArray[np.float64], field: NDArray[np.float32]) -> Gray:
        ink = self._bent(image, draw, field)
        ink = self._pressed(ink, float(draw[5]) * 2 - 1)
        tight = crop(ink.astype(np.float32))
        if tight.size == 0:
            return image
        if draw[6] < self.coarse:
            tight = self._scanned(tight, draw)
        return center(fit(crop(tight), BOX))

    def _bent(self, image: Gray, draw: NDArray[np.float64], field: NDArray[np.float32]) -> Gray:
        lean = np.tan(np.radians(self.slant * (2 * draw[1] - 1)))
        angle = np.radians(self.turn * (2 * draw[2] - 1))
        wide = np.exp(self.aspect * (2 * draw[3] - 1))
        if draw[4] < self.filled:
            tight = crop(image.astype(np.float32))
            wide = float(np.clip(tight.shape[0] / max(1, tight.shape[1]), 1, 2))
        high = min(1.0, 1.15 / wide)
        wide = wide * high
        # From output to input, about the middle of both.
        cos, sin = np.cos(angle), np.sin(angle)
        back = np.array([[1 / wide, lean], [0, 1 / high]]) @ np.array([[cos, sin], [-sin, cos]])
        scale = SIZE / _FINE
        place = (np.arange(_FINE, dtype=np.float32) - (_FINE - 1) / 2) * np.float32(scale)
        middle = np.float32((SIZE - 1) / 2)
        moved = cv2.resize(field.transpose(1, 2, 0), (_FINE, _FINE), interpolation=cv2.INTER_CUBIC)
        across = np.float32(back[0, 0]) * place + (np.float32(back[0, 1]) * place)[:, None] + middle
        down = np.float32(back[1, 0]) * place + (np.float32(back[1, 1]) * place)[:, None] + middle
        warped = cv2.remap(image, across + moved[:, :, 0], down + moved[:, :, 1], cv2.INTER_LINEAR)
        return np.asarray(warped, np.uint8)

    def _pressed(self, ink: Gray, amount: float) -> Gray:
        radius = abs(amount) * self.stroke * _FINE / SIZE
        whole = int(radius)
        change = cv2.dilate if amount > 0 else cv2.erode
        done = ink
        for _ in range(whole):
            done = np.asarray(change(done, _CROSS), np.uint8)
        more = np.asarray(change(done, _CROSS), np.uint8)
        part = radius - whole
        done = np.asarray(cv2.addWeighted(more, part, done, 1 - part, 0), np.uint8)
        # What loses most of its ink was as thin as it gets.
        return done if amount > 0 or int(done.sum()) > 0.5 * int(ink.sum()) else ink

    def _scanned(self, tight: NDArray[np.float32], draw: NDArray[np.float64]) -> NDArray[np.float32]:
        height = self.least + draw[7] * (self.most - self.least)
        scale = height / max(tight.shape)
        size = (max(2, round(tight.shape[1] * scale)), max(2, round(tight.shape[0] * scale)))
        small = cv2.resize(tight, size, interpolation=cv2.INTER_AREA)
        if draw[8] < self.binary:
            level = (0.25 + 0.25 * draw[9]) * float(small.max())
            return np.where(small > level, np.float32(255), np.float32(0))
        if draw[9] < 0.5:
            small = cv2.GaussianBlur(small, (0, 0), 0.3 + 0.4 * draw[10])
        return np.asarray(small * (255 / max(1.0, float(small.max()))), np.float32)


_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
