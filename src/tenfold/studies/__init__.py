"""Published studies, rebuilt: what each reported, what is run, what is claimed, and what becomes of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from tenfold.errors import StudyError, TenfoldError, UnknownNameError
from tenfold.studies.checks import line_in
from tenfold.studies.experiment import (
    FOLDS,
    HONEST,
    PUBLISHED,
    READINGS,
    SCALES,
    SEARCH,
    Candidates,
    Classical,
    Experiment,
    On,
    Scale,
    Setup,
)
from tenfold.studies.study import Assumption, Claim, Deviation, Shuffled, Study

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
    """Return a study by key, or by the path of the Python file that holds it under the name ``STUDY``.

    Raises
    ------
    UnknownNameError
        There is none; the message names the nearest.
    StudyError
        The file is not there, cannot be run, or holds no study.
    """
    if key.endswith(".py") or "/" in key:
        return _load(Path(key))
    if key not in STUDIES:
        raise UnknownNameError("study", key, STUDIES)
    study: Study = import_module(STUDIES[key]).STUDY
    return study


def _load(path: Path) -> Study:
    if not path.is_file():
        raise StudyError(f"{path} is no file. Give a study by key (tenfold study list) or a Python file.")
    spec = spec_from_file_location(f"tenfold_study_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path} is no Python file. Give a file whose name ends in .py.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up what an annotation means
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        line = line_in(path, error)
        what = str(error) if isinstance(error, TenfoldError) else f"{type(error).__name__}: {error}"
        raise StudyError(
            f"{path}{f', line {line}' if line else ''}, cannot be run as a study: {what}"
        ) from error
    found = getattr(module, "STUDY", None)
    if not isinstance(found, Study):
        what = "no STUDY" if found is None else f"a STUDY of type {type(found).__name__}"
        raise StudyError(f"{path} holds {what}. It must define STUDY = Study(...), from tenfold.studies.")
    if found.key in STUDIES:
        raise StudyError(f"{path}: the key {found.key!r} is that of a study of Tenfold. Choose another.")
    return replace(found, file=str(path))
