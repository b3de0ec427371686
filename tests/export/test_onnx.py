import json

import numpy as np
import onnx
import onnxruntime
import pytest

from tenfold import Model, network
from tenfold.data import Dataset
from tenfold.export import export, integers
from tenfold.models.fit import Fit, fit
from tenfold.networks import NETWORKS, Dense, Flatten
from tenfold.networks.onnx import IR_VERSION, OPSET
from tenfold.runs import Store
from tenfold.training import Recipe, get_engine


def answers(path, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"image": images})
    return found


@pytest.mark.parametrize("count", [1, 7, 100])
def test_float_onnx_says_the_same_for_any_number_of_pictures(small, pictures, tmp_path, count):
    images = pictures(small.architecture, count)

    found = answers(export(small, "onnx", tmp_path).paths[0], images)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, small.predict_proba(images, "numpy"), atol=1e-5)


def test_int8_onnx_stays_within_the_runtimes_rounding(small, pictures, tmp_path):
    calibration, images = pictures(small.architecture, 200, seed=1), pictures(small.architecture, 200)
    exported = export(small, "onnx", tmp_path, int8=True, calibration=calibration)

    found = answers(exported.paths[0], images)

    program = exported.program
    reference = integers.probabilities(program.confidence, integers.run(program, images)) / integers.FULL
    assert np.abs(found - reference).max() < 0.05
    assert np.abs(found - reference).mean() < 2e-3


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_digits(fast, mnist, tmp_path, int8):
    images = mnist.test.images[:200]
    path = export(fast, "onnx", tmp_path, int8=int8).paths[0]

    found, expected = answers(path, images), fast.predict_proba(images, "numpy")

    np.testing.assert_allclose(found, expected, atol=0.03 if int8 else 1e-5)
    assert path.stat().st_size < (80_000 if int8 else 140_000)


def stated_by(path):
    return {each.key: each.value for each in onnx.load(path).metadata_props}


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_the_file_is_checked_whole_and_takes_any_number_of_pictures(fast, mnist, tmp_path, int8):
    content = onnx.load(export(fast, "onnx", tmp_path, int8=int8).paths[0])

    onnx.checker.check_model(content, full_check=True)
    assert [(each.domain, each.version) for each in content.opset_import] == [("", OPSET)]
    assert content.ir_version == IR_VERSION
    assert all(each.data_location == onnx.TensorProto.DEFAULT for each in content.graph.initializer)
    (image,), (probabilities,) = content.graph.input, content.graph.output
    assert [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim] == ["n", 28, 28]
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_param or d.dim_value for d in probabilities.type.tensor_type.shape.dim] == ["n", 10]
    assert probabilities.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_it_states_what_it_is(fast, tmp_path):
    thresholds = {"confidence": {"0.01": 0.9}, "basis": "measured on 5 held-out images"}
    card = {
        "data": {"name": "mnist/train", "sha256": "abc"},
        "recipe": {"epochs": 2},
        "thresholds": thresholds,
        "versions": {"numpy": "2"},
    }
    model = Model(fast.architecture, fast.weights, temperature=1.25, card=card)

    stated = stated_by(export(model, "onnx", tmp_path).paths[0])

    told = {key: json.loads(stated[key]) for key in ("classes", "recipe", "thresholds", "versions")}
    assert told == {
        "classes": list("0123456789"),
        "recipe": {"epochs": 2},
        "thresholds": thresholds,
        "versions": {"numpy": "2"},
    }
    assert (stated["temperature"], stated["data_sha256"], stated["network"]) == ("1.25", "abc", "fast")
    assert (stated["arithmetic"], stated["opset"]) == ("float32", str(OPSET))


def test_a_trained_model_states_all_of_it(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    data = Dataset(rng.integers(0, 256, (40, 6, 6), np.uint8), labels, tuple("0123456789"), "x/train")
    plan = Fit(network(6, 6)(Flatten(), Dense(10)), Recipe(epochs=1), data, validation=data)
    model = fit(plan, engine=get_engine("numpy"), store=Store(tmp_path / "store")).model()

    stated = stated_by(export(model, "onnx", tmp_path).paths[0])

    assert stated["data_sha256"] == data.sha256
    assert json.loads(stated["recipe"])["epochs"] == 1
    assert json.loads(stated["versions"])["tenfold"]
    assert json.loads(stated["thresholds"])["basis"] == "measured on 40 held-out images"
    assert len(json.loads(stated["classes"])) == 10


def test_without_measured_thresholds_the_probabilities_are_taken_at_their_word(fast, tmp_path):
    thresholds = json.loads(stated_by(export(fast, "onnx", tmp_path).paths[0])["thresholds"])

    assert thresholds["confidence"]["0.01"] == 0.99
    assert "not measured: the model's card tells of no held-out images" in thresholds["basis"]


def test_the_int8_file_holds_its_weights_in_int8(fast, tmp_path):
    content = onnx.load(export(fast, "onnx", tmp_path, int8=True).paths[0])

    weights = [
        each for each in content.graph.initializer if each.name.startswith("weight_") and each.dims[1:]
    ]

    assert len(weights) >= 4
    assert {each.data_type for each in weights} == {onnx.TensorProto.INT8}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_zoo(of, mnist, tmp_path, name):
    model, images = of(NETWORKS[name], temperature=1.0), mnist.test.images[:10]
    expected = model.predict_proba(images, "numpy")

    np.testing.assert_allclose(
        answers(export(model, "onnx", tmp_path / "f").paths[0], images), expected, atol=1e-5
    )
    exported = export(model, "onnx", tmp_path / "q", int8=True, calibration=mnist.train.images[:100])
    np.testing.assert_allclose(answers(exported.paths[0], images), expected, atol=0.05)
