from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tenfold.data.composites.glyphs import Glyphs
from tenfold.data.composites.strings import Hand, draw_hand, draw_ink, draw_text, write

PLAIN = Hand(slant=0, aspect=1, gap=0.3, unsteady=0, joins=0, small_zero=1, faithful=1)


def test_texts_are_of_every_length_and_often_round() -> None:
    rng = np.random.default_rng(0)
    texts = [draw_text(rng) for _ in range(2000)]
    assert {len(text) for text in texts} == set(range(1, 12))
    assert set("".join(texts)) == set("0123456789")
    assert sum(text.endswith("00") for text in texts) > 100
    assert max(len(draw_text(rng, longest=3)) for _ in range(100)) == 3


def test_digits_follow_each_other_from_left_to_right(glyphs: Glyphs) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        text = draw_text(rng)
        writing = write(text, draw_hand(rng), glyphs, rng)
        assert writing.text == text
        assert len(writing.spans) == len(text)
        middles = [left + right for left, right in writing.spans]
        assert middles == sorted(middles)


def test_spaced_digits_stay_apart_and_negative_gaps_overlap(glyphs: Glyphs) -> None:
    rng = np.random.default_rng(2)

    def gaps(gap: float) -> np.ndarray:
        several = [write("4" * 6, replace(PLAIN, gap=gap), glyphs, rng).spans for _ in range(20)]
        return np.array([b[0] - a[1] for spans in several for a, b in pairwise(spans)])

    assert np.median(gaps(0.6)) > 0.3
    assert np.median(gaps(-0.1)) < 0


def test_slant_leans_the_writing(glyphs: Glyphs) -> None:
    def lean(slant: float) -> float:
        rng = np.random.default_rng(3)
        slopes = []
        for _ in range(20):
            points = np.concatenate(write("1", replace(PLAIN, slant=slant), glyphs, rng).lines[:1])
            away = points - points.mean(axis=0)
            slopes.append((away[:, 0] * away[:, 1]).sum() / (away[:, 1] ** 2).sum())
        return -float(np.median(slopes))

    assert lean(0.6) == pytest.approx(lean(0.0) + 0.6, abs=0.1)


def test_the_same_generator_writes_the_same(glyphs: Glyphs) -> None:
    one, two = (write("314", PLAIN, glyphs, np.random.default_rng(4)) for _ in range(2))
    for a, b in zip(one.lines, two.lines, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("width", [1.5, 2.5, 4.0, 7.0])
def test_ink_is_as_wide_as_the_pen(width: float) -> None:
    line = np.array([[10, 20], [90, 20]], np.float32)
    ink = draw_ink([line], (40, 100), width, np.random.default_rng(5))
    assert ink.shape == (40, 100)
    assert ink.min() >= 0
    assert ink.max() <= 1
    assert ink[:, 30:70].sum(axis=0).mean() == pytest.approx(width, rel=0.3, abs=0.4)
    assert ink[:, :5].max() == 0
