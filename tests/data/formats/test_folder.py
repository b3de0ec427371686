import numpy as np
import pytest
from PIL import Image, ImageDraw

from tenfold.data.dataset import Dataset
from tenfold.data.formats.folder import read_folder, read_pictures, write_folder
from tenfold.errors import FormatError


def draw_one(path, size=(60, 90), paper=230, ink=20):
    picture = Image.new("L", size, paper)
    ImageDraw.Draw(picture).line([(30, 15), (30, 75)], fill=ink, width=6)
    path.parent.mkdir(exist_ok=True, parents=True)
    picture.save(path)


def test_one_subfolder_a_class_any_size_light_or_dark(tmp_path):
    draw_one(tmp_path / "1" / "light.png")
    draw_one(tmp_path / "1" / "dark.jpg", (80, 100), 10, 220)
    draw_one(tmp_path / "7" / "x.png")
    images, labels, classes = read_folder(tmp_path)
    assert images.shape == (3, 28, 28)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(labels, [1, 1, 7])
    assert classes == tuple("0123456789")
    assert (images[:, 14, 13:15].max(1) > 200).all()
    assert (images[:, :, 0] == 0).all()


def test_names_that_are_no_digits_are_classes_in_their_order(tmp_path):
    for name in ("10", "9", "b", "a"):
        draw_one(tmp_path / name / "x.png")
    assert read_folder(tmp_path)[2] == ("9", "10", "a", "b")


def test_what_is_written_is_read_back(tmp_path, mnist):
    dataset = mnist.test.take(slice(0, 40))
    write_folder(tmp_path / "digits", dataset)
    images, labels, classes = read_folder(tmp_path / "digits")
    order = np.argsort(dataset.labels, kind="stable")
    np.testing.assert_array_equal(images, dataset.images[order])
    np.testing.assert_array_equal(labels, dataset.labels[order])
    assert classes == dataset.classes


def test_pictures_as_they_are_need_not_be_digits(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 9), np.uint8)
    write_folder(tmp_path / "x", Dataset(images, np.array([0, 1, 1, 0]), ("cat", "dog")))
    back, _, classes = read_folder(tmp_path / "x", normalize=False)
    np.testing.assert_array_equal(back, images[[0, 3, 1, 2]])
    assert classes == ("cat", "dog")
    draw_one(tmp_path / "x" / "dog" / "zz.png")
    with pytest.raises(FormatError, match=r"zz\.png: expected 9x12 pixels .* found 60x90"):
        read_folder(tmp_path / "x", normalize=False)


def test_empty_folders(tmp_path):
    with pytest.raises(FormatError, match="is empty: expected one subfolder for each class"):
        read_folder(tmp_path)
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "notes.txt").write_text("x")
    with pytest.raises(FormatError, match=r"3 holds no pictures"):
        read_folder(tmp_path)


def test_a_folder_of_loose_pictures_is_not_called_empty(tmp_path):
    draw_one(tmp_path / "a.png")
    with pytest.raises(FormatError, match="holds no subfolders: expected one subfolder for each class"):
        read_folder(tmp_path)


def test_a_folder_that_is_called_like_a_picture_is_none(tmp_path):
    draw_one(tmp_path / "3" / "a.png")
    (tmp_path / "3" / "old.png").mkdir()
    assert len(read_folder(tmp_path)[0]) == 1


def test_a_picture_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FormatError, match=r"a\.png cannot be read: Is a directory"):
        read_pictures([tmp_path / "a.png"])


def test_folder_outside_the_classes(tmp_path):
    draw_one(tmp_path / "x" / "a.png")
    with pytest.raises(FormatError, match="x is none of the 2 classes: 0, 1"):
        read_folder(tmp_path, classes=("0", "1"))


def test_pictures_that_are_none(tmp_path):
    path = tmp_path / "fake.png"
    path.write_text("no picture")
    with pytest.raises(FormatError, match=r"fake\.png is no picture"):
        read_pictures([path])
    draw_one(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:80])
    with pytest.raises(FormatError, match=r"cut\.png is (a damaged|no) picture"):
        read_pictures([tmp_path / "cut.png"])


def test_writing_never_mixes_with_what_is_there(tmp_path, mnist):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("")
    with pytest.raises(FormatError, match="exists and is not an empty folder"):
        write_folder(tmp_path / "x", mnist.test.take(slice(0, 3)))
    assert [item.name for item in tmp_path.iterdir()] == ["x"]
    with pytest.raises(FormatError, match="no uint8 images"):
        write_folder(tmp_path / "y", Dataset(np.zeros((2, 4), np.float32), np.array([0, 1])))
