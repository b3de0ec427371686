"""What the reader answers: documents of pages of lines of digits, as frozen values.

Boxes are ``(left, top, width, height)`` in pixels of the picture as given, upright as its EXIF says. For a
page of a PDF they are pixels of the page as it was rendered, whose size the page tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]


class Decision(StrEnum):
    """What to do with a line at the error rate that the user will bear."""

    accept = "accept"
    review = "review"
    reject = "reject"


class Reason(StrEnum):
    """Why a line is not accepted."""

    blank = "blank"
    not_a_digit = "not a digit"
    blurred = "too blurred"
    close = "two readings too close"
    unsure = "too unsure"
    constraint = "constraint broken"


@dataclass(frozen=True)
class Digit:
    """One digit.

    Parameters
    ----------
    value : int
    confidence : float in [0, 1]
        How probable it is that `value` is right.
    box : (left, top, width, height)
    alternatives : tuple of (value, probability)
        The other values, the most probable first.
    image : (28, 28) uint8, or None
        What the network saw, ink 255; kept on request.
    """

    value: int
    confidence: float
    box: Box
    alternatives: tuple[tuple[int, float], ...] = ()
    image: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds; the image only where it was kept, as rows of numbers."""
        found: dict[str, Any] = {
            "value": self.value,
            "confidence": _short(self.confidence),
            "box": list(self.box),
            "alternatives": [
                {"value": value, "probability": _short(probability)}
                for value, probability in self.alternatives
            ],
        }
        if self.image is not None:
            found["image"] = self.image.tolist()
        return found


@dataclass(frozen=True)
class Change:
    """A constraint of a form that changed what was read, and what was read without it.

    Where `without` is the text of the field itself, it changed nothing: what was written breaks it.
    """

    constraint: str
    without: str


@dataclass(frozen=True)
class Line:
    """A line of digits, or what turned out to be none.

    Parameters
    ----------
    text : str
        The digits, without what separates them. Empty where the line is rejected.
    confidence : float in [0, 1]
        How probable it is that the whole text is right; of a rejected line, the text that it would have had
        if what it holds were digits.
    decision : Decision
    box : (left, top, width, height)
    digits : tuple of Digit
        From left to right.
    reason : Reason, or None
        Why it is not accepted.
    alternatives : tuple of (text, probability)
        Other readings of the whole, the most probable first. With `confidence` they are at most 1 in all.
    field : str, or None
        Of a form: the field's name.
    changes : tuple of Change
        Of a form: the constraints that led from what was read without them to `text`, or that it breaks.
    """

    text: str
    confidence: float
    decision: Decision
    box: Box
    digits: tuple[Digit, ...] = ()
    reason: Reason | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    field: str | None = None
    changes: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds; ``field`` and ``changes`` only of a form."""
        found: dict[str, Any] = {
            "text": self.text,
            "confidence": _short(self.confidence),
            "decision": self.decision.value,
            "reason": None if self.reason is None else self.reason.value,
            "box": list(self.box),
            "digits": [digit.to_dict() for digit in self.digits],
            "alternatives": [
                {"text": text, "probability": _short(probability)} for text, probability in self.alternatives
            ],
        }
        if self.field is None:
            return found
        changes = [{"constraint": item.constraint, "without": item.without} for item in self.changes]
        return {"field": self.field} | found | {"changes": changes}


@dataclass(frozen=True)
class Page:
    """One page.

    Parameters
    ----------
    page : int
        Its number, from 1.
    width, height : int
        In pixels of the picture as given; 0 where that is damaged.
    rotation : int
        By how many degrees the writing is turned clockwise in the picture: 0, 90, 180 or 270. Of a page
        on which nothing is read 0.
    lines : tuple of Line
        In reading order.
    error : str, or None
        Why this page could not be read, while others could; there are no lines then.
    """

    page: int
    width: int
    height: int
    rotation: int = 0
    lines: tuple[Line, ...] = ()
    error: str | None = None

    @property
    def text(self) -> str:
        """The lines that are not rejected, a line each; of a form ``name: text`` for each field."""
        return "\n".join(
            line.text if line.field is None else f"{line.field}: {line.text}"
            for line in self.lines
            if line.decision != Decision.reject
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds; ``error`` only where there is one."""
        found: dict[str, Any] = {
            "page": self.page,
            "width": self.width,
            "height": self.height,
            "rotation": self.rotation,
            "lines": [line.to_dict() for line in self.lines],
        }
        return found if self.error is None else found | {"error": self.error}


@dataclass(frozen=True)
class Document:
    """What was read from one source.

    Parameters
    ----------
    source : str
        Path of the file, "-" for standard input, or what stands for bytes and pictures in memory.
    pages : tuple of Page
    error : str, or None
        Why the source, or some of its pages, could not be read. In the first case there are no pages.
    """

    source: str
    pages: tuple[Page, ...] = ()
    error: str | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all pages, rejected ones among them."""
        return tuple(line for page in self.pages for line in page.lines)

    @property
    def text(self) -> str:
        """The lines of all pages that are not rejected, a line each."""
        return "\n".join(page.text for page in self.pages if page.text)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds: ``source`` and ``pages``, and ``error`` where there is one."""
        found: dict[str, Any] = {"source": self.source, "pages": [page.to_dict() for page in self.pages]}
        return found if self.error is None else found | {"error": self.error}


def _short(probability: float) -> float:
    """Return a probability with the digits that it is worth."""
    return round(float(probability), 4)
