import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from tenfold.data.normalize import (
    center,
    center_of_mass,
    crop,
    fit,
    is_normalized,
    normalize,
    threshold,
    to_gray,
)
from tenfold.errors import DataError


def photo(image, rng, *, paper=235.0, ink=-0.6, shade=60.0, grain=4.0, size=220):
    """A digit as a camera sees it: large, off center, unevenly lit, grainy."""
    large = np.asarray(Image.fromarray(image).resize((140, 140), Image.Resampling.BICUBIC), np.float64)
    page = np.zeros((size, size))
    top, left = rng.integers(0, size - 140, 2)
    page[top : top + 140, left : left + 140] = large
    light = np.linspace(0, shade, size)[:, None] + np.linspace(0, -shade / 2, size)
    seen = paper - light + ink * page + rng.normal(0, grain, page.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def likeness(a, b):
    return np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1]


def test_all_of_mnist_passes_through_unchanged(mnist):
    assert all(is_normalized(image) for image in mnist.train.images)
    for image in mnist.test.images[:200]:
        np.testing.assert_array_equal(normalize(image), image)


@pytest.mark.parametrize(
    "look", [{}, {"paper": 70.0, "ink": 0.6}, {"grain": 10.0}, {"shade": 0.0, "grain": 0.0}]
)
def test_a_photo_of_a_digit_becomes_the_digit(mnist, look):
    rng = np.random.default_rng(1)
    images = mnist.test.images[:40]
    results = [normalize(photo(image, rng, **look)) for image in images]
    table = np.array([[likeness(result, image) for image in images] for result in results])
    assert np.diag(table).mean() > 0.93
    nearest = mnist.test.labels[table.argmax(1)]
    assert (nearest == mnist.test.labels[:40]).mean() >= 0.95


def test_ink_fills_the_box_and_is_centered(mnist):
    rng = np.random.default_rng(2)
    for image in mnist.test.images[:40]:
        result = normalize(photo(image, rng))
        rows, columns = np.flatnonzero(result.max(1) > 64), np.flatnonzero(result.max(0) > 64)
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        assert result.max() == 255
        row, column = center_of_mass(result.astype(np.float32))
        assert abs(row - 14) <= 1
        assert abs(column - 14) <= 1


def test_a_thin_pen_does_not_break():
    page = Image.new("L", (600, 600), 255)
    ImageDraw.Draw(page).line([(300, 60), (300, 560)], fill=40, width=2)
    result = normalize(page)
    assert (result.max(1) > 200).sum() == 20


def test_black_on_white_and_white_on_black_are_the_same():
    page = Image.new("L", (90, 120), 255)
    ImageDraw.Draw(page).ellipse((20, 20, 70, 100), outline=0, width=9)
    gray = np.asarray(page)
    np.testing.assert_array_equal(normalize(gray), normalize(255 - gray))


@pytest.mark.parametrize("grain", [0, 3, 12])
@pytest.mark.parametrize("paper", [0, 128, 255])
def test_a_blank_page_is_blank(paper, grain):
    page = paper + np.random.default_rng(0).normal(0, grain, (150, 110))
    assert not normalize(np.clip(page, 0, 255).astype(np.uint8)).any()


@settings(max_examples=60)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_picture_gives_an_image(gray):
    result = normalize(gray)
    assert result.shape == (28, 28)
    assert result.dtype == np.uint8


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_gives_the_same_gray(mode):
    page = Image.new("RGB", (20, 30), "white")
    ImageDraw.Draw(page).rectangle((5, 8, 12, 20), fill="black")
    direct = {"LAB": "RGB", "HSV": "RGB", "LA": "L", "I": "L", "F": "L"}
    if mode == "LAB":
        from PIL import ImageCms

        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(page, srgb, lab, outputMode="LAB")
    else:
        picture = page.convert(direct.get(mode, mode)).convert(mode)
    np.testing.assert_allclose(
        to_gray(picture).astype(int), np.asarray(page.convert("L")).astype(int), atol=2
    )


def test_sixteen_bits():
    values = np.array([[0, 257, 65535]], np.uint16)
    np.testing.assert_array_equal(to_gray(values), [[0, 1, 255]])
    np.testing.assert_array_equal(to_gray(Image.fromarray(values)), [[0, 1, 255]])
    np.testing.assert_array_equal(to_gray(Image.fromarray(values.astype(np.int32))), [[0, 1, 255]])


def test_color_is_weighed_as_pillow_does():
    colors = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    np.testing.assert_allclose(
        to_gray(colors).astype(int), np.asarray(Image.fromarray(colors).convert("L")).astype(int), atol=1
    )


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_nothing_shows_whichever_its_color(ink):
    glass = np.zeros((60, 60, 4), np.uint8)
    glass[10:50, 25:35] = (ink, ink, ink, 255)
    result = normalize(glass)
    assert (result.max(1) > 200).sum() == 20


def test_a_picture_taken_sideways_is_turned(tmp_path):
    page = Image.new("L", (80, 40), 255)
    ImageDraw.Draw(page).line([(10, 20), (70, 20)], fill=0, width=5)
    exif = page.getexif()
    exif[0x0112] = 6
    page.save(tmp_path / "x.jpg", exif=exif)
    with Image.open(tmp_path / "x.jpg") as picture:
        result = normalize(picture)
    assert (result.max(1) > 128).sum() == 20
    assert (result.max(0) > 128).sum() < 5


def test_threshold_parts_two_groups_as_exhaustive_search_does():
    values = np.concatenate([np.arange(10, 20), np.arange(200, 230)]).astype(float)
    assert 19 <= threshold(values) < 200


@pytest.mark.parametrize(
    "array", [np.zeros(5), np.zeros((0, 5)), np.zeros((3, 3, 5)), np.zeros((3, 3), np.int64)]
)
def test_arrays_that_are_no_pictures(array):
    with pytest.raises(DataError, match="A picture must be"):
        to_gray(array)


@pytest.mark.parametrize("inverted", [False, True])
def test_ink_that_runs_along_the_edge_of_a_tight_crop_is_still_ink(mnist, inverted):
    # Bold digits in black and white that fill their picture, as in the old sets of 16x16.
    wrong = 0
    # (A lone stroke that is drawn out to fill a picture is none any more.)
    several = mnist.test.take(np.flatnonzero(mnist.test.labels != 1)[:300])
    for image in several.images:
        rows, columns = np.flatnonzero(image.max(1) > 64), np.flatnonzero(image.max(0) > 64)
        tight = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        bold = np.asarray(tight.resize((16, 16), Image.Resampling.BOX)) > 70
        expected = center(fit(crop(np.where(bold, 255, 0).astype(np.float32))))
        found = normalize(np.where(bold ^ inverted, 255, 0).astype(np.uint8))
        wrong += likeness(found, expected) < 0.8
    assert wrong <= 6
