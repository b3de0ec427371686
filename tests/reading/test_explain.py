import re

import numpy as np
import pytest
from PIL import Image

from tenfold.errors import DataError
from tenfold.reading.explain import stroke_width
from tenfold.reading.reader import Reader


@pytest.fixture(scope="module")
def page(mnist):
    pixels = np.full((200, 300), 225, np.uint8)
    for place, index in enumerate((0, 1, 2)):
        image = mnist.test.images[index]
        pixels[80:108, 60 + 45 * place : 88 + 45 * place] -= (image // 255 * 0 + image // 2).astype(np.uint8)
    return pixels


@pytest.fixture(scope="module")
def reader(networks):
    return Reader(networks)


def test_a_slip_of_paper_is_explained(reader):
    found = reader.explain(np.full((1, 20_000), 225, np.uint8))
    assert found.notes == (
        "Nothing stands out from the paper as writing does: the page is taken to be blank.",
    )


def test_a_slant_is_told_without_its_sign(reader, page):
    for degrees in (8, -8):
        turned = np.asarray(Image.fromarray(page).rotate(degrees, fillcolor=225))
        assert re.search(r"skewed, by up to \d+ degrees", " ".join(reader.explain(turned).notes))


def test_every_stage_is_a_picture_with_words(reader, page):
    found = reader.explain(page)
    assert [stage.name for stage in found.stages] == [
        "Picture",
        "Ink channel",
        "Flattened light",
        "Ink",
        "Lines",
        "Digits",
        "Result",
    ]
    assert all(stage.words.endswith(".") and stage.pixels.dtype == np.uint8 for stage in found.stages)
    assert found.page.text == reader.read(page).text


def test_it_is_one_html_file_or_a_folder_with_a_picture_for_each_stage(reader, page, tmp_path):
    found = reader.explain(page)
    (single,) = found.save(tmp_path / "page.html")
    first, *pictures = found.save(tmp_path / "stages")
    html = single.read_text()
    assert html == first.read_text()
    assert html.count("data:image/png;base64,") == len(found.stages) == len(pictures)
    assert "http" not in html
    assert all(np.asarray(Image.open(path)).size for path in pictures)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda page: 255 - page, "Colors are inverted"),
        (lambda page: page // 4, "dim"),
        (lambda page: (225 - (225 - page.astype(int)) // 4).astype(np.uint8), "faint"),
        (lambda page: np.full_like(page, 225), "taken to be blank"),
    ],
)
def test_what_is_unusual_is_said(reader, page, change, said):
    assert any(said in note for note in reader.explain(change(page)).notes)
    assert not any(said in note for note in reader.explain(page).notes)


def test_a_page_that_is_not_there(reader, page):
    with pytest.raises(DataError, match="has 1 pages; there is no page 2"):
        reader.explain(page, 2)


def test_stroke_width_is_that_of_a_bar():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:15] = 255
    assert 1.5 < stroke_width(image) < 2.6
