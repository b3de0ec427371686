"""The tree of errors.

Every error a user can cause is a `TenfoldError`, so ``except TenfoldError`` catches them all and nothing
else. Each message says what was expected, what came, and what to do next.

::

    TenfoldError
    ├── DataError            pictures or labels that cannot be used
    │   ├── FormatError      a file that is not what it claims to be (names file and place)
    │   └── FetchError       a data set that could not be fetched or whose hash is wrong
    ├── NetworkError         layers that do not fit together, or a network that does not fit the data
    ├── RecipeError          a training setting that is unknown or out of range
    ├── TrainingError        training that cannot go on (a loss that is not finite, a foreign checkpoint)
    │   ├── TrainingDiverged a loss that is not finite
    │   └── TrainingStopped  the user interrupted; says where the checkpoint lies
    ├── TuningError          a search that has nothing to search, or a setting of it that is out of range
    ├── ModelError           a model folder that is missing, damaged or foreign
    ├── StoreError           a run that is not in the store, or a store that cannot be opened
    ├── StudyError           a study, experiment or claim that is unknown or badly written
    │   └── TrainingsFailed  some trainings of a study failed; the others are finished
    ├── ReportError          a report that cannot be written
    ├── ExportError          a model that a form cannot hold, or an export that cannot be written or checked
    ├── ServingError         a service that cannot be started, or a setting of it that is out of range
    ├── BenchmarkError       a benchmark whose side failed, or a setting of it that is out of range
    ├── FormError            a form's template that is badly written, or a page that does not fit it
    ├── UnknownNameError     a name that is none of the known ones (names the nearest)
    └── MissingExtraError    an optional dependency that is not installed (names the extra)

What is a bad value (`DataError`, `NetworkError`, `RecipeError`, `FormError`, `UnknownNameError`) is a
`ValueError` too, as scikit-learn's contract asks.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any


class TenfoldError(Exception):
    """What every error of Tenfold derives from."""


class DataError(TenfoldError, ValueError):
    """Pictures or labels that cannot be used."""


class FormatError(DataError):
    """A file that is not what it claims to be."""


class FetchError(DataError):
    """A data set that could not be fetched, or whose hash is wrong."""


class NetworkError(TenfoldError, ValueError):
    """Layers that do not fit together, or a network that does not fit the data."""


class RecipeError(TenfoldError, ValueError):
    """A training setting that is unknown or out of range."""


class TrainingError(TenfoldError):
    """Training that cannot go on."""


class TrainingDiverged(TrainingError):
    """A loss that is not finite."""


class TrainingStopped(TrainingError):
    """The user interrupted the training; what was done is saved."""


class ModelError(TenfoldError):
    """A model folder that is missing, damaged or foreign."""


class TuningError(TenfoldError):
    """A search that has nothing to search, or a setting of it that is out of range."""


class StoreError(TenfoldError):
    """A run that is not in the store, or a store that cannot be opened."""


class StudyError(TenfoldError):
    """A study, experiment or claim that is unknown or badly written."""


class TrainingsFailed(StudyError):
    """Some trainings of a study failed; the others are finished and kept."""


class ReportError(TenfoldError):
    """A report that cannot be written."""


class ExportError(TenfoldError):
    """A model that a form cannot hold, or an export that cannot be written or checked."""


class ServingError(TenfoldError):
    """A service that cannot be started, or a setting of it that is out of range."""


class BenchmarkError(TenfoldError):
    """A benchmark whose side failed, or a setting of it that is out of range."""


class FormError(TenfoldError, ValueError):
    """A form's template that is badly written, or a page that does not fit it."""


class UnknownNameError(TenfoldError, ValueError):
    """A name that is none of the known ones.

    Parameters
    ----------
    kind : str
        What was looked for, in the singular ("network", "recipe key").
    name : str
        What came.
    known : iterable of str
        What there is. The nearest is offered; a short list is told whole.
    place : str
        Where the name stands, if that is to be told.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str], place: str = "") -> None:
        known = sorted(known)
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        message = f"{place}: " if place else ""
        message += f"There is no {kind} named {str(name)!r}."
        if near:
            message += f" Did you mean {near[0]!r}?"
        if known and (len(known) <= 12 or not near):
            message += f" Known: {', '.join(known)}."
        super().__init__(message)
        self._parts = (kind, name, known, place)

    def within(self, place: str) -> UnknownNameError:
        """Return the error that tells where the name stands."""
        return UnknownNameError(*self._parts[:3], place)

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, object, list[str], str]]:
        # By default an exception is rebuilt from its message; workers send theirs home pickled.
        return type(self), self._parts


class MissingExtraError(TenfoldError):
    """An optional dependency that is not installed."""


class TenfoldWarning(UserWarning):
    """What every warning of Tenfold derives from."""


def lookup(kind: str, name: str, known: dict[str, Any]) -> Any:
    """Return ``known[name]``, or raise `UnknownNameError` naming the nearest key."""
    try:
        return known[name]
    except (KeyError, TypeError):
        raise UnknownNameError(kind, name, known) from None


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import and return `module`, or say which extra brings it.

    Raises
    ------
    MissingExtraError
        The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
            raise
        raise MissingExtraError(
            f"{purpose} needs {error.name}, which is not installed. "
            f"Install it with: pip install 'tenfold[{extra}]'"
        ) from None
