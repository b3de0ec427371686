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


def test_what_cannot_be_read_is_told(cli, picture):
    for wrong in (("none.png",), (picture, "--page", "2"), (picture, "--out", picture / "there")):
        answer = cli("explain", *wrong)
        assert answer.code == 1
        assert answer.err.startswith("Error: ")
    assert cli("explain", picture, "--error-rate", "1").code == 2
