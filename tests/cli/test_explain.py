import io
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path, mnist):
    page = np.full((150, 150), 230, np.uint8)
    page[60:88, 60:88] -= mnist.test.images[0] // 2
    Image.fromarray(page).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def test_the_stages_are_written_and_what_is_unusual_is_said(cli, picture):
    answer = cli("explain", picture, "--out", "stages")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0] == "7"
    assert "The stages are in stages/index.html" in answer.err
    assert (picture.parent / "stages" / "1-picture.png").is_file()


def test_one_page_by_default(cli, picture):
    assert cli("explain", picture).code == 0
    assert "data:image/png" in (picture.parent / "explained.html").read_text()


def test_standard_input_and_a_pattern_for_one_picture(cli, picture, monkeypatch):
    assert cli("explain", f"{picture.parent}/sev*.png").out.splitlines()[0] == "7"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture.read_bytes())))
    assert cli("explain", "-").out.splitlines()[0] == "7"


def test_one_picture_is_explained_at_a_time(cli, picture):
    (picture.parent / "eight.png").write_bytes(picture.read_bytes())
    answer = cli("explain", f"{picture.parent}/*.png")
    assert answer.code == 2
    assert "explain takes one picture" in answer.err
    assert "stands for 2" in answer.err


def test_the_picture_itself_is_not_written_over(cli, picture):
    assert cli("explain", picture, "--out", "stages").code == 0
    stage = picture.parent / "stages" / "1-picture.png"
    before = stage.read_bytes()
    answer = cli("explain", stage, "--out", "stages")
    assert answer.code == 1
    assert "is explained, and would be written over" in answer.err
    assert stage.read_bytes() == before


def test_an_output_that_is_called_like_a_picture_is_refused(cli, picture):
    answer = cli("explain", picture, "--out", "seen.png")
    assert answer.code == 2
    assert "must be an .html file or a folder" in answer.err
    assert not (picture.parent / "seen.png").exists()


def test_what_cannot_be_read_is_told(cli, picture):
    for wrong in (("none.png",), (picture, "--page", "2"), (picture, "--out", picture / "there")):
        answer = cli("explain", *wrong)
        assert answer.code == 1
        assert answer.err.startswith("Error: ")
    assert cli("explain", picture, "--error-rate", "1").code == 2
