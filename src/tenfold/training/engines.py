"""Engines by name. An engine is imported when it is asked for, so that the base install needs no torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from tenfold.errors import lookup, require
from tenfold.training.engine import Engine


def _numpy(**settings: Any) -> Engine:
    from tenfold.training.numpy_engine import NumpyEngine

    return NumpyEngine(**settings)


def _torch(**settings: Any) -> Engine:
    # Threads that wait should sleep: where other work shares the cores, torch's threads spin while they wait
    # for each other, and a training on two cores takes up to ten times as long. Not at once, though: where
    # the cores are idle, a small network's threads wait for microseconds only. Both are read by torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    require("torch", extra="train", purpose="The torch engine")
    from tenfold.training.torch_engine import TorchEngine

    return TorchEngine(**settings)


def _auto(**settings: Any) -> Engine:
    return _numpy(**settings) if find_spec("torch") is None else _torch(**settings)


ENGINES: dict[str, Callable[..., Engine]] = {"auto": _auto, "numpy": _numpy, "torch": _torch}


def get_engine(name: str = "auto", **settings: Any) -> Engine:
    """Return an engine by name.

    Parameters
    ----------
    name : str
        "numpy", "torch", or "auto": torch where it is installed, else NumPy.
    **settings
        The engine's own, such as ``device="cpu"`` for torch.

    Raises
    ------
    UnknownNameError
        There is no such engine.
    MissingExtraError
        The engine's library is not installed.
    """
    make: Callable[..., Engine] = lookup("engine", name, ENGINES)
    return make(**settings)
