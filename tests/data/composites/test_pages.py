from dataclasses import replace

import numpy as np
import pytest

from tenfold.data.composites.pages import GROUNDS, LIGHTS, PENS, Look, draw_look, make_page


def test_the_same_state_makes_the_same_page(mnist):
    one, other = (make_page(mnist.test, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.lines == other.lines


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("pen", PENS)
def test_every_look_is_a_page_with_its_truth(mnist, ground, light, pen):
    look = Look(
        ground=ground, light=light, pen=pen, size=(300, 400), lines=2, height=30, specks=True, border=True
    )
    page = make_page(mnist.test, np.random.default_rng(0), look)
    assert page.pixels.shape == (300, 400, 3)
    assert page.pixels.std() > 1
    assert len(page.lines) == page.look.lines == 2
    assert all(3 <= len(line) <= 8 and line.isdigit() for line in page.lines)


def test_a_turned_page_is_the_same_page_turned(mnist):
    look = Look(size=(200, 300), quality=100)
    upright = make_page(mnist.test, np.random.default_rng(1), look)
    turned = make_page(mnist.test, np.random.default_rng(1), replace(look, turns=1))
    assert turned.lines == upright.lines
    assert turned.pixels.shape == (300, 200, 3)
    difference = np.abs(np.rot90(turned.pixels).astype(int) - upright.pixels)
    assert difference.mean() < 3 * look.grain


def test_random_looks_are_of_every_difficulty():
    rng = np.random.default_rng(0)
    looks = [draw_look(rng) for _ in range(300)]
    assert {look.turns for look in looks} == {0, 1, 2, 3}
    assert {look.ground for look in looks} == set(GROUNDS)
    assert max(abs(look.skew) for look in looks) > 8
    assert any(look.inverted for look in looks)
