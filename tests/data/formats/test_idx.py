import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tenfold.data.formats.idx import parse_idx, read_idx, read_idx_folder, write_idx
from tenfold.errors import FormatError

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def test_header_is_the_published_one(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    raw = (tmp_path / "images").read_bytes()
    assert raw[:16] == struct.pack(">IIII", 0x00000803, 3, 4, 5)
    assert raw[16:] == bytes(range(60))


@given(
    hnp.arrays(
        st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]),
        hnp.array_shapes(max_dims=4, min_side=0),
        fill=None,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("idx") / "array"
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_gzip_is_told_by_content_and_written_alike_each_time(tmp_path):
    write_idx(tmp_path / "a.gz", IMAGES)
    write_idx(tmp_path / "b.gz", IMAGES)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes())[:4] == b"\0\0\x08\x03"
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    (tmp_path / "a.gz").rename(tmp_path / "plain-name")
    np.testing.assert_array_equal(read_idx(tmp_path / "plain-name"), IMAGES)


def test_wrong_magic_number_names_the_byte():
    with pytest.raises(FormatError, match=r"x is no idx file: byte 0 .* 0x00000803 .* found 0x12345678"):
        parse_idx(b"\x12\x34\x56\x78rest", "x")


def test_web_page_is_called_one():
    with pytest.raises(FormatError, match="looks like a web page"):
        parse_idx(b"<!DOCTYPE html><html>", "x")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\0\0", "magic number of 4 bytes, the file has 2"),
        (b"\0\0\x08\x03\0\0\0\1", "3 sizes should end at byte 16, the file at 8"),
        (b"\0\0\x08\x01\0\0\0\5abc", "truncated: sizes 5 end at byte 13, the file at 11"),
        (b"\0\0\x08\x01\0\0\0\2abc", "bytes left over: sizes 2 end at byte 10, the file at 11"),
    ],
)
def test_wrong_length_names_the_byte(raw, message):
    with pytest.raises(FormatError, match=message):
        parse_idx(raw, "x")


def test_cut_off_and_damaged_gzip(tmp_path):
    write_idx(tmp_path / "a.gz", IMAGES)
    raw = (tmp_path / "a.gz").read_bytes()
    (tmp_path / "cut.gz").write_bytes(raw[:-12])
    with pytest.raises(FormatError, match=rf"cut\.gz is truncated: .* byte {len(raw) - 12}"):
        read_idx(tmp_path / "cut.gz")
    (tmp_path / "bad.gz").write_bytes(raw[:-8] + b"12345678")
    with pytest.raises(FormatError, match=r"bad\.gz is a damaged gzip file"):
        read_idx(tmp_path / "bad.gz")


def test_gzip_streams_in_a_row_are_one_file(tmp_path):
    write_idx(tmp_path / "a", IMAGES)
    raw = (tmp_path / "a").read_bytes()
    (tmp_path / "two.gz").write_bytes(gzip.compress(raw[:30]) + gzip.compress(raw[30:]))
    np.testing.assert_array_equal(read_idx(tmp_path / "two.gz"), IMAGES)


def test_missing_file(tmp_path):
    with pytest.raises(FormatError, match="none cannot be read: No such file"):
        read_idx(tmp_path / "none")


def test_types_that_idx_has_not(tmp_path):
    with pytest.raises(FormatError, match="Got int64"):
        write_idx(tmp_path / "x", np.zeros(3, np.int64))
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "images"
    write_idx(path, IMAGES)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_idx(path, IMAGES[:1])
    assert [item.name for item in tmp_path.iterdir()] == ["images"]
    assert path.read_bytes() == before


def test_folder_with_canonical_names(tmp_path):
    labels = np.array([7, 0, 9], np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
    write_idx(tmp_path / "t10k-images.idx3-ubyte", IMAGES[:2])
    write_idx(tmp_path / "t10k-labels.idx1-ubyte", labels[:2])
    parts = read_idx_folder(tmp_path)
    assert list(parts) == ["train", "test"]
    np.testing.assert_array_equal(parts["train"][0], IMAGES)
    np.testing.assert_array_equal(parts["test"][1], [7, 0])
    assert parts["test"][1].dtype == np.int64


def test_folder_that_lacks_half_a_pair(tmp_path):
    with pytest.raises(FormatError, match="holds no idx files; expected train-images-idx3-ubyte"):
        read_idx_folder(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    with pytest.raises(FormatError, match="train-images-idx3-ubyte but no train-labels-idx1-ubyte"):
        read_idx_folder(tmp_path)


def test_counts_that_do_not_match(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(2, np.uint8))
    with pytest.raises(FormatError, match=r"holds 3 images, .*train-labels-idx1-ubyte 2 labels"):
        read_idx_folder(tmp_path)


def test_labels_in_place_of_images(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros(3, np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    with pytest.raises(FormatError, match=r"train-images-idx3-ubyte: expected images .* shape \(3,\)"):
        read_idx_folder(tmp_path)
