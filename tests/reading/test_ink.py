import cv2
import numpy as np
import pytest

from tenfold.data.composites.strokes import choose, trace
from tenfold.reading.ink import choose_channel, find_ink, is_inverted


def drawn(paper=220.0, ink=90.0, size=(300, 400), width=3):
    """Return a page with a circle and a line, and where they are."""
    where = np.zeros(size, np.uint8)
    cv2.circle(where, (120, 150), 40, 1, width)
    cv2.line(where, (240, 100), (260, 200), 1, width)
    page = np.where(where > 0, ink, paper) + np.random.default_rng(0).normal(0, 2, size)
    return page, where > 0


def as_pixels(page):
    return np.clip(np.rint(page), 0, 255).astype(np.uint8)


def agreement(mask, where):
    return (mask & where).sum() / (mask | where).sum()


@pytest.mark.parametrize(("paper", "ink"), [(220, 90), (70, 35), (60, 200), (128, 150), (255, 225)])
def test_ink_is_found_whatever_the_levels(paper, ink):
    page, where = drawn(paper, ink)
    found = find_ink(as_pixels(page))
    assert found.inverted == (ink > paper)
    assert agreement(found.mask, where) > 0.6


@pytest.mark.parametrize("seed", range(6))
def test_clean_digits_drawn_on_a_screen_are_told_from_their_paper(seed):
    # No noise at all, and a neighborhood narrower than the pen sees nothing but the ends of strokes.
    page = np.full((200, 440), 235, np.uint8)
    rng = np.random.default_rng(seed)
    for place, digit in enumerate(trace(choose([4, 7, 2, 8], rng), rng)):
        for line in digit:
            points = (np.asarray(line) * 90 + [60 + 90 * place, 55]) * 16
            cv2.polylines(page, [points.round().astype(np.int32)], False, 30, 6, cv2.LINE_AA, 4)
    assert choose_channel(page) == ("gray", False)
    assert choose_channel(~page) == ("gray", True)


@pytest.mark.parametrize("light", ["gradient", "shadow"])
def test_light_and_shadow_are_no_ink(light):
    page, where = drawn()
    rows, columns = np.mgrid[:300, :400]
    page *= 0.4 + 0.6 * columns / 400 if light == "gradient" else np.where(rows + columns > 420, 0.45, 1.0)
    found = find_ink(as_pixels(page))
    assert agreement(found.mask, where) > 0.4


def test_blue_ink_on_yellow_paper_is_seen_where_it_differs_most():
    _, where = drawn()
    page = np.where(where[:, :, None], (40, 90, 170), (235, 232, 80)).astype(np.uint8)
    channel, inverted = choose_channel(page)
    assert (channel, inverted) == ("red", False)
    assert agreement(find_ink(page).mask, where) > 0.6


@pytest.mark.parametrize("paper", [30, 128, 250])
@pytest.mark.parametrize("grain", [0, 2, 8])
def test_bare_paper_has_next_to_no_ink(paper, grain):
    page = np.random.default_rng(1).normal(paper, grain, (300, 400))
    found = find_ink(as_pixels(page))
    assert (found.mask & found.strong).mean() < 2e-4


def test_a_dark_edge_does_not_make_the_ink_light():
    page, _ = drawn()
    page[-9:] = 20
    assert not is_inverted(as_pixels(page))


def test_a_large_picture_is_reduced():
    found = find_ink(np.full((2000, 3000), 240, np.uint8))
    assert found.mask.size == pytest.approx(1_600_000, rel=0.01)
    assert found.scale == pytest.approx((1_600_000 / 6_000_000) ** 0.5, rel=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 2), (9, 9), (28, 28), (40, 30, 3)])
def test_the_smallest_pictures_pass(shape):
    assert find_ink(np.full(shape, 200, np.uint8)).mask.shape == shape[:2]
