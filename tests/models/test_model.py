import copy
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from tenfold.data.dataset import Dataset
from tenfold.errors import DataError, ModelError, NetworkError, UnknownNameError
from tenfold.models import describe
from tenfold.models import model as model_module
from tenfold.models.model import Model, choose_engine, open_model, pretrained_names
from tenfold.networks.architecture import network
from tenfold.networks.layers import (
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    ReLU,
    Residual,
)
from tenfold.networks.zoo import NETWORKS
from tenfold.training.engines import get_engine
from tenfold.training.initializers import INITIALIZERS, initial_weights
from tenfold.training.loop import train
from tenfold.training.recipe import Recipe

TINY = network(28, 28)(
    Conv(3, 3, stride=2),
    BatchNorm(),
    ReLU(),
    Residual((Conv(3, 3, padding="same"), ReLU())),
    MaxPool(2),
    Flatten(),
    Dense(4),
    name="tiny",
)
CARD = {"data": {"name": "mnist/train"}, "seeds": [3], "results": {"mnist/test": {"accuracy": 0.9}}}


def make(architecture=TINY, classes=("a", "b", "c", "d"), **values):
    weights = initial_weights(architecture, INITIALIZERS["torch"], seed=1)
    return Model(architecture, weights, classes, **values)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    return make(card=CARD, temperature=1.5).save(tmp_path / "model")


# Prediction


def test_a_dense_network_predicts_what_its_matrix_says():
    weights = {
        "dense1.weight": np.array([[1, 0], [0, 2]], dtype=np.float32),
        "dense1.bias": np.array([0, -1], dtype=np.float32),
    }
    model = Model(network(2)(Dense(2)), weights, ("left", "right"), temperature=2.0)
    x = np.array([[3.0, 1.0]])
    np.testing.assert_allclose(model.logits(x, "numpy"), [[3.0, 1.0]])
    odds = np.exp((3.0 - 1.0) / 2.0)
    np.testing.assert_allclose(
        model.predict_proba(x, "numpy"), [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-6
    )
    assert model.predict(x, "numpy").tolist() == [0]


def test_probabilities_are_float32_and_sum_to_one(images):
    probabilities = make().predict_proba(images)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (5, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)


def test_labels_are_the_most_probable_whatever_the_temperature(images):
    hot, cold = make(temperature=10.0), make(temperature=0.1)
    assert hot.predict(images).tolist() == cold.predict_proba(images).argmax(axis=1).tolist()
    assert hot.predict(images).dtype == np.int64
    assert hot.predict_proba(images).max() < cold.predict_proba(images).max()


@pytest.mark.parametrize(
    "same",
    [
        lambda images: images.astype(np.int64),
        lambda images: images / 255,
        lambda images: (images / 255).astype(np.float32),
        lambda images: images.reshape(len(images), 784),
        lambda images: images[..., np.newaxis],
        lambda images: np.asfortranarray(images),
    ],
)
def test_the_same_pictures_in_another_form_give_the_same_logits(images, same):
    np.testing.assert_allclose(make().logits(same(images)), make().logits(images), atol=1e-5)


def test_engines_agree(images):
    np.testing.assert_allclose(make().logits(images, "numpy"), make().logits(images, "torch"), atol=1e-5)


def test_no_images_give_no_rows(images):
    assert make().predict_proba(images[:0]).shape == (0, 4)
    assert make().predict(images[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda images: images[0], NetworkError, r"images\[np.newaxis\]"),
        (lambda images: images[:, :27], NetworkError, r"\(1, 28, 28\)"),
        (lambda images: images.astype(int) + 1, DataError, "0 to 255, got 1 to 256"),
        (lambda images: images.astype(int) - 1, DataError, "0 to 255, got -1"),
        (lambda images: np.where(images > 250, np.nan, 0.0), DataError, "not finite"),
        (lambda images: images.astype(np.float32), DataError, r"in \[0, 1\], got up to .* must be uint8"),
        (lambda images: images.reshape(5, 784) / 128, DataError, r"in \[0, 1\], got up to 1\.99"),
        (lambda images: images.astype(str), DataError, "must be numbers"),
        (lambda images: images.astype(complex), DataError, "must be numbers"),
    ],
)
def test_what_is_no_picture_is_refused(images, change, error, says):
    with pytest.raises(error, match=says):
        make().predict(change(images))


