import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tenfold.errors import DataError, FormatError
from tenfold.reading.networks import Networks
from tenfold.reading.pages import Picture
from tenfold.reading.reader import Reader
from tenfold.reading.transcript import Spot, Transcript


@pytest.fixture(scope="module")
def reader(networks):
    return Reader(networks)


def write(mnist, text, *, size=(160, 520), at=(50, 40), pitch=40, ink=-150):
    """Return a page with digits of MNIST's test set on it."""
    rng = np.random.default_rng(3)
    page = rng.normal(215, 2, size)
    for place, value in enumerate(text):
        image = mnist.test.images[rng.choice(np.flatnonzero(mnist.test.labels == int(value)))]
        top, left = at[0], at[1] + place * pitch
        page[top : top + 28, left : left + 28] += ink * (image / 255.0)
    return np.clip(page, 0, 255).astype(np.uint8)


def test_a_line_is_read_with_where_its_digits_are(reader, mnist):
    document = reader.read(write(mnist, "20714"))

    assert document.text == "20714"
    (line,) = document.lines
    assert [digit.value for digit in line.digits] == [2, 0, 7, 1, 4]
    for place, digit in enumerate(line.digits):
        left, top, width, height = digit.box
        assert 40 + 40 * place <= left + width / 2 <= 68 + 40 * place
        assert 50 <= top <= top + height <= 79
        assert sum(chance for _, chance in digit.alternatives) + digit.confidence <= 1 + 1e-5


def test_a_picture_of_one_digit_that_is_higher_than_wide_is_read_upright(reader, mnist):
    page = write(mnist, "7", size=(64, 40), at=(18, 6))
    document = reader.read(page)
    assert (document.text, document.pages[0].rotation) == ("7", 0)


def test_light_ink_on_dark_paper_reads_the_same(reader, mnist):
    page = write(mnist, "20714")
    assert reader.read(255 - page).text == "20714"


@pytest.mark.parametrize("turns", [1, 3])
def test_a_turned_page_is_read_and_its_boxes_are_those_of_the_picture(reader, mnist, turns):
    page = write(mnist, "24737424")
    document = reader.read(np.rot90(page, -turns))

    assert document.text == "24737424"
    assert document.pages[0].rotation == 90 * turns
    turned = np.rot90(page, -turns)
    for digit in document.lines[0].digits:
        left, top, width, height = digit.box
        assert turned[top : top + height, left : left + width].min() < 120


def test_a_page_on_which_nothing_is_read_is_no_way_up():
    reader = Reader()
    page = np.full((700, 600), 235, np.uint8)
    for row, words in enumerate(("INVOICE TOTAL", "WE THANK YOU", "MAKE PAYMENT")):
        cv2.putText(page, words, (60, 200 + 150 * row), cv2.FONT_HERSHEY_TRIPLEX, 1.6, 30, 3, cv2.LINE_AA)
    for turns in range(4):
        turned = np.rot90(page, -turns)
        (found,) = reader.read(np.ascontiguousarray(turned)).pages
        tops = [line.box[1] for line in found.lines]
        assert (found.text, found.rotation) == ("", 0)
        assert tops == sorted(tops) != []


@pytest.mark.parametrize("paper", [0, 90, 255])
def test_blank_paper_says_nothing(reader, paper):
    page = np.clip(np.random.default_rng(0).normal(paper, 3, (300, 400)), 0, 255).astype(np.uint8)
    assert reader.read(page).text == ""


def test_the_image_that_the_network_saw_is_kept_on_request(networks, mnist):
    page = Reader(networks, keep_images=True).read_page(Picture(write(mnist, "36")))
    for digit in page.lines[0].digits:
        assert digit.image.shape == (28, 28)
        assert digit.image.max() == 255


def test_many_sources_come_in_order_and_a_bad_one_does_not_stop_the_others(reader, mnist, tmp_path):
    texts = [str(number) for number in (11, 22, 33, 44, 55, 66, 77)]
    sources = [write(mnist, text) for text in texts]
    sources.insert(3, tmp_path / "none.png")
    documents = list(reader.read_all(sources, workers=3))

    assert [document.text for document in documents] == [*texts[:3], "", *texts[3:]]
    assert "There is no file" in documents[3].error
    with pytest.raises(FormatError):
        reader.read(tmp_path / "none.png")


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2, "0.01", None, float("nan")])
def test_an_error_rate_that_is_none(networks, rate):
    with pytest.raises(DataError, match="between 0 and 1"):
        Reader(networks, rate)


