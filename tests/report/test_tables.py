import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tenfold.errors import DataError
from tenfold.report import Column, Measured, Table, Text
from tenfold.report.tables import (
    describe,
    digits_for,
    format_cell,
    format_count,
    format_measured,
    format_number,
    format_percent,
    format_seconds,
    from_dicts,
    layout,
    measured,
    measures,
    plain,
)


def test_numbers():
    assert format_count(1234567) == "1,234,567"
    assert format_percent(0.99123) == "99.12%"
    assert format_number(-0.5, 2) == "−0.50"
    assert format_number(0.5, 1, signed=True) == "+0.5"
    assert format_number(-0.001, 2) == "0.00"
    assert format_number(0.0, 2, signed=True) == "0.00"
    assert format_number(1.27e18, 4) == "1.3e+18"
    assert format_number(1.27e18, 0) == "1,270,000,000,000,000,000", "a count is told to the last one"
    assert format_number(math.nan) == "nan"
    assert format_number(-math.inf) == "−∞"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (1.0, "1"), (0.1234567, "0.1235"), (12345.6, "12,346"), (123.456, "123.5"), (2e-6, "2.0e−06")],
)
def test_a_float_is_shown_with_four_significant_digits(number, shown):
    assert format_number(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.424, "0.42 s"),
        (9.996, "10.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (95, "1 min 35 s"),
        (3599.9, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds(seconds, shown):
    assert format_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("half", "digits"),
    [(0.05, 2), (0.012, 3), (0.31, 1), (1.2, 1), (4.0, 0), (1e-9, 4), (0.0, 2), (math.inf, 2)],
)
def test_digits_follow_the_width_of_the_interval(half, digits):
    assert digits_for(half) == digits


def test_measured_runs_carry_students_interval():
    runs = [0.991, 0.9925, 0.992]
    number = measured(runs)
    low, high = stats.t.interval(0.95, df=2, loc=np.mean(runs), scale=stats.sem(runs))
    assert (number.low, number.high) == pytest.approx((low, high))
    assert number.sd == pytest.approx(stats.tstd(runs))
    assert str(format_measured(number)) == "99.18 ± 0.19 (n = 3)"


def test_one_run_has_no_interval():
    assert str(format_measured(measured([0.9931]))) == "99.31 (n = 1)"
    assert str(format_measured(Measured(0.9931, -math.inf, math.inf))) == "99.31 (n = 1)"


def test_no_run_at_all_is_an_error():
    with pytest.raises(DataError):
        measured([])


def test_an_interval_that_is_not_symmetric_is_written_out():
    assert str(format_measured(Measured(0.99, 0.97, 0.995, 5))) == "99.00 [97.00, 99.50] (n = 5)"


def test_a_half_width_too_small_to_show_is_not_shown_as_zero():
    assert str(format_measured(Measured(0.5, 0.49999, 0.50001, 4))) == "50.00 ± <0.01 (n = 4)"


def test_a_measured_number_can_be_told_in_words():
    said = describe(Measured(0.99, 0.985, 0.995, 3, 0.002))
    assert said == "mean of 3 runs; 95% interval 98.500 to 99.500%; standard deviation between runs 0.200%"


def test_what_the_marks_mean_is_said_once():
    cells = ((Measured(0.5, 0.4, 0.6, 3),), (Measured(0.5, 0.4, 0.7, 3),), (Measured(0.5),))
    said = measures(Table((Column("x"),), cells))
    assert (
        said
        == "± reaches to the ends of and [ ] holds the 95% interval of the mean; n is the number of runs."
    )
    assert measures(Table((Column("x"),), ((1,),))) == ""


@pytest.mark.parametrize(
    ("cell", "column", "shown"),
    [
        (None, Column("x"), "–"),
        (True, Column("x"), "yes"),
        (np.int64(25450), Column("x"), "25,450"),
        (3, Column("x", signed=True), "+3"),
        (0.98765, Column("x", percent=True), "98.77"),
        (-0.0012, Column("x", percent=True, digits=1, signed=True), "−0.1"),
        (np.float32(0.5), Column("x", digits=3), "0.500"),
        ("<b>", Column("x"), "<b>"),
        (Text("a **b**"), Column("x"), "a b"),
    ],
)
def test_cells(cell, column, shown):
    assert str(format_cell(cell, column)) == shown


numbers = st.none() | st.integers(-(10**6), 10**6) | st.floats(-1e5, 1e5, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=8))
def test_decimal_points_stand_in_line(cells):
    table = Table((Column("x", "right"),), tuple((cell,) for cell in cells))
    shown = [row[0] for row in layout(table) if row[0].numeric and "e" not in row[0].head]
    behind = {len((cell.head + cell.fill).partition(".")[2]) for cell in shown}
    scientific = any(row[0].numeric and "e" in row[0].head for row in layout(table))
    assert scientific or len(behind) <= 1


def test_dicts_become_rows_and_numbers_go_right():
    table = from_dicts(
        [{"name": "a", "n": 1}, {"name": "b", "n": None}, {"name": "c"}], {"name": "Name", "n": "Count"}
    )
    assert [column.align for column in table.columns] == ["left", "right"]
    assert table.rows == (("a", 1), ("b", None), ("c", None))
    assert [column.title for column in from_dicts([{"a": 1}, {"b": 2}]).columns] == ["a", "b"]


def test_a_table_for_the_terminal():
    columns = (Column("Model"), Column("Parameters", "right"), Column("Accuracy", "right", "%"))
    rows = (
        ("one", 25450, Measured(0.9687, 0.9677, 0.9697, 3)),
        ("three", 9, Measured(0.9)),
        ("x", None, None),
    )
    assert plain(Table(columns, rows, "Two *models*.")).splitlines() == [
        "Two models.",
        "Model  Parameters          Accuracy (%)",
        "─────  ──────────  ────────────────────",
        "one        25,450  96.87 ± 0.10 (n = 3)",
        "three           9  90.00 (n = 1)",
        "x               –      –",
    ]


def test_a_table_without_rows_still_has_its_head():
    assert plain(Table((Column("a"), Column("b")), ())) == "a  b\n─  ─"


def test_a_count_that_all_numbers_share_is_told_once():
    column = Column("Accuracy", "right", "%")
    alike = Table((column,), ((measured([0.97, 0.98, 0.99]),), (measured([0.91, 0.92, 0.93]),)))
    assert [str(row[0]) for row in layout(alike)] == ["98 ± 2", "92 ± 2"]
    assert measures(alike).endswith("the 95% interval of the mean; n = 3 runs for every mean.")
    single = Table((column,), ((measured([0.97]),), (measured([0.91]),)))
    assert measures(single) == "n = 1 for every measured number."
    unlike = Table((column,), ((measured([0.97, 0.98, 0.99]),), (measured([0.91]),)))
    assert [row[0].count for row in layout(unlike)] == ["n = 3", "n = 1"]


def test_means_of_pairs_are_not_called_means_of_runs():
    pairs = [replace(measured(values), each="pair") for values in ([0.1, 0.2, 0.3], [0.1, 0.2])]
    table = Table((Column("Difference", "right"),), tuple((cell,) for cell in pairs))
    assert measures(table).endswith("n is the number of pairs.")
    assert measures(replace(table, rows=table.rows[:1] * 2)).endswith("n = 3 pairs for every mean.")
    assert describe(pairs[0]).startswith("mean of 3 pairs; ")
