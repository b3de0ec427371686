import json

import numpy as np
import pytest

from tenfold.evaluation import wilson_interval
from tenfold.models import Model
from tenfold.runs import Store


def test_json_holds_what_was_measured(cli, model, data):
    found = json.loads(cli("evaluate", model, "--data", data, "--json").out)

    with np.load(data) as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    predicted = Model.load(model).predict(images)
    right = int((predicted == labels).sum())
    assert {"accuracy", "interval", "n", "nll", "brier", "ece", "per_class", "confusion"} <= set(found)
    assert found["n"] == 50
    assert found["accuracy"] == right / 50
    assert found["interval"] == pytest.approx(wilson_interval(right, 50))
    assert np.trace(found["confusion"]) == right
    assert [row["class"] for row in found["per_class"]] == list("0123456789")


def test_the_table_says_the_same_to_people(cli, model, data):
    answer = cli("evaluate", model, "--data", data)
    found = json.loads(cli("evaluate", model, "--data", data, "--json").out)

    assert answer.out.startswith("data         bars.npz/test, 50 images\n")
    assert f"accuracy     {found['accuracy']:.2%} (95% interval" in answer.out
    rows = answer.out.split("columns the prediction\n\n")[1].splitlines()
    assert rows[0].split() == list("0123456789")
    matrix = [[0 if cell == "·" else int(cell) for cell in row.split()[1:]] for row in rows[1:]]
    assert matrix == found["confusion"]
    assert "\x1b" not in answer.out


def test_a_model_is_named_by_the_run_too(cli, model, data):
    (run,) = Store().list()
    by_folder = cli("evaluate", model, "--data", data, "--json").out

    assert cli("evaluate", run.id[:6], "--data", data, "--json").out == by_folder


def test_an_image_folder_with_some_of_the_classes_is_matched_by_their_names(cli, model, tmp_path):
    from PIL import Image

    for name in ("3", "7"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        picture = np.full((40, 40), 255, np.uint8)
        picture[8:32, 18:22] = 0
        Image.fromarray(picture).save(tmp_path / "scans" / name / "a.png")
    found = json.loads(cli("evaluate", model, "--data", tmp_path / "scans", "--json").out)

    assert found["n"] == 2
    assert [row["class"] for row in found["per_class"] if row["support"]] == ["3", "7"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such", "There is no model folder 'no-such'"),
        ("abcdef12", "There is no model folder 'abcdef12', and no such run"),
    ],
)
def test_a_model_that_is_not_there(cli, data, name, message):
    answer = cli("evaluate", name, "--data", data)

    assert answer.code == 1
    assert message in answer.err


def test_a_damaged_model_is_named(cli, model, data):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    answer = cli("evaluate", model, "--data", data)

    assert answer.code == 1
    assert str(weights) in answer.err
    assert "damaged" in answer.err


def test_classes_that_the_model_does_not_know(cli, model, tmp_path):
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "pets" / name / "a.png")
    answer = cli("evaluate", model, "--data", tmp_path / "pets")

    assert answer.code == 1
    assert "cat" in answer.err