def test_of_several_pages_those_beside_a_damaged_one_are_read_and_explained(reader, mnist):
    pages = [Image.fromarray(write(mnist, text)) for text in ("11", "22", "33")]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    with Image.open(stream) as image:
        image.seek(1)
        start = image.tag_v2[273][0]
    stream.getbuffer()[start : start + 500] = b"\xff" * 500
    content = stream.getvalue()

    document = reader.read(content)
    assert [page.text for page in document.pages] == ["11", "", "33"]
    assert "1 of 3 pages cannot be read. Page 2: " in document.error
    assert document.pages[1].error in document.error
    assert reader.explain(content, 3).page.text == "33"
    with pytest.raises(FormatError, match="Page 2 of <bytes>"):
        reader.explain(content, 2)
    with pytest.raises(DataError, match="has 3 pages; there is no page 4"):
        reader.explain(content, 4)


@pytest.mark.parametrize("path", ["photo.jpg", Path("photo.jpg")])
def test_one_path_is_no_list_of_them(reader, path):
    with pytest.raises(DataError, match=r"must be a list\. Got 'photo\.jpg' alone"):
        list(reader.read_all(path))


class Says:
    """A string network that says the same of any line."""

    def __init__(self, *spots, others=(("7", 0.01),)):
        self.spots = spots
        self.others = others

    def transcribe(self, patches):
        return [Transcript(self.spots, 0.97, self.others) for _ in patches]


def spot(value, left, right, **chances):
    probabilities = np.full(10, 0.01, np.float32)
    for digit, chance in chances.items():
        probabilities[int(digit[1:])] = chance
    return Spot(value, probabilities, left, right)


def test_a_strip_without_a_piece_of_ink_that_stands_out_is_read_all_the_same(networks):
    both = Networks(networks.classifier, Says(spot(4, 10, 30, d4=0.9), spot(2, 40, 60, d2=0.9)))
    bare = np.full((40, 100), 200, np.uint8)
    (line,) = Reader(both).read(bare).lines
    assert (line.text, line.box[::2]) == ("42", (10, 50))


def test_a_digit_is_what_the_line_as_a_whole_says(networks):
    """The views of a line together may say another digit than its columns in the first view."""
    both = Networks(networks.classifier, Says(spot(4, 10, 30, d4=0.4, d9=0.5)))
    (line,) = Reader(both, 0.1).read(np.full((40, 100), 200, np.uint8)).lines
    (digit,) = line.digits
    assert line.text == "4"
    assert (digit.value, digit.confidence) == (4, pytest.approx(0.4))
    assert digit.alternatives[0] == (9, pytest.approx(0.5))


def test_all_readings_of_a_line_share_one_probability(networks):
    """Of several readings at most one is right, however sure the network is of each."""
    digits = spot(4, 10, 30, d4=0.9), spot(2, 40, 60, d2=0.9)
    says = Says(*digits, others=(("43", 0.5), ("12", 0.25)))
    (line,) = Reader(Networks(networks.classifier, says)).read(np.full((40, 100), 200, np.uint8)).lines
    (second, third) = (chance for _, chance in line.alternatives)
    assert line.confidence + second + third == pytest.approx(1)
    assert second == pytest.approx(2 * third)


def test_where_the_string_network_sees_nothing_there_is_no_digit(networks, mnist):
    both = Networks(networks.classifier, Says())
    assert Reader(both).read(write(mnist, "7")).text == ""


def test_a_digit_that_fills_the_picture_needs_no_string_network(networks, mnist):
    both = Networks(networks.classifier, Says())
    page = write(mnist, "7", size=(56, 56), at=(14, 14))
    assert Reader(both, 0.1).read(page).text == "7"


class Trips:
    """A digit network that fails at whatever it is shown."""

    def __init__(self, error):
        self.error = error

    def predict_proba(self, images):
        raise self.error


@pytest.mark.parametrize(
    "error", [MemoryError(), cv2.error("OpenCV: assertion failed"), RuntimeError("no such kernel")], ids=str
)
def test_whatever_goes_wrong_with_one_picture_the_others_are_read(networks, mnist, error):
    reader = Reader(Networks(Trips(error)))
    blank = np.full((300, 400), 230, np.uint8)
    first, second, third = reader.read_all([blank, write(mnist, "20714"), blank], workers=2)

    assert (first.error, third.error) == (None, None)
    assert second.pages == ()
    assert f"could not be read: something unexpected happened ({type(error).__name__}" in second.error
    assert str(error) in second.error


@pytest.mark.parametrize("size", [(300, 60), (60, 300), (300, 400), (20, 5)])
def test_blank_paper_is_not_turned(networks, size):
    (page,) = Reader(networks).read(np.full(size, 230, np.uint8)).pages
    assert (page.lines, page.rotation) == ((), 0)
