import io

import pytest

from tenfold.errors import DataError
from tenfold.reading.batch import keep_whole
from tenfold.reading.formats import get_format, write
from tenfold.reading.result import Decision, Document, Line, Page

SOURCES = ["a.png", 'b "2".png', "c\nd.png", "e.png"]
LINES = tuple(Line(text, 0.9, Decision.accept, (0, 0, 9, 9)) for text in ("1", "23"))
DOCUMENTS = [Document(source, (Page(1, 9, 9, 0, LINES),)) for source in SOURCES]
DOCUMENTS[1] = Document(SOURCES[1], error="It is empty.")


def whole(form):
    file = io.StringIO()
    write(DOCUMENTS, form, file)
    return file.getvalue().encode()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_wherever_a_batch_is_cut_it_ends_as_if_it_had_not_been(tmp_path, form):
    path, expected = tmp_path / "out", whole(form)
    for cut in range(0, len(expected) + 1, 5):
        path.write_bytes(expected[:cut])
        done, failed = keep_whole(path, form, SOURCES)
        kept = path.read_bytes()
        assert expected.startswith(kept)
        assert failed == (done > 1)
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
    assert keep_whole(path, "jsonl", SOURCES) == (2, 1)
    assert path.read_bytes() == b"".join(lines[:2])


def test_a_file_that_is_not_there_is_begun(tmp_path):
    assert keep_whole(tmp_path / "out", "csv", SOURCES) == (0, 0)


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
