"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tenfold
from tenfold.data import Digits


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """MNIST as it ships with the package."""
    return tenfold.load("mnist")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test out of the user's store."""
    with monkeypatch.context() as patch:
        patch.setenv("TENFOLD_HOME", str(tmp_path_factory.mktemp("home")))
        yield
