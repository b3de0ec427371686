import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tenfold.cli.drawings import Drawings
from tenfold.reading import networks as loading
from tenfold.reading.networks import Networks


class Bars:
    """Reads an upright bar as 1, whatever else as no digit: enough to see what the command does."""

    def predict_proba(self, images):
        columns = images.max(axis=1) > 100
        thin = columns.sum(axis=1) < 8
        rows = np.full((len(images), 11), 1e-4, np.float32)
        rows[thin, 1] = 1
        rows[~thin, 10] = 1
        return rows / rows.sum(axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def bars(monkeypatch):
    monkeypatch.setattr(loading, "load", lambda model=None: Networks(Bars()))


def page(count):
    pixels = np.full((90, 300), 240, np.uint8)
    for place in range(count):
        # As uneven as a hand writes.
        left = 40 + 30 * place + (0, 7, 2, -5, 6, -3, 4, 0)[place]
        pixels[30:60, left : left + 4] = 30
    return pixels


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for count in (1, 2, 3):
        Image.fromarray(page(count)).save(folder / f"{count}.png")
    return folder


def test_one_picture_gives_its_digits(cli, scans):
    answer = cli("read", scans / "3.png")
    assert (answer.code, answer.out, answer.err) == (0, "111\n", "")


def test_a_folder_a_pattern_and_files_in_the_order_given(cli, scans):
    answer = cli("read", scans / "2.png", scans, f"{scans}/*.png", "--format", "jsonl", "--quiet")
    documents = [json.loads(line) for line in answer.out.splitlines()]
    assert [document["source"][-5:] for document in documents] == ["2.png", *["1.png", "2.png", "3.png"] * 2]
    assert [document["pages"][0]["lines"][0]["text"] for document in documents] == [
        "11",
        *["1", "11", "111"] * 2,
    ]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_the_pictures_that_the_network_saw_on_request(cli, scans, form):
    def digits(*options):
        answer = cli("read", scans / "3.png", "--format", form, *options)
        assert answer.code == 0, answer.err
        return [digit for line in json.loads(answer.out)["pages"][0]["lines"] for digit in line["digits"]]

    assert digits()
    assert not any("image" in digit for digit in digits())
    for digit in digits("--images"):
        image = np.array(digit["image"])
        assert image.shape == (28, 28)
        assert 0 <= image.min() < image.max() <= 255


def test_standard_input(cli, scans, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO((scans / "2.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    answer = cli("read", "-", "--format", "json", "--annotate", "seen")
    document = json.loads(answer.out)
    assert document["source"] == "-"
    assert document["pages"][0]["lines"][0]["text"] == "11"
    assert os.listdir("seen") == ["stdin.read.png"]


def test_a_picture_that_cannot_be_read_stops_none_of_the_others(cli, scans):
    (scans / "2.png").write_text("eleven")
    answer = cli("read", scans, "--format", "jsonl", "--quiet")
    first, second, third = map(json.loads, answer.out.splitlines())

    assert answer.code == 1
    assert "it looks like text" in second["error"]
    assert second["pages"] == []
    assert "error" not in first
    assert third["pages"][0]["lines"][0]["text"] == "111"
    assert f"Error: {scans / '2.png'} is no picture" in answer.err


def test_an_empty_folder_and_a_pattern_for_nothing_are_errors(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    answer = cli("read", "empty", "nothing/*.png")
    assert answer.code == 1
    assert "no pictures lie in it" in answer.err
    assert "There is no file nothing/*.png" in answer.err


def test_annotated_pages_do_not_overwrite_each_other(cli, scans, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    pages = [Image.fromarray(page(count)) for count in (1, 2)]
    pages[0].save(other / "3.tif", save_all=True, append_images=pages[1:])
    Image.fromarray(page(1)).save(other / "1.jpg")
    cli("read", scans, other, "--annotate", "seen", "--quiet")
    names = ["1.read.png", "1_2.read.png", "2.read.png", "3.read.png", "3_2.read-2.png", "3_2.read.png"]
    assert sorted(os.listdir("seen")) == names
    assert all(np.asarray(Image.open(f"seen/{name}")).std() > 0 for name in names)


def test_drawings_beside_the_pictures_replace_none_of_them_and_are_not_read(cli, scans):
    before = {name: (scans / name).read_bytes() for name in os.listdir(scans)}
    for _ in range(2):
        answer = cli("read", scans, "--annotate", scans)
        assert (answer.code, len(answer.out.splitlines())) == (0, 3)
    assert {name: (scans / name).read_bytes() for name in before} == before
    assert {"1.read.png", "2.read.png", "3.read.png"} == set(os.listdir(scans)) - set(before)


def test_what_is_read_is_not_written_over(cli, scans, tmp_path):
    """By whatever name: the picture's own, that of a link to it, or that of a drawing."""
    (tmp_path / "link.png").symlink_to(scans / "1.png")
    os.link(scans / "2.png", scans / "2.read.png")
    before = {name: (scans / name).read_bytes() for name in os.listdir(scans)}
    for options in (
        ("--out", scans / "1.png", "--format", "csv"),
        ("--out", "link.png"),
        ("--annotate", scans),
    ):
        answer = cli("read", scans, *options)
        assert (answer.code, answer.out) == (2, "")
        assert "is read, and would be written over" in answer.err
    assert {name: (scans / name).read_bytes() for name in os.listdir(scans)} == before


def test_text_stays_plain_and_what_is_for_review_is_told_beside_it(cli, scans, monkeypatch):
    class Unsure(Bars):
        def predict_proba(self, images):
            rows = super().predict_proba(images)
            rows[:, 7] = 0.3 * rows[:, 1]
            return rows / rows.sum(axis=1, keepdims=True)

    monkeypatch.setattr(loading, "load", lambda model=None: Networks(Unsure()))
    picture = scans / "3.png"
    answer = cli("read", picture)
    assert (answer.code, answer.out) == (0, "11\n")
    assert re.fullmatch(rf"{picture}: line 1, 11, is for review: .* \(confidence 0\.\d\d\)\n", answer.err), (
        answer.err
    )
    assert cli("read", picture, "--quiet").err == ""
    # The other formats hold the decision.
    answer = cli("read", picture, "--format", "csv")
    assert "review" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "hocr"])
def test_a_name_that_is_no_utf8_ends_no_batch(cli, scans, form):
    odd = os.fsencode(scans) + b"/\xff.png"
    os.rename(os.fsencode(scans / "2.png"), odd)
    answer = cli("read", scans, "--format", form, "--out", "out")
    assert answer.code == 0, answer.err
    with open("out", encoding="utf-8") as file:
        written = file.read()
    assert ("\\\\udcff.png" if form.startswith("json") else "\\udcff.png") in written
    assert "3.png" in written


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_batch_with_a_name_that_is_no_utf8_goes_on(cli, scans, form):
    os.rename(scans / "1.png", os.fsencode(scans) + b"/0\xff.png")
    command = ("read", scans, "--format", form, "--out", "out", "--annotate", "seen", "--quiet", "--resume")
    assert cli(*command).code == 0
    with open("out") as file:
        whole = file.read()
    drawn = sorted(os.listdir(b"seen"))
    os.remove(b"seen/" + drawn[0])
    with open("out", "w") as file:
        file.write(whole[: 3 * len(whole) // 4])
    answer = cli(*command)
    assert answer.code == 0, answer.err
    with open("out") as file:
        assert file.read() == whole
    assert sorted(os.listdir(b"seen")) == drawn


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "hocr"])
def test_a_name_that_stdout_cannot_hold_ends_no_batch(cli, scans, monkeypatch, form):
    os.rename(scans / "2.png", scans / "zwölf 二.png")
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    answer = cli("read", scans, "--format", form)
    stdout.flush()
    written = stdout.buffer.getvalue().decode("ascii")
    assert answer.code == 0, answer.err
    assert "3.png" in written
    if form == "json":
        assert json.loads(written)[2]["source"] == str(scans / "zwölf 二.png")


def test_of_several_pages_the_ones_that_are_whole_are_read_and_drawn(cli, scans):
    pages = [Image.fromarray(page(count)) for count in (1, 2, 3)]
    pages[0].save(scans / "x.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    with Image.open(scans / "x.tif") as image:
        image.seek(1)
        start = image.tag_v2[273][0]
    content = bytearray((scans / "x.tif").read_bytes())
    content[start : start + 200] = b"\xff" * 200
    (scans / "x.tif").write_bytes(content)

    answer = cli("read", scans / "x.tif", "--format", "json", "--annotate", "seen")
    assert answer.code == 1
    assert f"{scans / 'x.tif'}: 1 of 3 pages cannot be read. Page 2: The page is a damaged" in answer.err
    found = json.loads(answer.out)["pages"]
    assert ["".join(line["text"] for line in each["lines"]) for each in found] == ["1", "", "111"]
    assert ["error" in each for each in found] == [False, True, False]
    assert sorted(os.listdir("seen")) == ["x.read-3.png", "x.read.png"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_could_not_be_read_is_tried_again(cli, scans, form):
    names = [scans / name for name in ("1.png", "late.png", "2.png", "worse.png", "3.png")]
    command = ("read", *names, "--format", form, "--quiet", "--resume", "--annotate", "seen", "--out")
    assert cli(*command, "out").code == 1
    Image.fromarray(page(4)).save(scans / "late.png")
    answer = cli(*command, "out")
    assert answer.code == 1
    assert "There is no file" in answer.err
    assert "worse.png" in answer.err
    assert "late.png" not in answer.err
    assert "late.read.png" in os.listdir("seen")

    Image.fromarray(page(5)).save(scans / "worse.png")
    assert cli(*command, "out").code == 0
    assert cli(*command, "whole").code == 0
    with open("out") as found, open("whole") as expected:
        assert found.read() == expected.read()


def test_a_batch_goes_on_where_it_was_cut(cli, scans):
    arguments = ("read", scans, "--format", "jsonl", "--out", "out.jsonl", "--resume", "--quiet")
    assert cli(*arguments).code == 0
    with open("out.jsonl") as file:
        whole = file.read()
    with open("out.jsonl", "w") as file:
        file.write(whole[: len(whole) // 2])
    answer = cli(*arguments)
    with open("out.jsonl") as file:
        assert file.read() == whole
    assert "3 documents are in out.jsonl" in answer.err


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_batch_that_goes_on_draws_what_is_wanting_under_the_names_of_a_whole_one(
    cli, scans, tmp_path, form
):
    other = tmp_path / "other"
    other.mkdir()
    pages = [Image.fromarray(page(count)) for count in (4, 5)]
    pages[0].save(other / "1.tif", save_all=True, append_images=pages[1:])
    Image.fromarray(page(6)).save(other / "1.png")
    (other / "2.png").write_text("eleven")
    Image.fromarray(page(7)).save(other / "2.tif")
    command = ("read", scans, other, "--format", form, "--quiet")
    assert cli(*command, "--out", f"whole.{form}", "--annotate", "whole").code == 1
    expected = {name: (tmp_path / "whole" / name).read_bytes() for name in os.listdir("whole")}
    assert set(expected) == {
        *("1.read.png", "2.read.png", "3.read.png"),
        *("1_2.read.png", "1_3.read.png", "1_3.read-2.png", "2_3.read.png"),
    }

    # As a kill leaves it in the fifth document; the drawing of the second has been lost.
    lines = (tmp_path / f"whole.{form}").read_text().splitlines(keepends=True)
    cut = lines[: 5 if form == "jsonl" else 7]
    (tmp_path / f"out.{form}").write_text("".join(cut) + lines[len(cut)][:20])
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    before = {"1.read.png": b"drawn before the kill", "3.read.png": b"drawn as well"}
    for name, content in before.items():
        (drawn / name).write_bytes(content)
    answer = cli(*command, "--out", f"out.{form}", "--annotate", "drawn", "--resume")

    assert answer.code == 1
    assert (tmp_path / f"out.{form}").read_text() == "".join(lines)
    assert {name: (drawn / name).read_bytes() for name in os.listdir(drawn)} == expected | before


def test_what_is_in_the_output_has_its_drawing(cli, scans, monkeypatch):
    """Killed while it draws the second document, a batch has written one."""

    def killed(drawings, source, document, *rest, draw=Drawings.draw):
        if document.text == "11":
            raise KeyboardInterrupt
        draw(drawings, source, document, *rest)

    command = ("read", scans, "--format", "jsonl", "--out", "out.jsonl", "--annotate", "seen", "--quiet")
    with monkeypatch.context() as patched:
        patched.setattr(Drawings, "draw", killed)
        assert cli(*command).code == 130
    with open("out.jsonl") as file:
        assert len(file.readlines()) == 1
    assert os.listdir("seen") == ["1.read.png"]
    assert cli(*command, "--resume").code == 0
    assert sorted(os.listdir("seen")) == ["1.read.png", "2.read.png", "3.read.png"]


def test_a_batch_does_not_go_on_with_other_settings(cli, scans):
    command = ("read", scans, "--format", "jsonl", "--out", "out.jsonl", "--quiet", "--error-rate")
    assert cli(*command, "0.01").code == 0
    with open("out.jsonl") as file:
        whole = file.read()
    answer = cli(*command, "0.001", "--resume")
    assert answer.code == 1
    assert "out.jsonl was begun with another --error-rate: 0.01, now 0.001" in answer.err
    with open("out.jsonl") as file:
        assert file.read() == whole
    assert cli(*command, "0.001").code == 0
    assert cli(*command, "0.001", "--resume").code == 0


def test_a_killed_batch_leaves_whole_documents_and_is_finished_by_the_same_command(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        Image.fromarray(page(number % 8)).save(folder / f"{number}.png")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_read, tenfold.reading.networks as loading\n"
        "from tenfold.reading.networks import Networks\n"
        "loading.load = lambda model=None: Networks(test_read.Bars())\n"
        "from tenfold.cli import main; main(sys.argv[2:])"
    )
    out = tmp_path / "out.jsonl"
    here = os.path.dirname(__file__)
    command = [
        sys.executable,
        "-c",
        script,
        here,
        "read",
        str(folder),
        "--format",
        "jsonl",
        "--out",
        str(out),
    ]
    running = subprocess.Popen([*command, "--resume", "--quiet"], stderr=subprocess.DEVNULL)
    while not (out.exists() and out.stat().st_size > 1000) and running.poll() is None:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    subprocess.run([*command, "--resume", "--quiet"], check=True, stderr=subprocess.DEVNULL)

    documents = [json.loads(line) for line in out.read_text().splitlines()]
    assert [document["source"] for document in documents] == [
        str(folder / f"{number}.png") for number in range(60)
    ]
    assert [len("".join(line["text"] for line in d["pages"][0]["lines"])) for d in documents] == [
        number % 8 for number in range(60)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--resume"],
        ["--images"],
        ["--resume", "--out", "out.json", "--format", "json"],
        ["--error-rate", "0"],
        ["--error-rate", "1.5"],
        ["--format", "xml"],
    ],
)
def test_wrong_usage(cli, scans, wrong):
    answer = cli("read", scans, *wrong)
    assert answer.code == 2
    assert answer.out == ""


def test_an_output_that_cannot_be_written(cli, scans, tmp_path):
    (tmp_path / "file").touch()
    for option in ("--out", "--annotate"):
        answer = cli("read", scans / "1.png", option, "file/there")
        assert answer.code == 1
        assert "cannot be written" in answer.err


def test_without_a_path_there_is_nothing_to_read(cli):
    assert cli("read").code == 2
