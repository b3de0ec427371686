import io
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

from tenfold.errors import DataError, FormatError, MissingExtraError
from tenfold.reading.pages import PDF_DPI, Limits, name, pictures


def shades(height=40, width=60):
    return np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)


def saved(pixels, form, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


def png_header(width, height):
    """Return a PNG of that size without its pixels: a bomb needs no powder."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    data = b"IDAT" + zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (chunk, data, b"IEND")
    )


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "GIF"])
def test_formats_without_loss_give_the_pixels(form):
    (picture,) = pictures(saved(shades(), form))
    np.testing.assert_array_equal(
        picture.pixels if picture.pixels.ndim == 2 else picture.pixels[:, :, 0], shades()
    )


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_formats_with_loss_give_nearly_the_pixels(form):
    (picture,) = pictures(saved(shades(), form, quality=95))
    gray = picture.pixels if picture.pixels.ndim == 2 else picture.pixels[:, :, 1]
    assert np.abs(gray.astype(int) - shades()).mean() < 3


def test_every_kind_of_source_gives_the_same(tmp_path):
    content = saved(shades(), "PNG")
    path = tmp_path / "page.png"
    path.write_bytes(content)
    sources = [path, str(path), content, bytearray(content), io.BytesIO(content), Image.open(path), shades()]
    for source in sources:
        (picture,) = pictures(source)
        np.testing.assert_array_equal(picture.pixels, shades())
    assert name(path) == name(str(path)) == str(path)
    assert (name(content), name(shades()), name(io.BytesIO(content))) == ("<bytes>", "<array>", "<picture>")


def test_a_tiff_has_its_pages_and_a_gif_only_its_first_frame():
    frames = [Image.fromarray(np.full((8, 8 + n), 10 * n, np.uint8)) for n in range(3)]
    for form, count in (("TIFF", 3), ("GIF", 1)):
        stream = io.BytesIO()
        frames[0].save(stream, form, save_all=True, append_images=frames[1:])
        found = list(pictures(stream.getvalue()))
        assert [picture.page for picture in found] == list(range(1, count + 1))
        if form == "TIFF":
            with pytest.raises(DataError, match="3 pages; the limit is 2"):
                list(pictures(stream.getvalue(), Limits(pages=2)))


def test_pages_of_a_pdf_are_rendered(tmp_path):
    pages = [Image.fromarray(shades(100, 72)), Image.new("L", (72, 100), 255)]
    pages[0].save(tmp_path / "two.pdf", save_all=True, append_images=pages[1:], resolution=72)
    first, second = pictures(tmp_path / "two.pdf")
    assert (first.page, second.page) == (1, 2)
    height, width = first.pixels.shape[:2]
    assert (width, height) == pytest.approx((PDF_DPI, 100 * PDF_DPI / 72), abs=2)
    assert second.pixels.min() == 255
    assert first.pixels[:20].mean() < 40 < 200 < first.pixels[-20:].mean()


def test_pdfs_can_be_read_by_several_threads_at_once(tmp_path):
    Image.fromarray(shades(100, 72)).save(tmp_path / "page.pdf")
    content = (tmp_path / "page.pdf").read_bytes()
    (expected,) = pictures(content)
    found = []

    def work():
        for _ in range(5):
            found.extend(pictures(content))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(np.array_equal(picture.pixels, expected.pixels) for picture in found)


LOCKED = """%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>> endobj
4 0 obj <</Filter/Standard/V 1/R 2/Length 40/P -44
/O<28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A>
/U<0000000000000000000000000000000000000000000000000000000000000000>>> endobj
trailer <</Root 1 0 R/Encrypt 4 0 R/Size 5/ID[<00112233445566778899AABBCCDDEEFF>
<00112233445566778899AABBCCDDEEFF>]>>
%%EOF"""


def two_pages():
    stream = io.BytesIO()
    page = Image.fromarray(shades())
    page.save(stream, "TIFF", save_all=True, append_images=[page])
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: 0 bytes"),
        (b"seven, eight, nine\n", "no picture that can be read (it looks like text)"),
        (bytes(range(200, 250)), "it begins with c8 c9 ca cb"),
        (saved(np.tile(shades(), (20, 20)), "JPEG")[:3000], "damaged picture: image file is truncated"),
        (saved(np.tile(shades(), (20, 20)), "PNG")[:300], "damaged picture"),
        (png_header(20_000, 20_000), "400,000,000 pixels; the limit is 120,000,000"),
        (saved(shades()[:1, :1], "PNG"), "1x1 pixels; no digit fits into it"),
        (
            png_header(4, 3),
            "4x3 pixels; no digit fits into it. Give a picture whose longer side has at least 5",
        ),
        (png_header(12_000, 11_000), "12,000 x 11,000 = 132,000,000 pixels; the limit is 120,000,000"),
        (b"%PDF-1.7 and nothing more", "damaged PDF"),
        (b"%PDF-1.7 and nothing more", "Data format error). Get the file again."),
        (LOCKED.encode(), "locked by a password"),
        (two_pages()[:2300], "damaged picture: "),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, content, said):
    path = tmp_path / "page.png"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        list(pictures(path))
    assert said in str(raised.value)
    assert str(path) in str(raised.value)


def test_of_several_pages_the_damaged_one_is_named(capfd, recwarn):
    pages = [Image.fromarray(np.tile(shades(), (4, 4)))] * 3
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    content = bytearray(stream.getvalue())
    with Image.open(stream) as image:
        image.seek(1)
        start = image.tag_v2[273][0]
    content[start + 20 : start + 4000] = b"\xff" * 3980
    with pytest.raises(FormatError, match=r"^Page 2 of <bytes> is a damaged picture"):
        list(pictures(content))
    damaged = {}
    assert [picture.page for picture in pictures(content, None, damaged)] == [1, 3]
    (number, reason), *_ = damaged.items()
    assert number == 2
    assert reason.startswith("The page is a damaged picture: ")
    # Neither libtiff nor Pillow has a word of its own beside it.
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_pdf_without_pages_is_not_told_by_the_error_of_the_one_before():
    bare = io.BytesIO()
    pypdfium2 = pytest.importorskip("pypdfium2")
    pypdfium2.PdfDocument.new().save(bare)
    with pytest.raises(FormatError, match="locked by a password"):
        list(pictures(LOCKED.encode()))
    with pytest.raises(FormatError, match="damaged PDF"):
        list(pictures(bare.getvalue()))


def test_of_a_tiff_that_is_cut_off_the_pages_before_are_kept():
    damaged = {}
    assert [picture.page for picture in pictures(two_pages()[:2600], None, damaged)] == [1]
    assert list(damaged) == [2]
    with pytest.raises(FormatError, match="Page 2 of <bytes> is a damaged picture"):
        list(pictures(two_pages()[:2600]))


def test_only_the_longer_side_must_have_some_pixels():
    (picture,) = pictures(np.full((5, 1), 200, np.uint8))
    assert picture.pixels.shape == (5, 1)


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    with pytest.raises(FormatError, match=r"There is no file .*none\.png"):
        list(pictures(tmp_path / "none.png"))
    with pytest.raises(FormatError, match="is a folder; no pictures lie in it"):
        list(pictures(tmp_path))


def test_more_bytes_than_the_limit_are_refused():
    with pytest.raises(DataError, match="larger than 100 bytes"):
        list(pictures(saved(shades(), "BMP"), Limits(bytes=100)))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (3, "Got int"),
        (None, "Got NoneType"),
        (io.StringIO("seven"), "Open it in binary mode"),
        ("", "name of a file is empty"),
        ("a\0b.png", "null byte"),
        (np.array(5), r"Got shape \(\)"),
        (np.zeros(20_000, np.uint8), r"Got shape \(20000,\)"),
    ],
)
def test_what_is_no_source_is_refused(source, said):
    with pytest.raises(DataError, match=said):
        list(pictures(source))


def test_a_name_is_one_that_any_output_can_hold(tmp_path):
    path = tmp_path / "\udcff.png"  # a byte that is no UTF-8
    path.write_bytes(saved(shades(), "PNG"))
    (picture,) = pictures(path)
    np.testing.assert_array_equal(picture.pixels, shades())
    assert name(path) == name(str(path)) == f"{tmp_path}/\\udcff.png"


def test_a_pdf_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError, match=r"tenfold\[pdf\]"):
        list(pictures(b"%PDF-1.7"))
