import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tenfold.data.formats import table
from tenfold.data.formats.table import read_csv, write_csv
from tenfold.errors import FormatError

HEADER = "label,pixel0,pixel1,pixel2,pixel3\n"


def write(tmp_path, text):
    path = tmp_path / "digits.csv"
    path.write_text(text, newline="")
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_kaggles_layout(tmp_path, end):
    images, labels = read_csv(write(tmp_path, HEADER + "7,0,255,10,9\n3,1,2,3,4" + end))
    np.testing.assert_array_equal(images, [[[0, 255], [10, 9]], [[1, 2], [3, 4]]])
    np.testing.assert_array_equal(labels, [7, 3])
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64


def test_without_label_and_without_header(tmp_path):
    images, labels = read_csv(write(tmp_path, "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n"))
    np.testing.assert_array_equal(images, [[[1, 2], [3, 4]]])
    assert labels is None
    images, labels = read_csv(write(tmp_path, "1,2,3,4\n5,6,7,8\n"))
    assert images.shape == (2, 2, 2)
    assert labels is None
    images, labels = read_csv(write(tmp_path, "9,1,2,3,4\n"))
    np.testing.assert_array_equal(labels, [9])


@given(
    images=hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.just(3), st.just(3))),
    labeled=st.booleans(),
    chunk=st.integers(1, 400),
)
def test_what_is_written_is_read_back_in_chunks_of_any_size(tmp_path_factory, images, labeled, chunk):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    labels = np.arange(len(images)) if labeled else None
    write_csv(path, images, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_CHUNK", chunk)
        back, marks = read_csv(path)
    np.testing.assert_array_equal(back, images)
    assert (marks is None) if labels is None else np.array_equal(marks, labels)


def test_agrees_with_numpys_reader(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "x.csv"
    write_csv(path, rng.integers(0, 256, (50, 28, 28), np.uint8), rng.integers(0, 10, 50))
    other = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    images, labels = read_csv(path)
    np.testing.assert_array_equal(images.reshape(50, -1), other[:, 1:])
    np.testing.assert_array_equal(labels, other[:, 0])


def test_unusual_but_clear_numbers_are_read(tmp_path):
    images, labels = read_csv(write(tmp_path, HEADER + '"7", 0,255.0,1e1,09\n'))
    np.testing.assert_array_equal(images, [[[0, 255], [10, 9]]])
    np.testing.assert_array_equal(labels, [7])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,0,0,0,0\n2,0,x,0,0\n", r"row 3, column pixel1: expected a pixel, .* found 'x'"),
        ("1,0,0,0,0\n2,0,0,0,256\n", r"row 3, column pixel3: .* 0 to 255, found '256'"),
        ("1,0,0,0,-1\n", r"row 2, column pixel3: .* found '-1'"),
        ("1,0,0,0,0.5\n", r"row 2, column pixel3: .* found '0.5'"),
        ("1,0,0,0,\n", r"row 2, column pixel3: .* found ''"),
        ("1,0,0,0,inf\n", r"row 2, column pixel3: .* found 'inf'"),
        ("-1,0,0,0,0\n", r"row 2, column label: expected a label, a whole number >= 0, found '-1'"),
        ("1e300,0,0,0,0\n", r"row 2, column label: expected a label, .* found '1e300'"),
        ("1,0,0,0,0\n1,0,0,0\n", r"row 3: expected 5 columns, found 4"),
        ("1,0,0,0,0\n1,0,0\n1,0,0,0,0,0,0\n", r"row 3: expected 5 columns, found 3"),
    ],
)
def test_error_names_row_and_column(tmp_path, rows, message):
    with pytest.raises(FormatError, match=r"digits\.csv, " + message):
        read_csv(write(tmp_path, HEADER + rows))


def test_row_is_right_in_later_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_CHUNK", 100)
    rows = ["1,10,20,30,40"] * 500
    rows[321] = "1,10,20,30,999"
    with pytest.raises(FormatError, match="row 323, column pixel3"):
        read_csv(write(tmp_path, HEADER + "\n".join(rows)))


def test_columns_that_make_no_square(tmp_path):
    with pytest.raises(FormatError, match="row 1: 7 columns make no square picture"):
        read_csv(write(tmp_path, "1,2,3,4,5,6,7\n"))


def test_empty_files(tmp_path):
    with pytest.raises(FormatError, match="is empty"):
        read_csv(write(tmp_path, "\n"))
    with pytest.raises(FormatError, match="has a header but no rows"):
        read_csv(write(tmp_path, HEADER))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("label,pixel0,pixel2,pixel1,pixel3", "column 3: expected pixel1, found 'pixel2'"),
        ("label,pixel0,pixel1,pixel1,pixel3", "column 4: expected pixel2, found 'pixel1'"),
        ("pixel0,pixel1,pixel2,label", "column 4: expected pixel3, found 'label'"),
        ("foo,pixel0,pixel1,pixel2,pixel3", "column 1: expected label or pixel0, found 'foo'"),
        ("label,px0,px1,px2,px3", "column 2: expected pixel0, found 'px0'"),
        ("label,1x1,1x2,2x2,2x1", "column 4: expected 2x1, found '2x2'"),
        ("label,pixel0,7,pixel2,pixel3", "column 3: expected pixel1, found '7'"),
    ],
)
def test_a_header_with_other_names_is_refused(tmp_path, header, message):
    with pytest.raises(FormatError, match=rf"digits\.csv, row 1, {message}.*label,pixel0,pixel1") as caught:
        read_csv(write(tmp_path, f"{header}\n" + ",".join("1" * (header.count(",") + 1))))
    assert "none at all" in str(caught.value)


@pytest.mark.parametrize(
    "names", ["pixel0,pixel1,pixel2,pixel3", "pixel1,pixel2,pixel3,pixel4", "1x1,1x2,2x1,2x2"]
)
def test_headers_as_data_sets_are_published_with(tmp_path, names):
    """MNIST on Kaggle is numbered from 0, Fashion-MNIST from 1, and "MNIST in CSV" by row and column."""
    images, labels = read_csv(write(tmp_path, f"label,{names}\n7,1,2,3,4\n"))
    np.testing.assert_array_equal(images, [[[1, 2], [3, 4]]])
    np.testing.assert_array_equal(labels, [7])


@pytest.mark.parametrize(("sign", "says"), [(";", "';'"), ("\t", "a tab")])
def test_other_separators_are_named(tmp_path, sign, says):
    text = (HEADER + "7,0,255,10,9\n").replace(",", sign)
    with pytest.raises(FormatError, match=f"row 1: columns are separated by {says}, expected ','"):
        read_csv(write(tmp_path, text))


def test_a_long_cell_is_cut(tmp_path):
    with pytest.raises(FormatError) as caught:
        read_csv(write(tmp_path, HEADER + f"1,0,0,0,{'x' * 10_000}\n"))
    assert f"found '{'x' * 40}…'." in str(caught.value)


def test_a_cell_longer_than_the_csv_module_takes(tmp_path):
    with pytest.raises(FormatError, match=r"row 2 or later: no CSV that can be read"):
        read_csv(write(tmp_path, HEADER + f"1,0,0,0,{'x' * 200_000}\n"))
