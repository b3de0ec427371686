import numpy as np
import pytest

from tenfold.reading.lines import Row, find_rows, scraps_of, without_combs


def grid(rows, columns, *, pitch=(60, 30), size=(16, 24), jitter=0.0, degrees=0.0):
    """Return boxes of so many rows and columns, written level and then skewed."""
    rng = np.random.default_rng(0)
    slope = np.tan(np.radians(degrees))
    boxes = []
    for row in range(rows):
        for column in range(columns):
            left = 50 + column * pitch[1] + rng.normal(0, jitter)
            top = 200 + row * pitch[0] + rng.normal(0, jitter) + slope * left
            boxes.append((left, top, *size))
    return np.array(boxes, float)


@pytest.mark.parametrize("degrees", [-10, -4, 0, 3, 10])
def test_each_line_is_one_row_from_left_to_right_however_skewed(degrees):
    boxes = grid(4, 9, jitter=2, degrees=degrees)
    shuffled = np.random.default_rng(1).permutation(len(boxes))
    rows = find_rows(boxes[shuffled], 24)

    assert [[int(shuffled[member]) for member in row.members] for row in rows] == np.arange(36).reshape(
        4, 9
    ).tolist()
    assert all(abs(np.degrees(np.arctan(row.slope)) - degrees) < 1.5 for row in rows)


def test_wide_gaps_stay_in_a_line_and_wider_ones_part_columns():
    boxes = grid(2, 8)
    boxes[:, 0] += 50 * (boxes[:, 0] > 150)
    assert len(find_rows(boxes, 24)) == 2
    boxes[:, 0] += 100 * (boxes[:, 0] > 150)
    rows = find_rows(boxes, 24)
    assert [list(row.members) for row in rows] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
        [12, 13, 14, 15],
    ]


def test_digits_of_different_heights_are_on_one_line():
    boxes = np.array([(0, 0, 20, 60), (30, 20, 15, 20), (55, 5, 20, 70), (85, 25, 14, 16)], float)
    assert len(find_rows(boxes, 50)) == 1


def test_no_boxes_no_rows_and_one_box_one_row():
    assert find_rows(np.empty((0, 4)), 20) == []
    assert [row.members for row in find_rows(np.array([[5.0, 5, 9, 20]]), 20)] == [(0,)]


def test_the_parts_of_a_broken_digit_are_on_one_line():
    boxes = np.array([(0, 0, 20, 40), (30, 0, 20, 17), (31, 21, 18, 19), (60, 0, 20, 40)], float)
    assert [sorted(row.members) for row in find_rows(boxes, 40)] == [[0, 1, 2, 3]]


def test_small_digits_below_large_ones_stay_a_line_of_their_own():
    boxes = np.array([(x, y, 16, 24) for y in (0, 40) for x in (0, 30, 60)], float)
    assert [row.members for row in find_rows(boxes, 24)] == [(0, 1, 2), (3, 4, 5)]


def test_scraps_are_of_a_line_where_they_make_a_digit_together():
    boxes = np.array(
        [
            (0, 0, 20, 40),
            (30, 0, 20, 40),
            (60, 0, 12, 12),  # the head of a third digit,
            (60, 14, 12, 12),  # its middle
            (62, 28, 12, 12),  # and its foot
            (100, 30, 6, 6),  # a speck
            (60, 90, 12, 40),  # a digit of the next line
        ],
        float,
    )
    assert sorted(scraps_of(Row((0, 1), 0.0), boxes, np.arange(2, 7), 40)) == [2, 3, 4]
    assert scraps_of(Row((0, 1), 0.0), boxes, np.array([5, 6]), 40) == []


def test_strokes_that_stand_as_even_as_a_grid_are_no_ones():
    grid = np.array([(38 * place, 0, 3, 32) for place in range(8)] + [(110, 5, 20, 25)], float)
    assert without_combs(Row(tuple(range(9)), 0.0), grid).members == (8,)

    hand = grid.copy()
    hand[:8, 0] += [0, 6, -5, 3, 8, -7, 2, -4]
    assert without_combs(Row(tuple(range(9)), 0.0), hand).members == tuple(range(9))
