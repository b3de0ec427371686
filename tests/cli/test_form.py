"""``tenfold form`` and ``tenfold read --form``."""

import json

import numpy as np
import pytest
from PIL import Image

from tenfold.reading.forms import Field, Template, load_template, save_template
from tenfold.reading.forms.made import print_form

FORM = Template(
    (148, 210),
    "mm",
    (Field("number", (30, 40, 81, 9), cells=9), Field("mark", (30, 60, 16, 8), cells=2)),
    rules=((20, 30, 130, 30),),
)


@pytest.fixture
def form(tmp_path):
    page = print_form(FORM, dpi=130)
    Image.fromarray(page).save(tmp_path / "blank.png")
    page[round(45 * 130 / 25.4) + np.arange(-9, 9), round(35 * 130 / 25.4)] = 0
    Image.fromarray(page).save(tmp_path / "filled.png")
    save_template(FORM, tmp_path / "form.toml")
    return tmp_path


def test_a_template_is_drafted(cli, form):
    answer = cli("form", "new", "blank.png", "--out", "new.toml", "--size", "148x210")
    drafted = load_template(form / "new.toml")

    assert answer.code == 0
    assert "Found 2 fields with 11 cells" in answer.err
    assert [item.cells for item in drafted.fields] == [9, 2]
    assert drafted.fields[0].box == pytest.approx(FORM.fields[0].box, abs=0.5)


def test_without_out_the_template_is_the_result(cli, form):
    answer = cli("form", "new", "blank.png")

    assert answer.out.startswith('name = "blank"')
    (form / "new.toml").write_text(answer.out)
    assert len(load_template(form / "new.toml").fields) == 2


def test_a_page_is_checked_and_drawn(cli, form):
    answer = cli("form", "check", "form.toml", "filled.png", "--out", "seen.png")
    drawn = np.asarray(Image.open(form / "seen.png"))

    assert answer.code == 0
    assert "100% found" in answer.out
    assert "1 of 9" in answer.out
    assert drawn.shape == (*np.asarray(Image.open(form / "filled.png")).shape, 3)
    # Colors are on it.
    assert (np.ptp(drawn.astype(int), axis=2) > 60).sum() > 500


def test_a_check_as_json(cli, form):
    found = json.loads(cli("form", "check", "form.toml", "filled.png", "--json").out)

    assert found["support"] > 0.95
    assert [(item["field"], item["cells"], item["filled"]) for item in found["fields"]] == [
        ("number", 9, 1),
        ("mark", 2, 0),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "blank.png", "--out", "blank.png"),
        ("new", "blank.png", "--out", "link.png", "--force"),
        ("check", "form.toml", "blank.png", "--out", "blank.png"),
        ("check", "form.toml", "blank.png", "--out", "link.png"),
        ("check", "called.png", "blank.png", "--out", "called.png"),
    ],
)
def test_what_is_read_is_not_written_over(cli, form, arguments):
    (form / "link.png").symlink_to(form / "blank.png")
    (form / "called.png").write_bytes((form / "form.toml").read_bytes())
    before = {path: path.read_bytes() for path in form.iterdir()}
    answer = cli("form", *arguments)

    assert answer.code == 2
    assert "is read, and would be written over" in " ".join(answer.err.split())
    assert {path: path.read_bytes() for path in form.iterdir()} == before


def test_a_template_that_is_there_stays_but_by_force(cli, form):
    edited = (form / "form.toml").read_text()
    answer = cli("form", "new", "blank.png", "--out", "form.toml")

    assert answer.code == 2
    assert "form.toml is there already" in " ".join(answer.err.split())
    assert (form / "form.toml").read_text() == edited
    assert cli("form", "new", "blank.png", "--out", "form.toml", "--force").code == 0
    assert load_template(form / "form.toml").name == "blank"


def test_a_draft_of_a_page_on_its_side_says_so(cli, form):
    Image.open(form / "blank.png").rotate(90, expand=True).save(form / "side.png")

    assert "If the page is turned by a quarter" in cli("form", "new", "side.png").err
    assert "If the page is turned by a quarter" not in cli("form", "new", "blank.png").err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("new", "none.png"), 1, "There is no file none.png"),
        (("new", "blank.png", "--size", "A4"), 2, "210x297"),
        (("new", "blank.png", "--out", "form.toml/x.toml"), 1, "cannot be written"),
        (("check", "none.toml", "blank.png"), 1, "no file none.toml"),
        (("check", "form.toml", "white.png"), 1, "white.png: The page does not fit the template"),
        (("new", "white.png"), 1, "white.png: No empty box was found"),
        (("new", "blank.png", "--size", "210x148"), 1, "blank.png: The page is turned by a quarter"),
        (("check", "form.toml", "blank.png", "--out", "seen.jpg"), 2, "must be a .png file; got seen.jpg"),
        (("check", "form.toml", "blank.png", "--out", "form.toml/x.png"), 1, "cannot be written"),
    ],
)
def test_what_goes_wrong_is_told(cli, form, arguments, code, said):
    Image.new("L", (600, 850), 255).save(form / "white.png")
    answer = cli("form", *arguments)

    assert answer.code == code
    assert said in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_a_template_that_is_wrong_is_told_before_anything_is_read(cli, form):
    (form / "form.toml").write_text("[page]\nsize = [1, 2]\nunits = 'mm'")
    answer = cli("read", "blank.png", "--form", "form.toml", "--out", "out.json", "--format", "json")

    assert answer.code == 1
    assert "form.toml: page: units is no key" in answer.err
    assert not (form / "out.json").exists()


def test_of_a_document_the_pages_that_fit_are_read(cli, form):
    pages = [Image.open(form / "filled.png"), Image.new("L", (600, 850), 255)]
    pages[0].save(form / "two.tif", save_all=True, append_images=pages[1:])
    answer = cli("read", "two.tif", "--form", "form.toml", "--format", "json", "--annotate", "seen")
    document = json.loads(answer.out)

    assert answer.code == 1
    assert "Error: two.tif: 1 of 2 pages cannot be read. Page 2: The page does not fit" in answer.err
    assert [len(page["lines"]) for page in document["pages"]] == [2, 0]
    assert sorted(path.name for path in (form / "seen").iterdir()) == ["two.read-2.png", "two.read.png"]
