"""``tenfold train reader-digits`` writes weights that the reader loads."""

import json

import numpy as np
import pytest

from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning import digits

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
    assert (json.loads(stated["seed"]), json.loads(stated["recipe"])["drawn"]) == (3, 60)
    probabilities = network.predict_proba(np.zeros((2, 28, 28), np.uint8))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert "export function classify" in (tmp_path / "digits.mjs").read_text()


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