def test_an_unknown_engine_is_refused(images):
    with pytest.raises(UnknownNameError, match="numpy"):
        make().predict(images, engine="numpi")


def test_onnx_runtime_computes_pictures_and_torch_floats_where_it_is_worth_it(
    monkeypatch,
):
    wide, floats = NETWORKS["lin-enhanced-cnn"], np.zeros((10_000, 1), np.float32)
    assert choose_engine(TINY, np.zeros((1, 28, 28), np.uint8)) == "onnx"
    monkeypatch.setitem(sys.modules, "torch", object())
    assert choose_engine(TINY, floats[:1]) == "numpy"
    assert choose_engine(TINY, floats[:1], "torch") == "torch"
    assert choose_engine(wide, floats[:1]) == "torch"
    monkeypatch.delitem(sys.modules, "torch")
    assert choose_engine(wide, floats[:1]) == "numpy"
    assert choose_engine(wide, floats) == "torch"
    monkeypatch.setattr(model_module.importlib.util, "find_spec", lambda name: None)
    assert choose_engine(wide, floats) == "numpy"


def test_onnx_runtime_is_not_asked_about_floats(images):
    with pytest.raises(DataError, match="integers in 0 to 255, got float64"):
        make().predict(images / 255, engine="onnx")


def test_a_model_that_has_predicted_can_be_copied_and_pickled(images):
    model = make()
    expected = model.predict_proba(images)

    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(images), expected)


# Making one


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"classes": ("a", "b")}, "4 classes apart, but 2 classes are named"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change, says):
    with pytest.raises(ModelError, match=says):
        make(**change)


def test_weights_of_float64_are_refused():
    weights = initial_weights(TINY, INITIALIZERS["torch"], seed=1)
    weights["dense1.bias"] = weights["dense1.bias"].astype(np.float64)
    with pytest.raises(ModelError, match=r"dense1\.bias must be float32"):
        Model(TINY, weights, ("a", "b", "c", "d"))


def test_it_is_shown_in_one_line():
    assert repr(make()) == f"Model(tiny: {TINY.parameters:,} parameters, 4 classes)"


# Saving and loading


def test_a_saved_model_comes_back_as_it_was(saved, images):
    model, back = make(card=CARD, temperature=1.5), Model.load(saved)
    assert back.architecture == model.architecture
    assert back.architecture.name == "tiny"
    assert back.classes == model.classes
    assert back.temperature == 1.5
    assert back.card == CARD
    assert back.weights.keys() == model.weights.keys()
    for key in model.weights:
        np.testing.assert_array_equal(back.weights[key], model.weights[key])
    np.testing.assert_array_equal(back.logits(images), model.logits(images))


def test_the_folder_holds_three_files_and_leaves_nothing_beside_it(saved):
    assert sorted(path.name for path in saved.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_the_same_model_is_saved_to_the_same_bytes(tmp_path):
    first, second = make(card=CARD).save(tmp_path / "a"), make(card=CARD).save(tmp_path / "b")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_weights_that_are_not_contiguous_are_saved_right(tmp_path):
    model = make()
    model.weights["dense1.weight"] = np.asfortranarray(model.weights["dense1.weight"])
    back = Model.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(back.weights["dense1.weight"], model.weights["dense1.weight"])


def test_a_model_replaces_a_model(saved):
    make(card={"seeds": [9]}).save(saved)
    assert Model.load(saved).card == {"seeds": [9]}
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_link_to_a_model_stays_a_link(saved):
    link = saved.with_name("latest")
    link.symlink_to(saved)
    make(card={"seeds": [9]}).save(link)
    assert link.is_symlink()
    assert Model.load(saved).card == {"seeds": [9]}


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    Model.load(make().save(tmp_path / "empty"))
    Model.load(make().save(tmp_path / "a" / "b"))


@pytest.mark.parametrize("name", ["thesis.txt", "model.safetensors"])
def test_a_folder_with_anything_else_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("years of work")
    with pytest.raises(ModelError, match=name):
        make().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_notes_beside_a_model_are_not_lost(saved):
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"notes\.txt"):
        make().save(saved)
    assert Model.load(saved).card == CARD


