"""What a field's text must keep to, each against a definition written another way."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.errors import FormError, UnknownNameError
from tenfold.reading.forms.constraints import Checksum, Function, Length, Pattern, Range, Values

TEXTS = ["".join(text) for length in range(1, 4) for text in itertools.product("0123456789", repeat=length)]


def weighted(text, weights):
    return sum(int(digit) * weight for digit, weight in zip(text, itertools.cycle(weights), strict=False))


def luhn(text):
    doubled = [2 * int(digit) if place % 2 else int(digit) for place, digit in enumerate(reversed(text))]
    return sum(sum(map(int, str(digit))) for digit in doubled) % 10 == 0


def test_a_length():
    assert [text for text in TEXTS if Length(2, 2).allows(text)] == [text for text in TEXTS if len(text) == 2]


@given(st.integers(0, 1200), st.integers(0, 1200))
def test_a_range(one, other):
    low, high = sorted((one, other))

    assert all(Range(low, high).allows(text) == (low <= int(text) <= high) for text in TEXTS)


def test_luhn():
    assert all(Checksum("luhn").allows(text) == luhn(text) for text in TEXTS)
    assert Checksum("luhn").allows("79927398713")  # the example of the patent's literature


def test_mod97():
    assert all(Checksum("mod97").allows(text) == (int(text) % 97 == 1) for text in TEXTS)
    # GB82 WEST 1234 5698 7654 32, the letters as numbers, the country and check digits last.
    assert Checksum("mod97").allows("3214282912345698765432161182")


@given(st.integers(0, 10**9 - 1))
def test_isbn10(number):
    digits = f"{number:09}"
    check = -weighted(digits, range(10, 1, -1)) % 11
    allowed = [digit for digit in range(10) if Checksum("isbn10").allows(f"{digits}{digit}")]

    assert allowed == ([check] if check < 10 else [])
    assert Checksum("isbn10").allows("0306406152")
    assert not Checksum("isbn10").allows("306406152")


@given(st.integers(0, 10**9 - 1), st.sampled_from(["978", "979", "977"]))
def test_isbn13(number, prefix):
    digits = f"{prefix}{number:09}"
    check = -weighted(digits, (1, 3)) % 10
    allowed = [digit for digit in range(10) if Checksum("isbn13").allows(f"{digits}{digit}")]

    assert allowed == ([] if prefix == "977" else [check])
    assert Checksum("isbn13").allows("9780306406157")


def test_a_roster():
    roster = Values(["12", "120", "7"])

    assert [text for text in TEXTS if roster.allows(text)] == ["7", "12", "120"]
    assert roster.keeping((Range(0, 20),)) == ("12", "7")


def test_a_pattern():
    assert [text for text in TEXTS if Pattern("9[0-3]?").allows(text)] == ["9", "90", "91", "92", "93"]


def test_a_function_of_ones_own(tmp_path):
    (tmp_path / "own.py").write_text("def even(text): return int(text) % 2 == 0\nodd = 3\n")
    even = Function("own.py:even", tmp_path)

    assert [even.allows("12"), even.allows("13")] == [True, False]
    assert Function("builtins:int", tmp_path).allows("7")


@pytest.mark.parametrize(
    "path", ["own.py:odd", "own.py:none", "no.py:even", "no_such_module:x", "builtins", "own.py"]
)
def test_a_function_that_cannot_be_had(tmp_path, path):
    (tmp_path / "own.py").write_text("odd = 3\n")
    with pytest.raises(FormError, match="function") as error:
        Function(path, tmp_path)
    assert path in str(error.value)


def test_a_function_that_fails(tmp_path):
    with pytest.raises(FormError, match=r"json:loads failed on '01': JSONDecodeError"):
        Function("json:loads", tmp_path).allows("01")


def test_a_function_that_says_nothing(tmp_path):
    (tmp_path / "own.py").write_text("def own(text):\n    int(text) % 2 == 0\n")
    with pytest.raises(FormError, match=r"own.py:own failed on '12': .*returned None.* True or False"):
        Function("own.py:own", tmp_path).allows("12")


def test_an_unknown_checksum():
    with pytest.raises(UnknownNameError, match="Did you mean 'luhn'"):
        Checksum("lun")


def test_labels_say_what_is_asked():
    labels = [item.label for item in (Length(3, 3), Length(1, 2), Range(0, 9), Pattern("1."), Values("1"))]

    assert labels == ["length 3", "length 1 to 2", "range 0 to 9", "pattern 1.", "allowed values"]
