"""The page that compares the papers: differences paired by seed, and what they make of what is claimed."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.evaluation import mean_interval
from tenfold.report.document import Figure, Measured, Table
from tenfold.runs import Store
from tenfold.studies import STUDIES, get_study
from tenfold.studies.comparison import QUESTIONS, STUDIED, Contrast, Effect, answer, comparison
from tenfold.studies.jobs import collect

GOOD, POOR = [0.99, 0.992, 0.991], [0.98, 0.981, 0.979]


def test_every_comparison_names_experiments_that_there_are():
    for question in QUESTIONS:
        assert len(question.contrasts) >= 2, question.text
        for contrast in question.contrasts:
            study = get_study(contrast.study)
            if isinstance(contrast, Contrast):
                for name in (contrast.first, contrast.second):
                    assert contrast.reading in study.experiment(name).readings
    assert set(STUDIED) == set(STUDIES)


def test_an_effect_is_paired_by_seed_and_in_points(make_results):
    results = make_results({"good": {"test_accuracy": GOOD}, "poor": {"test_accuracy": POOR}})
    effect = Contrast("tiny", "good", "poor").effect(results)
    gaps = 100 * (np.array(GOOD) - np.array(POOR))
    assert effect.values == pytest.approx(gaps)
    assert (effect.low, effect.high) == pytest.approx(mean_interval(gaps))
    assert effect.scale == "paper"


@pytest.mark.parametrize(
    ("claimed", "low", "high", "outcome"),
    [
        ("+", 0.1, 0.3, "confirms"),
        ("+", -0.3, -0.1, "contradicts"),
        ("-", -0.3, -0.1, "confirms"),
        ("-", 0.1, 0.3, "contradicts"),
        ("+", -0.1, 0.3, "open"),
        ("", 0.1, 0.3, "not claimed"),
    ],
)
def test_an_interval_on_one_side_of_zero_decides(claimed, low, high, outcome):
    assert answer(claimed, Effect(np.array([low, high]), low, high, "paper")) == outcome


def test_seeds_that_all_differ_alike_decide_nothing_but_no_difference_does():
    same = Effect(np.array([0.8, 0.8]), 0.8, 0.8, "paper")
    none = Effect(np.zeros(3), 0.0, 0.0, "paper")
    assert answer("+", same) == "open"
    assert answer("+", none, least=1.0) == "contradicts"
    assert answer("+", none) == "open"


def test_the_page_answers_what_was_run_and_says_what_was_not(make_results, tmp_path):
    made = make_results({name: {"test_accuracy": values} for name, values in (("a", GOOD), ("b", POOR))})
    lin = collect(get_study("lin"), "paper", Store(tmp_path))
    for name, source in (("Simple CNN", "a"), ("Enhanced Simple NN", "b")):
        group = made.get(source)
        lin.groups[name, "honest"] = replace(group, experiment=lin.study.experiment(name), label=name)
    first, mlp_or_cnn, *_ = comparison([lin])
    overview = first.blocks[1]
    assert isinstance(overview, Table)
    row = overview.rows[0]
    assert row[1:] == (
        "+1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]",
        "lin 1",
        None,
        None,
        None,
        "lin 1, hao 2, okon 1",
    )
    answered, table, figure = mlp_or_cnn.blocks
    assert answered.markdown == (
        "- **Confirmed**: lin: Simple CNN − Enhanced Simple NN, +1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]."
    )
    assert isinstance(figure, Figure)
    assert table.rows[0][:3] == (1, "lin", "Simple CNN − Enhanced Simple NN")
    assert isinstance(table.rows[0][3], Measured)
    assert table.rows[0][-1] == "confirms"
    assert table.rows[2][-1] == "not run"


def test_what_was_compared_on_shortened_runs_alone_decides_nothing(make_results, tmp_path):
    made = make_results(
        {name: {"test_accuracy": values} for name, values in (("a", GOOD), ("b", POOR))}, scale="quick"
    )
    lin = collect(get_study("lin"), "paper", Store(tmp_path))
    for name, source in (("Simple CNN", "a"), ("Enhanced Simple NN", "b")):
        group = replace(made.get(source), experiment=lin.study.experiment(name), label=name)
        lin.shorter.groups[name, "honest"] = group
    # One of the two was run in full as well: that one is not compared with the other, shortened one.
    lin.groups["Enhanced Simple NN", "honest"] = replace(group, scale="paper")
    lin.groups["Simple CNN", "honest"] = lin.shorter.groups["Simple CNN", "honest"]
    first, mlp_or_cnn, *_ = comparison([lin])
    assert first.blocks[1].rows[0][1:] == (
        "not run in full",
        None,
        None,
        None,
        "lin 1",
        "lin 1, hao 2, okon 1",
    )
    assert mlp_or_cnn.blocks[0].markdown.startswith("No answer yet")
    assert mlp_or_cnn.blocks[1].rows[0][4:] == ("quick", "first better", "shortened")