def test_a_file_is_not_overwritten_by_a_folder(tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(ModelError, match="is a file"):
        make().save(tmp_path / "model")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        make().save(tmp_path / "file" / "model")


def test_where_writing_fails_the_old_model_stays(saved, monkeypatch):
    rename = type(saved).rename

    def fail(self, target):
        if ".new-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(type(saved), "rename", fail)
    with pytest.raises(ModelError, match="No space left"):
        make(card={}).save(saved)
    assert Model.load(saved).card == CARD
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_process_killed_while_it_saves_leaves_a_whole_model(saved):
    code = (
        "import sys\nfrom tenfold import Model\n"
        "model = Model.load(sys.argv[1])\nprint('ready', flush=True)\n"
        "while True: model.save(sys.argv[1])"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(saved)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        os.kill(process.pid, signal.SIGKILL)
    # Between two renames the model lies beside its place for a moment; it is whole wherever it lies.
    place = saved if saved.exists() else next(saved.parent.glob(".model.old-*"))
    assert Model.load(place).card == CARD


def test_a_card_that_is_not_json_is_refused_before_anything_is_written(tmp_path):
    for card in ({"x": np.zeros(2)}, {"x": float("nan")}):
        with pytest.raises(ModelError, match="plain JSON"):
            make(card=card).save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


# Damaged and foreign folders


def rewrite(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def reweigh(folder, change):
    """Change the weights and have the hash in the configuration follow."""
    path = folder / "model.safetensors"
    weights = safetensors.numpy.load_file(path)
    change(weights)
    data = safetensors.numpy.save(weights)
    path.write_bytes(data)
    rewrite(folder, lambda config: config.update(weights_sha256=hashlib.sha256(data).hexdigest()))


def drop(key):
    return lambda values: values.pop(key)


def put(**values):
    return lambda config: config.update(values)


def architecture_with(**values):
    return lambda config: config["architecture"].update(values)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json is missing"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"model\.safetensors is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json is not JSON"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\x00"), r"config\.json is not JSON"),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json is not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "not of Tenfold"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "not of Tenfold"),
        (
            lambda folder: rewrite(folder, put(format_version=2)),
            "format version 2; this Tenfold reads up to 1",
        ),
        (lambda folder: rewrite(folder, put(format_version="1")), "format_version must be"),
        (lambda folder: rewrite(folder, drop("classes")), r"config\.json lacks 'classes'"),
        (lambda folder: rewrite(folder, put(classes="abcd")), "classes has the wrong type"),
        (lambda folder: rewrite(folder, put(classes=[1, 2, 3, 4])), "classes must be texts"),
        (lambda folder: rewrite(folder, put(classes=["a"])), "1 classes are named"),
        (lambda folder: rewrite(folder, put(temperature=True)), "temperature has the wrong type"),
        (lambda folder: rewrite(folder, put(temperature=-1)), "temperature must be"),
        (lambda folder: rewrite(folder, put(temperature=10**400)), r"config\.json: .*too large"),
        (lambda folder: rewrite(folder, architecture_with(layers=[{"type": "Attention"}])), "no layer named"),
        (lambda folder: rewrite(folder, lambda c: c["architecture"].pop("layers")), "it has no 'layers'"),
        (lambda folder: rewrite(folder, architecture_with(layers=["Dense"])), "a table with its"),
        (lambda folder: rewrite(folder, architecture_with(layers=[])), r"config\.json: the network"),
        (lambda folder: rewrite(folder, architecture_with(std="wide")), r"config\.json: the network"),
        (lambda folder: rewrite(folder, drop("architecture")), "lacks 'architecture'"),
        (
            lambda folder: rewrite(folder, architecture_with(input_shape=[1, 40, 40])),
            r"dense1\.weight must be float32 of shape",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"pickle"),
            r"model\.safetensors is damaged",
        ),
        (lambda folder: os.truncate(folder / "model.safetensors", 400), r"model\.safetensors is damaged"),
        (lambda folder: reweigh(folder, drop("dense1.bias")), r"Missing: dense1\.bias"),
        (lambda folder: reweigh(folder, put(extra=np.zeros(1, np.float32))), "Not in the network: extra"),
        (lambda folder: reweigh(folder, lambda w: w["dense1.bias"].fill(np.nan)), "not finite"),
        (
            lambda folder: reweigh(folder, lambda w: w.update({"dense1.bias": np.zeros(5, np.float32)})),
            r"dense1\.bias must be float32 of shape \(4,\)",
        ),
    ],
)
def test_a_damaged_folder_is_named_with_its_file(saved, damage, says):
    damage(saved)
    with pytest.raises(ModelError, match=says) as caught:
        Model.load(saved)
    assert str(saved) in str(caught.value)
    assert "Error(" not in str(caught.value)


