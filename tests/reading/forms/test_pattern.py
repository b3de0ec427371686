"""Patterns of digits, against Python's `re`."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.errors import FormError
from tenfold.reading.forms.pattern import NOTHING, after, can_end, parse

TEXTS = ["".join(text) for length in range(5) for text in itertools.product("0127", repeat=length)]


def matches(pattern, text):
    node = parse(pattern)
    for digit in text:
        node = after(node, int(digit))
    return can_end(node)


atoms = st.sampled_from(["0", "1", "7", r"\d", ".", "[12]", "[^1]", "[0-2]", r"[\d]"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join).map("({})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{,2}", "{0,3}", "{0}"])).map(
            lambda parts: f"(?:{parts[0]}){parts[1]}"
        ),
    ),
    max_leaves=6,
)


@given(patterns)
def test_it_matches_what_re_matches(pattern):
    expected = [text for text in TEXTS if re.fullmatch(pattern, text)]

    assert [text for text in TEXTS if matches(pattern, text)] == expected


@pytest.mark.parametrize("pattern", ["", "^12$", "1|", "()", "^(0|1)*$"])
def test_edges_mean_what_they_mean_in_re(pattern):
    assert [matches(pattern, text) for text in TEXTS] == [bool(re.fullmatch(pattern, text)) for text in TEXTS]


def test_no_match_is_told_as_soon_as_there_is_none():
    assert after(after(parse("12\\d{7}"), 1), 3) == NOTHING


def test_a_long_repetition_has_few_states():
    node, states = parse("(1|0)*1(1|0){6}"), set()
    border = {node}
    while border:
        states |= border
        border = {after(node, digit) for node in border for digit in (0, 1)} - states

    assert len(states) <= 2**8


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        (r"\w+", "character 1"),
        ("12a", "character 3"),
        ("(12", "character 1"),
        ("12)", "character 3"),
        ("[12", "character 1"),
        ("[2-1]", "character 3"),
        ("[]", "character 2"),
        ("1{2", "character 2"),
        ("1{3,2}", "character 2"),
        ("1{,}", "character 2"),
        ("1*+", "character 3"),
        ("*1", "character 1"),
        ("1$2", "character 2"),
        ("(?=1)", "character 2"),
    ],
)
def test_what_is_not_understood_is_named_with_its_place(pattern, place):
    with pytest.raises(FormError, match=place) as error:
        parse(pattern)
    assert repr(pattern) in str(error.value)
