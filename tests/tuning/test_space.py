"""Spaces of choices."""

import pytest

from tenfold.errors import TuningError
from tenfold.tuning import Space

SPACE = Space({"lr": (0.1, 0.01), "units": (8, 16, 32), "rule": ("sgd",)})


def test_the_grid_holds_every_point_once_and_the_last_setting_changes_fastest():
    grid = SPACE.grid()
    assert len(grid) == len(SPACE) == 6
    assert grid[:2] == [{"lr": 0.1, "units": 8, "rule": "sgd"}, {"lr": 0.1, "units": 16, "rule": "sgd"}]
    assert [SPACE.point(place) for place in range(6)] == grid


def test_a_sample_has_no_point_twice_and_follows_from_its_seed():
    drawn = SPACE.sample(4, seed=0)
    assert len({tuple(point.items()) for point in drawn}) == 4
    assert drawn == SPACE.sample(4, seed=0)
    assert any(SPACE.sample(4, seed=seed) != drawn for seed in (1, 2))
    assert sorted(map(str, SPACE.sample(6, seed=3))) == sorted(map(str, SPACE.grid()))


@pytest.mark.parametrize("count", [0, 7])
def test_more_points_than_there_are_cannot_be_drawn(count):
    with pytest.raises(TuningError, match=r"in \[1, 6\]"):
        SPACE.sample(count, seed=0)


def test_a_setting_without_values_is_refused():
    with pytest.raises(TuningError, match="lr must have at least one value"):
        Space({"lr": ()})
