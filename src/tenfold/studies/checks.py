"""What the parts of a study must be; and where it is told, by file and line, that something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as shortened
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from tenfold.errors import StudyError, TenfoldError, UnknownNameError

if TYPE_CHECKING:
    from tenfold.studies.study import Study


def must(be: bool, what: str, expected: str, got: object) -> None:
    """Raise `StudyError` unless `what` is as `expected`."""
    if not be:
        raise StudyError(f"{what} must be {expected}. Got {shortened(got)} instead.")


def must_be_whole(value: object, what: str, least: int) -> None:
    """Raise `StudyError` unless `value` is an integer >= `least`."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
    must(whole, what, f"an integer >= {least}", value)


def must_be_text(value: object, what: str) -> None:
    """Raise `StudyError` unless `value` is a string with something in it."""
    must(isinstance(value, str) and bool(value.strip()), what, "a text that is not empty", value)


def must_be_tuple(values: object, what: str, kind: type, least: int = 0) -> None:
    """Raise `StudyError` unless `values` is a tuple of at least `least` values of type `kind`."""
    several = f"a tuple of {kind.__name__}{', at least one' if least else ''}"
    long = isinstance(values, tuple) and len(values) >= least
    must(long, what, f"{several}; a tuple of one ends in a comma: (x,)", values)
    assert isinstance(values, tuple)
    for number, value in enumerate(values, 1):
        must(isinstance(value, kind), f"{what}: number {number}", f"of type {kind.__name__}", value)


def must_map(values: Any, what: str, kind: type) -> None:
    """Raise `StudyError` unless `values` maps names to values of type `kind`."""
    must(hasattr(values, "items"), what, f"a dict of names and {kind.__name__}", values)
    for name, value in values.items():
        must(isinstance(name, str), f"{what}: a name", "a text", name)
        must(isinstance(value, kind), f"{what}[{name!r}]", f"of type {kind.__name__}", value)


@contextmanager
def blamed(study: Study, part: str = "", advice: str = "") -> Iterator[None]:
    """Let what goes wrong within be told with the user's file, and with the part of the study that it is in.

    Errors of Tenfold keep their type. With `advice`, what is no error of Tenfold becomes a `StudyError` that
    names the line of the file, and ends in the advice.
    """
    place = f"{study.file or study.key}, {part}" if part else study.file
    try:
        yield
    except UnknownNameError as error:
        raise error.within(place) from error
    except TenfoldError as error:
        raise type(error)(f"{place}: {error}" if place else str(error)) from error
    except Exception as error:
        if not advice:
            raise
        line = line_in(study.file, error) if study.file else None
        where = f"{place}, line {line}" if line else place
        raise StudyError(f"{where}: {type(error).__name__}: {error}. {advice}") from error


def line_in(file: str | Path, error: BaseException) -> int | None:
    """Return the last line of `file` that `error` passed through; None where it did not."""
    if isinstance(error, SyntaxError):
        return error.lineno
    path = Path(file).resolve()
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return lines[-1] if lines else None
