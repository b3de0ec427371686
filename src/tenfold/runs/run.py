"""A finished run, and the name that what it was gives it."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.errors import StoreError
from tenfold.runs import environment

JSON_COLUMNS = ("what", "history", "metrics", "versions", "hardware", "tags")


def identity(what: dict[str, Any]) -> str:
    """Return the name of the run that `what` describes: 64 hex digits.

    The hash (SHA-256) of the canonical JSON: the order of keys does not matter, a tuple is a list, and a
    number is its value (``1`` is ``1.0``, as it is to whoever trains with it; True is not 1).

    Raises
    ------
    StoreError
        A value that is not plain JSON, such as an array, NaN or a key that is no string.
    """
    text = json.dumps(fold(_plain(what, "what")), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run.

    Attributes
    ----------
    id : str
        ``identity(what)``.
    network, engine, data : str
        Names, to find it by.
    seed : int
    what : dict
        All that it was, as plain JSON values: architecture, recipe, fingerprint and split of the data, seed,
        settings of the engine.
    history : dict of list
        What was measured at each epoch, by column. Arrays become lists.
    metrics : dict
        What was measured at the end. Arrays become lists.
    folder : Path or None
        Where its artifacts lie, absolute.
    versions, hardware, commit
        As `tenfold.runs.environment` tells them; by default those of this process.
    started : str
        When, in ISO 8601 with its offset; kept in UTC to the millisecond.
    seconds : float
        How long it took.
    tags : dict of str, int, float, bool or None
        What else to find it by (``{"study": "lin", "scale": "quick"}``). A tag is named like a variable, and
        not like an attribute of a run.

    Raises
    ------
    StoreError
        A value that is none of these.
    """

    id: str
    network: str
    engine: str
    data: str
    seed: int
    what: dict[str, Any]
    history: dict[str, list[Any]]
    metrics: dict[str, Any]
    folder: Path | None = None
    versions: dict[str, str] = field(default_factory=environment.versions)
    hardware: dict[str, Any] = field(default_factory=environment.hardware)
    commit: str | None = field(default_factory=environment.commit)
    started: str
    seconds: float
    tags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in JSON_COLUMNS:
            values = getattr(self, name)
            if not isinstance(values, dict):
                raise StoreError(f"{name} of a run must be a dict. Got {type(values).__name__} instead.")
            measured = name in ("history", "metrics")
            object.__setattr__(self, name, _plain(values, name, measured=measured))
        for name, value in self.tags.items():
            if not name.isidentifier() or name in _RESERVED:
                raise StoreError(
                    f"{name!r} cannot name a tag: use letters, digits and _, and no column's name."
                )
            if isinstance(value, dict | list):
                raise StoreError(
                    f"The tag {name!r} must be text, a number, true, false or null. Got {value!r}."
                )
        try:
            moment = datetime.fromisoformat(self.started)
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None:
            raise StoreError(
                "started must be an ISO time with its offset, as '2030-01-31T12:00:00+00:00'. "
                f"Got {self.started!r} instead."
            )
        object.__setattr__(self, "started", moment.astimezone(UTC).isoformat(timespec="milliseconds"))
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder).absolute())


COLUMNS = tuple(column.name for column in fields(Run))
_RESERVED = {*COLUMNS, "limit", "order"}


def _plain(value: Any, place: str, *, measured: bool = False) -> Any:
    """Return `value` as JSON gives it back. What was measured may hold NumPy values, NaN and infinity."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and (measured or math.isfinite(value)):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{place}[{index}]", measured=measured) for index, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise StoreError(f"{place}: a key must be text. Got {key!r} instead.")
        return {key: _plain(item, f"{place}.{key}", measured=measured) for key, item in value.items()}
    if measured and isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), place, measured=measured)
    raise StoreError(
        f"{place}: expected a plain JSON value (text, finite number, true, false, null, list, dict). "
        f"Got {value!r} of type {type(value).__name__} instead; convert it first."
    )


def fold(value: Any) -> Any:
    """Return a plain value with each whole float as an integer, so that equal numbers are written alike."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [fold(item) for item in value]
    if isinstance(value, dict):
        return {key: fold(item) for key, item in value.items()}
    return value
