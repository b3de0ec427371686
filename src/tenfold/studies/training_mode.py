"""What a network with dropout tells while dropout is on, as code without a switch for it measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset
from tenfold.models.model import Model
from tenfold.report.document import Block, Cell, Column
from tenfold.runs import Run
from tenfold.studies.exhibit import Exhibit, marked, missing, with_runs
from tenfold.studies.results import Results, measured
from tenfold.studies.share import parts
from tenfold.training.engine import as_input
from tenfold.training.numpy_layers import Chain
from tenfold.training.numpy_operation import Moment


@dataclass(frozen=True)
class TrainingMode(Exhibit):
    """Accuracy on the validation images with dropout on and off, beside what the paper prints.

    Attributes
    ----------
    names : mapping of str to str
        Experiments, by what the row is called.
    paper : mapping of str to (float, float)
        Training and validation accuracy, by the same.
    """

    names: Mapping[str, str]
    paper: Mapping[str, tuple[float, float]]

    def blocks(self, results: Results) -> list[Block]:
        rows: list[tuple[Cell, ...]] = []
        marks = []
        for label, name in self.names.items():
            group = results.find(name)
            printed_train, printed = self.paper[label]
            if group is None:
                rows.append((label, printed_train, None, printed, None, None))
            else:
                images = parts(group.share).monitors["validation"]
                on = np.array([accuracy_with_dropout(run, images) for run in group.runs])
                off = group.measured("validation_accuracy")
                train = group.measured("running_train_accuracy")
                rows.append((label, printed_train, train, printed, measured(on), off))
            marks.append(marked(group))
        if all(mark == marked(None) for mark in marks):
            return [missing(next(iter(self.names.values())), results)]
        columns = (
            Column("Experiment"),
            Column("Training, paper", "right", "%", percent=True),
            Column("Training, dropout on", "right", "%"),
            Column("Validation, paper", "right", "%", percent=True),
            Column("Validation, dropout on", "right", "%"),
            Column("Validation, dropout off", "right", "%"),
        )
        return [with_runs(self.title, columns, rows, marks)]


def accuracy_with_dropout(run: Run, images: Dataset) -> float:
    """Return the accuracy of a run's network on `images`, with the masks that the next step would draw."""
    model = Model.load((run.folder or Path()) / "model")
    chain = Chain(model.architecture.nodes, {key: value.copy() for key, value in model.weights.items()})
    x = as_input(model.architecture, images.images, np.float32)
    moment = Moment(run.seed, run.what["recipe"]["epochs"])
    logits: NDArray[np.floating] = chain.forward(x, moment)
    return float(np.mean(logits.argmax(axis=1) == images.labels))
