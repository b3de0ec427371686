import cv2
import numpy as np
import pytest

from tenfold.reading.rules import find_edges, find_rules


def digit_like(mask, left, top):
    """Draw a 7: its bar lies along the lines, its stem crosses them."""
    drawn = mask.view(np.uint8)
    cv2.line(drawn, (left, top), (left + 24, top), 1, 3)
    cv2.line(drawn, (left + 24, top), (left + 10, top + 44), 1, 3)


def skewed(mask, degrees):
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(mask.view(np.uint8), turn, (width, height), flags=cv2.INTER_NEAREST).astype(bool)


@pytest.mark.parametrize("degrees", [0, 1.5, -6, 9])
@pytest.mark.parametrize("upright", [False, True])
def test_rules_are_taken_away_and_the_writing_across_them_stays(degrees, upright):
    rules, writing = np.zeros((400, 600), bool), np.zeros((400, 600), bool)
    rules[60:380:80] = rules[61:380:80] = True
    if upright:
        rules[:, 40:580:80] = rules[:, 41:580:80] = True
    for left in range(130, 460, 60):
        digit_like(writing, left, 190)
    rules, writing = skewed(rules, degrees), skewed(writing, degrees)
    found = find_rules(rules | writing)

    assert found[rules & ~writing].mean() > 0.9
    assert found[writing & ~rules].mean() < 0.08


@pytest.mark.parametrize("shape", [(1, 1000), (20, 60_000), (60_000, 3)])
def test_a_slip_of_paper_however_narrow_has_no_rules(shape):
    assert not find_rules(np.zeros(shape, bool)).any()


def test_a_row_of_digits_with_level_bars_is_no_rule():
    writing = np.zeros((300, 700), bool)
    for left in range(30, 660, 40):
        digit_like(writing, left, 100)
    assert not find_rules(writing).any()


def test_the_stroke_of_a_1_is_no_rule_however_small_the_picture():
    for side in (28, 100, 280):
        writing = np.zeros((side, side), bool)
        writing[side // 8 : -side // 8, side // 2 : side // 2 + max(2, side // 14)] = True
        assert not find_rules(writing).any()


def test_what_lies_along_the_edges_is_found_however_torn():
    rng = np.random.default_rng(0)
    edge, writing = np.zeros((300, 400), bool), np.zeros((300, 400), bool)
    edge[-6:, 30:] = edge[:, :4] = True
    edge[-1] &= rng.random(400) > 0.2
    digit_like(writing, 100, 100)
    found = find_edges(edge | writing)

    assert found[edge].mean() > 0.9
    assert not found[writing].any()


def test_a_digit_that_touches_the_edge_is_no_edge():
    writing = np.zeros((300, 400), bool)
    digit_like(writing, 200, 0)
    assert not find_edges(writing).any()


def test_thick_rules_that_fall_a_little_go_from_end_to_end():
    rules = np.zeros((960, 1280), np.uint8)
    for top in range(60, 900, 43):
        cv2.line(rules, (-10, top), (1290, top - 40 - top // 300), 1, 6)
    found = find_rules(rules.astype(bool))
    left = rules.astype(bool) & ~found
    # But for the last few pixels at the edges, where a run is too short to tell.
    assert left[:, 30:-30].mean() < 0.001 * rules.mean()
