import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

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
    write_html,
)
from tenfold.report.canvas import SERIES, VARIABLES
from tenfold.report.html import render_html, tally

VOID = {"meta", "img", "br", "link", "input", "hr"}
EVIL = "<script>alert('x')</script>\"&"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><path id="p" d="M0 0"/></defs>'
    '<use href="#p"/></svg>'
)


class Page(HTMLParser):
    """Reads a page strictly: every element is closed by its own tag, in its place."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.said = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data

    def all(self, name):
        return [attrs[name] for _, attrs in self.elements if attrs.get(name) is not None]

    def tags(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 5, 4), dtype=np.uint8)


@pytest.fixture(scope="module")
def document(images):
    table = Table(
        (Column(EVIL, help=EVIL), Column("Accuracy", "right", "%")),
        (
            (EVIL, Measured(0.98, 0.97, 0.99, 3, 0.01)),
            (Text("see [the claims](#claims)"), None),
            ("c", Measured(0.9)),
        ),
        f"Caption {EVIL}",
        "ranks",
    )
    figure = Figure(SVG, EVIL, EVIL, "curve", data=table)
    verdicts = Verdicts(
        (
            Verdict("li-1", EVIL, "holds", EVIL, (EVIL,)),
            Verdict("li-2", "c", "does not hold"),
            Verdict("li-3", "c", "undecided"),
        ),
        key="claims",
    )
    blocks = (
        Text(f"{EVIL} [ranks](#ranks) [nowhere](#nowhere)"),
        Note(EVIL, "scale", (EVIL, "plain")),
        table,
        table,
        figure,
        figure,
        Pictures(images, (EVIL, "b", "c"), EVIL, "digits"),
        verdicts,
        Numbers(((EVIL, "99.3 ± 0.1%", EVIL),)),
        Listing(EVIL, EVIL),
    )
    sections = (Section(EVIL, blocks, "one"), Section("inner", (), level=3), Section("inner", ()))
    return Document(EVIL, EVIL, sections, {EVIL: EVIL})


@pytest.fixture(scope="module")
def page(document):
    return Page(render_html(document))


def test_the_page_is_well_formed_and_says_its_language(page):
    assert page.tags("html") == [{"lang": "en"}]
    assert len(page.tags("main")) == len(page.tags("h1")) == len(page.tags("title")) == 1


def test_no_id_comes_twice_and_every_anchor_is_there(page):
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in page.all("href")}
    assert targets <= set(ids)
    assert {"one", "ranks", "curve", "digits", "claims", "li-1", "li-2", "li-3"} <= set(ids)
    assert set(page.all("aria-labelledby")) <= set(ids)


def test_the_names_of_a_note_are_folded():
    note = Note("Not run: 2.", "scale", ("Tables, one", "<b>"))
    page = render_html(Document("T", "", (Section("S", (note, Note("Nothing."))),)))
    assert page.count("<details><summary>Which 2</summary>") == 1
    assert "<ul><li>Tables, one</li><li>&lt;b&gt;</li></ul></details></div>" in page


def test_the_page_asks_for_nothing_from_outside(page, document):
    assert all(link.startswith("#") for link in page.all("href"))
    assert all(source.startswith("data:image/png;base64,") for source in page.all("src"))
    assert not page.tags("link")
    text = render_html(document)
    assert "@import" not in text
    assert "http" not in re.sub(r"http-equiv", "", text)


def test_no_text_becomes_a_script(page):
    assert not page.tags("script")
    assert page.said.count("<script>alert('x')</script>\"&") > 12


def test_every_table_names_its_rows_and_columns(page):
    assert {cell.get("scope") for cell in page.tags("th")} == {"row", "col"}


def test_every_picture_and_drawing_has_a_description(page):
    assert all(image.get("alt") for image in page.tags("img"))
    assert [(svg["role"], svg["aria-label"]) for svg in page.tags("svg")] == [("img", EVIL)] * 2


def test_verdicts_say_in_words_what_they_are(page, document):
    for words in ("✓ holds", "✗ does not hold", "? undecided"):
        assert words in " ".join(page.said.split())
    verdicts = next(block for block in document.blocks() if isinstance(block, Verdicts))
    assert tally(verdicts) == "Of 3 claims, 1 holds, 1 does not hold, 1 is undecided."
    assert tally(Verdicts(verdicts.rows[:1] * 2)) == "Of 2 claims, 2 hold."
    assert tally(Verdicts(())) == "No claims."
    so_far = Verdict("k", "Claimed.", "undecided", so_far="does not hold")
    assert tally(Verdicts((so_far, so_far, replace(so_far, so_far="holds")))) == (
        "Of 3 claims, 3 are undecided (so far, in shortened runs, 1 holds, 2 fail)."
    )


def test_only_a_long_table_scrolls_and_only_where_it_need_not_be_seen_whole():
    def shown(rows, whole=False):
        table = Table((Column("n", "right"),), tuple((row,) for row in range(rows)), whole=whole)
        page = Page(render_html(Document("x", "", (Section("x", (table,)),))))
        return next(attrs["class"].split() for attrs in page.tags("figure"))

    assert shown(25) == ["table"]
    assert shown(26) == ["table", "long", "boxed"]
    assert shown(26, whole=True) == ["table", "long"]
    css = (files("tenfold.report") / "templates" / "document.css").read_text()
    screen, _, printed = css.rpartition("@media print")
    heights = re.findall(r"^ *([^{}\n]+) {[^{}]*max-height: \d+rem", screen, re.MULTILINE)
    assert heights == ["details .scroll", ".table.boxed .scroll"]
    assert "max-height: none !important" in printed, "on paper nothing scrolls"


def test_measured_numbers_show_what_they_are_worth(page):
    said = " ".join(page.said.split())
    assert "98.00 ± 1.00 (n = 3)" in said
    assert "95% interval 97.000 to 99.000%" in " ".join(page.all("title"))


def test_digits_are_shown_dark_on_light_to_the_pixel(page, images):
    for source, image in zip(page.all("src"), images, strict=True):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))))
        np.testing.assert_array_equal(shown, 255 - image)


def test_the_same_document_gives_the_same_bytes(document, tmp_path):
    one, two = write_html(document, tmp_path / "a.html"), write_html(document, tmp_path / "b.html")
    assert one.read_bytes() == two.read_bytes()


def test_an_empty_document_is_a_page_too():
    assert Page(render_html(Document("Nothing yet"))).said.split()[:2] == ["Nothing", "yet"]


def luminance(color):
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    bright, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def palettes():
    css = (files("tenfold.report") / "templates" / "document.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))
        for block in (
            css.partition("@media screen")[0],
            css.partition("@media screen")[2].partition("@media")[0],
        )
    )
    series = {VARIABLES[color]: color for color in SERIES[:-1]}
    return {"light": light | {f"chart-{name}": color for name, color in series.items()}, "dark": dark}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa_and_lines_of_charts_that_of_graphics(mode):
    colors = palettes()[mode]
    for ink in ("ink", "muted", "accent"):
        for paper in ("paper", "raised"):
            assert contrast(colors[ink], colors[paper]) >= 4.5
    for badge in ("good", "bad", "open"):
        assert contrast(colors[badge], colors[f"{badge}-paper"]) >= 4.5
        assert contrast(colors["ink"], colors[f"{badge}-paper"]) >= 4.5
    for number in range(1, len(SERIES)):
        assert contrast(colors[f"chart-series-{number}"], colors["paper"]) >= 3
