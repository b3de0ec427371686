import numpy as np
import pytest
from PIL import Image

from tenfold.data.formats import read_images, read_parts, write_csv, write_folder, write_idx, write_npz
from tenfold.errors import FormatError


def write_idx_part(folder, prefix, dataset):
    write_idx(folder / f"{prefix}-images-idx3-ubyte", dataset.images)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte", dataset.labels.astype(np.uint8))


def test_every_format_gives_the_same_data_set(tmp_path, mnist):
    digits = mnist.test.take(np.argsort(mnist.test.labels[:30], kind="stable"))
    folder = tmp_path / "idx"
    folder.mkdir()
    write_idx_part(folder, "t10k", digits)
    write_csv(tmp_path / "x.csv", digits.images, digits.labels)
    write_npz(tmp_path / "x.npz", digits.images, digits.labels)
    write_folder(tmp_path / "pictures", digits)
    for name in ("idx", "x.csv", "x.npz", "pictures"):
        (part,) = read_parts(tmp_path / name).values()
        assert part.sha256 == digits.sha256
        np.testing.assert_array_equal(read_images(tmp_path / name)[0], digits.images)


def test_train_and_test_in_one_folder(tmp_path, mnist):
    write_csv(tmp_path / "train.csv", mnist.train.images[:20], mnist.train.labels[:20])
    write_npz(tmp_path / "test.npz", mnist.test.images[:10], mnist.test.labels[:10])
    parts = read_parts(tmp_path)
    assert {name: len(part) for name, part in parts.items()} == {"train": 20, "test": 10}


def test_label_outside_the_classes_names_the_image(tmp_path, mnist):
    write_csv(tmp_path / "x.csv", mnist.test.images[:3], np.array([1, 10, 2]))
    with pytest.raises(FormatError, match=r"x\.csv, image 1 .*: label 10 is outside 0 to 9 \(10 classes\)"):
        read_parts(tmp_path / "x.csv")
    with pytest.raises(FormatError, match=r"\(2 classes\)\. The classes are no, yes\."):
        read_parts(tmp_path / "x.csv", classes=("no", "yes"))
    (part,) = read_parts(tmp_path / "x.csv", classes=tuple("abcdefghijk")).values()
    assert part.classes[10] == "k"


def test_paths_that_hold_no_data_set(tmp_path):
    with pytest.raises(FormatError, match="There is no file or folder"):
        read_parts(tmp_path / "none")
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(FormatError, match=r"x\.txt: a data set is a folder"):
        read_parts(tmp_path / "x.txt")


def test_pictures_without_labels(tmp_path, mnist):
    write_csv(tmp_path / "test.csv", mnist.test.images[:3])
    with pytest.raises(FormatError, match="pictures but no labels"):
        read_parts(tmp_path / "test.csv")
    images, names = read_images(tmp_path / "test.csv")
    np.testing.assert_array_equal(images, mnist.test.images[:3])
    assert names == ["1", "2", "3"]


def test_a_folder_of_pictures_is_read_in_the_order_of_its_numbers(tmp_path, mnist):
    for number in (10, 9, 1):
        Image.fromarray(mnist.test.images[number]).save(tmp_path / f"{number}.png")
    images, names = read_images(tmp_path)
    assert names == ["1.png", "9.png", "10.png"]
    np.testing.assert_array_equal(images, mnist.test.images[[1, 9, 10]])
    images, names = read_images(tmp_path / "9.png")
    assert names == ["9.png"]
    np.testing.assert_array_equal(images, mnist.test.images[9:10])


def test_a_suffix_may_be_written_large(tmp_path, mnist):
    write_csv(tmp_path / "TEST.CSV", mnist.test.images[:3])
    np.testing.assert_array_equal(read_images(tmp_path / "TEST.CSV")[0], mnist.test.images[:3])


def test_parts_of_two_sizes_are_no_one_list_of_images(tmp_path):
    arrays = {"x_train": np.zeros((3, 28, 28), np.uint8), "x_test": np.zeros((3, 16, 16), np.uint8)}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(
        FormatError, match=r"x\.npz: its parts .* shape \(28, 28\) and uint8 of shape \(16, 16\)"
    ):
        read_images(tmp_path / "x.npz")


def test_a_single_idx_file_of_images(tmp_path, mnist):
    write_idx(tmp_path / "my-images-idx3-ubyte.gz", mnist.test.images[:2])
    np.testing.assert_array_equal(read_images(tmp_path / "my-images-idx3-ubyte.gz")[0], mnist.test.images[:2])
    write_idx(tmp_path / "labels-idx1-ubyte", np.zeros(3, np.uint8))
    with pytest.raises(FormatError, match="expected idx images"):
        read_images(tmp_path / "labels-idx1-ubyte")


def test_a_pattern_stands_for_the_pictures_that_match_it(tmp_path, mnist):
    for number in (10, 9, 1):
        Image.fromarray(mnist.test.images[number]).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("")
    images, names = read_images(tmp_path / "*")
    assert names == [str(tmp_path / f"{number}.png") for number in (1, 9, 10)]
    np.testing.assert_array_equal(images, mnist.test.images[[1, 9, 10]])
    assert len(read_images(tmp_path / "1*.png")[0]) == 2
    with pytest.raises(FormatError, match=r"No picture matches .*\*\.jpg"):
        read_images(tmp_path / "*.jpg")
    Image.fromarray(mnist.test.images[0]).save(tmp_path / "scan [1].png")
    assert read_images(tmp_path / "scan [1].png")[1] == ["scan [1].png"]


def test_a_folder_to_predict_needs_no_classes(tmp_path):
    with pytest.raises(FormatError, match=r"holds no pictures\. Known kinds: \.png") as caught:
        read_images(tmp_path)
    assert "subfolder" not in str(caught.value)


def test_a_picture_that_is_not_there(tmp_path):
    with pytest.raises(FormatError, match=r"There is no file .*missing\.png\."):
        read_images(tmp_path / "one" / "missing.png")
