import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.data.dataset import Dataset
from tenfold.data.splits import folds, hold_out, imbalance, largest_remainder
from tenfold.errors import DataError


def dataset(labels, groups=None):
    """Each image holds its own number, so that it can be told where it went."""
    images = np.arange(len(labels), dtype=np.float32)[:, None]
    groups = None if groups is None else np.array(groups, np.int64)
    return Dataset(images, np.array(labels, np.int64), tuple("abcd"), groups=groups)


def members(part):
    return part.images[:, 0].astype(int).tolist()


labels = st.lists(st.integers(0, 3), min_size=2, max_size=80)
seeds = st.integers(0, 2**31)


@given(labels, seeds, st.data())
def test_hold_out_is_disjoint_complete_exact_and_stratified(values, seed, data):
    size = data.draw(st.integers(1, len(values) - 1))
    whole = dataset(values)
    rest, held = hold_out(whole, size, seed)
    assert len(held) == size
    assert sorted(members(rest) + members(held)) == list(range(len(values)))
    assert members(rest) == sorted(members(rest))
    for label in range(4):
        share = values.count(label) * size / len(values)
        assert abs((held.labels == label).sum() - share) < 1


@given(labels, seeds, st.data())
def test_folds_hold_each_image_once_and_are_even(values, seed, data):
    count = data.draw(st.integers(2, len(values)))
    parts = folds(dataset(values), count, seed)
    assert len(parts) == count
    assert sorted(number for _, held in parts for number in members(held)) == list(range(len(values)))
    for rest, held in parts:
        assert sorted(members(rest) + members(held)) == list(range(len(values)))
    sizes = [len(held) for _, held in parts]
    assert max(sizes) - min(sizes) <= 1
    for label in range(4):
        counts = [(held.labels == label).sum() for _, held in parts]
        assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(0, 9), min_size=12, max_size=80).filter(lambda g: len(set(g)) >= 3), seeds)
def test_writers_are_on_one_side_only(groups, seed):
    whole = dataset([0] * len(groups), groups)
    rest, held = hold_out(whole, 0.3, seed, by_writer=True)
    assert len(rest) > 0
    assert len(held) > 0
    assert not set(rest.groups) & set(held.groups)
    assert sorted(members(rest) + members(held)) == list(range(len(groups)))
    most = max(np.bincount(groups))
    assert abs(len(held) - 0.3 * len(groups)) <= most + 1
    parts = folds(whole, 3, seed, by_writer=True)
    writers = [set(held.groups) for _, held in parts]
    assert sum(map(len, writers)) == len(set(groups))
    assert set().union(*writers) == set(groups)


def test_the_seed_fixes_everything():
    whole = dataset([0, 1, 2, 3] * 30)
    assert members(hold_out(whole, 20, 5)[1]) == members(hold_out(whole, 20, 5)[1])
    assert members(hold_out(whole, 20, 5)[1]) != members(hold_out(whole, 20, 6)[1])
    assert hold_out(whole, 20, 5)[1].provenance["split"]["seed"] == 5


def test_a_fraction_is_a_share_of_the_images():
    assert len(hold_out(dataset([0, 1] * 30), 0.25, 0)[1]) == 15


def test_mnist_validation_split(mnist):
    rest, held = hold_out(mnist.train, 6000, 0)
    assert (len(rest), len(held)) == (54_000, 6_000)
    np.testing.assert_allclose(np.bincount(held.labels), np.bincount(mnist.train.labels) / 10, atol=1)


@pytest.mark.parametrize("size", [0, 10, -1, 1.5, 0.01])
def test_sizes_that_cannot_be(size):
    with pytest.raises(DataError, match="has 10 images; a hold-out must be"):
        hold_out(dataset([0] * 10), size, 0)


def test_other_errors():
    whole = dataset([0] * 10)
    with pytest.raises(DataError, match="does not say who wrote what"):
        hold_out(whole, 3, 0, by_writer=True)
    with pytest.raises(DataError, match="one writer alone"):
        hold_out(dataset([0] * 10, [7] * 10), 3, 0, by_writer=True)
    with pytest.raises(DataError, match=r"folds must be 2 to 10 \(images\). Got 11"):
        folds(whole, 11, 0)
    with pytest.raises(DataError, match=r"folds must be 2 to 2 \(writers\). Got 3"):
        folds(dataset([0] * 10, [0, 1] * 5), 3, 0, by_writer=True)
    with pytest.raises(DataError, match="needs a fraction in"):
        imbalance(whole, [1.0, 0.5], 0)
    with pytest.raises(DataError, match="needs a fraction in"):
        imbalance(whole, [1, 1, 1, 2], 0)
    with pytest.raises(DataError, match=r"must be >= 1\. Got 0\.5"):
        imbalance(whole, 0.5, 0)


@given(labels, st.lists(st.floats(0, 1), min_size=4, max_size=4), seeds)
def test_imbalance_keeps_the_given_fractions(values, fractions, seed):
    thinned = imbalance(dataset(values), fractions, seed)
    for label, fraction in enumerate(fractions):
        assert abs((thinned.labels == label).sum() - fraction * values.count(label)) <= 0.5
    assert members(thinned) == sorted(set(members(thinned)))


def test_a_ratio_makes_a_long_tail():
    thinned = imbalance(dataset([0, 1, 2, 3] * 1000), 1000.0, 0)
    np.testing.assert_array_equal(np.bincount(thinned.labels), [1000, 100, 10, 1])


def test_largest_remainder_by_hand():
    # Shares 4.7, 2.9 and 2.4 of 10: 4 + 2 + 2 leave two, for the remainders 0.9 and 0.7.
    np.testing.assert_array_equal(largest_remainder(np.array([47, 29, 24]), 10), [5, 3, 2])


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any), st.floats(0, 1))
def test_largest_remainder_adds_up(weights, part):
    total = int(part * sum(weights))
    shares = largest_remainder(np.array(weights), total)
    assert shares.sum() == total
    assert np.all(np.abs(shares - np.array(weights) * total / sum(weights)) < 1)
