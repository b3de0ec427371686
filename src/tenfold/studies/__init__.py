"""Published studies, rebuilt: what each reported, what is run, what is claimed, and what becomes of it."""

from __future__ import annotations

from importlib import import_module

from tenfold.errors import UnknownNameError
from tenfold.studies.study import (
    FOLDS,
    HONEST,
    PUBLISHED,
    READINGS,
    SCALES,
    SEARCH,
    Assumption,
    Candidates,
    Claim,
    Classical,
    Deviation,
    Experiment,
    On,
    Scale,
    Setup,
    Shuffled,
    Study,
)

__all__ = [
    "FOLDS",
    "HONEST",
    "PUBLISHED",
    "READINGS",
    "SCALES",
    "SEARCH",
    "STUDIES",
    "Assumption",
    "Candidates",
    "Claim",
    "Classical",
    "Deviation",
    "Experiment",
    "On",
    "Scale",
    "Setup",
    "Shuffled",
    "Study",
    "get_study",
]

STUDIES: dict[str, str] = {
    "abdelsalam": "tenfold.studies.abdelsalam",
    "hao": "tenfold.studies.hao",
    "lin": "tenfold.studies.lin",
    "okon": "tenfold.studies.okon",
    "shrestha": "tenfold.studies.shrestha",
}
"""Every study by key, and the module that holds it."""


def get_study(key: str) -> Study:
    """Return the study `key`.

    Raises
    ------
    UnknownNameError
        There is none; the message names the nearest.
    """
    if key not in STUDIES:
        raise UnknownNameError("study", key, STUDIES)
    study: Study = import_module(STUDIES[key]).STUDY
    return study
