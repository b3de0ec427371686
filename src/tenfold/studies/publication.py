"""Results as they are published: a page with figures for people, a JSON file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.report.document import Document
from tenfold.report.files import write
from tenfold.report.markdown import write_markdown
from tenfold.studies.answers import compare_all
from tenfold.studies.chapter import protocol, shared, verdicts
from tenfold.studies.results import Group, Results


def to_dict(results: Results) -> dict[str, Any]:
    """Return what was measured as plain JSON values.

    Returns
    -------
    values : dict
        ``study``, ``scale``, ``protocol``, ``verdicts`` (key, claim, outcome, reason, evidence, so_far,
        run_at), ``groups``: each with its experiment, reading, scale, recipe, seeds, run ids, and every
        metric as a list by seed.
    """
    return {
        "study": results.study.key,
        "title": results.study.title,
        "scale": results.scale,
        "complete": results.complete,
        "reported": dict(results.study.reported),
        "verdicts": [verdict.to_dict() for verdict in verdicts(results)],
        "groups": [_group_to_dict(group) for group in results.groups.values()],
        "protocol": protocol([results]),
    }


def _group_to_dict(group: Group) -> dict[str, Any]:
    names = [name for name, value in group.runs[0].metrics.items() if isinstance(value, int | float)]
    if group.epoch is not None:
        names = [name for name in group.runs[0].history if name not in ("epoch", "seconds")]
    return {
        "experiment": group.experiment.name,
        "label": group.label,
        "reading": group.reading,
        "scale": group.scale,
        "run": group.setup.describe(group.scaled),
        **group.setup.at(group.scaled).to_dict(),
        "seeds": [run.seed for run in group.runs],
        "runs": [run.id for run in group.runs],
        "training_seconds": [run.seconds for run in group.runs],
        "metrics": {name: _finite(group.values(name)) for name in names},
    }


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    """Return the values, None where one is not finite, which JSON cannot say."""
    return [float(value) if np.isfinite(value) else None for value in values]


def report_to_dict(every: Sequence[Results]) -> dict[str, Any]:
    """Return what the report on some studies shows as plain JSON values.

    Returns
    -------
    values : dict
        ``studies``, as `to_dict` gives each; before it ``comparison``, where all that it takes are there.
    """
    compared = {"comparison": _compared(every)} if shared(every) else {}
    return compared | {"studies": [to_dict(results) for results in every]}


def comparison_to_dict(every: Sequence[Results]) -> dict[str, Any]:
    """Return what the page that compares the papers shows as plain JSON values.

    Returns
    -------
    values : dict
        ``comparison``: every difference, with its question, study, interval, n, scale, what is claimed and
        the outcome; ``verdicts``, each with its study; ``protocol``.
    """
    return {
        "comparison": _compared(every),
        "verdicts": [
            {"study": results.study.key} | verdict.to_dict()
            for results in every
            for verdict in verdicts(results)
        ],
        "protocol": protocol(every),
    }


def _compared(every: Sequence[Results]) -> list[dict[str, Any]]:
    return [each.to_dict() for each in compare_all(every)]


def publish(whole: Document, values: Mapping[str, Any], folder: Path) -> Path:
    """Write a page, ``README.md`` with its figures, and its numbers, ``results.json``, to `folder`.

    Returns
    -------
    path : Path
        That of the page.
    """
    text = json.dumps(values, indent=1, ensure_ascii=False)
    write(folder / "results.json", f"{text}\n".encode())
    return write_markdown(whole, folder)
