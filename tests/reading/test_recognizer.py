from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from tenfold.data import Digits
from tenfold.errors import DataError, ModelError
from tenfold.reading.recognizer import Calibration, Recognizer


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


def written(mnist: Digits, text: str, gap: int = 6) -> np.ndarray:
    """Digits of MNIST's test set in a row, dark on light paper."""
    parts = []
    for digit in text:
        place = int(np.flatnonzero(mnist.test.labels == int(digit))[len(parts)])
        image = mnist.test.images[place]
        columns = np.flatnonzero(image.max(axis=0) > 80)
        parts.append(np.pad(image[:, columns[0] : columns[-1] + 1], ((0, 0), (0, gap))))
    ink = np.pad(np.concatenate(parts, axis=1), ((6, 6), (10, 10)))
    return 230 - (ink.astype(np.float32) * 0.7).astype(np.uint8)


@pytest.mark.parametrize("text", ["7", "42", "13540", "9081726354"])
def test_digits_in_a_row_are_read(recognizer: Recognizer, mnist: Digits, text: str) -> None:
    (transcript,) = recognizer.transcribe([written(mnist, text)])
    assert transcript.text == text
    assert transcript.confidence > 0.5
    for spot in transcript.spots:
        assert spot.probabilities.shape == (10,)
        assert spot.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert spot.probabilities.argmax() == spot.value


def test_spots_lie_where_the_digits_lie(recognizer: Recognizer, mnist: Digits) -> None:
    gray = written(mnist, "2853", gap=14)
    inked = (gray < 150).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(int), [0]])))
    for scale in (1, 3):
        big = cv2.resize(gray, None, fx=scale, fy=scale)
        (transcript,) = recognizer.transcribe([big])
        found = [edge / scale for spot in transcript.spots for edge in (spot.left, spot.right)]
        np.testing.assert_allclose(found, edges, atol=3)


def test_bare_paper_holds_nothing(recognizer: Recognizer) -> None:
    paper = np.full((60, 240), 220, np.uint8)
    grain = np.random.default_rng(0).normal(200, 4, (60, 240)).astype(np.uint8)
    for transcript in recognizer.transcribe([paper, grain]):
        assert transcript.text == ""
        assert transcript.confidence > 0.5


def test_readings_share_one_certainty(recognizer: Recognizer, mnist: Digits) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 120), np.uint8)
    for transcript in recognizer.transcribe([written(mnist, "581"), noise]):
        texts = [transcript.text, *(text for text, _ in transcript.alternatives)]
        assert len(set(texts)) == len(texts)
        chances = [transcript.confidence, *(chance for _, chance in transcript.alternatives)]
        assert all(a >= b for a, b in pairwise(chances))
        assert all(0 <= chance <= 1 for chance in chances)


def test_company_and_size_do_not_change_what_is_read(recognizer: Recognizer, mnist: Digits) -> None:
    patches = [written(mnist, text) for text in ("123", "98", "4567890")]
    together = recognizer.transcribe(patches)
    alone = [recognizer.transcribe([patch])[0] for patch in patches]
    for a, b in zip(together, alone, strict=True):
        assert a.text == b.text
        assert a.confidence == pytest.approx(b.confidence, abs=1e-3)
    assert recognizer.transcribe([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (900, 2), (600, 40)])
def test_odd_patches_are_read_without_fail(recognizer: Recognizer, shape: tuple[int, int]) -> None:
    patch = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert len(recognizer.transcribe([patch])) == 1


def test_what_is_no_patch_is_an_error(recognizer: Recognizer) -> None:
    for wrong in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4), np.uint8)):
        with pytest.raises(DataError, match=r"\(height, width\) uint8"):
            recognizer.transcribe([wrong])


def test_a_file_that_holds_no_string_network_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights of a string network"):
        Recognizer(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(ModelError, match="holds no string network"):
        Recognizer(tmp_path / "text.onnx")


def test_calibration_keeps_the_order() -> None:
    calibration = Calibration(1.0, 1.1, 0.5)
    chances = [calibration.confidence(p) for p in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert chances == sorted(chances)
    assert Calibration().confidence(0.3) == pytest.approx(0.3)
