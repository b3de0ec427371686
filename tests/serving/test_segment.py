"""The page finds the digits that were written, one by one."""

import json
import subprocess

import cv2
import numpy as np
import pytest

from tenfold.data.composites.strokes import choose, trace
from tenfold.serving.assets import web_folder

SCRIPT = """
import { readFileSync } from "node:fs";
const { segment, cut, cuts } = await import(process.argv[1] + "/segment.mjs");
const boards = JSON.parse(readFileSync(0));
const told = ({ left, top, right, bottom, gray: { values, width, height } }) => (
  { left, top, right, bottom, width, height, gray: [...values] }
);
console.log(JSON.stringify(boards.map((board) => {
  const found = segment(board);
  const pairs = found.slice(0, 1).flatMap((one) => cuts(one).map((column) => cut(one, column).map(told)));
  return { found: found.map(told), pairs };
})));
"""


def in_node(boards):
    """Return what the page's module finds on boards, (height, width) uint8, ink 255."""
    given = [
        {"values": one.ravel().tolist(), "width": one.shape[1], "height": one.shape[0]} for one in boards
    ]
    command = ["node", "--input-type=module", "--eval", SCRIPT, "--", web_folder().as_uri()]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def write(board, strokes, left, top, height, pen=10):
    """Write the strokes of a digit on a board; return its box as (left, top, right, bottom)."""
    alone = np.zeros_like(board)
    for line in strokes:
        points = (np.asarray(line) * height + [left, top]) * 16
        cv2.polylines(alone, [points.round().astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)
    np.maximum(board, alone, out=board)
    rows, columns = np.flatnonzero((alone >= 64).any(1)), np.flatnonzero((alone >= 64).any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def digits(rng, text):
    return trace(choose(np.array([int(digit) for digit in text]), rng), rng)


def boards(count, seed=0):
    """Return boards with three to five digits that do not touch, and the box of each."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        board, boxes, left = np.zeros((280, 640), np.uint8), [], 30.0
        for strokes in digits(rng, rng.integers(0, 10, rng.integers(3, 6)).astype(str)):
            height = rng.uniform(80, 130)
            boxes.append(write(board, strokes, left, rng.uniform(40, 110), height))
            left = boxes[-1][2] + rng.uniform(14, 30)
        yield board, boxes


def test_digits_that_stand_apart_are_found_each_alone():
    written, boxes = zip(*boards(40), strict=True)

    right = 0
    for board, wanted, answer in zip(written, boxes, in_node(written), strict=True):
        found = [(one["left"], one["top"], one["right"], one["bottom"]) for one in answer["found"]]
        right += found == [tuple(map(int, box)) for box in wanted]
        for one in answer["found"]:
            gray = np.array(one["gray"], np.uint8).reshape(one["height"], one["width"])
            inside = 255 - gray[8:-8, 8:-8]
            assert inside.shape == (one["bottom"] - one["top"], one["right"] - one["left"])
            here = board[one["top"] : one["bottom"], one["left"] : one["right"]]
            assert (inside <= here).all()
    # Some strokes of a hand lie so far apart that nobody could say to which digit they belong.
    assert right >= 38


def test_strokes_of_one_digit_stay_together():
    board = np.zeros((280, 560), np.uint8)
    five = [
        np.array([[0.1, 0.1], [0.08, 0.45], [0.45, 0.6], [0.05, 1.0]]),
        np.array([[0.2, 0.0], [0.6, 0.0]]),
    ]
    write(board, five, 100, 60, 120)
    seven = [np.array([[0, 0], [0.5, 0], [0.2, 1]]), np.array([[0.1, 0.5], [0.5, 0.5]])]
    write(board, seven, 300, 60, 120)

    (answer,) = in_node([board])
    assert len(answer["found"]) == 2


def test_specks_are_no_digits_and_an_empty_board_has_none():
    board = np.zeros((280, 560), np.uint8)
    write(board, [np.array([[0.3, 0], [0.3, 1]])], 100, 60, 140)
    cv2.circle(board, (300, 180), 5, 255, -1)
    empty = np.zeros((280, 560), np.uint8)

    marked, nothing = in_node([board, empty])
    assert len(marked["found"]) == 1
    assert nothing["found"] == []


@pytest.mark.parametrize("text", ["00", "63", "88"])
def test_two_that_touch_may_be_cut_where_they_meet(text):
    rng = np.random.default_rng(3)
    board = np.zeros((280, 560), np.uint8)
    first, second = digits(rng, text)
    box = write(board, first, 100, 70, 120)
    other = write(board, second, box[2] - 8, 70, 120)

    (answer,) = in_node([board])
    assert len(answer["found"]) == 1
    assert 3 <= len(answer["pairs"]) <= 9
    assert min(abs(left["right"] - (box[2] + other[0]) / 2) for left, _ in answer["pairs"]) < 8
    for left, right in answer["pairs"]:
        assert right["left"] == left["right"]
