import os

import numpy as np
import pytest

from tenfold import Model
from tenfold.errors import ExportError, UnknownNameError
from tenfold.export import export
from tenfold.networks import NETWORKS


@pytest.mark.parametrize(
    ("to", "names"), [("onnx", ["fast.onnx"]), ("c", ["fast.c", "fast.h"]), ("js", ["fast.mjs"])]
)
def test_files_are_named_after_the_network_and_counted(fast, tmp_path, monkeypatch, to, names):
    monkeypatch.chdir(tmp_path)

    exported = export(fast, to)

    assert [path.name for path in exported.paths] == names == sorted(os.listdir())
    assert exported.size == sum(path.stat().st_size for path in exported.paths)
    assert exported.to_dict()["paths"] == names


def test_a_path_may_be_a_file_a_name_or_a_folder(fast, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    assert export(fast, "js", tmp_path / "a.js").paths == (tmp_path / "a.js",)
    assert export(fast, "js", tmp_path / "new" / "b").paths == (tmp_path / "new" / "b.mjs",)
    assert export(fast, "js", folder).paths == (folder / "fast.mjs",)


def test_the_same_model_gives_the_same_bytes(of, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    for to in ("onnx", "c", "js"):
        first = export(model, to, tmp_path / "net", int8=True).paths[0].read_bytes()
        assert export(model, to, tmp_path / "net", int8=True).paths[0].read_bytes() == first


def test_int8_is_a_quarter_of_float32(fast, tmp_path):
    whole, small = (export(fast, "c", tmp_path, int8=int8) for int8 in (False, True))

    assert small.table_bytes < 0.28 * whole.table_bytes
    assert small.memory_bytes < 0.26 * whole.memory_bytes


def test_an_unknown_form_names_those_there_are(fast):
    with pytest.raises(UnknownNameError, match=r"no export form named 'rust'.*c, js, onnx"):
        export(fast, "rust")


@pytest.mark.parametrize(("to", "name"), [("c", "net.h"), ("onnx", "net.pb"), ("js", "net.ts")])
def test_a_wrong_ending_is_refused(fast, tmp_path, to, name):
    with pytest.raises(ExportError, match="must end with"):
        export(fast, to, tmp_path / name)
    assert not os.listdir(tmp_path)


def test_a_place_that_cannot_be_written_is_told(fast, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ExportError, match=r"cannot be written.*Choose another place"):
        export(fast, "js", tmp_path / "file" / "net.mjs")


def test_of_two_files_both_are_written_or_none(fast, tmp_path):
    (tmp_path / "net.h").mkdir()

    with pytest.raises(ExportError, match=r"net\.c and .*net\.h cannot be written: Is a directory"):
        export(fast, "c", tmp_path / "net.c")
    assert os.listdir(tmp_path) == ["net.h"]


@pytest.mark.parametrize(
    ("name", "file"), [("../../etc/x", "etc-x.mjs"), ("a|b\nc", "a-b-c.mjs"), ("..", "network.mjs")]
)
def test_a_foreign_name_leads_to_no_other_place(fast, tmp_path, name, file):
    foreign = Model(fast.architecture.named(name), fast.weights)

    assert export(foreign, "js", tmp_path).paths == (tmp_path / file,)


def test_a_network_that_a_form_cannot_hold_writes_nothing(of, tmp_path):
    from tenfold import network
    from tenfold.networks import Dense

    model = of(network(70_000)(Dense(2)))
    model.weights["dense1.weight"][:] = 1
    with pytest.raises(ExportError, match="Export it without int8"):
        export(model, "c", tmp_path, int8=True, calibration=np.full((2, 70_000), 3, np.uint8))
    assert not os.listdir(tmp_path)


def test_mnist_calibrates_only_what_was_trained_on_it(fast, of, small, tmp_path):
    trained_elsewhere = Model(fast.architecture, fast.weights, card={"data": {"name": "usps/train"}})
    with pytest.raises(ExportError, match="trained on usps/train"):
        export(trained_elsewhere, "c", tmp_path, int8=True)
    with pytest.raises(ExportError, match="give some hundreds"):
        export(small, "c", tmp_path, int8=True)
    on_mnist = Model(fast.architecture, fast.weights, card={"data": {"name": "mnist/train"}})
    assert export(on_mnist, "c", tmp_path, int8=True).int8


def test_calibration_looks_at_a_thousand_pictures_from_end_to_end(of, mnist, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    images = mnist.train.images[:2500]
    chosen = images[np.linspace(0, 2499, 1000).astype(int)]

    first, second = (
        export(model, "c", tmp_path / "net", int8=True, calibration=given).paths[0].read_bytes()
        for given in (images, chosen)
    )

    assert first == second
