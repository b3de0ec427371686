import numpy as np
import pytest
from PIL import Image

from tenfold.data.pixels import luma, to_pixels
from tenfold.errors import DataError


def test_gray_and_color_come_back_as_they_are():
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    color = np.random.default_rng(0).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    for pixels in (gray, color):
        np.testing.assert_array_equal(to_pixels(pixels), pixels)
        np.testing.assert_array_equal(to_pixels(Image.fromarray(pixels)), pixels)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_sixteen_bits_are_filled_as_far_as_the_camera_does(bits):
    full = 2**bits - 1
    values = np.array([[0, full // 2, full]], np.uint16)
    np.testing.assert_allclose(to_pixels(values), [[0, 127, 255]], atol=1)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_what_is_transparent_becomes_paper(ink, paper):
    drawn = np.zeros((4, 4, 4), np.uint8)
    drawn[1:3, 1:3] = [ink, ink, ink, 255]
    pixels = to_pixels(drawn)
    assert pixels.shape == (4, 4, 3)
    assert (pixels[1:3, 1:3] == ink).all()
    assert (pixels[0] == paper).all()


def test_a_picture_is_turned_upright_as_its_exif_says(tmp_path):
    stored = np.zeros((10, 20, 3), np.uint8)
    stored[:, :5] = 200
    exif = Image.Exif()
    exif[274] = 6  # stored turned by 90 degrees counterclockwise
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        np.testing.assert_array_equal(to_pixels(image), np.rot90(stored, -1))


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA"]
)
def test_every_mode_of_pillow_gives_pixels(mode):
    image = Image.new("L", (5, 4), 255)
    try:
        image = image.convert(mode)
    except ValueError:
        image = image.convert("RGB").convert(mode) if mode == "HSV" else Image.new(mode, (5, 4))
    pixels = to_pixels(image)
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (4, 5)


def test_luma_is_that_of_pillow():
    color = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        luma(color).astype(int), np.asarray(Image.fromarray(color).convert("L")), atol=1
    )


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_floats_are_taken_from_0_to_1_and_what_rounding_leaves_beyond(kind):
    np.testing.assert_array_equal(to_pixels(np.array([[-1e-4, 0.2, 1 + 5e-4]], kind)), [[0, 51, 255]])
    for wrong in ([0, 255], [-1, 1], [0, 1.01], [0.5, np.nan], [0.5, np.inf], [-np.inf, 0.5]):
        with pytest.raises(DataError, match=r"must be from 0 \(black\) to 1 \(white\).*Divide"):
            to_pixels(np.array([wrong], kind))


@pytest.mark.parametrize("kind", [np.uint32, np.uint64, np.int8, np.int64, complex, object])
def test_numbers_whose_white_is_not_known_are_refused(kind):
    with pytest.raises(DataError, match=r"must be bool, uint8, uint16 or floats.*astype\('uint8'\)"):
        to_pixels(np.array([[0, 100]], kind))


def test_a_picture_of_floats_that_are_no_numbers_is_refused():
    with pytest.raises(DataError, match="not finite"):
        to_pixels(Image.fromarray(np.array([[0.5, np.nan]], np.float32)))


@pytest.mark.parametrize("wrong", [np.zeros(5), np.zeros((2, 2, 5)), np.zeros((0, 3)), np.zeros((2, 2), int)])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(DataError, match="must be"):
        to_pixels(wrong)
