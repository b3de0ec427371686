from tenfold.reading.doubts import doubts
from tenfold.reading.result import Change, Decision, Document, Line, Page, Reason

BOX = (0, 0, 9, 9)
SURE = Line("42", 0.96, Decision.accept, BOX)
DOUBT = Line("07", 0.789, Decision.review, BOX, (), Reason.close)
WORD = Line("", 0.01, Decision.reject, BOX, (), Reason.not_a_digit)


def test_lines_for_review_are_told_by_their_place_in_the_text():
    document = Document("photo.bmp", (Page(1, 9, 9, 0, (SURE, WORD, DOUBT)),))
    assert list(doubts(document)) == [
        "photo.bmp: line 2, 07, is for review: two readings too close (confidence 0.79)"
    ]


def test_of_several_pages_the_page_is_told():
    document = Document("scan.tif", (Page(1, 9, 9, 0, (SURE,)), Page(2, 9, 9, 0, (DOUBT,))))
    (told,) = doubts(document)
    assert told.startswith("scan.tif: page 2, line 1, 07, is for review")


def test_fields_are_told_with_what_changed_them():
    changes = (Change("sum q1 + q2 = total", "17"), Change("length 2", ""))
    fields = (
        Line("07", 0.99, Decision.accept, BOX, field="q1"),
        Line("12", 0.99, Decision.accept, BOX, field="q2", changes=changes),
        Line("", 0.9, Decision.review, BOX, (), Reason.blank, field="total"),
        Line(
            "42",
            0.9,
            Decision.review,
            BOX,
            (),
            Reason.constraint,
            field="id",
            changes=(Change("allowed values", "42"),),
        ),
    )
    assert list(doubts(Document("sheet.png", (Page(1, 9, 9, 0, fields),)))) == [
        "sheet.png: field q2, 12, is chosen by sum q1 + q2 = total (else 17) and is chosen by length 2 "
        "(else blank)",
        "sheet.png: field total is for review: blank (confidence 0.90)",
        "sheet.png: field id, 42, is for review: constraint broken (confidence 0.90) and breaks allowed "
        "values",
    ]


def test_of_what_is_in_order_and_of_what_cannot_be_read_nothing_is_told():
    sure = Document("photo.png", (Page(1, 9, 9, 0, (SURE, WORD)),))
    assert list(doubts(sure)) == list(doubts(Document("none.png", error="There is no file."))) == []
