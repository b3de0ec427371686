import cv2
import numpy as np
import pytest

from tenfold.data import Digits
from tenfold.reading.pages import Picture
from tenfold.reading.reader import Reader
from tenfold.reading.result import Decision
from tenfold.reading.single import find_digit


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def strokes(*lines, shape=(120, 100), pen=9):
    """Return a picture, dark on light, of lines through points (x, y)."""
    picture = np.full(shape, 235, np.uint8)
    for line in lines:
        cv2.polylines(picture, [np.array(line)], False, 40, pen, cv2.LINE_AA)
    return picture


FIVE = [(40, 35), (38, 60), (58, 62), (64, 80), (50, 96), (34, 92)]


def enlarged(image, times, margin=0):
    padded = np.pad(image, margin, constant_values=image[0, 0])
    return cv2.resize(padded, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    "shown",
    [
        lambda image: image,
        lambda image: 255 - image,
        lambda image: enlarged(255 - image, 3, 4),
        lambda image: enlarged(image, 12),
        lambda image: enlarged(255 - image, 20, 10)[:, :, None].repeat(3, axis=2),
    ],
    ids=["as it is", "dark on light", "small", "large", "photo-sized"],
)
def test_images_of_mnist_are_read_whatever_their_size_and_colors(reader: Reader, mnist: Digits, shown):
    images, labels = mnist.test.images[:40], mnist.test.labels[:40]
    pages = [reader.read_page(Picture(shown(image))) for image in images]
    assert (
        sum([line.text for line in page.lines] == [str(n)] for page, n in zip(pages, labels, strict=True))
        >= 39
    )
    accepted = [page for page in pages if page.lines[0].decision is Decision.accept]
    assert len(accepted) > 30


def test_a_digit_cropped_to_its_ink_is_read(reader: Reader, mnist: Digits):
    right = 0
    for image, label in zip(mnist.test.images[:40], mnist.test.labels[:40], strict=True):
        rows, columns = (np.flatnonzero((image > 60).any(axis=axis)) for axis in (1, 0))
        cropped = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        page = reader.read_page(Picture(enlarged(255 - cropped, 5)))
        right += [line.text for line in page.lines] == [str(label)]
    assert right >= 37


def test_its_box_is_in_pixels_of_the_picture(reader: Reader, mnist: Digits):
    picture = np.full((600, 500), 250, np.uint8)
    image = enlarged(mnist.test.images[0], 15)  # a 7 of 28x28
    picture[100:520, 50:470] -= np.minimum(image, 230)
    rows, columns = (np.flatnonzero((picture < 150).any(axis=axis)) for axis in (1, 0))
    (line,) = reader.read_page(Picture(picture)).lines
    left, top, width, height = line.digits[0].box
    assert line.text == "7"
    assert np.allclose((left, top), (columns[0], rows[0]), atol=8)
    assert np.allclose((left + width, top + height), (columns[-1] + 1, rows[-1] + 1), atol=8)


def test_a_digit_in_two_pieces_is_one():
    ink = find_digit(strokes(FIVE, [(52, 33), (70, 30)]))
    assert ink is not None
    assert cv2.connectedComponents(ink.mask.view(np.uint8))[0] - 1 == 2
    assert not ink.inverted
    assert find_digit(255 - strokes(FIVE)).inverted


def lines_of_writing():
    return strokes(*[[(x, y), (x + 4, y + 12)] for x in range(10, 90, 12) for y in (20, 60, 100)], pen=3)


@pytest.mark.parametrize(
    "picture",
    [
        strokes(),
        strokes([(30, 20), (30, 100)], [(60, 20), (60, 100)]),
        strokes([(3, 3), (96, 3), (96, 116), (3, 116), (3, 3)], FIVE),
        strokes([(0, 0), (0, 119)], pen=15),
        strokes([(45, 55), (47, 62)], pen=3),
        strokes(FIVE, shape=(120, 300)),
        lines_of_writing(),
    ],
    ids=["nothing", "two strokes", "in a frame", "an edge", "a speck", "a wide picture", "a page"],
)
def test_what_is_no_digit_that_fills_the_picture_is_left_to_the_page_reader(picture):
    assert find_digit(picture) is None
