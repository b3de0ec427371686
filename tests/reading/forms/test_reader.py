"""Forms read from a picture to decided fields."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tenfold.errors import FormError
from tenfold.reading.forms import Field, FormReader, Template
from tenfold.reading.forms.made import scan
from tenfold.reading.networks import Networks
from tenfold.reading.pages import Picture
from tenfold.reading.result import Change, Decision, Reason
from tenfold.reading.transcript import Spot, Transcript

TEXTS = {"student": "20714463", "q1": " 7", "q2": "12", "total": " 19"}


def fields(page):
    return {line.field: line for line in page.lines}


def test_a_scan_becomes_a_line_for_each_field(reader, exam, filled):
    picture = scan(filled(exam, TEXTS), np.random.default_rng(0), angle=2, shift=0.01, shade=0.2)
    page = reader.read_page(Picture(picture))
    found = fields(page)

    assert {name: line.text for name, line in found.items()} == {
        name: text.strip() for name, text in TEXTS.items()
    }
    assert {line.decision for line in page.lines} == {Decision.accept}
    assert [digit.value for digit in found["student"].digits] == [int(digit) for digit in TEXTS["student"]]
    lefts = [digit.box[0] for digit in found["student"].digits]
    assert lefts == sorted(lefts)
    assert page.text.splitlines() == ["student: 20714463", "q1: 7", "q2: 12", "total: 19"]


def test_json_tells_field_and_changes(reader, exam, filled):
    document = reader.read(filled(exam, TEXTS))
    (line, *_) = json.loads(json.dumps(document.to_dict()))["pages"][0]["lines"]

    assert (line["field"], line["text"], line["changes"]) == ("student", "20714463", [])


def test_images_are_kept_on_request(exam, networks, filled):
    document = FormReader(exam, networks, keep_images=True).read(filled(exam, TEXTS))

    assert document.lines[0].digits[0].image.shape == (28, 28)
    assert document.lines[0].digits[0].image.max() > 200


def test_a_blank_field_is_blank(reader, exam, filled):
    found = fields(
        reader.read_page(Picture(filled(exam, TEXTS | {"q1": "  ", "student": "", "total": " 12"})))
    )

    assert (found["q1"].text, found["q1"].decision) == ("", Decision.accept)
    assert (found["student"].text, found["student"].decision) == ("", Decision.review)
    assert found["student"].reason is Reason.blank
    assert found["student"].changes == (Change("must be filled", ""),)
    assert found["total"].text == "12"


@pytest.mark.parametrize("may_be_blank", [True, False])
@pytest.mark.parametrize("name", ["q2", "total"])
def test_a_sum_with_a_blank_says_nothing_of_its_other_fields(exam, networks, filled, name, may_be_blank):
    items = [replace(item, blank=may_be_blank) if item.name == name else item for item in exam.fields]
    form = FormReader(replace(exam, fields=tuple(items)), networks, error_rate=0.05)
    found = fields(form.read_page(Picture(filled(exam, TEXTS | {name: "   "}))))

    assert {name: line.text for name, line in found.items()} == {
        other: "" if other == name else text.strip() for other, text in TEXTS.items()
    }
    # A part that may be blank counts 0, and 7 is not 19.
    wrong = name == "q2" and may_be_blank
    for other in {"q1", "q2", "total"} - {name}:
        assert (found[other].reason is Reason.constraint) == wrong
        assert [change.constraint for change in found[other].changes] == wrong * ["sum q1 + q2 = total"]
    expected = Reason.constraint if wrong else None if may_be_blank else Reason.blank
    assert found[name].reason is expected


class Swapped:
    """A classifier that takes what `inner` takes for one digit half the time for another."""

    def __init__(self, inner, digit, other, share):
        self.inner, self.digit, self.other, self.share = inner, digit, other, share

    def predict_proba(self, images):
        found = self.inner.predict_proba(images).copy()
        taken = found[:, self.digit] * self.share
        found[:, self.digit] -= taken
        found[:, self.other] += taken
        return found


def test_a_constraint_that_changed_the_answer_is_named(exam, networks, filled):
    doubtful = Networks(Swapped(networks.classifier, 4, 9, 0.6))
    student = replace(exam.fields[0], values=("20714463", "20000000"))
    template = replace(exam, fields=(student, *exam.fields[1:]))
    page = Picture(filled(exam, TEXTS))
    without = fields(FormReader(exam, doubtful).read_page(page))["student"]
    found = fields(FormReader(template, doubtful).read_page(page))["student"]

    assert without.text == "20719963"
    assert without.decision is Decision.review
    assert found.text == "20714463"
    assert found.changes == (Change("allowed values", "20719963"),)
    assert found.confidence > 0.9


def test_fields_that_must_add_up_settle_a_doubt(exam, networks, filled):
    doubtful = Networks(Swapped(networks.classifier, 7, 1, 0.55))
    page = Picture(filled(exam, TEXTS))
    alone = fields(FormReader(replace(exam, sums=()), doubtful).read_page(page))
    found = fields(FormReader(exam, doubtful).read_page(page))

    assert (alone["q1"].text, alone["q1"].reason) == ("1", Reason.close)
    assert found["q1"].text == "7"
    assert found["q1"].changes == (Change("sum q1 + q2 = total", "1"),)
    assert found["q1"].confidence > alone["q1"].confidence


def test_a_sum_that_is_wrong_on_paper_is_for_review(reader, exam, filled):
    found = fields(reader.read_page(Picture(filled(exam, TEXTS | {"total": " 18"}))))

    assert {found[name].decision for name in ("q1", "q2", "total")} == {Decision.review}
    assert {found[name].reason for name in ("q1", "q2", "total")} == {Reason.constraint}
    assert [found[name].text for name in ("q1", "q2", "total")] == ["7", "12", "18"]
    assert found["q1"].changes == (Change("sum q1 + q2 = total", "7"),)
    assert found["student"].decision is Decision.accept


def test_a_reading_that_fights_its_constraint_is_for_review(exam, networks, filled):
    template = replace(exam, fields=(replace(exam.fields[0], values=("11111111",)), *exam.fields[1:]))
    found = fields(FormReader(template, networks).read_page(Picture(filled(exam, TEXTS))))["student"]

    assert (found.text, found.decision, found.reason) == ("20714463", Decision.review, Reason.constraint)
    assert found.changes == (Change("allowed values", "20714463"),)


def test_a_cell_that_is_crossed_out_is_for_review(reader, exam, filled):
    page = filled(exam, TEXTS)
    scale = page.shape[1] / exam.size[0]
    left, top, width, height = (round(side * scale) for side in exam.cells(exam.fields[0])[2])
    rng = np.random.default_rng(0)
    for _ in range(6):
        row, slope = rng.integers(4, height - 4), rng.integers(-6, 6)
        for column in range(3, width - 3):
            at = top + int(np.clip(row + slope * column / width, 3, height - 4))
            page[at - 1 : at + 2, left + column] = 50
    found = fields(reader.read_page(Picture(page)))["student"]

    assert found.decision is Decision.review


class Recognizes:
    """A recognizer that reads what it is told to."""

    def __init__(self, transcript):
        self.transcript = transcript
        self.patches = []

    def transcribe(self, patches):
        self.patches += patches
        return [self.transcript] * len(patches)


WHOLE = Template(
    (148, 210),
    "mm",
    (
        Field("sum", (40, 60, 50, 11), printed="outline", range=(0, 600)),
        Field("key", (40, 30, 72, 9), cells=8),
    ),
    rules=((15, 22, 130, 22),),
)


def spot(value, other):
    row = np.full(10, 0.001, np.float32)
    row[value], row[other] = 0.7, 0.29
    return Spot(value, row / row.sum(), 0.0, 1.0)


def test_a_box_without_cells_is_read_as_a_line(networks, filled):
    recognizer = Recognizes(Transcript((spot(7, 1), spot(0, 6), spot(5, 3)), 0.6, (("15", 0.1),)))
    page = filled(WHOLE, {"sum": "705", "key": "12345678"})
    found = fields(FormReader(WHOLE, Networks(networks.classifier, recognizer)).read_page(Picture(page)))[
        "sum"
    ]

    # 705 is out of range; of what the recognizer offers 15 is likelier than 105.
    assert found.text == "15"
    assert found.changes == (Change("range 0 to 600", "705"),)
    assert "105" in [text for text, _ in found.alternatives]
    (patch,) = recognizer.patches
    assert patch.dtype == np.uint8
    assert found.digits == (), "two digits, where three were seen"
    assert (patch[:2] > 220).all(), "the printed box is not in what is read"


class Spots:
    """A recognizer that sees 405, each digit in a third of the patch."""

    def transcribe(self, patches):
        found = []
        for patch in patches:
            slack = round(0.25 * patch.shape[0] / 1.5)
            edges = np.linspace(slack, patch.shape[1] - slack, 4)
            rows = [np.full(10, 0.01, np.float32) for _ in "405"]
            for row, value in zip(rows, (4, 0, 5), strict=True):
                row[value] = 0.91
            spots = [
                Spot(value, row, edges[place], edges[place + 1])
                for place, (value, row) in enumerate(zip((4, 0, 5), rows, strict=True))
            ]
            found.append(Transcript(tuple(spots), 0.9, (("406", 0.2), ("495", 0.1))))
        return found


@pytest.mark.parametrize("recognizer", [Spots(), None], ids=["as a line", "digit by digit"])
@pytest.mark.parametrize("quarters", [0, 1])
def test_a_box_without_cells_has_its_digits(networks, filled, recognizer, quarters):
    page = np.ascontiguousarray(np.rot90(filled(WHOLE, {"sum": "405", "key": "12345678"}), -quarters))
    form = FormReader(WHOLE, Networks(networks.classifier, recognizer), 0.2, keep_images=True)
    line = fields(form.read_page(Picture(page)))["sum"]

    assert line.text == "405"
    assert [digit.value for digit in line.digits] == [4, 0, 5]
    assert all(len(digit.alternatives) == 9 and digit.image.shape == (28, 28) for digit in line.digits)
    assert line.confidence + sum(chance for _, chance in line.alternatives) <= 1
    along = quarters  # where digits follow each other: to the right, or down
    starts = [digit.box[along] for digit in line.digits]
    assert starts == sorted(starts)
    for digit in line.digits:
        left, top, width, height = digit.box
        inside = page[top : top + height, left : left + width]
        assert (inside < 128).mean() > 0.1, "on its ink"
        assert line.box[0] <= left < left + width <= line.box[0] + line.box[2]


def test_an_empty_box_is_blank(networks, filled):
    found = fields(FormReader(WHOLE, networks).read_page(Picture(filled(WHOLE, {"key": "12345678"}))))

    assert (found["sum"].text, found["sum"].reason) == ("", Reason.blank)


def tiff(*pages):
    file = io.BytesIO()
    first, *others = map(Image.fromarray, pages)
    first.save(file, "TIFF", save_all=True, append_images=others)
    file.seek(0)
    file.name = "exams.tif"
    return file


BLANK = np.full((900, 640), 255, np.uint8)


def test_what_does_not_fit_is_a_document_with_an_error(reader, exam, filled):
    wrong, right = reader.read_all([BLANK, filled(exam, TEXTS)])

    assert re.match("<array>: The page does not fit the template 'exam'", wrong.error)
    assert right.error is None
    assert len(right.lines) == 4


def test_a_page_that_does_not_fit_leaves_the_others(reader, exam, filled):
    document = reader.read(tiff(filled(exam, TEXTS), BLANK))
    first, second = document.to_dict()["pages"]

    assert [line["text"] for line in first["lines"]] == ["20714463", "7", "12", "19"]
    assert "error" not in first
    assert (second["page"], second["width"], second["height"], second["lines"]) == (2, 640, 900, [])
    assert second["error"].startswith("The page does not fit the template 'exam'")
    assert document.error == f"exams.tif: 1 of 2 pages cannot be read. Page 2: {second['error']}"


def test_where_no_page_fits_there_is_no_document(reader):
    with pytest.raises(FormError, match=r"exams.tif: 2 of 2 pages cannot be read. Page 1: The page does not"):
        reader.read(tiff(BLANK, BLANK))
