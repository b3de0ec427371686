import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from tenfold.errors import TrainingError
from tenfold.training import checkpoint as module
from tenfold.training.checkpoint import (
    FILE,
    Checkpoint,
    differences,
    load_checkpoint,
    remove_checkpoint,
    save_checkpoint,
)
from tenfold.training.history import History


@pytest.fixture
def example():
    rng = np.random.default_rng(0)
    history = History()
    history.add(epoch=1, lr=0.1, train_loss=1 / 3, seconds=0.5)
    history.add(epoch=2, lr=0.1, train_loss=0.1, test_accuracy=0.9, seconds=1.0)
    state = {
        "weights/dense1.weight": rng.normal(size=(3, 2)).astype(np.float32),
        "mean/dense1.weight": rng.normal(size=(2, 3)).T,  # not contiguous
        "done": np.array(7),
    }
    return Checkpoint({"seed": 3, "recipe": {"lr": 0.1}}, 2, history, state, 0.75, 1.0, 0.5)


def test_comes_back_with_the_same_bits(example, tmp_path):
    save_checkpoint(example, tmp_path / "deep" / "folder")
    found = load_checkpoint(tmp_path / "deep" / "folder")
    assert (found.identity, found.epoch) == (example.identity, 2)
    assert (found.seconds, found.elapsed, found.cpu_seconds) == (0.75, 1.0, 0.5)
    assert found.history.to_dict() == example.history.to_dict()
    assert found.state.keys() == example.state.keys()
    for key, array in example.state.items():
        assert found.state[key].dtype == array.dtype
        np.testing.assert_array_equal(found.state[key], array, strict=True)


def test_an_empty_folder_and_a_missing_one_hold_none(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "missing") is None


def test_is_plain_safetensors_with_json(example, tmp_path):
    path = save_checkpoint(example, tmp_path)
    with safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["tenfold"])["epoch"] == 2


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, 0.9, -1])
def test_a_truncated_file_is_refused(example, tmp_path, kept):
    path = save_checkpoint(example, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors is damaged.*Delete it to start afresh"):
        load_checkpoint(tmp_path)


def test_a_single_changed_bit_is_noticed_wherever_it_is(example, tmp_path):
    path = save_checkpoint(example, tmp_path)
    content = path.read_bytes()
    for place in range(len(content) - 60, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(TrainingError, match="damaged"):
            load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "notes", [None, {"other": "x"}, {"tenfold": "{"}, {"tenfold": "[]"}, {"tenfold": "{}"}]
)
def test_a_foreign_file_is_refused(tmp_path, notes):
    save_file({"a": np.zeros(3)}, tmp_path / FILE, notes)
    with pytest.raises(TrainingError, match="no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(TrainingError, match="damaged or no checkpoint"):
        load_checkpoint(tmp_path)


def test_a_failed_write_leaves_the_last_one_whole_and_nothing_beside_it(example, tmp_path, monkeypatch):
    save_checkpoint(example, tmp_path)
    before = (tmp_path / FILE).read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        save_checkpoint(example, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == before


def test_an_interrupted_write_leaves_the_last_one_whole(example, tmp_path, monkeypatch):
    save_checkpoint(example, tmp_path)

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(example, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert load_checkpoint(tmp_path).epoch == 2


def test_a_folder_that_cannot_be_made_is_told(example, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="choose another folder"):
        save_checkpoint(example, tmp_path / "file" / "folder")


def test_removing_twice_is_no_error(example, tmp_path):
    save_checkpoint(example, tmp_path)
    remove_checkpoint(tmp_path)
    remove_checkpoint(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_differences_are_named_by_dotted_key():
    wanted = {"seed": 1, "recipe": {"epochs": 3, "optimizer": {"lr": 0.1}}}
    found = {"seed": 1, "recipe": {"epochs": 3, "optimizer": {"lr": 0.2}}, "extra": 5}
    assert differences(wanted, found) == [
        "recipe.optimizer.lr is 0.1, in the checkpoint 0.2",
        "extra is None, in the checkpoint 5",
    ]
    assert differences(wanted, wanted) == []
