import bz2
import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tenfold.data import CATALOG, Digits, catalog, fetch, load, load_dataset, load_images, state
from tenfold.data.catalog import has_labels
from tenfold.data.download import folder_of
from tenfold.data.entries import File
from tenfold.data.formats import write_csv, write_idx
from tenfold.errors import DataError, FetchError, FormatError, UnknownNameError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "cache"))


def publish(monkeypatch, name, raws):
    """Put an entry's files into the cache as if they had been published with this content."""
    entry = CATALOG[name]
    files = tuple(
        File(file.name, f"md5:{hashlib.md5(raw).hexdigest()}")
        for file, raw in zip(entry.files, raws, strict=True)
    )
    monkeypatch.setitem(CATALOG, name, replace(entry, files=files))
    folder = folder_of(entry)
    folder.mkdir(parents=True)
    for file, raw in zip(files, raws, strict=True):
        (folder / file.name).write_bytes(raw)


def idx(tmp_path, array):
    write_idx(tmp_path / "x.gz", array)
    return (tmp_path / "x.gz").read_bytes()


def test_mnist_is_bundled_whole_and_writable(mnist):
    assert (len(mnist.train), len(mnist.test)) == (60_000, 10_000)
    assert mnist.train.images.shape == (60_000, 28, 28)
    assert mnist.train.images.dtype == np.uint8
    assert mnist.train.images.flags.writeable
    assert mnist.train.labels.dtype == np.int64
    # From the description of the database: the first labels, and how often each occurs.
    np.testing.assert_array_equal(mnist.train.labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    np.testing.assert_array_equal(
        np.bincount(mnist.test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    assert mnist.train.provenance["license"]
    assert state("mnist") == "bundled"


def test_bundled_files_hold_what_was_published():
    """The canonical files' sha256, as every copy of MNIST has them."""
    contents = {
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    folder = fetch("mnist")
    for file in CATALOG["mnist"].files:
        raw = (folder / file.name).read_bytes()
        assert len(raw) == file.size
        assert f"sha256:{hashlib.sha256(raw).hexdigest()}" == file.hash
        assert hashlib.sha256(gzip.decompress(raw)).hexdigest() == file.content == contents[file.name]


def test_a_damaged_bundle_is_noticed(tmp_path, monkeypatch):
    for file in CATALOG["mnist"].files:
        raw = bytearray(gzip.decompress((fetch("mnist") / file.name).read_bytes()))
        raw[-1] ^= 1
        (tmp_path / file.name).write_bytes(gzip.compress(raw, 1))
    monkeypatch.setattr(catalog, "_bundled_folder", lambda _: tmp_path)
    with pytest.raises(FetchError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load("mnist")


def test_parts_by_name(mnist):
    assert load_dataset("mnist").sha256 == mnist.test.sha256
    assert load_dataset("mnist", "train").name == "mnist/train"
    assert load_dataset("mnist/train").sha256 == mnist.train.sha256
    images, names = load_images("mnist/test")
    np.testing.assert_array_equal(images, mnist.test.images)
    assert names[0] == "1"


def test_names_that_are_unknown():
    with pytest.raises(UnknownNameError, match=r"no data set or path named 'mnits'\. Did you mean 'mnist'"):
        load("mnits")
    with pytest.raises(UnknownNameError, match="no data set named 'x'"):
        fetch("x")
    with pytest.raises(UnknownNameError, match="no part named 'validation'"):
        load_dataset("mnist", "validation")
    with pytest.raises(FormatError, match=r"no file or folder digits\.csv"):
        load_dataset("digits.csv")


def test_a_path_with_two_parts_and_a_path_with_one(tmp_path, mnist):
    for part in ("train", "test"):
        write_csv(tmp_path / f"{part}.csv", mnist.test.images[:5], mnist.test.labels[:5])
    assert isinstance(load(tmp_path), Digits)
    assert len(load_dataset(tmp_path, "train")) == 5
    assert len(load_dataset(str(tmp_path / "train.csv"))) == 5
    with pytest.raises(DataError, match="not a training and a test part"):
        load(tmp_path / "train.csv")


def test_emnist_is_turned_upright_and_counted_from_zero(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    raws = [idx(tmp_path, images), idx(tmp_path, np.array([1, 26, 3, 4], np.uint8))] * 2
    publish(monkeypatch, "emnist-letters", raws)
    assert state("emnist-letters") == "cached"
    train = load("emnist-letters").train
    np.testing.assert_array_equal(train.images[1], images[1].T)
    np.testing.assert_array_equal(train.labels, [0, 25, 2, 3])
    assert [train.classes[label] for label in train.labels] == ["a", "z", "c", "d"]


def test_qmnist_tells_the_writers(tmp_path, monkeypatch):
    images = np.zeros((3, 28, 28), np.uint8)
    table = np.zeros((3, 8), np.int32)
    table[:, 0], table[:, 2] = [7, 2, 1], [2100, 13, 2100]
    publish(monkeypatch, "qmnist", [idx(tmp_path, images), idx(tmp_path, table)] * 2)
    test = load("qmnist").test
    np.testing.assert_array_equal(test.labels, [7, 2, 1])
    np.testing.assert_array_equal(test.groups, [2100, 13, 2100])


def test_usps_is_read_from_libsvms_text(monkeypatch):
    rng = np.random.default_rng(0)
    values = np.round(rng.uniform(-1, 1, (3, 256)), 6)
    values[0, :3] = [-1, 0, 1]
    lines = [
        f"{label} " + " ".join(f"{number}:{value:g}" for number, value in enumerate(row, 1)) + " \n"
        for label, row in zip((1, 10, 5), values, strict=True)
    ]
    raw = bz2.compress("".join(lines).encode())
    publish(monkeypatch, "usps", [raw, raw])
    train = load("usps").train
    assert train.images.shape == (3, 16, 16)
    np.testing.assert_array_equal(train.labels, [0, 9, 4])
    np.testing.assert_array_equal(train.images[0, 0, :3], [0, 128, 255])
    np.testing.assert_allclose(train.images.reshape(3, -1), (values + 1) * 127.5, atol=0.51)
    publish_again = [bz2.compress(b"1 1:0.5 2:0.5\n")] * 2
    folder_of(CATALOG["usps"]).rename(folder_of(CATALOG["usps"]).with_name("old"))
    publish(monkeypatch, "usps", publish_again)
    with pytest.raises(FormatError, match=r"usps\.bz2: expected bzip2 of lines with a label and 256 values"):
        load("usps")


def test_labels_outside_the_classes_name_the_file(tmp_path, monkeypatch):
    raws = [idx(tmp_path, np.zeros((2, 28, 28), np.uint8)), idx(tmp_path, np.array([1, 10], np.uint8))] * 2
    publish(monkeypatch, "kmnist", raws)
    with pytest.raises(FormatError, match=r"train-images-idx3-ubyte\.gz: .* label 10 of image 1"):
        load("kmnist")


def test_without_network_the_error_says_what_to_do(monkeypatch):
    kmnist = replace(CATALOG["kmnist"], mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(CATALOG, "kmnist", kmnist)
    monkeypatch.setenv("no_proxy", "*")
    assert state("kmnist") == "not fetched"
    with pytest.raises(FetchError, match="tenfold data fetch kmnist --from FOLDER") as caught:
        load("kmnist")
    for file in kmnist.files:
        assert f"{file.name}  {file.hash}" in str(caught.value)


@pytest.mark.parametrize("name", CATALOG)
def test_entries_are_complete(name):
    entry = CATALOG[name]
    assert entry.name == name
    for text in (entry.title, entry.description, entry.license, entry.homepage, entry.citation):
        assert text
    assert len(entry.files) in (2, 4)
    assert len(set(entry.classes)) == len(entry.classes)
    files = [*entry.files, *([entry.archive.file] if entry.archive else [])]
    for file in files:
        kind, _, value = file.hash.partition(":")
        assert len(bytes.fromhex(value)) == {"md5": 16, "sha256": 32}[kind]
    assert entry.bundled or len(entry.mirrors) >= 2
    for mirror in entry.mirrors:
        assert mirror.startswith(("http://", "https://"))
        assert mirror.endswith("/")


def test_standard_input_and_patterns(tmp_path, monkeypatch, mnist):
    monkeypatch.chdir(tmp_path)
    for read in (load_images, load_dataset):
        with pytest.raises(DataError, match="standard input is not supported here"):
            read("-")
    with pytest.raises(FormatError, match=r"No picture matches \*"):
        load_images("*")
    Image.fromarray(mnist.test.images[0]).save("7.png")
    assert load_images("*")[1] == ["7.png"]


def test_pictures_alone_have_no_labels(tmp_path, mnist):
    for folder in ("plain", "parts", "classes/7"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(mnist.test.images[0]).save(tmp_path / folder / "7.png")
    (tmp_path / "parts" / "train.csv").touch()

    for name in ("plain", "plain/7.png", "plain/*.png"):
        assert not has_labels(tmp_path / name)
    for name in (tmp_path / "parts", tmp_path / "classes", tmp_path / "x.npz", "mnist", "mnist/train"):
        assert has_labels(name)
