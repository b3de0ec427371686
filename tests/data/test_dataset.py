import numpy as np
import pytest

from tenfold.data import Dataset
from tenfold.errors import DataError

IMAGES = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)


def dataset(**changes):
    return Dataset(**{"images": IMAGES, "labels": np.array([0, 9, 5])} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros(3)}, r"expected images of shape .* got shape \(3,\)"),
        ({"labels": np.array([1, 2])}, r"3 images but labels of shape \(2,\)"),
        ({"labels": np.array([1.0, 2, 3])}, "labels must be integers, got float64"),
        ({"labels": np.array([1, 10, 3])}, r"label 10 of image 1 is outside 0 to 9 \(10 classes\)"),
        ({"labels": np.array([1, 2, -1])}, "label -1 of image 2"),
        ({"groups": np.array([1])}, r"3 images but groups of shape \(1,\)"),
    ],
)
def test_what_makes_no_data_set(changes, message):
    with pytest.raises(DataError, match=message):
        dataset(**changes)


def test_take_keeps_images_labels_and_groups_together():
    part = dataset(groups=np.array([7, 8, 9])).take([2, 0], "part", why="a test")
    np.testing.assert_array_equal(part.images, IMAGES[[2, 0]])
    np.testing.assert_array_equal(part.labels, [5, 0])
    np.testing.assert_array_equal(part.groups, [9, 7])
    assert (part.name, part.provenance) == ("part", {"why": "a test"})
    assert len(dataset().take(slice(1, None))) == 2


def test_the_hash_is_of_content_alone():
    assert dataset().sha256 == dataset(name="other", provenance={"x": 1}).sha256
    assert dataset().sha256 == dataset(images=np.asfortranarray(IMAGES)).sha256
    assert dataset().sha256 != dataset(labels=np.array([0, 9, 4])).sha256
    assert dataset().sha256 != dataset(images=IMAGES.reshape(3, 4)).sha256
