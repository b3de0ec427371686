"""A command line to try things on: in a folder of its own, on a handful of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tenfold.cli import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Cli = Callable[..., Answer]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``tenfold ...`` in an empty folder, with a store and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TENFOLD_DEBUG", raising=False)

    def run(*arguments: str | Path) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


def bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images whose class is the place of a bright bar, and their labels: easy to learn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 + 2 * label : 5 + 2 * label, 4:24] = 250
    return images, labels


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return an npz file of 200 images for training and 50 for testing."""
    (x_train, y_train), (x_test, y_test) = bars(200, 0), bars(50, 1)
    path = tmp_path / "bars.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture
def training(data: Path) -> list[str]:
    """Return the arguments of a training that takes a moment."""
    recipe = ["--set", "epochs=3", "--set", "batch_size=20", "--set", "optimizer.lr=0.1"]
    return ["train", "lin-simple-nn", "--engine", "numpy", "--data", str(data), *recipe]


@pytest.fixture
def model(cli: Cli, training: list[str], tmp_path: Path) -> Path:
    """Return the folder of a trained model."""
    answer = cli(*training, "--out", tmp_path / "model", "--quiet")
    assert answer.code == 0, answer.err
    return tmp_path / "model"
