import json

import numpy as np
import pytest

from tenfold.serving.classify import as_images, from_json
from tenfold.serving.problems import Problem

BINARY = {"content-type": "application/octet-stream"}


def labels(answer):
    assert answer.status_code == 200, answer.text
    return [one["label"] for one in answer.json()["predictions"]]


def test_a_batch_of_arrays(client, picture):
    images = [picture(digit).tolist() for digit in (3, 1, 4)]

    answer = client.post("/v1/classify", json={"images": images})

    assert labels(answer) == ["3", "1", "4"]
    first = answer.json()["predictions"][0]
    assert first["confidence"] == max(first["probabilities"]) == pytest.approx(0.91)
    assert answer.json()["classes"] == [*"0123456789"]


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 784), (2, 1, 28, 28)])
def test_the_shapes_that_people_send(client, picture, shape):
    images = np.stack([picture(7), picture(2)]).reshape(shape)

    assert labels(client.post("/v1/classify", json={"images": images.tolist()})) == ["7", "2"]
    fractions = (images / 255).tolist()
    assert labels(client.post("/v1/classify", json={"images": fractions})) == ["7", "2"]


def test_raw_bytes(client, picture):
    content = b"".join(picture(digit).tobytes() for digit in range(10))

    assert labels(client.post("/v1/classify", content=content, headers=BINARY)) == [*"0123456789"]


def test_more_pictures_than_a_batch_keep_their_order(serve, picture):
    order = np.random.default_rng(0).integers(0, 10, 200)
    content = b"".join(picture(digit).tobytes() for digit in order)

    answer = serve(batch=7).post("/v1/classify", content=content, headers=BINARY)

    assert labels(answer) == [str(digit) for digit in order]


def test_picture_files_are_normalized_in_another_process(client):
    # What stands for the normalization answers with the file's first byte.
    files = [("files", ("a.png", b"\xff", "image/png")), ("files", ("b.png", b"\x01", "image/png"))]

    assert labels(client.post("/v1/classify", files=files)) == ["0", "0"]
    assert labels(client.post("/v1/classify", content=b"\xff", headers={"content-type": "image/png"})) == [
        "0"
    ]


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"{", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[1, 2]", 400, "images"),
        (b'{"images": []}', 422, "one at least"),
        (b'{"images": [[1, 2], [3]]}', 422, "numbers"),
        (b'{"images": "seven"}', 422, "numbers"),
        (b'{"images": {"a": 1}}', 422, "numbers"),
        (b'{"images": [%s]}' % b",".join([b"256"] * 784), 422, "0 to 255"),
        (b'{"images": [%s]}' % b",".join([b"-1"] * 784), 422, "0 to 255"),
        (b'{"images": [%s]}' % b",".join([b"1.5"] * 784), 422, "fractions"),
        (b'{"images": [%s]}' % b",".join([b"NaN"] * 784), 422, "fractions"),
        (b'{"images": [%s]}' % b",".join([b"1e999"] * 784), 422, "fractions"),
        (b'{"images": [%s]}' % b",".join([b"9" * 400] * 784), 422, "numbers"),
        (b'{"images": [%s]}' % b",".join([b"true"] * 784), 422, "numbers"),
        (b'{"images": [%s]}' % b",".join([b"[1,2]"] * 784), 422, "shape"),
    ],
)
def test_what_is_no_picture_is_a_problem_that_says_so(client, content, status, says):
    answer = client.post("/v1/classify", content=content, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/docs#problem-")
    assert says in problem["detail"]


def test_bytes_that_do_not_add_up(client):
    answer = client.post("/v1/classify", content=bytes(785), headers=BINARY)

    assert answer.status_code == 422
    assert "784" in answer.json()["detail"]


def test_another_type(client):
    answer = client.post("/v1/classify", content=b"<a/>", headers={"content-type": "text/xml"})

    assert answer.status_code == 415
    assert "text/xml" in answer.json()["detail"]


def test_a_form_without_files(client):
    assert client.post("/v1/classify", data={"a": "b"}, files={}).status_code == 415
    answer = client.post("/v1/classify", files={"a": (None, "text")})
    assert (answer.status_code, "Got none" in answer.text) == (400, True)


@pytest.mark.parametrize("rows", [[[1] * 27] * 28, [[1] * 28] * 27, [[1] * 28] * 27 + [[1] * 29]])
def test_rows_that_do_not_make_a_picture(client, rows):
    answer = client.post("/v1/classify", json={"images": [rows]})

    assert answer.status_code == 422


def test_rows_of_several_pictures_are_not_mixed_up(client):
    # 56 rows in all, but of 27 and of 29.
    answer = client.post("/v1/classify", json={"images": [[[1] * 28] * 27, [[1] * 28] * 29]})

    assert answer.status_code == 422


def found(decode):
    try:
        return decode().tobytes()
    except Problem as problem:
        return problem.detail


@pytest.mark.parametrize("odd", [None, -1, 256, 0.5, "1", [1], {}])
def test_the_short_way_from_json_takes_what_the_long_one_takes(odd):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28)).tolist()
    if odd is not None:
        images[0][3][4] = odd

    short = found(lambda: from_json(json.dumps({"images": images}).encode()))

    assert short == found(lambda: as_images(images, '"images"'))
    assert isinstance(short, bytes) == (odd is None)


@pytest.mark.parametrize("kind", ["application/json", "image/png", "text/xml"])
def test_whichever_way_answers_the_limits_are_kept(serve, kind):
    small = serve(body_bytes=1000)

    answer = small.post("/v1/classify", content=b" " * 2000, headers={"content-type": kind})

    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
