"""What to do with a line: accept it, have somebody look at it, or reject it."""

from __future__ import annotations

from tenfold.reading.result import Decision, Reason

NOTHING = 0.2
"""Confidence below which a line is taken to hold no digits."""


def decide(confidence: float, error_rate: float) -> tuple[Decision, Reason | None]:
    """Return what to do with a line, and why where it is not accepted.

    Parameters
    ----------
    confidence : float in [0, 1]
        Calibrated probability that the whole text is right.
    error_rate : float in (0, 1)
        Of the lines that are accepted, the share that may be wrong.
    """
    if confidence < NOTHING:
        return Decision.reject, Reason.not_a_digit
    if 1 - confidence > error_rate:
        return Decision.review, Reason.unsure
    return Decision.accept, None
