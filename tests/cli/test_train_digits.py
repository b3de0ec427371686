"""``tenfold train reader-digits`` writes weights that the reader loads."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning import digits
from tenfold.training.torch_engine import TorchTrainer

SMALL = [
    part
    for setting in ("drawn=60", "others=60", "pool=100", "judged=40", "epochs=1", "batch_size=64")
    for part in ("--set", setting)
]


@pytest.fixture(autouse=True)
def some(mnist, monkeypatch):
    parts = mnist.train.take(range(400)), mnist.train.take(range(400, 500))
    monkeypatch.setattr(digits, "parts", lambda: parts)


def test_the_weights_are_written_and_say_how_they_were_made(cli, tmp_path):
    done = cli("train", "reader-digits", *SMALL, "--seed", "3", "--out", tmp_path, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    network = DigitNetwork(tmp_path / "digits.onnx")
    assert told["weights"] == str(tmp_path / "digits.onnx")
    assert set(told["held_out_accuracy"]) == {"mnist", "varied", "drawn", "other"}
    stated = network.stated
    # The network's 149,099, less 544 of batch norm, of which 272 biases are left.
    assert (stated["parameters"], stated["parameters_counted"]) == ("148827", "folded")
    assert (json.loads(stated["seed"]), json.loads(stated["recipe"])["drawn"]) == (3, 60)
    probabilities = network.predict_proba(np.zeros((2, 28, 28), np.uint8))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert "export function classify" in (tmp_path / "digits.mjs").read_text()


def test_a_training_that_was_killed_goes_on(cli, tmp_path, monkeypatch):
    """Killed in the last of three epochs, and begun again, it makes the network that it would have made."""
    command = ["train", "reader-digits", *SMALL, "--set", "epochs=3", "--out"]
    assert cli(*command, tmp_path / "whole").code == 0
    out = tmp_path / "killed"
    code = f"""
        import os
        from tenfold.cli import main
        from tenfold.data.catalog import load
        from tenfold.reading.learning import digits

        train, made = load("mnist").train, digits.Stream._make
        digits.parts = lambda: (train.take(range(400)), train.take(range(400, 500)))
        digits.Stream._make = lambda self, index: os.kill(os.getpid(), 9) if index else made(self, index)
        main({[*map(str, command), str(out)]!r})
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert [path.name for path in out.iterdir()] == ["digits-checkpoint"]

    epochs = []
    run_epoch = TorchTrainer.run_epoch
    monkeypatch.setattr(
        TorchTrainer,
        "run_epoch",
        lambda self, data, epoch: epochs.append(epoch) or run_epoch(self, data, epoch),
    )
    assert cli(*command, out).code == 0

    assert epochs == [2]
    assert sorted(path.name for path in out.iterdir()) == ["digits.mjs", "digits.onnx"]
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    whole, resumed = (DigitNetwork(folder / "digits.onnx") for folder in (tmp_path / "whole", out))
    assert np.array_equal(resumed.predict_proba(images), whole.predict_proba(images))


@pytest.mark.parametrize(
    "option", [("--data", "usps"), ("--validation", "10"), ("--recipe", "fast"), ("--engine", "numpy")]
)
def test_what_does_not_apply_is_refused(cli, option):
    done = cli("train", "reader-digits", *option)
    assert done.code == 2
    assert option[0] in done.err


def test_an_unknown_setting_is_refused(cli):
    done = cli("train", "reader-digits", "--set", "hands.slnt=2")
    assert done.code == 1
    assert "slant" in done.err
