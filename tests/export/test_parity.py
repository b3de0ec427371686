from dataclasses import replace

import numpy as np
import pytest

from tenfold import Model
from tenfold.errors import ExportError
from tenfold.export import export, verify
from tenfold.networks import NETWORKS

NEEDED = {"onnx": (), "c": ("cc",), "js": ("node",)}
FORMS = [
    pytest.param(to, int8, marks=pytest.mark.needs(*programs))
    for to, programs in NEEDED.items()
    for int8 in (False, True)
]


@pytest.mark.parametrize(("to", "int8"), FORMS)
def test_every_form_passes(of, mnist, tmp_path, to, int8):
    model = of(NETWORKS["shrestha-14"])
    test = mnist.test.take(slice(100))

    parity = verify(model, export(model, to, tmp_path, int8=int8), test.images, test.labels)

    assert parity.passed
    assert parity.images == 100
    assert parity.max_difference < (0.02 if int8 else 1e-5)
    assert parity.agreement >= (0.95 if int8 else 1)
    assert parity.exact is (True if int8 and to != "onnx" else None)
    labels = model.predict(test.images)
    assert parity.model_accuracy == (labels == test.labels).mean()
    assert abs(parity.export_accuracy - parity.model_accuracy) <= 1 - parity.agreement
    assert parity.to_dict()["passed"] is True


@pytest.mark.parametrize(("to", "int8"), FORMS)
def test_another_model_is_found_out(of, mnist, tmp_path, to, int8):
    model, other = of(NETWORKS["shrestha-14"]), of(NETWORKS["shrestha-14"], seed=1)
    program = export(model, to, tmp_path / "right", int8=int8).program
    foreign = replace(export(other, to, tmp_path / "wrong", int8=int8), program=program)

    parity = verify(model, foreign, mnist.test.images[:100])

    assert not parity.passed
    assert parity.agreement < 0.9


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize(
    ("to", "right", "wrong"),
    [
        pytest.param("c", "label = i;", "label = 0;", marks=pytest.mark.needs("cc")),
        pytest.param("js", "label = i;", "label = 0;", marks=pytest.mark.needs("node")),
        pytest.param("js", "power / sum", "(power / sum) * 0.99", marks=pytest.mark.needs("node")),
        pytest.param(
            "c", "return label;", "probabilities[3] = 0; return label;", marks=pytest.mark.needs("cc")
        ),
    ],
)
def test_what_classify_answers_is_compared_too(of, mnist, tmp_path, to, right, wrong, int8):
    model = of(NETWORKS["shrestha-14"])
    exported = export(model, to, tmp_path, int8=int8)
    code = exported.paths[0].read_text()
    assert right in code
    exported.paths[0].write_text(code.replace(right, wrong))

    assert not verify(model, exported, mnist.test.images[:100]).passed


@pytest.mark.needs("cc", "node")
def test_pictures_in_color_are_handed_over_as_they_lie(small, pictures, tmp_path):
    images = pictures(small.architecture, 20)

    assert all(verify(small, export(small, to, tmp_path), images).passed for to in ("onnx", "c", "js"))


def test_without_images_or_tools_it_says_so(of, tmp_path, monkeypatch):
    model = of(NETWORKS["shrestha-1"])
    exported = {to: export(model, to, tmp_path) for to in ("c", "js")}
    with pytest.raises(ExportError, match="no images"):
        verify(model, exported["c"], np.zeros((0, 28, 28), np.uint8))

    monkeypatch.setenv("PATH", "")
    for to, what in (("c", "C compiler"), ("js", "Node")):
        with pytest.raises(ExportError, match=what):
            verify(model, exported[to], np.zeros((1, 28, 28), np.uint8))


@pytest.mark.needs("cc", "node")
def test_an_export_that_does_not_run_is_an_error_of_one_line(of, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    for to in ("c", "js"):
        exported = export(model, to, tmp_path)
        exported.paths[0].write_text("this is no program")
        with pytest.raises(ExportError, match="failed on the export") as caught:
            verify(model, exported, np.zeros((1, 28, 28), np.uint8))
        assert "\n" not in str(caught.value)


@pytest.mark.needs("cc", "node")
def test_a_temperature_is_inside_every_form(of, mnist, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    hot = Model(model.architecture, model.weights, temperature=5.0)

    for to in ("onnx", "c", "js"):
        assert verify(hot, export(hot, to, tmp_path), mnist.test.images[:20]).max_difference < 1e-6
