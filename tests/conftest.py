"""What all tests share."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

import tenfold
from tenfold.data import Digits

settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=300, deadline=None)
settings.load_profile("suite")

# A shell ignores Ctrl-C for what it runs in the background; so would what the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that this machine has not, such as a C compiler."""
    for mark in item.iter_markers("needs"):
        missing = [program for program in mark.args if shutil.which(program) is None]
        if missing:
            pytest.skip(f"needs {' and '.join(missing)}")


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """MNIST as it ships with the package."""
    return tenfold.load("mnist")


@pytest.fixture
def ctrl_c_in_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], list[str]]:
    """Let Ctrl-C come inside a module's `wait`, as while it has the locks of the futures.

    Returned is a list, which tells each time that the wait went on.
    """

    def patch(module: ModuleType) -> list[str]:
        seen, wait = [], module.wait

        def wait_when_ctrl_c_comes(futures: Any, **how: Any) -> Any:
            signal.raise_signal(signal.SIGINT)
            seen.append("went on")
            return wait(futures, **how)

        monkeypatch.setattr(module, "wait", wait_when_ctrl_c_comes)
        return seen

    return patch


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test out of the user's store."""
    with monkeypatch.context() as patch:
        patch.setenv("TENFOLD_HOME", str(tmp_path_factory.mktemp("home")))
        yield