def test_a_truncated_file_whose_hash_was_made_to_fit_is_still_refused(saved):
    path = saved / "model.safetensors"
    data = path.read_bytes()[:-4]
    path.write_bytes(data)
    rewrite(saved, put(weights_sha256=hashlib.sha256(data).hexdigest()))
    with pytest.raises(ModelError, match="no safetensors file"):
        Model.load(saved)


def test_no_damage_of_one_byte_gets_through(saved):
    original = (saved / "model.safetensors").read_bytes()
    for place in np.random.default_rng(0).integers(0, len(original), 50):
        data = bytearray(original)
        data[place] ^= 0x10
        (saved / "model.safetensors").write_bytes(data)
        with pytest.raises(ModelError):
            Model.load(saved)


def test_a_folder_without_its_card_still_loads(saved):
    (saved / "README.md").unlink()
    assert Model.load(saved).card == CARD


def test_a_path_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        Model.load(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        Model.load(tmp_path / "file")


# Opening by name


def test_a_path_is_opened(saved):
    assert open_model(saved).card == CARD
    assert open_model(str(saved)).card == CARD


def test_a_shipped_model_is_opened_by_name_unless_a_folder_has_it(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(model_module, "PRETRAINED", saved.parent)
    monkeypatch.chdir(tmp_path.parent)
    assert pretrained_names() == ["model"]
    assert open_model("model").card == CARD


def test_a_name_that_is_neither_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="no model folder 'fastt'"):
        open_model("fastt")


# The card


def test_the_card_states_what_was_trained_on_what_and_how(tmp_path):
    data = Dataset(
        np.zeros((4, 3), np.float32),
        np.array([0, 1, 0, 1]),
        ("no", "yes"),
        name="toy/train",
        provenance={"held out": "1,000 images"},
    )
    recipe = Recipe(epochs=2, batch_size=2)
    trained = train(network(3)(Dense(2), name="line"), recipe, data, engine=get_engine("numpy"), seed=7)
    card = describe(trained, data, results={"toy/test": {"accuracy": 0.5}}, limits=["Knows only zeros."])
    assert card["seeds"] == [7]
    assert card["recipe"] == recipe.to_dict()
    assert card["data"]["sha256"] == data.sha256
    assert card["engine"]["name"] == "numpy"
    assert "numpy" in card["versions"]

    folder = Model(trained.architecture, trained.weights, data.classes, card=card).save(tmp_path / "line")
    text = (folder / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: tenfold\n")
    assert 'datasets: ["toy"]' in text
    for stated in (
        "# line",
        "8 parameters",
        "| toy/test.accuracy | 0.5 |",
        "- Knows only zeros.",
        data.sha256,
        "| split.held out | 1,000 images |",
        "| seeds | 7 |",
        "| recipe.optimizer.lr | 0.01 |",
    ):
        assert stated in text


def test_what_a_card_leaves_out_is_shown_as_not_stated(tmp_path):
    text = (make().save(tmp_path / "model") / "README.md").read_text()
    for part in ("Results", "Limits", "Data", "Training", "Made with"):
        assert f"## {part}\n\nNot stated." in text


def test_text_in_a_card_cannot_break_its_tables(tmp_path):
    card = {"data": {"name": "a|b\n<script>"}, "limits": ["one\n\n# two"]}
    text = (make(card=card).save(tmp_path / "model") / "README.md").read_text()
    assert "| name | a\\|b &lt;script> |" in text
    assert "- one # two\n" in text


def test_a_network_that_ends_in_a_pool_is_saved_too(tmp_path):
    architecture = network(3, 8, 8)(Conv(2, 1), GlobalAveragePool(), name="pooled")
    model = make(architecture, ("no", "yes"))
    back = Model.load(model.save(tmp_path / "pooled"))
    x = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
    by_hand = np.einsum("nhwc,oc->no", x, model.weights["conv1.weight"][:, :, 0, 0]) / 64
    np.testing.assert_allclose(back.logits(x), by_hand + model.weights["conv1.bias"], rtol=1e-4)


def test_dense_networks_take_features_of_any_size():
    model = make(network(3)(Dense(4)))
    assert model.predict(np.array([[100.0, -20.0, 3.0]])).shape == (1,)
    with pytest.raises(DataError, match=r"in \[0, 1\]"):
        make(network(4)(Dense(4))).predict(np.full((1, 2, 2), 255.0))
