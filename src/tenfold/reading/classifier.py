"""Single digits by the digit network in ONNX Runtime: which of ten, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.data.normalize import SIZE
from tenfold.errors import DataError, ModelError
from tenfold.session import open_session

WEIGHTS = Path(__file__).parent / "weights" / "digits.onnx"
"""The weights that ship."""

OTHER = 10
"""The column of what is not a digit."""

_TOGETHER = 512
"""Pictures that run at once."""


class DigitNetwork:
    """Reads pictures of single digits. Safe to share between threads.

    Parameters
    ----------
    path : Path or None
        The weights, ``digits.onnx`` as ``tenfold train reader-digits`` writes it; None: those that ship.
    threads : int
        That ONNX Runtime uses for one call.

    Raises
    ------
    ModelError
        The file is missing, damaged, or not a digit network.
    """

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        self.path = WEIGHTS if path is None else Path(path)
        advice = "Give the digits.onnx that tenfold train reader-digits wrote, or none for those that ship."
        if not self.path.is_file():
            raise ModelError(f"There are no weights of a digit network at {self.path}. {advice}")
        try:
            self._session = open_session(self.path, threads, keep=False)
        except Exception as error:  # ONNX Runtime raises exceptions of its own, of no common kind
            raise ModelError(
                f"{self.path} holds no digit network: {str(error).splitlines()[0]}. {advice}"
            ) from None
        takes, gives = self._session.get_inputs(), self._session.get_outputs()
        if [each.shape[1:] for each in (*takes, *gives)] != [[SIZE, SIZE], [OTHER + 1]]:
            raise ModelError(f"{self.path} holds another network than one of digits. {advice}")
        self._input = takes[0].name
        self.stated = dict(self._session.get_modelmeta().custom_metadata_map)
        """How the weights were made: texts and JSON, by name."""

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how probable it is that each picture is each digit, or none.

        Parameters
        ----------
        images : (n, 28, 28) uint8
            In MNIST's form, as `tenfold.data.normalize.normalize` makes it: ink 255 on paper 0. n may be 0.

        Returns
        -------
        probabilities : (n, 11) float32
            Calibrated; rows sum to 1. Column 10 (`OTHER`): not a digit.

        Raises
        ------
        DataError
            The pictures have another shape or type.
        """
        if images.ndim != 3 or images.shape[1:] != (SIZE, SIZE) or images.dtype != np.uint8:
            raise DataError(
                "Pictures for the digit network must be (n, 28, 28) uint8. "
                f"Got shape {images.shape} of {images.dtype} instead. Bring them to that form with normalize."
            )
        probabilities = np.empty((len(images), OTHER + 1), np.float32)
        for start in range(0, len(images), _TOGETHER):
            part = np.ascontiguousarray(images[start : start + _TOGETHER])
            probabilities[start : start + _TOGETHER] = self._session.run(None, {self._input: part})[0]
        return probabilities
