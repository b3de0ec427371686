import numpy as np
import pytest

from tenfold.data.formats.npz import read_npz, write_npz
from tenfold.errors import FormatError

IMAGES = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_what_is_written_is_read_back(tmp_path):
    write_npz(tmp_path / "x.npz", IMAGES, np.array([4, 2]))
    images, labels = read_npz(tmp_path / "x.npz")["all"]
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, [4, 2])
    write_npz(tmp_path / "x.npz", IMAGES)
    assert read_npz(tmp_path / "x.npz")["all"][1] is None


def test_keras_keys(tmp_path):
    np.savez(
        tmp_path / "mnist.npz",
        x_train=IMAGES,
        y_train=np.array([1, 2], np.uint8),
        x_test=IMAGES[:1],
        y_test=np.array([3], np.uint8),
    )
    parts = read_npz(tmp_path / "mnist.npz")
    assert list(parts) == ["train", "test"]
    np.testing.assert_array_equal(parts["test"][1], [3])
    assert parts["train"][1].dtype == np.int64


def test_rows_of_features_become_float32(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((2, 64)), labels=np.array([[0], [1]]))
    images, labels = read_npz(tmp_path / "x.npz")["all"]
    assert images.dtype == np.float32
    np.testing.assert_array_equal(labels, [0, 1])


def test_rows_of_bytes_are_pixels_and_stay_bytes(tmp_path):
    np.savez(tmp_path / "x.npz", images=IMAGES.reshape(2, 9))
    images, _ = read_npz(tmp_path / "x.npz")["all"]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES.reshape(2, 9))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES}, r"expected the keys images and labels, .* Found: pictures"),
        ({"images": IMAGES.astype(float)}, r"x\.npz, images: expected .* uint8 .* got float64"),
        ({"images": IMAGES, "labels": np.zeros(3, int)}, r"holds 2 images, .*labels 3 labels"),
        ({"images": IMAGES, "labels": np.zeros(2)}, r"x\.npz, labels: expected integers .* got float64"),
        ({"images": IMAGES, "labels": np.array([{}, {}])}, "no npz archive of plain arrays"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(FormatError, match=message):
        read_npz(tmp_path / "x.npz")


def test_files_that_are_no_archives(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"<html>")
    with pytest.raises(FormatError, match=r"x\.npz is no npz archive"):
        read_npz(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", images=IMAGES)
    (tmp_path / "y.npz").write_bytes((tmp_path / "y.npz").read_bytes()[:-40])
    with pytest.raises(FormatError, match=r"y\.npz is no npz archive"):
        read_npz(tmp_path / "y.npz")
    np.save(tmp_path / "z.npy", IMAGES)
    with pytest.raises(FormatError, match="is a single array"):
        read_npz(tmp_path / "z.npy")
    with pytest.raises(FormatError, match=r"none\.npz cannot be read: No such file"):
        read_npz(tmp_path / "none.npz")


def test_numpys_advice_to_load_pickles_is_not_passed_on(tmp_path):
    (tmp_path / "x.npz").write_text("just some plain text")
    with pytest.raises(FormatError, match=r"x\.npz is no npz archive: it does not begin as a zip") as caught:
        read_npz(tmp_path / "x.npz")
    assert "pickle" not in str(caught.value)
    np.savez(tmp_path / "y.npz", images=np.array([{}, {}]))
    with pytest.raises(FormatError, match="holds Python objects") as caught:
        read_npz(tmp_path / "y.npz")
    assert "pickle" not in str(caught.value)
