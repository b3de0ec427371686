import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import StandardScaler

from tenfold.models.scaling import Pixels, Standard


def test_uint8_pictures_are_left_alone():
    images = np.array([[[3, 7]]], dtype=np.uint8)
    assert Pixels.of(images).apply(images) is images


def test_the_least_becomes_paper_and_the_greatest_ink():
    images = np.array([[[-1.0, 0.0], [0.5, 1.0]]])
    assert Pixels.of(images).apply(images).tolist() == [[[0, 128], [191, 255]]]


def test_values_beyond_the_range_are_cut_off():
    assert Pixels(0.0, 16.0).apply(np.array([[[-3, 8, 99]]])).tolist() == [[[0, 128, 255]]]


def test_many_pictures_are_scaled_as_few_are():
    images = np.random.default_rng(0).random((5000, 2, 2))
    scaling = Pixels(0.0, 1.0)
    np.testing.assert_array_equal(scaling.apply(images)[4990:], scaling.apply(images[4990:]))


@given(hnp.arrays(np.float64, (4, 2, 3), elements=st.floats(-1e6, 1e6)))
def test_pictures_of_any_range_keep_their_order(images):
    order = np.argsort(images, axis=None)
    assert (np.diff(Pixels.of(images).apply(images).ravel()[order].astype(int)) >= 0).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("top", [5e-324, 1e-310, 1e308])
def test_the_narrowest_and_the_widest_ranges_are_scaled_too(top):
    images = np.array([[[-top, 0.0, top]]])
    assert Pixels.of(images).apply(images).tolist() == [[[0, 128, 255]]]


def test_features_are_scaled_as_scikit_learn_does():
    features = np.random.default_rng(0).normal(7, [0.1, 3, 900], (50, 3))
    mine = Standard.of(features).apply(features)
    np.testing.assert_allclose(mine, StandardScaler().fit_transform(features), atol=1e-12)


def test_a_feature_that_never_varies_becomes_zero():
    features = np.array([[5.0, 1.0], [5.0, 3.0]])
    assert Standard.of(features).apply(features).tolist() == [[0.0, -1.0], [0.0, 1.0]]
