import cv2
import numpy as np
import pytest

from tenfold.data import Digits
from tenfold.data.composites.glyphs import Glyphs, draw_glyphs, enlarge, follow, thin, upright
from tenfold.errors import DataError


def pieces(mask: np.ndarray) -> int:
    """How many pieces a shape has, specks left out (a square of four pixels may vanish)."""
    sizes = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return int((sizes > 9).sum())


def holes(mask: np.ndarray) -> int:
    """How many holes a shape has."""
    return cv2.connectedComponents(1 - mask, connectivity=4)[0] - 2


def test_a_thick_bar_thins_to_its_middle_row() -> None:
    bar = np.zeros((1, 9, 20), np.uint8)
    bar[0, 2:7, 3:17] = 1
    line = thin(bar)[0]
    assert set(np.flatnonzero(line.any(axis=1))) == {4}
    assert line.sum() >= 8


def test_thinning_keeps_pieces_and_loops(mnist: Digits) -> None:
    masks = enlarge(mnist.train.images[:200])
    lines = thin(masks)
    assert (lines <= masks).all()
    for mask, line in zip(masks, lines, strict=True):
        assert cv2.connectedComponents(line, connectivity=8)[0] - 1 >= pieces(mask)
        assert holes(line) == holes(mask)
    assert lines.sum() < 0.35 * masks.sum()
    np.testing.assert_array_equal(thin(lines), lines)


def test_a_line_is_followed_from_end_to_end() -> None:
    skeleton = np.zeros((12, 12), np.uint8)
    skeleton[2, 2:9] = 1
    skeleton[3:10, 8] = 1  # a 7
    (line,) = follow(skeleton)
    ends = {tuple(line[0]), tuple(line[-1])}
    assert ends == {(2.0, 2.0), (8.0, 9.0)}


def test_what_is_followed_covers_what_was_thinned(mnist: Digits) -> None:
    for skeleton in thin(enlarge(mnist.train.images[:60])):
        drawn = np.zeros_like(skeleton)
        for line in follow(skeleton):
            cv2.polylines(drawn, [np.rint(line).astype(np.int32)], False, 1, 3)
        assert drawn[skeleton > 0].mean() > 0.98


def test_slant_is_taken_out() -> None:
    y = np.linspace(0, 30, 20, dtype=np.float32)
    slanted = np.stack([40 - 0.5 * y, y], axis=1)
    glyph = upright(1, [slanted])
    assert glyph.width < 0.01
    assert glyph.lines[0][:, 1].min() == 0
    assert glyph.lines[0][:, 1].max() == pytest.approx(1)


def test_glyphs_are_of_the_digit_asked_for(mnist: Digits) -> None:
    drawn = draw_glyphs(40, np.random.default_rng(0))
    glyphs = Glyphs(mnist.train.images[:300], mnist.train.labels[:300], drawn, shares=[0.5] * 10)
    rng = np.random.default_rng(1)
    seen = {digit: [glyphs.draw(digit, rng) for _ in range(20)] for digit in range(10)}
    for digit, several in seen.items():
        assert {glyph.label for glyph in several} == {digit}
        from_strokes = sum(any(glyph is other for other in drawn) for glyph in several)
        assert 0 < from_strokes < 20
        for glyph in several:
            points = np.concatenate(glyph.lines)
            assert points.min() > -0.5
            assert glyph.width == pytest.approx(points[:, 0].max(), abs=1e-5)


def test_a_missing_digit_is_an_error(mnist: Digits) -> None:
    some = mnist.train.labels[:500] != 7
    with pytest.raises(DataError, match=r"none of \[7\]"):
        Glyphs(mnist.train.images[:500][some], mnist.train.labels[:500][some])
    with pytest.raises(DataError, match="a label for each"):
        Glyphs(mnist.train.images[:5], mnist.train.labels[:4])
