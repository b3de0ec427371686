"""What the processes do with files, here without a process."""

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
