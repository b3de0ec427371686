"""A training that can go on: one safetensors file, replaced as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tenfold.errors import TrainingError
from tenfold.training.engine import Arrays
from tenfold.training.history import History

FILE = "checkpoint.safetensors"
PART = f"{FILE}.part"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands after an epoch.

    Attributes
    ----------
    identity : dict
        What is being trained, by what and on what, as plain JSON values: only the same training may go on.
    epoch : int
        Epochs done.
    history : History
        Its rows up to this epoch.
    state : dict of arrays
        The trainer's state.
    seconds : float
        Time spent training.
    elapsed : float
        Time spent in all, with the monitoring.
    cpu_seconds : float
        Processor time spent training.
    """

    identity: dict[str, Any]
    epoch: int
    history: History
    state: Arrays = field(repr=False)
    seconds: float = 0.0
    elapsed: float = 0.0
    cpu_seconds: float = 0.0


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write `checkpoint` into `folder` (made if missing) and return the file's path.

    The file is written under another name first, so that a process killed at any moment leaves the last
    checkpoint whole.
    """
    state = {key: np.asarray(array, order="C") for key, array in checkpoint.state.items()}
    notes = {
        "identity": checkpoint.identity,
        "epoch": checkpoint.epoch,
        "history": checkpoint.history.to_dict(),
        "seconds": checkpoint.seconds,
        "elapsed": checkpoint.elapsed,
        "cpu_seconds": checkpoint.cpu_seconds,
        "sha256": _digest(state),
    }
    path = folder / FILE
    part = folder / PART
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(save(state, {"tenfold": json.dumps(notes)}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise TrainingError(
            f"The checkpoint {path} cannot be written: {error.strerror or error}. "
            "Free the place or choose another folder."
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the checkpoint that lies in `folder`, None where there is none.

    Raises
    ------
    TrainingError
        The file is damaged, cut short, or no checkpoint.
    """
    path = folder / FILE
    try:
        with safe_open(path, framework="numpy") as file:
            notes = json.loads((file.metadata() or {})["tenfold"])
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping: not iterable
        if notes["sha256"] != _digest(state):
            raise ValueError("its content does not match its hash")
        return Checkpoint(
            identity=notes["identity"],
            epoch=notes["epoch"],
            history=History.from_dict(notes["history"]),
            state=state,
            seconds=notes["seconds"],
            elapsed=notes["elapsed"],
            # Checkpoints of before it was measured: as if nothing else had run beside.
            cpu_seconds=notes.get("cpu_seconds", notes["seconds"]),
        )
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"The checkpoint {path} is damaged or no checkpoint of a training ({error}). "
            "Delete it to start afresh."
        ) from None


def load_same(folder: Path, identity: dict[str, Any]) -> Checkpoint | None:
    """Return the checkpoint of the training `identity` that lies in `folder`, None where there is none.

    Raises
    ------
    TrainingError
        It is damaged, or the checkpoint of another training; says what differs.
    """
    found = load_checkpoint(folder)
    if found is not None and (lines := differences(identity, found.identity)):
        raise TrainingError(
            f"{folder / FILE} is the checkpoint of another training: {'; '.join(lines)}. "
            "Go on with the settings it was begun with, choose another folder, or delete it to start afresh."
        )
    return found


def remove_checkpoint(folder: Path) -> None:
    """Delete the checkpoint in `folder`, if there is one, and what a killed process left half-written."""
    for name in (FILE, PART):
        (folder / name).unlink(missing_ok=True)


def differences(wanted: object, found: object, where: str = "") -> list[str]:
    """Return one line for every value in which two nested JSON values differ, by dotted key."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        lines = []
        for key in dict.fromkeys([*wanted, *found]):
            lines += differences(wanted.get(key), found.get(key), f"{where}.{key}" if where else key)
        return lines
    return [] if wanted == found else [f"{where} is {wanted!r}, in the checkpoint {found!r}"]


def _digest(state: Arrays) -> str:
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(repr((key, state[key].shape, str(state[key].dtype))).encode())
        digest.update(state[key].tobytes())
    return digest.hexdigest()
