"""The search over what cells hold, against trying every filling."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.reading.forms.constraints import Checksum, Function, Length, Pattern, Range, Values
from tenfold.reading.forms.search import DOUBT, Candidate, Cells, Listed, answer
from tenfold.reading.result import Change

ROSTER = Values(["107", "1074", "93", "9", "0107"])
CHOICES = [
    [],
    [Length(3, 3)],
    [Range(5, 130)],
    [Pattern(r"1\d*|9+")],
    [Checksum("luhn")],
    [Checksum("mod97")],
    [ROSTER],
    [Checksum("luhn"), Range(100, 4000), Length(2, 4)],
    [ROSTER, Range(10, 200)],
]


def random_cells(seed, count=4, sharpness=0.3):
    return np.random.default_rng(seed).dirichlet(np.full(12, sharpness), size=count)[:, :11]


def fillings(cells):
    """Every way to fill the cells with digits side by side: text and probability."""
    for symbols in itertools.product(range(11), repeat=len(cells)):
        text = "".join(" " if symbol == 10 else str(symbol) for symbol in symbols)
        if " " not in text.strip():
            yield text.strip(), math.prod(row[symbol] for row, symbol in zip(cells, symbols, strict=True))


def allowed(cells, constraints, blank):
    found = [
        (text, probability)
        for text, probability in fillings(cells)
        if (all(constraint.allows(text) for constraint in constraints) if text else blank)
    ]
    return sorted(found, key=lambda pair: -pair[1])


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(CHOICES), st.booleans())
def test_order_and_mass_are_those_of_all_fillings(seed, constraints, blank):
    cells = random_cells(seed, count=3)
    expected = allowed(cells, constraints, blank)
    found = list(Cells(cells).ranked(constraints, blank))

    assert [item.probability for item in found] == pytest.approx([item[1] for item in expected], rel=1e-9)
    assert {item.text for item in found} == {text for text, _ in expected}
    assert Cells(cells).mass(constraints, blank) == pytest.approx(sum(item[1] for item in expected), rel=1e-9)


@pytest.mark.parametrize("constraints", CHOICES, ids=lambda choice: ", ".join(item.label for item in choice))
def test_the_best_of_four_cells_is_the_best_of_all(constraints):
    cells = random_cells(7)
    text, probability = allowed(cells, constraints, False)[0]
    found = next(Cells(cells).ranked(constraints, False))

    assert (found.text, found.probability) == (text, pytest.approx(probability))


def test_a_function_is_asked_the_likeliest_first(tmp_path):
    (tmp_path / "own.py").write_text("def own(text): return sum(map(int, text)) == 20")
    own = Function("own.py:own", tmp_path)
    cells = random_cells(3, count=3)
    expected = allowed(cells, [own], False)
    found = list(Cells(cells).ranked([own], False))

    assert [item.text for item in found] == [text for text, _ in expected]
    assert Cells(cells).mass([own], False) == pytest.approx(sum(item[1] for item in expected))


def sure(text, probability=0.99):
    """Cells that hold `text` almost surely."""
    cells = np.full((len(text), 11), (1 - probability) / 10)
    for row, symbol in zip(cells, text, strict=True):
        row[10 if symbol == " " else int(symbol)] = probability
    return cells


def test_without_constraints_the_answer_is_what_is_read():
    found = answer(Cells(sure("407")), [], blank=False)

    assert found.text == "407"
    assert found.confidence == pytest.approx(0.99**3, rel=1e-3)
    assert found.changes == ()


def test_a_checksum_chooses_among_alternatives_and_is_named():
    cells = sure("79927398711")
    cells[10, 1], cells[10, 3] = 0.6, 0.391  # 1 or 3; only 3 keeps Luhn's rule
    found = answer(Cells(cells), [Length(11, 11), Checksum("luhn")], blank=False)

    assert found.text == "79927398713"
    assert found.changes == (Change("checksum luhn", "79927398711"),)
    assert found.confidence > 0.39 * 0.99**10  # more than the digits alone would give


def test_each_constraint_on_the_way_is_named_with_what_was_read_before_it():
    cells = np.full((2, 11), 1e-4)
    cells[0, [9, 1]] = 0.7, 0.3
    cells[1, [9, 8]] = 0.6, 0.3
    found = answer(Cells(cells), [Pattern("99|1."), Range(0, 98), Length(2, 2)], blank=False)

    assert found.text == "19"
    assert found.changes == (Change("range 0 to 98", "99"), Change("pattern 99|1.", "98"))


def test_a_sure_reading_that_fights_its_constraint_stays_and_breaks_it():
    found = answer(Cells(sure("79927398711", 0.9999)), [Checksum("luhn")], blank=False)

    assert (found.text, found.broken) == ("79927398711", True)
    assert found.changes == (Change("checksum luhn", "79927398711"),)
    # Nearly all that keeps it would have to have been misread.
    assert found.confidence > 0.9
    assert all(Checksum("luhn").allows(other.text) for other in found.alternatives)


@pytest.mark.parametrize("constraint", [Length(2, 2), Pattern("04|19"), Values(["04"])])
def test_no_constraint_makes_a_blank_of_a_clear_digit(constraint):
    assert answer(Cells(sure("043", 0.9999)), [constraint], blank=False).text == "043"


def test_no_constraint_makes_a_digit_of_a_clear_blank():
    found = answer(Cells(sure("42 ", 0.9999)), [Length(3, 3)], blank=False)

    assert (found.text, found.broken) == ("42", True)


@pytest.mark.parametrize(("rival", "text"), [(0.021, "7"), (0.015, "1")])
def test_what_was_written_stays_where_the_constraint_was_broken_more_likely(rival, text):
    cells = np.zeros((1, 11))
    cells[0, [1, 7]] = 1 - rival, rival

    assert answer(Cells(cells), [Values(["7"])], blank=False).text == text


def test_confidence_is_bayes_with_doubt_for_what_is_forbidden():
    cells = random_cells(11, count=3)
    constraints = [Checksum("luhn")]
    weights = {}
    for text, probability in fillings(cells):
        keeps = bool(text) and constraints[0].allows(text)
        weights[text, keeps] = weights.get((text, keeps), 0) + probability * (1 if keeps else DOUBT)
    best = allowed(cells, constraints, False)[0]
    legible = cells.sum(axis=1).prod()
    gaps = legible - sum(probability for _, probability in fillings(cells))
    total = sum(weights.values()) + DOUBT * gaps + 1 - legible
    found = answer(Cells(cells), constraints, blank=False)

    assert found.text == best[0]
    assert found.confidence == pytest.approx(weights[best[0], True] / total, rel=1e-6)


def test_a_roster_finds_the_nearest_name():
    cells = sure("1047")
    cells[2, 4], cells[2, 7] = 0.8, 0.199
    cells[3, 7], cells[3, 4] = 0.8, 0.199
    found = answer(Cells(cells), [Values(["1074", "9999", "2047"])], blank=False)

    assert (found.text, found.changes) == ("1074", (Change("allowed values", "1047"),))


def test_a_blank_field():
    optional = answer(Cells(sure("   ")), [Length(3, 3)], blank=True)
    required = answer(Cells(sure("   ")), [Length(3, 3)], blank=False)

    assert (optional.text, optional.changes) == ("", ())
    assert optional.confidence > 0.9
    assert (required.text, required.broken) == ("", True)
    assert required.changes[0] == Change("must be filled", "")


@pytest.mark.parametrize("text", ["42  ", " 42 ", "  42"])
def test_a_short_number_may_stand_anywhere_in_its_cells(text):
    assert answer(Cells(sure(text)), [Length(1, 4)], blank=False).text == "42"


def test_where_nothing_is_allowed_the_answer_is_what_is_read():
    found = answer(Listed([Candidate("99", 0.8)]), [Length(2, 2), Range(0, 98)], blank=False)

    assert (found.text, found.broken) == ("99", True)
    # Either a slip, or what is no digit.
    assert found.confidence == pytest.approx(DOUBT * 0.8 / (DOUBT * 0.8 + 0.2))
    assert found.changes == (Change("range 0 to 98", "99"),)


def test_whole_readings_instead_of_cells():
    source = Listed([Candidate("81", 0.3), Candidate("87", 0.6), Candidate("", 0.05)])
    found = answer(source, [Range(0, 85)], blank=True)

    assert (found.text, found.changes) == ("81", (Change("range 0 to 85", "87"),))
    assert found.alternatives[0].text == ""
    assert source.legible == pytest.approx(0.95)


def test_what_is_no_digit_lowers_confidence_whatever_the_constraint():
    cells = sure("42", 0.3)
    cells[0] /= 3  # the first cell holds something else, most likely
    found = answer(Cells(cells), [Values(["42"])], blank=False)

    assert found.text == "42"
    assert found.confidence < 0.4
