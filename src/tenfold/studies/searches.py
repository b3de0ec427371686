"""What a search found: every candidate, and the one it chose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.networks.layers import Dropout
from tenfold.report.document import (
    Block,
    Column,
    Note,
    Table,
)
from tenfold.studies.exhibit import Exhibit, marked, missing
from tenfold.studies.experiment import Candidates, Setup
from tenfold.studies.jobs import winner
from tenfold.studies.results import Group, Results, measured, scores


@dataclass(frozen=True)
class Search(Exhibit):
    """Every candidate of a search, by its accuracy on the validation split."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        groups = results.of(self.name)
        if not groups:
            return [missing(self.name, results)]
        by_label: dict[str, list[Group]] = {}
        for group in groups:
            by_label.setdefault(group.label, []).append(group)

        def pooled(label: str, metric: str) -> NDArray[np.float64]:
            """Return the values of all seeds and folds."""
            return np.concatenate([group.values(metric) for group in by_label[label]])

        rows = tuple(
            (
                place,
                label,
                measured(pooled(label, "validation_accuracy")),
                measured(pooled(label, "validation_loss"), percent=False, digits=4),
            )
            for place, (label, _) in enumerate(scores(groups), 1)
        )
        columns = (
            Column("Rank", "right"),
            Column("Candidate"),
            Column("Validation accuracy", "right", "%"),
            Column("Validation loss", "right"),
        )
        prefixes = sum(of[0].epoch is not None for of in by_label.values())
        marks = {marked(by_label[label][0]) for label in by_label}
        first = marked(by_label[str(rows[0][1])][0])
        caption = f"{self.title} ({first if len(marks) == 1 else f'the first one: {first}'})"
        table = Table(columns, rows, caption)
        if not prefixes:
            return [table]
        note = (
            f"{len(rows)} candidates. {prefixes} of them are the first epochs of a longer one, which was "
            "trained in their stead: the learning rate is constant, so they are the same training."
        )
        return [table, Note(note)]


@dataclass(frozen=True)
class Chosen(Exhibit):
    """What a search chose for an experiment."""

    name: str

    def blocks(self, results: Results) -> list[Block]:
        experiment = results.study.experiment(self.name)
        shown = results.find(self.name)
        shorter = results.shorter if shown and shown.scale != results.scale else None
        of = shorter or results
        found = winner(results.study, experiment, of, of.scale)
        if found is None:
            return [missing(experiment.chosen_from, of)]
        by = f" of the search at {of.scale} scale, as long as it is not run in full" if shorter else ""
        text = f"{self.title}: **{found[0]}**, the highest mean validation accuracy{by}."
        search = results.study.experiment(experiment.chosen_from).setup
        at = edges(search, found[0]) if isinstance(search, Candidates) else ()
        if at:
            text += (
                f" At the edge of what was tried: {', '.join(at)}. What lies beyond might do better still."
            )
        return [Note(text)]


def edges(search: Candidates, label: str) -> tuple[str, ...]:
    """Return the settings in which a candidate has the largest or smallest value that was tried.

    Numbers of which at least three were tried: of two, each is at an edge.
    """
    tried = {name: _numbers(setup) for name, setup in search.setups.items()}
    found = []
    for setting, value in tried[label].items():
        values = sorted({each[setting] for each in tried.values() if setting in each})
        if len(values) > 2 and value in (values[0], values[-1]):
            found.append(f"{setting} {value:g} (the {'smallest' if value == values[0] else 'largest'})")
    return tuple(found)


def _numbers(setup: Setup) -> dict[str, float]:
    """Return the settings of a training that a search may vary by degrees."""
    recipe = setup.recipe
    found = {"epochs": recipe.epochs, "learning rate": recipe.optimizer.lr}
    if isinstance(recipe.batch_size, int):
        found["batch size"] = recipe.batch_size
    rates = {node.layer.rate for node in setup.network.nodes if isinstance(node.layer, Dropout)}
    return found | ({"dropout": rates.pop()} if len(rates) == 1 else {})
