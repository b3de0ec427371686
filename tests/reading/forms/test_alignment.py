"""Laying pages on templates: shifted, turned, scaled, photographed."""

import cv2
import numpy as np
import pytest

from tenfold.errors import FormError
from tenfold.reading.forms import Field, Template
from tenfold.reading.forms.alignment import align, apply, tilt
from tenfold.reading.forms.laying import lay
from tenfold.reading.forms.made import print_form, scan
from tenfold.reading.forms.printed import find_printed
from tenfold.reading.forms.sheet import find_sheet
from tenfold.reading.ink import find_ink
from tenfold.reading.pages import Picture

DPI = 120
TEXTS = {"student": "20714463", "q1": "07", "q2": "12", "total": " 19"}


def moved(page, matrix):
    """The page under a homography, and where the form's millimeters are then."""
    height, width = page.shape
    picture = cv2.warpPerspective(page, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=250)
    return picture, matrix @ np.diag([DPI / 25.4, DPI / 25.4, 1])


def distance(laid, truth, template):
    """How far the corners of the fields are from where they should be, in millimeters at most."""
    worst = 0.0
    for item in template.fields:
        left, top, width, height = template.millimeters(item.box)
        points = np.array([[left, top], [left + width, top + height], [left + width, top]])
        away = np.linalg.norm(laid.to_picture(laid.maps[item.name], points) - apply(truth, points), axis=1)
        worst = max(worst, float(away.max()) * 25.4 / DPI)
    return worst


def turn(angle, scale, shift, page):
    height, width = page.shape
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, scale)
    turned[:, 2] += shift
    return np.vstack([turned, [0, 0, 1]])


@pytest.mark.parametrize(
    ("angle", "scale", "shift"),
    [(0, 1, (0, 0)), (0, 1, (40, -30)), (4.5, 1, (0, 0)), (-5, 0.93, (-20, 25)), (2, 1.08, (0, 10))],
)
def test_a_page_shifted_turned_and_scaled(exam, filled, angle, scale, shift):
    picture, truth = moved(page := filled(exam, TEXTS, dpi=DPI), turn(angle, scale, shift, page))
    laid = lay(exam, Picture(picture))

    assert laid.alignment.support > 0.9
    assert distance(laid, truth, exam) < 0.35


def test_a_photo_in_perspective_on_a_dark_desk(exam, filled):
    page = filled(exam, TEXTS, dpi=DPI)
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[0.08, 0.05], [0.9, 0.09], [0.97, 0.93], [0.03, 0.96]], np.float32) * (width, height)
    warp = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    truth = warp @ np.diag([DPI / 25.4, DPI / 25.4, 1])
    picture = cv2.warpPerspective(page, warp, (width, height), flags=cv2.INTER_AREA, borderValue=70)

    assert find_sheet(picture) == pytest.approx(seen, abs=6)
    assert distance(lay(exam, Picture(picture)), truth, exam) < 0.35


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_that_lies_on_its_side_or_head(exam, filled, quarters):
    upright = filled(exam, TEXTS, dpi=DPI)
    picture = np.rot90(upright, -quarters)
    laid = lay(exam, Picture(np.ascontiguousarray(picture)))
    height, width = upright.shape
    left, top, across, down = (side * DPI / 25.4 for side in exam.fields[0].box)
    expected = {
        1: (height - top - down, left, down, across),
        2: (width - left - across, height - top - down, across, down),
        3: (top, width - left - across, down, across),
    }[quarters]

    assert laid.alignment.rotation == 90 * quarters
    assert laid.box(exam.fields[0], exam.fields[0].box) == pytest.approx(expected, abs=4)


def marked(size, marks):
    """A form with nothing printed but square marks."""
    field = Field("f", (0.3 * size[0], 0.4 * size[1], 60, 9), cells=6, printed="none")
    return Template(size, "mm", (field,), marks=marks)


def corner_marks(size, side):
    far = size[0] - 10 - side, size[1] - 10 - side
    return tuple((left, top, side, side) for top in (10, far[1]) for left in (10, far[0]))


@pytest.mark.parametrize(
    ("size", "count", "side", "angle", "scale", "shift"),
    [
        ((148, 105), 4, 4, 0, 1, (0, 0)),
        ((148, 105), 3, 6, 2, 1, (0, 0)),
        ((148, 210), 4, 6, -3, 0.96, (12, 9)),
        ((210, 297), 3, 3, 5, 0.95, (-8, 5)),
        ((297, 210), 4, 8, -6, 0.9, (5, -15)),
    ],
)
def test_marks_alone_are_enough(filled, size, count, side, angle, scale, shift):
    template = marked(size, corner_marks(size, side)[:count])
    page = filled(template, {"f": "123456"}, dpi=DPI)
    picture, truth = moved(page, turn(angle, scale, shift, page))
    laid = lay(template, Picture(picture))

    assert laid.alignment.rotation == 0
    assert distance(laid, truth, template) < 0.4


def test_marks_that_are_not_alike_tell_which_way_is_up(filled):
    template = marked((148, 210), (*corner_marks((148, 210), 5), (133, 180, 5, 5)))
    page = filled(template, {"f": "123456"}, dpi=DPI)
    laid = lay(template, Picture(np.ascontiguousarray(np.rot90(page, 2))))

    assert laid.alignment.rotation == 180


@pytest.mark.parametrize("kind", ["paper", "another form", "noise"])
def test_what_is_not_the_form_is_refused(exam, filled, kind):
    rng = np.random.default_rng(0)
    other = Template(
        (148, 210), "mm", tuple(Field(f"f{row}", (20, 20 + 17 * row, 90, 12), cells=5) for row in range(9))
    )
    page = {
        "paper": np.full((900, 640), 230, np.uint8),
        "another form": filled(other, {"f1": "12345"}, dpi=DPI),
        "noise": rng.integers(0, 255, (900, 640)).astype(np.uint8),
    }[kind]
    with pytest.raises(FormError, match=r"does not fit the template 'exam': .*80% are needed"):
        lay(exam, Picture(page))


def test_half_a_page_is_refused(exam, filled):
    page = filled(exam, TEXTS, dpi=DPI)
    page[: page.shape[0] // 3] = 255
    with pytest.raises(FormError, match="does not fit"):
        lay(exam, Picture(page))


def test_lines_paler_than_the_writing_are_found(exam, filled):
    page = filled(exam, TEXTS, dpi=DPI, lines=190, ink=20)
    picture = scan(page, np.random.default_rng(1), angle=2, noise=2)

    assert lay(exam, Picture(picture)).alignment.support > 0.9


@pytest.mark.parametrize("angle", [-6.5, -2, 0, 3.25])
def test_the_tilt_of_rules(exam, angle):
    page = print_form(exam, dpi=DPI)
    picture, _ = moved(page, turn(angle, 1, (0, 0), page))
    printed = find_printed(find_ink(picture, dark=True, keep_rules=True))

    assert tilt(printed.soft[0], printed.soft[1]) == pytest.approx(angle, abs=0.3)


def test_a_page_without_a_sheet_in_it_has_no_corners():
    assert find_sheet(np.full((300, 200), 128, np.uint8)) is None


def test_alignment_is_the_same_whenever_it_is_asked(exam, filled):
    ink = find_ink(filled(exam, TEXTS, dpi=DPI), dark=True, keep_rules=True)
    one, other = (align(exam, ink, find_printed(ink)) for _ in range(2))

    assert np.array_equal(one.map, other.map)
