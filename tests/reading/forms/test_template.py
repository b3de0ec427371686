"""Templates as values and as TOML."""

import tomllib

import pytest

from tenfold.errors import FormError
from tenfold.reading.forms import Field, Template, load_template, save_template
from tenfold.reading.forms.sums import Sum
from tenfold.reading.forms.toml import from_dict, to_toml

TEXT = """
name = "Exam"

[page]
size = [210, 297]
unit = "mm"

[[field]]
name = "student"
box = [60, 40, 81, 9]
cells = 9
length = 9
values = "roster.csv"

[[field]]
name = "q1"
box = [120, 150, 16, 8]
cells = 2
blank = true
range = [0, 20]

[[field]]
name = "total"
box = [120, 170, 16, 8]
printed = "outline"
pattern = '\\d{1,2}'

[[sum]]
parts = ["q1"]
total = "total"

[[rule]]
line = [20, 30, 190, 30]

[[mark]]
box = [10, 10, 5, 5]
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "roster.csv").write_text("student,name\n123456789,Ada\n987654321,Grace\n")
    path = tmp_path / "exam.toml"
    path.write_text(TEXT)
    return path


def test_a_template_from_toml(path):
    template = load_template(path)
    student, q1, total = template.fields

    assert (template.name, template.size, template.unit) == ("Exam", (210, 297), "mm")
    assert (student.cells, student.length, student.values) == (9, (9, 9), "roster.csv")
    assert [item.label for item in student.constraints] == ["length 9", "allowed values"]
    assert student.constraints[1].values == {"123456789", "987654321"}
    assert (q1.blank, q1.range, total.cells, total.printed) == (True, (0, 20), None, "outline")
    assert template.sums == (Sum(("q1",), "total"),)
    assert (template.rules, template.marks) == (((20, 30, 190, 30),), ((10, 10, 5, 5),))


def test_what_is_written_is_read_back_as_the_same(path, tmp_path):
    template = load_template(path)
    save_template(template, tmp_path / "again.toml")

    assert load_template(tmp_path / "again.toml") == template


@pytest.mark.parametrize("name", ['a "b" \\ c', "línea\n2", "\x01", ""])
def test_any_name_can_be_written(name):
    template = Template((100, 100), "mm", (Field("f", (10, 10, 10, 10)),), name=name)

    assert from_dict(tomllib.loads(to_toml(template))) == template


def test_fractions_are_parts_of_width_and_height():
    template = Template((200, 300), "fraction", (Field("f", (0.1, 0.1, 0.3, 0.02), cells=3),))

    assert template.cells(template.fields[0]) == [
        pytest.approx(box) for box in [(20, 30, 20, 6), (40, 30, 20, 6), (60, 30, 20, 6)]
    ]


def test_cells_that_stand_apart():
    template = Template((200, 300), "mm", (Field("f", (10, 10, 34, 10), cells=3, gap=2),))
    lines = list(template.lines())

    assert template.cells(template.fields[0]) == [(10, 10, 10, 10), (22, 10, 10, 10), (34, 10, 10, 10)]
    assert len(lines) == 12


def test_cells_that_touch_share_a_line():
    template = Template((200, 300), "mm", (Field("f", (10, 10, 30, 10), cells=3),))
    down = [line for line in template.lines() if line[0] == line[2]]

    assert [line[0] for line in down] == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("length = 9", "lenght = 9", r"field 'student': lenght is no key .* Did you mean 'length'\?"),
        ("[page]", "[pages]", r"pages is no key .* Did you mean 'page'\?"),
        (
            "length = 9",
            "length = 'nine'",
            r"field 'student': length must be a whole number, or \[least, most\]",
        ),
        ("length = 9", "length = [3, 2]", r"field 'student': length must be from 1 to the 9 cells"),
        ("length = 9", "length = 10", r"field 'student': length must be from 1 to the 9 cells"),
        ("cells = 9", "cells = 0", r"field 'student': cells must be from 1 to 64. Got 0"),
        ("cells = 9", "cells = true", r"field 'student': cells must be a whole number. Got True"),
        ("[60, 40, 81, 9]", "[60, 40, 81]", r"field 'student': box must be four numbers in brackets"),
        ("[60, 40, 81, 9]", "[160, 40, 81, 9]", r"field 'student': box .* within the page \(210 x 297"),
        ("[60, 40, 81, 9]", "[60, 40, -81, 9]", r"field 'student': box must be .* width and height above 0"),
        ("[60, 40, 81, 9]", "[60, 40, 81, nan]", r"field 'student': box must be four numbers"),
        ("[0, 20]", "[20, 0]", r"field 'q1': range must be two numbers"),
        ("[0, 20]", "[150, 200]", r"field 'q1': no text in 2 cells keeps all .*range 150 to 200"),
        ("blank = true", "blank = 1", r"field 'q1': blank must be true or false. Got 1"),
        (r"\\d{1,2}".replace("\\\\", "\\"), "[a-z]", r"field 'total': pattern must be a pattern of digits"),
        ('"outline"', '"box"', r"field 'total': printed must be one of cells, outline, none. Got 'box'"),
        ('"roster.csv"', '"none.csv"', r"field 'student': values must be .*none.csv: No such file"),
        ('"roster.csv"', '["12345678x"]', r"field 'student': values: each must be digits only.*'12345678x'"),
        ('"roster.csv"', "[]", r"field 'student': values must be a list of texts"),
        ('"roster.csv"\n', '"roster.csv"\nchecksum = "lun"\n', r"field 'student': .*Did you mean 'luhn'"),
        (
            '"roster.csv"\n',
            '"roster.csv"\nchecksum = "no:f"\n',
            r"field 'student': checksum must be a function",
        ),
        ('parts = ["q1"]', 'parts = ["q3"]', r"sum: there is no field 'q3'. Known: student, q1, total"),
        ('parts = ["q1"]', 'parts = ["total"]', r"sum: field 'total' is there twice"),
        ('name = "q1"', 'name = "total"', r"field 'total' is there 2 times"),
        ('name = "q1"\n', "", r"field 2: name is missing: a text in quotes"),
        ('unit = "mm"', 'unit = "inch"', r"page: unit must be one of mm, fraction. Got 'inch'"),
        ("[210, 297]", "[210, 0]", r"page: size must be width and height"),
        ("[20, 30, 190, 30]", "[20, 30, 190, 90]", r"rule: line must run across or down"),
        ("[[mark]]", "[mark]", r"mark must be written as \[\[mark\]\]"),
        ("[page]", "[page", r"Expected ']'"),
    ],
)
def test_an_error_names_file_field_and_key(path, old, new, message):
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(FormError, match=f"(?s)exam.toml: .*{message}"):
        load_template(path)


def test_a_form_with_nothing_printed_cannot_be_aligned():
    with pytest.raises(FormError, match="nothing printed"):
        Template((100, 100), "mm", (Field("f", (10, 10, 10, 10), printed="none"),))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FormError, match=r"no file .*none.toml.*tenfold form new"):
        load_template(tmp_path / "none.toml")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "form.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormError, match="no UTF-8"):
        load_template(tmp_path / "form.toml")


def test_constraints_that_exclude_each_other():
    with pytest.raises(FormError, match="keeps all its constraints"):
        Field("f", (0, 0, 1, 1), cells=2, pattern="1.", range=(20, 99))
    Field("f", (0, 0, 1, 1), cells=24, checksum="mod97", pattern="1\\d*")
