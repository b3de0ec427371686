from pathlib import Path

import numpy as np
import pytest
import torch

from tenfold.errors import ModelError
from tenfold.reading.learning.network import build
from tenfold.reading.learning.weights import restore, save
from tenfold.reading.recognizer import WEIGHTS, Calibration, Recognizer
from tenfold.reading.strip import HEIGHT


@pytest.fixture
def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    network = build()
    network(torch.rand(8, 1, HEIGHT, 64))  # norms that have seen something
    return network.eval()


def test_the_file_says_what_the_network_says(network: torch.nn.Sequential, tmp_path: Path) -> None:
    path = tmp_path / "strings.onnx"
    save(network, path, Calibration(1.5, 0.9, 0.1), {"seed": 0})
    recognizer = Recognizer(path)
    assert recognizer.calibration == Calibration(1.5, 0.9, 0.1)
    for width in (64, 200):
        ink = np.random.default_rng(width).random((3, 1, HEIGHT, width), np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(ink)).numpy()
        found = recognizer._session.run(None, {"ink": ink})[0]
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=0.02 * np.abs(expected).max()
        )  # half precision
    assert path.stat().st_size < 4_000_000
    assert [p.name for p in tmp_path.iterdir()] == ["strings.onnx"]


def test_a_network_that_is_restored_says_what_its_file_says(
    network: torch.nn.Sequential, tmp_path: Path
) -> None:
    path = tmp_path / "strings.onnx"
    save(network, path, Calibration(), {"seed": 0})
    other = build()
    restore(other, path)
    ink = torch.rand(3, 1, HEIGHT, 120)
    with torch.no_grad():
        expected, found = network(ink).numpy(), other.eval()(ink).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02 * np.abs(expected).max())  # half precision


def test_what_is_no_string_network_is_not_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "strings.onnx"
    for content in (None, b"no network", (WEIGHTS.parent / "digits.onnx").read_bytes()):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError, match="holds no string network of this form"):
            restore(build(), path)
