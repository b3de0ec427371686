"""``tenfold train reader`` writes weights that the reader loads."""

import json
from pathlib import Path

import numpy as np
import pytest

from tenfold.data import Digits
from tenfold.data.composites.glyphs import Glyphs
from tenfold.data.composites.paper import Papers
from tenfold.reading.classifier import DigitNetwork
from tenfold.reading.learning import strings, strips
from tenfold.reading.learning.train import Progress
from tenfold.reading.recognizer import Recognizer

SMALL = [
    part
    for setting in ("chunks=1", "chunk=16", "repeats=1", "batch=8", "validation=12")
    for part in ("--set", setting)
]


@pytest.fixture(autouse=True)
def here(mnist: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips from a small stock, made in this process."""
    stock = (
        Glyphs(mnist.train.images[:400], mnist.train.labels[:400]),
        Papers(5, np.random.default_rng(0)),
        DigitNetwork(),
    )
    monkeypatch.setattr(strips, "_stock", lambda part: stock)
    train = strings.train
    monkeypatch.setattr(strings, "train", lambda *given, **named: train(*given, **(named | {"workers": 0})))


def test_the_weights_are_written_and_say_how_they_were_made(cli, tmp_path: Path) -> None:
    done = cli("train", "reader", *SMALL, "--seed", "3", "--out", tmp_path / "new", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["weights"] == str(tmp_path / "new" / "strings.onnx")
    assert 0 <= told["held_out_exact"] <= 1
    assert told["held_out_n"] == 12
    recognizer = Recognizer(Path(told["weights"]))
    assert vars(recognizer.calibration) == told["calibration"]
    assert len(recognizer.transcribe([np.full((40, 100), 200, np.uint8)])) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["strings.onnx"]


def test_a_training_goes_on_from_weights_and_says_from_which(cli, tmp_path: Path) -> None:
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    assert cli("train", "reader", *SMALL, "--seed", "3", "--out", first).code == 0
    done = cli("train", "reader", *SMALL, "--set", f"start={first}", "--seed", "4", "--out", second, "--json")
    assert done.code == 0, done.err
    made = Recognizer(second).made
    assert made["seed"] == 4
    assert made["start"] == Recognizer(first).made


def test_weights_to_go_on_from_that_are_missing_are_named(cli, tmp_path: Path) -> None:
    done = cli("train", "reader", *SMALL, "--set", f"start={tmp_path}/none.onnx", "--out", tmp_path / "new")
    assert done.code == 1
    assert "none.onnx holds no string network" in done.err
    assert not (tmp_path / "new").exists()


def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = "tenfold.cli.train_strings.Display.update"
    calls: list[float] = []

    def interrupt(self: object, title: str, part: float, *rest: object, **named: object) -> None:
        calls.append(part)
        if part == 1.0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(update, interrupt)
        stopped = cli("train", "reader", *SMALL, "--out", tmp_path)
    assert stopped.code == 130
    assert "Go on with: tenfold train reader" in stopped.err
    assert (tmp_path / "strings-checkpoint").is_dir()
    seen: list[Progress] = []
    monkeypatch.setattr(update, lambda self, title, part, *rest, **named: seen.append(part))
    assert cli("train", "reader", *SMALL, "--out", tmp_path).code == 0
    assert max(seen) == 0  # nothing was left to train
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("strings")] == ["strings.onnx"]


@pytest.mark.parametrize(
    "option", [("--data", "usps"), ("--validation", "10"), ("--recipe", "fast"), ("--engine", "numpy")]
)
def test_what_does_not_apply_is_refused(cli, option: tuple[str, str]) -> None:
    done = cli("train", "reader", *option)
    assert done.code == 2
    assert option[0] in done.err


def test_an_unknown_setting_is_refused(cli) -> None:
    done = cli("train", "reader", "--set", "chunsk=2")
    assert done.code == 1
    assert "chunks" in done.err
