import numpy as np
import pytest

from tenfold.reading.learning import strips
from tenfold.reading.learning.strips import chunks, make_chunk
from tenfold.reading.strip import HEIGHT, STRIDE


@pytest.fixture(autouse=True)
def small_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "PAPERS", 6)
    monkeypatch.setattr(strips, "DRAWN", 100)


def test_a_chunk_is_the_same_whenever_it_is_made() -> None:
    one, two = make_chunk(3, "validation", 1, 12), make_chunk(3, "validation", 1, 12)
    other = make_chunk(3, "validation", 2, 12)
    for a, b in zip(one, two, strict=True):
        assert a.text == b.text
        np.testing.assert_array_equal(a.ink, b.ink)
    assert [sample.text for sample in one] != [sample.text for sample in other]
    made_ahead = next(chunks(3, "validation", range(1, 2), 12, workers=0))
    assert [sample.text for sample in made_ahead] == [sample.text for sample in one]


def test_every_digit_has_a_column_of_its_own() -> None:
    for sample in make_chunk(0, "validation", 0, 60):
        assert sample.ink.shape[0] == HEIGHT
        assert len(sample.places) == len(sample.text)
        assert all(a < b for a, b in zip(sample.places, sample.places[1:], strict=False))
        assert all(0 <= place < sample.ink.shape[1] // STRIDE for place in sample.places)


@pytest.mark.slow
def test_validation_strips_are_written_with_other_digits() -> None:
    train, held = (strips._stock(part)[0] for part in ("train", "validation"))
    # All but those that are lost when they are thinned.
    assert 53_000 < len(train) < 54_000
    assert 5_900 < len(held) < 6_000
