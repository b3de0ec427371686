"""Networks with dropout, measured with it on: beside a mean over many draws of masks made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.models.model import Model
from tenfold.runs import Store
from tenfold.studies import Scale, Shuffled
from tenfold.studies.results import Results
from tenfold.studies.runner import run_study
from tenfold.studies.share import parts
from tenfold.studies.shrestha import STUDY
from tenfold.studies.training_mode import TrainingMode, accuracy_with_dropout

NAMES = ("Experiment 18, corrected", "Experiment 7, corrected")
EXHIBIT = TrainingMode(
    "With dropout on", {"18": NAMES[0], "7": NAMES[1]}, {"18": (0.74, 0.73), "7": (0.9, 0.9)}
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    study = replace(
        STUDY,
        experiments=tuple(
            replace(
                STUDY.experiment(name),
                scales={"paper": Scale(seeds=1, epochs=0.06)},
                chosen_from="",
                takes=(),
            )
            for name in NAMES
        ),
        split=Shuffled(drawn=1400, test=100, validation=700),
        validation=700,
        claims=(),
        exhibits=(),
    )
    return run_study(study, scale="paper", store=Store(tmp_path_factory.mktemp("store")), workers=1)


def by_hand(run, images, rng):
    """Pass images through two hidden layers of ReLU, each value kept with probability 0.8, and scaled."""
    weights = Model.load(run.folder / "model").weights
    values = images.reshape(len(images), -1) / 255
    for layer in ("dense1", "dense2"):
        values = np.maximum(values @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"], 0)
        values = values * (rng.random(values.shape) >= 0.2) / 0.8
    return (values @ weights["dense3.weight"].T + weights["dense3.bias"]).argmax(axis=1)


def test_accuracy_with_dropout_is_that_of_masks_drawn_by_hand(results):
    group = results.get(NAMES[0])
    (run,), images = group.runs, parts(group.share).monitors["validation"]
    rng = np.random.default_rng(0)
    found = [np.mean(by_hand(run, images.images, rng) == images.labels) for _ in range(50)]

    with_dropout = accuracy_with_dropout(run, images)

    assert with_dropout == pytest.approx(np.mean(found), abs=4 * np.std(found))
    assert with_dropout < group.values("validation_accuracy")[0] - 4 * np.std(found)
    assert accuracy_with_dropout(run, images) == with_dropout, "the same masks each time"


def test_the_table_has_paper_and_both_measures(results):
    (table,) = EXHIBIT.blocks(results)
    dropped, plain = table.rows
    assert dropped[1] == 0.74
    assert dropped[3] == 0.73
    assert dropped[4].mean < dropped[5].mean
    assert plain[4].mean == pytest.approx(plain[5].mean, abs=1e-9), "without dropout both are the same"


def test_what_was_not_run_is_told(results):
    (note,) = EXHIBIT.blocks(Results(results.study, "paper"))
    assert note.kind == "warning"
