import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tenfold.cli.options import EngineName
from tenfold.cli.train import parse_engine, parse_settings
from tenfold.errors import TrainingStopped
from tenfold.models import Model
from tenfold.networks import get
from tenfold.runs import Store


def test_training_saves_a_model_keeps_the_run_and_says_where(cli, training):
    answer = cli(*training)

    assert answer.code == 0
    (run,) = Store().list()
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in answer.out.splitlines())
    assert Path(lines["model"]) == run.folder / "model"
    assert lines["run"] == run.id[:12]
    assert lines["trained"].startswith("3 epochs on 200 images")
    assert f"{run.metrics['test_accuracy']:.2%} (95% interval" in lines["test accuracy"]
    assert Model.load(lines["model"]).card["results"]["bars.npz/test"]["n"] == 50


def test_every_epoch_has_a_plain_line_on_stderr(cli, training):
    answer = cli(*training, "--validation", "50")

    epochs = [line for line in answer.err.splitlines() if "epoch" in line]
    assert len(epochs) == 3
    for number, line in enumerate(epochs, 1):
        assert f"epoch {number} of 3" in line
        assert re.search(r"loss \d\.\d{4}  accuracy [\d.]+%  validation [\d.]+%", line)
    assert "ETA" in epochs[0]
    assert "ETA" not in epochs[2]
    assert "\x1b" not in answer.out + answer.err


def test_quiet_is_quiet_and_the_result_still_comes(cli, training):
    answer = cli(*training, "--quiet")

    assert answer.err == ""
    assert "test accuracy" in answer.out


def test_a_run_that_is_kept_is_not_repeated_but_still_copied(cli, training, tmp_path):
    first = cli(*training)
    again = cli(*training, "--out", tmp_path / "copy")

    assert "was kept already, so nothing was trained" in again.err
    assert "epoch 1" not in again.err
    assert first.out.splitlines()[1:] == again.out.splitlines()[1:]
    (run,) = Store().list()
    for key, value in Model.load(run.folder / "model").weights.items():
        np.testing.assert_array_equal(Model.load(tmp_path / "copy").weights[key], value)


def test_another_seed_is_another_run(cli, training):
    one, two = (json.loads(cli(*training, "--json", "--seed", seed).out) for seed in "12")

    assert one["run"] != two["run"]
    assert not two["repeated"]
    assert {run.seed for run in Store().list()} == {1, 2}


def test_json_tells_the_same(cli, training):
    found = json.loads(cli(*training, "--json").out)

    run = Store().get(found["run"])
    assert found["model"] == str(run.folder / "model")
    assert found["test"]["accuracy"] == run.metrics["test_accuracy"]
    assert found["test"]["interval"][0] < found["test"]["accuracy"] <= found["test"]["interval"][1]
    assert found["validation_accuracy"] is None


def test_the_validation_split_is_held_out_and_the_same_for_every_seed(cli, training):
    runs = [
        json.loads(cli(*training, "--validation", "40", "--seed", seed, "--json").out)["run"] for seed in "01"
    ]

    first, second = (Store().get(run) for run in runs)
    assert first.metrics["n_train"] == 160
    assert first.what["data"] == second.what["data"]
    assert first.what["data"]["validation"]["images"] == 40
    assert len(first.history["validation_accuracy"]) == 3


def test_data_without_a_test_part_is_trained_on_and_not_tested(cli, training, tmp_path):
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "alone.npz", images=images, labels=labels)
    training[training.index("--data") + 1] = str(tmp_path / "alone.npz")

    assert "not measured: the data has no test part" in cli(*training).out


def test_a_network_follows_the_shape_and_the_classes_of_the_data(cli, tmp_path):
    images, labels = np.zeros((6, 8, 8), np.uint8), np.arange(6) % 3
    np.savez(tmp_path / "small.npz", images=images, labels=labels)
    answer = cli("train", "lin-simple-nn", "--engine", "numpy", "--data", "small.npz", "--set", "epochs=1")

    assert answer.code == 0, answer.err
    assert "lin-simple-nn is made to fit small.npz" in answer.err
    (run,) = Store().list()
    assert run.what["network"]["input_shape"] == [64]


def test_a_network_and_a_recipe_come_from_files_too(cli, data, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(get("lin-simple-nn").named("").to_dict()))
    (tmp_path / "mine.toml").write_text(
        'epochs = 2\nbatch_size = 50\n[optimizer]\nname = "adam"\nlr = 0.01\n'
    )
    answer = cli("train", "mine.json", "--recipe", "mine.toml", "--engine", "numpy", "--data", data)

    assert answer.code == 0, answer.err
    (run,) = Store().list(network="mine")
    assert run.what["recipe"]["optimizer"]["name"] == "adam"
    assert run.history["epoch"] == [1, 2]


