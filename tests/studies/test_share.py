"""Which images a training sees: the honest reading never sees the test set before the end."""

import numpy as np
import pytest

from tenfold.studies import HONEST, PUBLISHED, SEARCH
from tenfold.studies.share import Share, parts


def rows(dataset):
    return {image.tobytes() for image in dataset.images}


def test_as_published_trains_on_everything_and_watches_the_test_set(mnist):
    found = parts(Share("mnist", PUBLISHED, None, None, 6000))
    assert len(found.train) == 60_000
    assert list(found.monitors) == ["test"]
    assert np.array_equal(found.test.images, mnist.test.images)


def test_the_honest_reading_holds_validation_images_out_of_the_training_set(mnist):
    found = parts(Share("mnist", HONEST, None, None, 6000))
    assert (len(found.train), len(found.monitors["validation"])) == (54_000, 6000)
    assert not rows(found.train) & rows(found.monitors["validation"]), "MNIST holds no image twice"
    assert rows(found.train) | rows(found.monitors["validation"]) == rows(mnist.train)
    assert len(found.test) == 10_000


def test_a_search_has_no_test_set():
    assert parts(Share("mnist", SEARCH, 600, 100, 6000)).test is None


@pytest.mark.parametrize("reading", [HONEST, PUBLISHED])
def test_a_part_of_the_data_is_stratified_and_keeps_its_proportions(reading):
    found = parts(Share("mnist", reading, 600, 100, 6000))
    held = 60 if reading == HONEST else 0
    assert len(found.train) == 600 - held
    assert len(found.test) == 100
    assert np.ptp(np.bincount(found.test.labels, minlength=10)) <= 4


def test_the_split_is_not_part_of_the_published_identity():
    assert Share("mnist", PUBLISHED, None, None, 6000).to_dict()["validation"] == 0
    assert Share("mnist", HONEST, None, None, 6000).to_dict()["validation"] == 6000
