import cv2
import numpy as np

from tenfold.data import Dataset
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs
from tenfold.data.composites.paper import Papers
from tenfold.data.normalize import normalize
from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning.decisions import held_out
from tenfold.reading.learning.legible import can_be_read, legible, make_legible


def eight(thickness):
    """Return a picture of an 8 whose lower loop is drawn so thick (-1: filled)."""
    picture = np.full((140, 100), 255, np.uint8)
    cv2.ellipse(picture, (52, 42), (20, 22), 0, 0, 360, 0, 13)
    cv2.ellipse(picture, (48, 92), (16, 27), 0, 0, 360, 0, thickness)
    return normalize(picture)


def test_a_digit_that_is_lost_when_it_is_thinned_is_no_truth_to_be_measured_by():
    plain = held_out().take(np.arange(300))
    eights = np.stack([eight(13), eight(-1)])
    digits = Dataset(
        np.concatenate([eights, plain.images]), np.concatenate([[8, 8], plain.labels]).astype(np.int64)
    )
    kept = legible(digits, DigitNetwork())
    assert (kept.images == eights[0]).all(axis=(1, 2)).any()
    assert not (kept.images == eights[1]).all(axis=(1, 2)).any()
    assert len(kept) > 0.97 * len(digits)


def lines(*points):
    return [np.array(points, np.float32)]


def test_a_digit_that_has_become_another_cannot_be_read():
    seven = lines((0, 0), (0.5, 0), (0.2, 1))
    one = lines((0, 0), (0, 1))
    network = DigitNetwork()
    assert can_be_read([seven, one], "71", network)
    assert not can_be_read([seven, one], "72", network)
    assert not can_be_read([one, one], "71", network)
    assert can_be_read([], "", network)


def test_patches_are_made_until_one_can_be_read():
    glyphs = Glyphs(*held_out_digits(300), draw_glyphs(100, np.random.default_rng(0)))
    papers, network = Papers(5, np.random.default_rng(0)), DigitNetwork()
    rng = np.random.default_rng(1)
    for _ in range(60):
        patch = make_legible(glyphs, papers, network, rng)
        assert can_be_read(patch.shapes, patch.text, network)
        assert len(patch.shapes) == len(patch.text)


def held_out_digits(count):
    digits = held_out().take(np.arange(count))
    return digits.images, digits.labels
