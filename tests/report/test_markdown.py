import io
import re

import numpy as np
import pytest
from PIL import Image

from tenfold.errors import ReportError
from tenfold.report import (
    Column,
    Document,
    Figure,
    Listing,
    Measured,
    Note,
    Numbers,
    Pictures,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
    write_markdown,
)

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'
EVIL = "<script> a|b *c*"


def png():
    file = io.BytesIO()
    Image.new("L", (3, 2)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def document():
    table = Table(
        (Column("Model|s"), Column("Accuracy", "right", "%", help="On the *test* set.")),
        ((EVIL, Measured(0.98, 0.97, 0.99, 3)), (Text("[claims](#claims)"), None)),
        "Paper beside measured.",
        "ranks",
    )
    blocks = (
        Text("See [the ranks](#ranks), and [nothing](#nothing)."),
        Note("Not the **published** recipe.\n\nTwo.", "scale"),
        table,
        Figure(SVG, "A diagram.", "boxes", "net"),
        Figure(SVG, "A curve.", "a [line]", "net", data=table, png=png()),
        Pictures(np.zeros((5, 4, 4), np.uint8), tuple("abcde"), "Digits.", columns=3),
        Verdicts((Verdict("li-1", "It holds.", "does not hold", "Because | so.", ("part",)),), key="claims"),
        Numbers((("Accuracy", "99%", "of *all*"),)),
        Listing("a ``` b", "Printed."),
    )
    return Document("T_1", "sub", (Section("One & two", blocks), Section("inner", level=3)), {"Seeds": "0"})


@pytest.fixture
def page(document, tmp_path):
    return write_markdown(document, tmp_path / "report")


def test_the_names_of_a_note_are_folded_within_its_quotation(tmp_path):
    note = Note("Not run: 2.", "scale", ("a_b", "<b>"))
    text = write_markdown(Document("T", "", (Section("S", (note,)),)), tmp_path).read_text()
    assert (
        """
> Not run: 2.
>\x20
> <details><summary>Which 2</summary>
>\x20
> - a\\_b
> - &lt;b&gt;
>\x20
> </details>
"""
        in text
    )


def test_every_picture_is_a_file_and_every_anchor_is_there(page):
    text = page.read_text()
    pictures = re.findall(r"!\[.*?[^\\]\]\((.*?)\)", text)
    assert pictures == [
        "figures/net.svg",
        "figures/net-2.png",
        "figures/figure-3.png",
    ]
    assert all((page.parent / picture).is_file() for picture in pictures)
    anchors = re.findall(r'<a id="(.*?)">', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= set(anchors)


def test_no_raw_html_of_the_text_comes_through(page):
    tags = set(re.findall(r"<(\w+)", page.read_text()))
    assert tags == {"a", "details", "summary", "br"}


def test_rows_of_tables_have_as_many_cells_as_their_heads(page):
    for grid in re.findall(r"(?:^\|.*\|\n)+", page.read_text(), flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in grid.splitlines()}
        assert len(widths) == 1
        assert re.fullmatch(r"\|( (:---|---:|:---:) \|)+", grid.splitlines()[1])


def test_measured_numbers_and_verdicts_are_written_out(page):
    text = page.read_text()
    assert "98.00 ± 1.00 (n = 3)" in text
    assert "✗\u00a0does\u00a0not\u00a0hold" in text
    assert "*Accuracy*: On the *test* set." in text
    assert "> **Scale**" in text
    assert "````text\na ``` b\n````" in text


def test_the_digits_are_drawn_on_one_sheet(page):
    width, height = Image.open(page.parent / "figures" / "figure-3.png").size
    assert width > height


def test_the_same_document_gives_the_same_bytes(document, tmp_path):
    for name in ("a", "b"):
        write_markdown(document, tmp_path / name)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_folder_that_cannot_be_made_is_named(document, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match="could not be written"):
        write_markdown(document, tmp_path / "file")
