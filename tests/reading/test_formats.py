import io
import json
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from tenfold.errors import UnknownNameError
from tenfold.reading.formats import write
from tenfold.reading.result import Change, Decision, Digit, Document, Line, Page, Reason

FOUR = Digit(4, 0.97, (10, 20, 12, 30), ((9, 0.02), (7, 0.01)))
TWO = Digit(2, 0.99, (30, 20, 14, 30))
LINE = Line("42", 0.96, Decision.accept, (10, 20, 34, 30), (FOUR, TWO), None, (("92", 0.02),))
DOUBT = Line("07", 0.6, Decision.review, (10, 80, 34, 30), (), Reason.close)
WORD = Line("", 0.01, Decision.reject, (10, 120, 90, 30), (), Reason.not_a_digit)
READ = Document('a <b> & "c".png', (Page(1, 200, 150, 90, (LINE, DOUBT, WORD)), Page(2, 200, 150)))
FAILED = Document("none.png", error="There is no file none.png.")


def written(documents, form, **options):
    file = io.StringIO()
    write(documents, form, file, **options)
    return file.getvalue()


def test_text_is_the_digits_and_names_the_source_where_there_are_several():
    assert written([READ], "text", several=False) == "42\n07\n"
    assert written([READ, FAILED], "text") == f"{READ.source}: 42\n{READ.source}: 07\n"


def test_json_holds_what_the_docs_promise():
    (page, blank) = json.loads(written([READ], "json", several=False))["pages"]
    assert (page["page"], page["width"], page["height"], page["rotation"]) == (1, 200, 150, 90)
    assert page["lines"][0] == {
        "text": "42",
        "confidence": 0.96,
        "decision": "accept",
        "reason": None,
        "box": [10, 20, 34, 30],
        "digits": [
            {
                "value": 4,
                "confidence": 0.97,
                "box": [10, 20, 12, 30],
                "alternatives": [{"value": 9, "probability": 0.02}, {"value": 7, "probability": 0.01}],
            },
            {"value": 2, "confidence": 0.99, "box": [30, 20, 14, 30], "alternatives": []},
        ],
        "alternatives": [{"text": "92", "probability": 0.02}],
    }
    assert page["lines"][2]["reason"] == "not a digit"
    assert blank["lines"] == []


@pytest.mark.parametrize("documents", [[], [READ], [READ, FAILED]])
def test_several_documents_are_a_list_in_json_and_lines_in_jsonl(documents):
    expected = [document.to_dict() for document in documents]
    assert json.loads(written(documents, "json")) == expected
    lines = written(documents, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == expected


def test_a_failed_document_has_its_error():
    assert json.loads(written([FAILED], "jsonl")) == {
        "source": "none.png",
        "pages": [],
        "error": "There is no file none.png.",
    }


def test_csv_opens_in_pandas_with_a_row_for_each_line():
    table = pd.read_csv(io.StringIO(written([READ, FAILED], "csv")), dtype={"text": str})
    assert table.source.tolist() == [READ.source] * 4 + ["none.png"]
    assert table.text.tolist()[:2] == ["42", "07"]
    assert table.decision.tolist()[:3] == ["accept", "review", "reject"]
    assert table.page.tolist()[:4] == [1, 1, 1, 2]
    assert table[["left", "top", "width", "height"]].iloc[0].tolist() == [10, 20, 34, 30]
    assert table.error.iloc[4] == "There is no file none.png."


def test_csv_tells_of_a_form_which_page_failed_and_what_a_constraint_did():
    changed = Line(
        "7", 0.9, Decision.review, (1, 2, 3, 4), changes=(Change("roster", "1"), Change("sum", "7"))
    )
    page = Page(1, 200, 150, lines=(changed,))
    half = Document("two.tif", (page, Page(2, 9, 9, error="No.")), "two.tif: No.")
    table = pd.read_csv(io.StringIO(written([half], "csv")), keep_default_na=False)

    assert table.page.tolist() == [1, 2]
    assert table.error.tolist() == ["", "No."]
    assert table.changes[0] == "roster (else 1); sum (broken)"


def test_hocr_is_xml_with_pages_lines_words_and_digits():
    root = ElementTree.fromstring(written([READ, FAILED], "hocr"))
    found = {}
    for node in root.iter():
        found.setdefault((node.get("class") or "").split(" ")[0], []).append(node)
    first, second = found["ocr_page"]
    assert first.get("title") == "image \"a <b> & 'c'.png\"; bbox 0 0 200 150; ppageno 0"
    assert second.get("title").endswith("ppageno 1")
    assert [line.get("title") for line in found["ocr_line"]] == ["bbox 10 20 44 50", "bbox 10 80 44 110"]
    assert found["ocrx_word"][0].get("title") == "bbox 10 20 44 50; x_wconf 96"
    assert "".join(node.text for node in found["ocrx_cinfo"]) == "42"
    assert len({node.get("id") for node in root.iter() if node.get("id")}) == 2 + 2 + 2
    assert found["ocrx_word"][1].text == "07"  # read whole: there are no digits to mark


def test_hocr_tells_an_error_once():
    assert written([FAILED], "hocr").count("none.png") == 1


@pytest.mark.parametrize("form", ["json", "jsonl", "hocr"])
def test_any_file_and_terminal_can_hold_a_name(form):
    document = Document("二.png", (Page(1, 9, 9),))
    found = written([document], form)
    assert found.isascii()
    if form == "hocr":
        assert "二.png" in ElementTree.fromstring(found)[1][0].get("title")


def test_hocr_of_a_form_tells_fields_decisions_and_changes():
    changes = (Change('pattern "7"; <9>', "1"), Change("sum a + b = c", "7"))
    line = Line("7", 0.9, Decision.review, (1, 2, 3, 4), (), None, (), "question 1", changes)
    root = ElementTree.fromstring(written([Document("a.png", (Page(1, 9, 9, 0, (line,)),))], "hocr"))
    (found,) = (node for node in root.iter() if "ocr_line" in (node.get("class") or ""))

    assert found.get("class") == "ocr_line review"
    assert found.get("title") == (
        'bbox 1 2 4 6; x_field "question 1"; x_changes "pattern \'7\'; <9> (else 1); sum a + b = c (broken)"'
    )


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'jsonl'"):
        written([], "jsonll")
