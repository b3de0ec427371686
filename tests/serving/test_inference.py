import json

import numpy as np
import pytest

from tenfold.serving.classifier import Classifier

URL = "/v2/models/brightest/infer"


def tensor(images, **changed):
    data = {"name": "image", "datatype": "UINT8", "shape": list(images.shape), "data": images.tolist()}
    return {"inputs": [data | changed]}


def test_health_and_metadata(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").status_code == 200
    server = client.get("/v2").json()
    assert (server["name"], server["models"]) == ("tenfold", ["brightest"])
    found = client.get("/v2/models/brightest").json()
    assert found["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, 28, 28]}]
    assert found["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]
    assert client.get("/v2/models/brightest/versions/1/ready").json()["ready"]


@pytest.mark.parametrize("flat", [False, True])
def test_inference(client, picture, flat):
    images = np.stack([picture(4), picture(0)])
    asked = tensor(images, data=images.ravel().tolist() if flat else images.tolist()) | {"id": "42"}

    answer = client.post(URL, json=asked).json()

    assert (answer["id"], answer["model_name"]) == ("42", "brightest")
    (output,) = answer["outputs"]
    assert (output["datatype"], output["shape"]) == ("FP32", [2, 10])
    assert np.reshape(output["data"], output["shape"]).argmax(1).tolist() == [4, 0]


def test_the_datatype_says_what_the_numbers_mean(serve):
    taken = []

    def keeps(images):
        taken.append(images)
        return np.full((len(images), 1), 1, np.float32)

    client = serve(Classifier("brightest", ("0",), keeps, {}))
    bits = np.zeros((1, 28, 28), int)
    bits[0, 5, 5] = 1
    for datatype in ("UINT8", "INT64", "FP32"):
        assert client.post(URL, json=tensor(bits, datatype=datatype)).status_code == 200
    fractions = client.post(URL, json=tensor(bits / 2, datatype="FP32"))

    assert fractions.status_code == 200
    assert [images[0, 5, 5] for images in taken] == [1, 1, 255, 128]


@pytest.mark.parametrize(
    ("datatype", "value"), [("UINT8", 0.5), ("UINT8", 1.0), ("INT64", 0.5), ("FP32", 2), ("UINT8", 256)]
)
def test_numbers_that_contradict_their_datatype(client, datatype, value):
    images = np.full((1, 28, 28), value)

    answer = client.post(URL, json=tensor(images, datatype=datatype))

    assert answer.status_code == 422
    assert "255" in answer.json()["detail"]


def test_tensors_as_bytes(client, picture):
    images = np.stack([picture(digit) for digit in (9, 8, 7)])
    head = {
        "inputs": [
            {
                "name": "image",
                "datatype": "UINT8",
                "shape": [3, 28, 28],
                "parameters": {"binary_data_size": images.nbytes},
            }
        ],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
    }
    start = json.dumps(head).encode()

    answer = client.post(
        URL,
        content=start + images.tobytes(),
        headers={"inference-header-content-length": str(len(start))},
    )

    end = int(answer.headers["inference-header-content-length"])
    stated = json.loads(answer.content[:end])["outputs"][0]
    assert stated["parameters"]["binary_data_size"] == len(answer.content) - end
    assert np.frombuffer(answer.content[end:], "<f4").reshape(stated["shape"]).argmax(1).tolist() == [9, 8, 7]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"shape": [2, 28, 28]}, 422),
        ({"shape": [28, 28]}, 422),
        ({"shape": "all"}, 400),
        ({"shape": [-1, -784]}, 400),
        ({"datatype": "BYTES"}, 422),
        ({"datatype": ["UINT8"]}, 422),
        ({"data": [1, 2, 3]}, 422),
        ({"data": None}, 422),
        ({"parameters": {"binary_data_size": 10**9}}, 422),
        ({"parameters": {"binary_data_size": "x"}}, 400),
        ({"parameters": 5}, 400),
        ({"name": "pixels"}, 400),
        ({"name": None}, 400),
    ],
)
def test_requests_that_do_not_fit(client, picture, changed, status):
    answer = client.post(URL, json=tensor(picture(1)[None], **changed))

    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"inputs": []}', b'{"inputs": [1]}', b"[" * 9999])
def test_bodies_that_are_no_requests(client, content):
    assert client.post(URL, content=content).status_code == 400


@pytest.mark.parametrize("length", ["-1", "x", "99999", "²"])
def test_a_header_that_lies(client, length):
    headers = {b"inference-header-content-length": length.encode()}
    assert client.post(URL, content=b"{}", headers=headers).status_code == 400


def test_another_model_is_not_there(client):
    answer = client.post("/v2/models/yours/infer", json={})

    assert answer.status_code == 404
    assert "brightest" in answer.json()["detail"]


def test_another_version_is_not_there(client, picture):
    for method, path in (("GET", ""), ("GET", "/ready"), ("POST", "/infer")):
        for version, status in (("1", 200), ("2", 404)):
            url = f"/v2/models/brightest/versions/{version}{path}"
            asked = {"json": tensor(picture(1)[None])} if method == "POST" else {}
            assert client.request(method, url, **asked).status_code == status


@pytest.mark.parametrize("outputs", [[{"name": "logits"}], ["probabilities"], 5])
def test_an_output_that_the_model_does_not_have(client, picture, outputs):
    assert client.post(URL, json=tensor(picture(1)[None]) | {"outputs": outputs}).status_code == 400
