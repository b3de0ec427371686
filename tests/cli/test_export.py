import json

import pytest


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
