"""Hao: Tables 1 to 5 as printed, and every row of them run, with what is announced beside."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.networks.layers import Conv, Dense, Dropout
from tenfold.report.document import Figure, Measured
from tenfold.studies import HONEST, PUBLISHED, SEARCH, Candidates, get_study
from tenfold.studies.claims import matters_more, ratio_between
from tenfold.studies.exhibits import Curves
from tenfold.studies.grids import Apart, Grid, Ours, Paper, Ratio, Row
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED

STUDY = get_study("hao")


def test_reported_values_are_those_of_tables_1_to_5():
    reported = STUDY.reported
    assert reported["table1"] == [
        {"model": "MLP", "train": 0.985, "test": 0.958, "minutes_per_50_epochs": 8.2},
        {"model": "Lightweight CNN", "train": 0.991, "test": 0.972, "minutes_per_50_epochs": 15.6},
    ]
    assert reported["table2"]["rows"][3] == [2, 128, 0.985, 0.958]
    assert [row[2] for row in reported["table3"]["rows"]] == [0.961, 0.972, 0.973, 0.978, 0.976]
    assert reported["table3"]["rows"][3][:2] == [[32, 64, 64], 128]
    assert [row[4] for row in reported["table4"]["rows"]] == [2.7, 1.9, 1.3, 0.8, 1.5, 0.8, 0.3, 0.2]
    assert reported["table5"]["rows"] == [
        [0.0001, 64, 80, 0.980, 75],
        [0.001, 64, 80, 0.986, 45],
        [0.01, 64, 80, 0.979, 30],
        [0.001, 32, 80, 0.984, 50],
        [0.001, 64, 50, 0.982, 45],
        [0.001, 64, 100, 0.985, 45],
    ]
    assert [claim.key for claim in STUDY.claims] == [f"ha-{number}" for number in range(1, 8)]


def shape(experiment):
    layers = [node.layer for node in STUDY.experiment(experiment).setup.network.nodes]
    return (
        [layer.channels for layer in layers if isinstance(layer, Conv)],
        [layer.units for layer in layers if isinstance(layer, Dense)],
        {layer.rate for layer in layers if isinstance(layer, Dropout)},
    )


def test_every_row_is_run_and_what_is_announced_too():
    assert shape("MLP 3x256") == ([], [256, 256, 256, 10], set())
    assert shape("CNN 32-64-64/256") == ([32, 64, 64], [256, 10], set())
    assert shape("CNN 32-64/64") == ([32, 64], [64, 10], set())
    assert shape("MLP, dropout 0.4") == ([], [128, 128, 10], {0.4})
    assert shape("CNN, dropout 0.4") == ([32, 64, 64], [128, 10], {0.4})
    for lr, batch, epochs, *_ in STUDY.reported["table5"]["rows"]:
        setup = STUDY.experiment(f"Tuned CNN, lr {lr:g}, batch {batch}, {epochs} epochs").setup
        assert (setup.recipe.optimizer.lr, setup.recipe.batch_size, setup.recipe.epochs) == (
            lr,
            batch,
            epochs,
        )
    for experiment in STUDY.experiments:
        tried = isinstance(experiment.setup, Candidates)
        assert experiment.readings == ((SEARCH,) if tried else (PUBLISHED, HONEST))


def test_convergence_is_the_first_epoch_within_a_tenth_of_a_point(make_results):
    curve = [[0.90, 0.979, 0.98, 0.975], [0.90, 0.95, 0.9795, 0.98]]
    results = make_results(
        {"a": {"test_accuracy": [0.98, 0.98]}},
        {
            "a": {
                "test_accuracy": curve,
                "train_accuracy": curve,
                "train_loss": curve,
                "test_loss": curve,
                "validation_accuracy": curve,
                "validation_loss": curve,
            }
        },
    )
    assert results.get("a").values("convergence_epoch").tolist() == [2.0, 3.0]
    accuracy, loss = Curves("t", "a", converged=3).blocks(results)
    assert isinstance(accuracy, Figure)
    assert "converged (mean) at 2.5; converged, paper at 3" in accuracy.caption
    assert "converged" not in loss.caption
    # Epoch 45 is beyond what was run; 0 means that the paper does not say.
    for unseen in (45, 0):
        assert "paper at" not in Curves("t", "a", converged=unseen).blocks(results)[0].caption


def test_a_grid_puts_paper_beside_ours_and_says_what_was_run(make_results):
    results = make_results(
        {"a": {"test_accuracy": [0.98, 0.982]}, "b": {"test_accuracy": [0.49, 0.491]}}, not_run=("missing",)
    )
    columns = (Paper("Paper"), Ours("Ours", "test_accuracy"), Ratio("Ratio", "test_accuracy", to="b"))
    rows = (Row((1, "one"), "a", {"Paper": 0.97}), Row((2, "two"), "missing"))
    (table,) = Grid("Table", ("No.", "Name"), columns, rows).blocks(results)
    assert [column.title for column in table.columns] == ["No.", "Name", "Run", "Paper", "Ours", "Ratio"]
    assert table.rows[0][:4] == (1, "one", "a", 0.97)
    ours, ratio = table.rows[0][4:]
    assert isinstance(ours, Measured)
    assert isinstance(ratio, Measured)
    assert (ratio.mean, ratio.n) == (pytest.approx(2.0), 2)
    assert table.rows[1] == (2, "two", "b", None, None, None)
    assert table.columns[2].help == "a: paper, in full; b: not run."


def test_a_grid_tells_how_far_ours_is_from_the_paper(make_results):
    results = make_results(
        {"near": {"test_accuracy": [0.98, 0.97]}, "far": {"test_accuracy": [0.1, 0.12]}}, not_run=("missing",)
    )
    columns = (Paper("Paper"), Apart("Ours − paper", "test_accuracy", "Paper"))
    rows = (
        Row((1,), "near", {"Paper": 0.97}),
        Row((2,), "far", {"Paper": 0.73}),
        Row((3,), "missing", {"Paper": 0.5}),
        Row((4,), "near"),
    )
    table, note = Grid("Table", ("No.",), columns, rows).blocks(results)
    assert [row[-1] for row in table.rows] == ["+0.50", "−62.00", None, None]
    assert note.text == "In 1 of 2 rows our mean is more than 10 points off the paper: 2."

    short = make_results({"far": {"test_accuracy": [0.1, 0.12]}}, scale="quick", not_run=("near", "missing"))
    assert len(Grid("Table", ("No.",), columns, rows).blocks(short)) == 1, "short runs are far by length"


def test_runs_of_two_scales_have_no_ratio(make_results):
    full = make_results({"a": {"seconds": [9.0, 9.1]}, "b": {"seconds": [3.0, 3.1]}})
    short = make_results({"a": {"seconds": [2.0, 2.1]}, "b": {"seconds": [1.0, 1.1]}}, scale="quick")
    mixed = replace(full, groups=full.groups | {("a", HONEST): short.groups["a", HONEST]})
    for metric in ("seconds", "image_seconds"):
        columns = (Ratio("Ratio", metric, to="b"),)
        (table,) = Grid("Times", ("No.",), columns, (Row((1,), "a"), Row((2,), "b"))).blocks(mixed)
        assert [row[-1] for row in table.rows] == ["not comparable", None]


def test_what_all_rows_share_is_told_in_the_caption(make_results):
    results = make_results({"a": {"test_accuracy": [0.98]}})
    (table,) = Grid("Both", ("No.",), (Ours("Ours", "test_accuracy"),), (Row((1,), "a"),)).blocks(results)
    assert table.caption == "Both (paper, in full)"
    assert [column.title for column in table.columns] == ["No.", "Ours"]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([2.0, 2.02, 1.98], HOLDS),
        ([1.0, 1.02, 0.98], FAILS),
        ([0.5, 2.0, 3.5], UNDECIDED),
        ([2.0], UNDECIDED),
    ],
)
def test_a_ratio_is_judged_by_its_interval(make_results, values, outcome):
    results = make_results({"slow": {"time": values}, "fast": {"time": [1.0] * len(values)}})
    assert ratio_between("slow", "fast", 1.5, 2.5, metric="time")(results).outcome == outcome


def test_what_matters_more_is_what_differs_more(make_results):
    noise = np.array([0.0, 0.001, 0.002])
    results = make_results(
        {
            name: {"test_accuracy": list(base + factor * noise)}
            for name, base, factor in (("a", 0.9, 1.0), ("b", 0.98, 1.1), ("c", 0.981, 1.3))
        }
    )
    assert matters_more(("a", "b"), than=("b", "c"))(results).outcome == HOLDS
    assert matters_more(("b", "c"), than=("a", "b"))(results).outcome == FAILS
