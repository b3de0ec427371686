"""``tenfold train reader-decisions`` completes a folder of networks to a reader."""

import json
import shutil

import numpy as np
import pytest

from tenfold.errors import ModelError
from tenfold.reading.learning import decisions
from tenfold.reading.networks import WEIGHTS, load


@pytest.fixture
def folder(tmp_path):
    """Return what tenfold train reader and reader-digits leave: two networks and no decisions."""
    made = tmp_path / "mine"
    made.mkdir()
    for name in ("strings.onnx", "digits.onnx"):
        shutil.copy(WEIGHTS / name, made)
    return made


def test_two_networks_become_a_reader(cli, folder, mnist, monkeypatch):
    monkeypatch.setattr(decisions, "held_out", lambda: mnist.train.take(range(300)))
    monkeypatch.setattr(decisions, "OTHERS", 20)
    with pytest.raises(ModelError, match=r"Fit them: tenfold train reader-decisions --set weights="):
        load(folder)
    done = cli(
        *("train", "reader-decisions", "--set", f"weights={folder}", "--set", "pages=1", "--set", "strips=2"),
        *("--out", folder, "--json", "--quiet"),
    )

    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["decisions"] == str(folder / "decisions.json")
    assert (told["pages"], told["strips"]) == (1, 2)
    judgment = load(folder).judgment
    assert set(judgment.thresholds) == {"page", "strip", "digit"}
    assert all(np.diff([rate for rate, _ in levels]).min() > 0 for levels in judgment.thresholds.values())


@pytest.mark.parametrize("missing", ["strings.onnx", "digits.onnx"])
def test_without_a_network_it_says_which_file_is_missing(cli, folder, missing):
    (folder / missing).unlink()
    done = cli("train", "reader-decisions", "--set", f"weights={folder}", "--quiet")
    assert done.code == 1
    assert f"mine/{missing}" in done.err
    assert "tenfold train reader" in done.err


@pytest.mark.parametrize("change", ["pages=0", "strips=two", "page=3"])
def test_wrong_settings(cli, change):
    done = cli("train", "reader-decisions", "--set", change, "--quiet")
    assert done.code == 1
    assert "Traceback" not in done.err
