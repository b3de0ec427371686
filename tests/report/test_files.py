import os

import pytest

from tenfold.errors import ReportError
from tenfold.report.files import write


def test_folders_on_the_way_are_made_and_nothing_else_is_left(tmp_path):
    path = write(tmp_path / "a" / "b.txt", b"one")
    write(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match=r"could not be written to .*file.*Choose another place"):
        write(tmp_path / "file" / "report.html", b"x")


def test_a_folder_in_the_way_leaves_no_half_file(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportError):
        write(tmp_path / "report.html", b"x")
    assert os.listdir(tmp_path) == ["report.html"]
