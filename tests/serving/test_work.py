"""What the processes do with files, here without a process."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tenfold.data.normalize import normalize
from tenfold.errors import DataError, FormError
from tenfold.reading.networks import Networks
from tenfold.serving.work import parse_template, prepare

TEMPLATE = """
[page]
size = [210, 297]

[[field]]
name = "student"
box = [20, 20, 80, 10]
cells = 8
"""


class Nines:
    """A network that reads a 9 in everything."""

    def predict_proba(self, images):
        answer = np.full((len(images), 11), 0.001, np.float32)
        answer[:, 9] = 0.99
        return answer


@pytest.fixture(scope="module")
def work():
    return prepare(10**6, 3, 10**6, 0.01, Networks(Nines()))


def encoded(pixels, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


@pytest.fixture(scope="module")
def page(mnist):
    pixels = np.full((100, 200), 255, np.uint8)
    pixels[30:58, 60:88] = 255 - mnist.test.images[0]
    return pixels


def test_a_picture_is_normalized(work, page):
    found = work(encoded(page), {"task": "normalize"})
    assert found == normalize(page).ravel().tolist()


def test_a_document_is_named_as_it_was_sent_and_is_plain_json(work, page):
    found = work(encoded(page), {"task": "read", "name": "cheque.png", "images": True})
    assert (found["source"], found["pages"][0]["width"], found["pages"][0]["height"]) == (
        "cheque.png",
        200,
        100,
    )
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PDF"])
def test_pages_come_with_a_small_picture_where_it_is_asked_for(work, page, form):
    wide = np.full((200, 3300), 255, np.uint8)
    wide[:100, :200] = page
    file = io.BytesIO()
    first, second = Image.fromarray(wide), Image.fromarray(page)
    first.save(file, form, **({"save_all": True, "append_images": [second]} if form != "PNG" else {}))

    found = work(file.getvalue(), {"task": "read", "previews": True})["pages"]

    assert len(found) == (1 if form == "PNG" else 2)
    head, _, content = found[0]["preview"].partition(",")
    small = Image.open(io.BytesIO(base64.b64decode(content)))
    assert head == "data:image/jpeg;base64"
    assert small.width == 1600
    assert small.height == pytest.approx(1600 * found[0]["height"] / found[0]["width"], abs=1)
    ink = np.asarray(small.convert("L"))[: 100 * 1600 // 3300 + 1, : 200 * 1600 // 3300 + 1].min()
    assert ink < 128
    assert "preview" not in work(file.getvalue(), {"task": "read"})["pages"][0]


def test_limits_are_kept_and_named(work):
    with pytest.raises(DataError, match=r"big\.png .* limit is 1,000,000"):
        work(encoded(np.zeros((1001, 1000), np.uint8)), {"task": "read", "name": "big.png"})
    with pytest.raises(DataError, match="empty"):
        work(b"", {"task": "normalize"})


def test_a_template_that_was_sent_is_read():
    assert [field.name for field in parse_template(TEMPLATE).fields] == ["student"]


@pytest.mark.parametrize(
    "line",
    ['checksum = "os:getcwd"', 'checksum = "evil.py:run"', 'values = "/etc/passwd"', 'values = "roster.txt"'],
)
def test_a_template_that_was_sent_may_name_no_function_and_no_file(line):
    with pytest.raises(FormError, match="may not"):
        parse_template(TEMPLATE + line + "\n")


@pytest.mark.parametrize("text", ["[", "field = 1", "[[field]]\nname = 3"])
def test_what_is_no_template(text):
    with pytest.raises(FormError):
        parse_template(text)
