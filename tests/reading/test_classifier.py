"""The shipped digit network tells the ten digits, and what is none, in ONNX Runtime alone."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tenfold.data.composites.nondigits import make
from tenfold.data.composites.strokes import choose, render
from tenfold.errors import DataError, ModelError
from tenfold.evaluation import expected_calibration_error
from tenfold.reading.classifier import OTHER, WEIGHTS, DigitNetwork


@pytest.fixture(scope="module")
def network():
    return DigitNetwork()


@pytest.fixture(scope="module")
def test_part(mnist):
    return mnist.test.take(range(2000))


def test_it_reads_digits_that_it_never_saw(network, test_part):
    probabilities = network.predict_proba(test_part.images)
    assert probabilities.shape == (2000, 11)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.mean(probabilities.argmax(axis=1) == test_part.labels) > 0.98
    assert expected_calibration_error(test_part.labels, probabilities) < 0.015


def test_it_reads_the_hands_that_mnist_lacks(network):
    rng = np.random.default_rng(7)
    digits = rng.integers(0, 10, 500)
    found = network.predict_proba(render(choose(digits, rng), rng))
    assert np.mean(found.argmax(axis=1) == digits) > 0.94
    for name, digit, least in (("7-crossed", 7, 0.95), ("1-low-flag", 1, 0.75), ("5-peg", 5, 0.95)):
        drawn = network.predict_proba(render([name] * 100, rng))
        assert np.mean(drawn.argmax(axis=1) == digit) > least, name


def test_what_is_no_digit_is_called_none(network, mnist):
    others, _ = make(500, np.random.default_rng(7), mnist.test.images)
    assert np.mean(network.predict_proba(others).argmax(axis=1) == OTHER) > 0.85
    assert network.predict_proba(np.zeros((1, 28, 28), np.uint8)).argmax() == OTHER


def test_one_by_one_all_together_and_in_threads_is_the_same(network, test_part):
    images = test_part.images[:600]
    together = network.predict_proba(images)
    alone = np.concatenate([network.predict_proba(image[None]) for image in images[:50]])
    np.testing.assert_allclose(alone, together[:50], atol=1e-5)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(network.predict_proba, [images] * 8):
            np.testing.assert_allclose(found, together, atol=1e-5)
    assert network.predict_proba(images[:0]).shape == (0, 11)


def test_pictures_of_another_form_are_refused(network):
    for wrong in (np.zeros((28, 28), np.uint8), np.zeros((1, 16, 16), np.uint8), np.zeros((1, 28, 28))):
        with pytest.raises(DataError, match=r"\(n, 28, 28\) uint8"):
            network.predict_proba(wrong)


def test_weights_that_are_none_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no weights of a digit network at"):
        DigitNetwork(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match="holds no digit network"):
        DigitNetwork(tmp_path / "text.onnx")


def test_another_network_is_refused(tmp_path):
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3])
    result = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match="another network"):
        DigitNetwork(tmp_path / "other.onnx")


def test_the_weights_are_small_and_need_neither_torch_nor_onnx():
    assert WEIGHTS.stat().st_size < 1_000_000
    code = (
        "import sys, numpy as np\n"
        "from tenfold.reading.classifier import DigitNetwork\n"
        "DigitNetwork().predict_proba(np.zeros((1, 28, 28), np.uint8))\n"
        "print([name for name in ('torch', 'onnx', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
