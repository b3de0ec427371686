"""A light sheet of paper in a photo: its four corners."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import threshold

SMALL = 400
"""Pixels of the longer side at which the sheet is looked for."""
LEAST = 0.2
"""Part of the picture that the sheet must fill."""


def find_sheet(gray: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Return the corners of the sheet that a photo shows whole, or None.

    Parameters
    ----------
    gray : (height, width) uint8

    Returns
    -------
    corners : (4, 2) float
        Left and top of each, clockwise from the top left.
    """
    scale = min(1.0, SMALL / max(gray.shape))
    small = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    # Writing is closed over, so that it does not cut the sheet.
    small = np.asarray(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)), np.uint8)
    light = (small > threshold(small)).astype(np.uint8)
    outlines, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    for slack in (0.02, 0.04, 0.06):
        corners = cv2.approxPolyDP(hull, slack * cv2.arcLength(hull, True), True)[:, 0].astype(np.float64)
        if len(corners) == 4:
            break
    else:
        return None
    area = cv2.contourArea(corners.astype(np.float32))
    if area < LEAST * small.size or area < 0.9 * cv2.contourArea(hull):
        return None
    around = np.arctan2(*(corners - corners.mean(axis=0)).T[::-1])
    corners = corners[np.argsort(around)]
    first = int(corners.sum(axis=1).argmin())
    return np.asarray((np.roll(corners, -first, axis=0) + 0.5) / scale - 0.5, np.float64)
