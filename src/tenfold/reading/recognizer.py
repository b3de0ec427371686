"""Strings of digits from patches of lines, by the string network in ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError, ModelError
from tenfold.reading.ctc import agree, align, search
from tenfold.reading.strip import HEIGHT, STRIDE, Strip, View, make_strips
from tenfold.reading.transcript import Spot, Transcript
from tenfold.session import open_session

WEIGHTS = Path(__file__).parent / "weights" / "strings.onnx"
"""The weights that ship."""

METADATA = "tenfold.strings"
"""Key under which the weights file keeps its calibration, as JSON."""

VIEWS = (View(), View(zoom=0.9))
"""Ways in which each patch is read; what they say is averaged. Digits are located in the first."""

_INKED = 96
"""Level from which a pixel of a strip counts as ink."""

_GAP = 4
"""Columns without ink that a digit may have inside."""

_TOGETHER = 16
"""Strips that run at once."""

_WIDTHS = 32
"""Strips are filled up with paper to a multiple of so many columns."""


@dataclass(frozen=True)
class Calibration:
    """From the network's scores to probabilities that can be taken at their word.

    Attributes
    ----------
    temperature : float > 0
        What the scores are divided by.
    slope, shift : float
        Of the logistic map of a reading's log-odds: ``slope * logit(p) + shift``.
    """

    temperature: float = 1.0
    slope: float = 1.0
    shift: float = 0.0

    def confidence(self, probability: float) -> float:
        """Return the calibrated probability of a reading that the network gives `probability`."""
        p = min(max(probability, 1e-9), 1 - 1e-9)
        odds = self.slope * np.log(p / (1 - p)) + self.shift
        return float(1 / (1 + np.exp(-odds)))


class Recognizer:
    """The string network.

    Safe to share between threads.

    Parameters
    ----------
    path : Path or None
        The weights: ``strings.onnx`` as ``tenfold train reader`` writes it; None: those that ship.
    threads : int
        That ONNX Runtime uses for one call.

    Attributes
    ----------
    calibration : Calibration
    made : dict
        How the network was trained: recipe, seed and seconds.

    Raises
    ------
    ModelError
        The file is missing, damaged, or not a string network.
    """

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        self.path = WEIGHTS if path is None else Path(path)
        if not self.path.is_file():
            raise ModelError(
                f"There are no weights of a string network at {self.path}. "
                "Give the strings.onnx that tenfold train reader wrote, or none for those that ship."
            )
        try:
            self._session = open_session(self.path, threads, keep=False)
            kept = json.loads(self._session.get_modelmeta().custom_metadata_map[METADATA])
            self.calibration = Calibration(**kept["calibration"])
            self.made: dict[str, Any] = kept["made"]
        except Exception as error:  # ONNX Runtime raises exceptions of its own, of no common kind
            raise ModelError(
                f"{self.path} holds no string network: {str(error).splitlines()[0]}. "
                "Give the strings.onnx that tenfold train reader wrote, or none for those that ship."
            ) from None

    def transcribe(self, patches: Sequence[NDArray[np.uint8]]) -> list[Transcript]:
        """Read patches.

        Parameters
        ----------
        patches : sequence of (h, w) uint8
            Gray pictures of one upright line each, dark ink on lighter paper, with some paper around; of any
            size.

        Returns
        -------
        transcripts : list of Transcript
            One for each patch, in the order given.

        Raises
        ------
        DataError
            A patch is no gray picture, or empty.
        """
        for patch in patches:
            if patch.ndim != 2 or patch.dtype != np.uint8 or patch.size == 0:
                raise DataError(
                    "A patch must be (height, width) uint8 and not empty. "
                    f"Got shape {patch.shape} of {patch.dtype} instead."
                )
        strips = [make_strips(patch, VIEWS) for patch in patches]
        answers = self._answers([strip for several in strips for strip in several])
        found = []
        for index, several in enumerate(strips):
            parts = answers[index * len(VIEWS) : (index + 1) * len(VIEWS)]
            found.append(self._transcript(several, parts))
        return found

    def _answers(self, strips: list[Strip]) -> list[NDArray[np.float32]]:
        """Return log-probabilities (columns, 11) of each strip."""
        answers: list[NDArray[np.float32]] = [np.empty((0, 11), np.float32)] * len(strips)
        # Only strips of one width run together, so that no strip's company changes its answer.
        groups: dict[int, list[int]] = {}
        for index, strip in enumerate(strips):
            groups.setdefault(-(-strip.ink.shape[1] // _WIDTHS) * _WIDTHS, []).append(index)
        for width, members in groups.items():
            for start in range(0, len(members), _TOGETHER):
                part = members[start : start + _TOGETHER]
                ink = np.zeros((len(part), 1, HEIGHT, width), np.float32)
                for row, index in enumerate(part):
                    ink[row, 0, :, : strips[index].ink.shape[1]] = strips[index].ink
                ink *= np.float32(1 / 255)
                scores = self._session.run(None, {"ink": ink})[0] / np.float32(self.calibration.temperature)
                scores -= scores.max(axis=1, keepdims=True)
                scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
                for row, index in enumerate(part):
                    answers[index] = scores[row, :, : strips[index].ink.shape[1] // STRIDE].T
        return answers

    def _transcript(self, strips: list[Strip], answers: list[NDArray[np.float32]]) -> Transcript:
        readings = agree([search(answer) for answer in answers], answers)
        best, answer, strip = readings[0], answers[0], strips[0]
        spots = tuple(
            Spot(
                int(digit),
                place.probabilities,
                *_edges(strip, place.column, place.left, place.right),
            )
            for digit, place in zip(best.text, align(answer, best.text), strict=True)
        )
        others = tuple((other.text, self.calibration.confidence(other.probability)) for other in readings[1:])
        return Transcript(spots, self.calibration.confidence(best.probability), others)


def _edges(strip: Strip, middle: float, left: float, right: float) -> tuple[float, float]:
    """Return the columns of the patch between which a digit's ink lies.

    From its middle outward, as far as its neighbors begin or ink is wanting for a stretch.
    """
    inked: NDArray[np.bool_] = np.any(strip.ink > _INKED, axis=0)
    low, high = round(left * STRIDE), min(len(inked), round(right * STRIDE))
    at = min(max(round(middle * STRIDE), low), high - 1)
    columns = np.flatnonzero(inked[low:high]) + low
    if len(columns) == 0:
        return strip.column(left), strip.column(right)
    # Ink that hangs together, gaps of a few columns bridged; of its pieces the one nearest to the middle.
    pieces = np.split(columns, np.flatnonzero(np.diff(columns) > _GAP) + 1)
    piece = min(pieces, key=lambda part: max(part[0] - at, at - part[-1], 0))
    return strip.column(piece[0] / STRIDE), strip.column((piece[-1] + 1) / STRIDE)