def test_settings_are_read_as_toml_and_else_as_text():
    pairs = ["epochs=3", "optimizer.lr = 1e-2", "optimizer=adam", 'loss="squared-error"', "x=a=b", "y=1\nz=2"]

    assert parse_settings(pairs) == {
        "epochs": 3,
        "optimizer.lr": 0.01,
        "optimizer": "adam",
        "loss": "squared-error",
        "x": "a=b",
        "y": "1\nz=2",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epoch=3"], "There is no recipe key named 'epoch'. Did you mean 'epochs'?"),
        (["--set", "optimizer=adamm"], "There is no optimizer named 'adamm'. Did you mean"),
        (["--set", "epochs=many"], "epochs must be an integer. Got 'many' instead."),
        (["--recipe", "fats"], "There is no recipe named 'fats'. Did you mean 'fast'?"),
        (["--recipe", "none.toml"], "There is no file none.toml."),
        (["--data", "mnits"], "There is no data set or path named 'mnits'. Did you mean 'mnist'?"),
        (["--data", "gone.npz"], "There is no file or folder gone.npz."),
        (["--validation", "200"], "200"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(cli, training, arguments, message):
    answer = cli(*training, *arguments)

    assert answer.code == 1
    assert message in answer.err
    assert Store().list() == ()


def test_a_setting_without_a_value_is_wrong_usage(cli, training):
    answer = cli(*training, "--set", "epochs")

    assert answer.code == 2
    assert "expected KEY=VALUE" in answer.err


@pytest.mark.parametrize(
    ("content", "message"),
    [("not json", "bad.json describes no network"), ('{"layers": []}', "bad.json describes no network")],
)
def test_a_file_that_is_no_network_is_named(cli, tmp_path, content, message):
    (tmp_path / "bad.json").write_text(content)

    assert message in cli("train", "bad.json").err


def test_a_damaged_data_file_is_named(cli, training, tmp_path):
    (tmp_path / "bars.npz").write_bytes((tmp_path / "bars.npz").read_bytes()[:1000])
    answer = cli(*training)

    assert answer.code == 1
    assert "bars.npz" in answer.err


def test_a_run_whose_model_was_deleted_says_how_to_train_it_again(cli, training):
    run = json.loads(cli(*training, "--json").out)["run"]
    for file in (Store().folder(run) / "model").iterdir():
        file.unlink()
    (Store().folder(run) / "model").rmdir()
    answer = cli(*training)

    assert answer.code == 1
    assert f"tenfold runs remove {run[:12]}" in answer.err


def start(training, home, *more):
    code = "from tenfold.cli import main; main()"
    environment = os.environ | {"TENFOLD_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *training, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_saves_and_the_same_command_goes_on_to_the_same_bits(cli, training, tmp_path):
    training += ["--set", "epochs=1500"]
    process = start(training, tmp_path / "stopped")
    seen = next(line for line in process.stderr if "epoch 2 of 1500" in line)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=300)

    assert process.returncode == 130, seen + rest
    assert "Training stopped after epoch" in rest
    assert "Go on with: tenfold train lin-simple-nn" in rest
    assert "Traceback" not in rest
    assert Store(tmp_path / "stopped").list() == ()

    resumed = start(training, tmp_path / "stopped", "--out", tmp_path / "resumed")
    _, said = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, said
    assert "epoch 1 of 1500" not in said

    whole = start(training, tmp_path / "whole", "--out", tmp_path / "whole-model")
    _, said = whole.communicate(timeout=300)
    assert whole.returncode == 0, said
    expected, found = Model.load(tmp_path / "whole-model").weights, Model.load(tmp_path / "resumed").weights
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_a_place_where_no_model_can_be_saved_is_told_before_the_training(cli, training, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    for out, message in (("full", "holds more than a model"), ("full/letter.txt/deep", "is a file")):
        answer = cli(*training, "--out", out)

        assert answer.code == 1
        assert message in answer.err
        assert "epoch 1" not in answer.err
    assert Store().list() == ()


def test_a_copy_that_fails_after_the_training_leaves_the_result(cli, training, tmp_path, monkeypatch):
    monkeypatch.setattr("tenfold.models.folder.check_folder", lambda folder: folder)
    (tmp_path / "file").write_text("in the way")
    answer = cli(*training, "--out", "file")

    (run,) = Store().list()
    assert answer.code == 1
    assert "is a file" in answer.err
    assert str(run.folder / "model") in answer.out
    assert "test accuracy" in answer.out


def test_the_device_and_the_compiler_are_torchs(cli, training):
    found = json.loads(cli(*training, "--engine", "auto", "--device", "cpu", "--json").out)

    assert Store().get(found["run"]).what["engine"] == {"name": "torch", "device": "cpu", "compile": False}
    assert parse_engine(EngineName.auto, "cuda:1", True) == ("torch", {"device": "cuda:1", "compile": True})
    assert parse_engine(EngineName.numpy, "auto", False) == ("numpy", {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cpu"], "use --engine torch"),
        (["--compile"], "use --engine torch"),
        (["--device", "tpu"], "expected auto, cpu, cuda or cuda:N"),
        (["--seed", str(2**63)], "--seed"),
    ],
)
def test_a_device_or_a_seed_that_cannot_be_is_wrong_usage(cli, training, arguments, message):
    answer = cli(*training, *arguments)

    assert answer.code == 2
    assert message in " ".join(answer.err.split())


def test_what_goes_on_after_ctrl_c_repeats_the_device(cli, training, monkeypatch):
    def stopped(*arguments, **settings):
        raise TrainingStopped("Training stopped.")

    monkeypatch.setattr("tenfold.models.fit.fit", stopped)
    answer = cli(*training, "--engine", "torch", "--device", "cpu", "--compile")

    assert answer.code == 130
    assert answer.err.rstrip().endswith("--engine torch --device cpu --compile")


def test_a_network_learns_from_a_teacher_and_from_the_labels_alone_where_that_one_knows_other_pictures(
    cli, training, tmp_path
):
    cli(*training, "--out", tmp_path / "teacher")
    taught = (*training, "--set", f"distillation.teacher={tmp_path / 'teacher'}")
    assert cli(*taught).code == 0
    recipes = [run.what["recipe"] for run in Store().list(order="started")]
    assert [("distillation" in recipe) for recipe in recipes] == [False, True]

    np.savez(tmp_path / "small.npz", x_train=np.zeros((40, 8, 8), np.uint8), y_train=np.arange(40) % 10)
    arguments = [tmp_path / "small.npz" if str(each).endswith(".npz") else each for each in taught]
    answer = cli(*arguments)
    assert answer.code == 0
    assert (
        "knows other pictures than small.npz/train, so the network learns from the labels alone" in answer.err
    )
