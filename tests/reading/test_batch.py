import io
import os
import re

import pytest

from tenfold.errors import DataError
from tenfold.reading.batch import Kept, check_settings, describe, keep_settings, keep_whole
from tenfold.reading.formats import get_format, write
from tenfold.reading.result import Decision, Document, Line, Page

SOURCES = ["a.png", 'b "2".png', "c\nd.png", "e.png"]
LINES = tuple(Line(text, 0.9, Decision.accept, (0, 0, 9, 9)) for text in ("1", "23"))
PAGES = (Page(1, 9, 9, 0, LINES), Page(2, 9, 9))
DOCUMENTS = [Document(source, PAGES[: 1 + place % 3 // 2]) for place, source in enumerate(SOURCES)]
DOCUMENTS[1] = Document(SOURCES[1], error="It is empty.")
DOCUMENTS[2] = Document(SOURCES[2], (Page(1, 9, 9, error="No."), Page(2, 9, 9, 0, LINES)), "Page 1: No.")


def whole(form):
    file = io.StringIO()
    write(DOCUMENTS, form, file)
    return file.getvalue().encode()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_wherever_a_batch_is_cut_it_ends_as_if_it_had_not_been(tmp_path, form):
    path, expected = tmp_path / "out", whole(form)
    for cut in range(0, len(expected) + 1, 5):
        path.write_bytes(expected[:cut])
        found = keep_whole(path, form, SOURCES)
        done = len(found)
        kept = path.read_bytes()
        assert expected.startswith(kept)
        whole_ones = [Kept(item.source, len(item.pages), bool(item.error)) for item in DOCUMENTS[:done]]
        assert found == whole_ones
        rest = "".join(
            get_format(form).document(document, number)
            for number, document in enumerate(DOCUMENTS)
            if number >= done
        )
        head = get_format(form).head if not kept else ""
        assert kept + (head + rest).encode() == expected


def test_what_is_done_is_not_done_again(tmp_path):
    path, lines = tmp_path / "out", whole("jsonl").splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:7])
    assert [document.failed for document in keep_whole(path, "jsonl", SOURCES)] == [False, True]
    assert path.read_bytes() == b"".join(lines[:2])


def test_a_file_that_is_not_there_is_begun(tmp_path):
    assert keep_whole(tmp_path / "out", "csv", SOURCES) == []


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_output_of_another_batch_is_left_alone(tmp_path, form):
    path = tmp_path / "out"
    path.write_bytes(whole(form))
    with pytest.raises(DataError, match=r"document 1 is a\.png, expected z\.png"):
        keep_whole(path, form, ["z.png", *SOURCES])
    assert path.read_bytes() == whole(form)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("content", [b"seven\n", b"[1, 2]\n", b"\xff\xfe\n"])
def test_another_file_is_left_alone(tmp_path, form, content):
    path = tmp_path / "out"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"no {form} output of tenfold read"):
        keep_whole(path, form, SOURCES)
    assert path.read_bytes() == content


@pytest.mark.parametrize("option", ["--error-rate", "--form", "--model", "--images"])
def test_a_batch_is_gone_on_with_as_it_was_begun(tmp_path, option):
    out, form, model = tmp_path / "out.csv", tmp_path / "exam.toml", tmp_path / "mine"
    model.mkdir()
    form.write_text("one")
    (model / "decisions.json").write_text("{}")
    out.write_text("something")
    begun = describe(0.01, form, model)
    keep_settings(out, begun)
    check_settings(out, describe(0.01, form, model))

    # The same file with another content is another template, and another model.
    form.write_text("two" if option == "--form" else "one")
    (model / "decisions.json").write_text("[]" if option == "--model" else "{}")
    other = describe(0.001 if option == "--error-rate" else 0.01, form, model, images=option == "--images")
    with pytest.raises(DataError, match=f"was begun with another {option}: .*{re.escape(begun[option])}"):
        check_settings(out, other)


def test_without_settings_beside_it_there_is_nothing_to_compare(tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("something")
    check_settings(out, describe(0.01, None, None))
    (tmp_path / ".out.csv.settings.json").write_text("[1]")
    check_settings(out, describe(0.01, None, None))


def test_nothing_is_kept_beside_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    keep_settings(tmp_path / "pipe", describe(0.01, None, None))
    assert os.listdir(tmp_path) == ["pipe"]
