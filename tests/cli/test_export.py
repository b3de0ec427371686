import json

import numpy as np
import pytest
from PIL import Image


@pytest.mark.needs("cc")
def test_a_model_is_written_and_proven(cli, model, data, tmp_path):
    answer = cli("export", model, "--to", "c", "--out", tmp_path / "net.c", "--verify", "--data", data)

    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0].split() == ["written", str(tmp_path / "net.c")]
    assert "100.00% of the labels are the model's" in answer.out
    assert (tmp_path / "net.h").exists()


@pytest.mark.parametrize("to", ["onnx", pytest.param("js", marks=pytest.mark.needs("node"))])
def test_int8_as_json(cli, model, data, tmp_path, to):
    given = ["--int8", "--calibrate", data, "--verify", "--data", data, "--count", "30", "--json"]

    answer = cli("export", model, "--to", to, "--out", tmp_path / "net", *given)

    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert (found["form"], found["int8"], found["parity"]["images"]) == (to, True, 30)
    assert found["parity"]["passed"]


@pytest.mark.needs("cc")
def test_pictures_without_labels_calibrate_and_prove_it(cli, model, data, tmp_path):
    (tmp_path / "scans").mkdir()
    for number, image in enumerate(np.load(data)["x_train"][:30]):
        Image.fromarray(255 - image).save(tmp_path / "scans" / f"{number}.png")
    given = ["--int8", "--calibrate", "scans", "--verify", "--data", "scans", "--count", "20"]

    answer = cli("export", model, "--to", "c", "--out", "net.c", *given, "--json")

    assert answer.code == 0, answer.err
    parity = json.loads(answer.out)["parity"]
    assert (parity["images"], parity["exact"], parity["export_accuracy"]) == (20, True, None)
    assert "accuracy" not in cli("export", model, "--to", "c", "--out", "net.c", *given).out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--data", "mnist"], "--verify"),
        (["--count", "10"], "--verify"),
        (["--calibrate", "mnist"], "--int8"),
        (["--calibrate", "mnist", "--verify"], "--int8"),
    ],
)
def test_an_option_that_would_do_nothing_is_wrong_usage(cli, model, tmp_path, given, told):
    answer = cli("export", model, "--to", "c", "--out", tmp_path / "net.c", *given)

    assert answer.code == 2
    assert given[0] in answer.err
    assert f"give {told} too" in answer.err
    assert not (tmp_path / "net.c").exists()


def test_int8_of_a_model_of_other_data_asks_for_calibration(cli, model, tmp_path):
    answer = cli("export", model, "--to", "c", "--int8", "--out", tmp_path / "net.c")

    assert answer.code == 1
    assert "--calibrate" in answer.err
    assert not (tmp_path / "net.c").exists()


def test_data_that_is_not_there_is_told_before_anything_is_written(cli, model, tmp_path):
    answer = cli(
        "export", model, "--to", "js", "--out", tmp_path / "net", "--verify", "--data", "nowhere.npz"
    )

    assert answer.code == 1
    assert "nowhere.npz" in answer.err
    assert not (tmp_path / "net.mjs").exists()


def test_a_page_to_draw_on(cli, model, data, tmp_path):
    answer = cli("export", model, "--to", "web", "--out", tmp_path / "page", "--verify", "--data", data)

    assert answer.code == 0, answer.err
    assert answer.out.split()[:2] == ["written", str(tmp_path / "page" / "model.mjs")]
    assert (tmp_path / "page" / "index.html").exists()


def test_an_unknown_form_is_wrong_usage(cli, model):
    assert cli("export", model, "--to", "rust").code == 2
