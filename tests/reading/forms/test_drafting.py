"""Templates drafted from blank forms, against the templates the forms were printed from."""

import cv2
import numpy as np
import pytest

from tenfold.errors import FormError
from tenfold.reading.forms import Field, Template, check_form, draft
from tenfold.reading.forms.drafting import may_lie_on_its_side
from tenfold.reading.forms.made import print_form, scan
from tenfold.reading.pages import Picture

BLANK = Template(
    (210, 297),
    "mm",
    (
        Field("a", (30, 50, 108, 8), cells=18),
        Field("b", (60, 70, 90, 9), cells=10),
        Field("apart", (30, 90, 70, 8), cells=7, gap=2),
        Field("box", (120, 120, 20, 8), printed="outline"),
        Field("below", (120, 128, 20, 8), printed="outline"),
    ),
    rules=((20, 40, 190, 40),),
    marks=((10, 10, 6, 6), (194, 10, 6, 6)),
)


def printed(words=True):
    page = print_form(BLANK, dpi=150)
    if words:
        for text, place in (("Name", (40, 330)), ("Student number", (40, 460)), ("Question 1", (400, 760))):
            cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("angle", [0, 1.5])
def test_every_box_is_found_where_it_was_printed(angle):
    page = scan(printed(), np.random.default_rng(0), angle=angle)
    template = draft(Picture(page), name="blank")

    assert template.size == (210, 297)
    assert [item.cells for item in template.fields] == [18, 10, 7, None, None]
    for found, item in zip(template.fields, BLANK.fields, strict=True):
        if angle == 0:
            assert found.box == pytest.approx(item.box, abs=0.5)
        assert found.box[2:] == pytest.approx(item.box[2:], abs=0.6)
        assert found.gap == pytest.approx(item.gap, abs=0.3)
    assert len(template.marks) == 2
    assert any(rule[2] - rule[0] == pytest.approx(170, abs=2) for rule in template.rules)


def test_what_was_drafted_fits_the_page_it_was_drafted_from():
    page = Picture(scan(printed(), np.random.default_rng(1), angle=-1))
    check = check_form(draft(page), page)

    assert check.support > 0.9
    assert all(item.fit > 0.9 and item.filled == 0 for item in check.fields.values())


@pytest.mark.parametrize("angle", [-5, 6.5])
def test_a_draft_fits_its_own_page_when_the_page_is_turned(angle):
    page = framed(angle)
    template = draft(page)
    check = check_form(template, page)

    assert [item.cells for item in template.fields] == [18, 10, 7, None, None]
    assert check.support > 0.8
    assert all(item.fit > 0.9 for item in check.fields.values())


def framed(angle):
    """The blank form with a frame around it, of which turning cuts the corners."""
    page = printed(words=False)
    cv2.rectangle(page, (30, 30), (page.shape[1] - 30, page.shape[0] - 30), 0, 3)
    return Picture(scan(page, np.random.default_rng(2), angle=angle))


def test_a_page_that_is_turned_too_far():
    with pytest.raises(FormError, match="turned by about 10 degrees clockwise, by more than 7"):
        draft(framed(10))


def test_a_page_that_lies_on_its_side():
    page = Picture(np.ascontiguousarray(np.rot90(printed(words=False))))

    assert may_lie_on_its_side(draft(page))
    assert not may_lie_on_its_side(draft(Picture(printed())))
    with pytest.raises(
        FormError, match="turned by a quarter: it is 1754 x 1240 pixels, its size 210 x 297 mm"
    ):
        draft(page, size=(210.0, 297.0))


def test_a_form_that_is_light_on_dark():
    template, page = draft(Picture(255 - printed())), Picture(255 - printed())

    assert [item.cells for item in template.fields] == [18, 10, 7, None, None]
    assert check_form(template, page).support > 0.9


def test_a_box_with_print_in_it_is_no_field():
    page = printed(words=False)
    cv2.putText(page, "Q1", (725, 750), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2, cv2.LINE_AA)

    assert [item.cells for item in draft(Picture(page)).fields] == [18, 10, 7, None]


def test_the_size_can_be_told():
    template = draft(Picture(printed()), size=(420.0, 594.0))

    assert template.size == (420.0, 594.0)
    assert template.fields[0].box == pytest.approx([side * 2 for side in BLANK.fields[0].box], abs=1)


def test_a_page_without_boxes():
    with pytest.raises(FormError, match="No empty box was found"):
        draft(Picture(np.full((800, 600), 240, np.uint8)))
