import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from tenfold.data.formats import write_csv, write_idx
from tenfold.models import Model


@pytest.fixture
def images(data):
    with np.load(data) as arrays:
        return arrays["x_test"]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_csv_without_labels_is_labeled_row_by_row(cli, model, images, tmp_path):
    write_csv(tmp_path / "new.csv", images)
    found = rows(cli("predict", model, "--data", "new.csv").out)

    expected = Model.load(model).predict_proba(images)
    assert [row["image"] for row in found] == [str(number) for number in range(1, 51)]
    assert [int(row["label"]) for row in found] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose([float(row["confidence"]) for row in found], expected.max(axis=1), atol=5e-5)


def test_the_competition_gets_image_id_and_label(cli, model, images, tmp_path):
    write_csv(tmp_path / "new.csv", images)
    answer = cli("predict", model, "--data", "new.csv", "--format", "kaggle", "--out", "submission.csv")

    text = (tmp_path / "submission.csv").read_text()
    assert answer.out == ""
    assert "50 predictions are in submission.csv" in answer.err
    assert text.splitlines()[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [str(n) for n in range(1, 51)]
    assert [int(line.split(",")[1]) for line in text.splitlines()[1:]] == Model.load(model).predict(
        images
    ).tolist()


def test_json_has_the_probability_of_every_class(cli, model, images, tmp_path):
    write_idx(tmp_path / "new-idx3-ubyte", images)
    found = json.loads(cli("predict", model, "--data", "new-idx3-ubyte", "--format", "json").out)

    assert len(found) == 50
    for each in found:
        assert list(each["probabilities"]) == list("0123456789")
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert max(each["probabilities"], key=each["probabilities"].get) == each["label"]


def test_pictures_are_named_by_their_files(cli, model, tmp_path):
    (tmp_path / "scans").mkdir()
    for name in ("b.png", "a.png"):
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 30), dtype=np.uint8)).save(
            tmp_path / "scans" / name
        )
    folder = rows(cli("predict", model, "--data", "scans").out)
    single = rows(cli("predict", model, "--data", "scans/a.png").out)

    assert [row["image"] for row in folder] == ["a.png", "b.png"]
    assert single == folder[:1]


def test_a_picture_that_is_no_picture(cli, model, tmp_path):
    (tmp_path / "seven.png").write_text("seven")
    answer = cli("predict", model, "--data", "seven.png")

    assert answer.code == 1
    assert "seven.png" in answer.err


def test_images_of_another_size(cli, model, tmp_path):
    np.savez(tmp_path / "new.npz", images=np.zeros((2, 30, 30), np.uint8))
    answer = cli("predict", model, "--data", "new.npz")

    assert answer.code == 1
    assert "(30, 30)" in answer.err


def test_an_output_that_cannot_be_written(cli, model, images, tmp_path):
    write_csv(tmp_path / "new.csv", images)
    (tmp_path / "file").write_text("")
    answer = cli("predict", model, "--data", "new.csv", "--out", "file/out.csv")

    assert answer.code == 1
    assert "file/out.csv cannot be written" in answer.err


def test_data_must_be_given(cli, model):
    assert cli("predict", model).code == 2
