"""A change that turns failures into successes is said to, in words; one that does not is not."""

from dataclasses import replace

import pytest

from tenfold.report.document import Figure, Measured, Note
from tenfold.studies.effects import Effects

PAIRS = {"one": ("one, before", "one, after"), "two": ("two, before", "two, after"), "gone": ("x", "y")}


def effects(results):
    exhibit = Effects("The change", "before", "after", PAIRS, ("one", "two"), 0.5, "It was the change.")
    return exhibit.blocks(results)


@pytest.mark.parametrize(("last", "said"), [(0.9, True), (0.3, False)])
def test_the_conclusion_is_drawn_only_where_nothing_fails_any_more(make_results, last, said):
    accuracies = {"one, before": 0.1, "one, after": 0.9, "two, before": 0.2, "two, after": last}
    results = make_results(
        {name: {"test_accuracy": [value, value + 0.01, value + 0.02]} for name, value in accuracies.items()},
        not_run=("x", "y"),
    )
    table, note, figure = effects(results)
    assert isinstance(figure, Figure)
    assert isinstance(note, Note)
    assert ("It was the change." in note.text) == said
    assert "2 of 2 before" in note.text
    assert isinstance(table.rows[0][4], Measured)
    assert table.rows[0][4].mean == pytest.approx(80.0)
    assert table.rows[2][1:] == ("b", None, None, None)
    assert table.columns[1].help == "a: paper, in full; b: not run."


def test_nothing_run_says_how_to_run_it(make_results):
    names = [name for pair in PAIRS.values() for name in pair]
    (note,) = effects(make_results({"other": {"test_accuracy": [0.5]}}, not_run=names))
    assert "was not run" in note.text


def test_shortened_runs_draw_no_conclusion(make_results):
    accuracies = {"one, before": 0.1, "one, after": 0.9, "two, before": 0.2, "two, after": 0.9}
    results = make_results(
        {name: {"test_accuracy": [value, value + 0.01]} for name, value in accuracies.items()},
        scale="quick",
        not_run=("x", "y"),
    )
    assert "If that stands in full runs: it was the change." in effects(results)[1].text


def test_no_conclusion_on_all_is_drawn_from_one_that_fails(make_results):
    accuracies = {"one, before": 0.1, "one, after": 0.9, "two, before": 0.8, "two, after": 0.9}
    results = make_results(
        {name: {"test_accuracy": [value, value + 0.01]} for name, value in accuracies.items()},
        not_run=("x", "y"),
    )
    text = effects(results)[1].text
    assert "It was the change." not in text
    assert "1 of the 2 that are said to fail were seen to" in text


def test_what_was_not_run_alike_has_no_difference(make_results):
    names = [name for pair in list(PAIRS.values())[:2] for name in pair]
    full = make_results({name: {"test_accuracy": [0.8, 0.81]} for name in names}, not_run=("x", "y"))
    quick = make_results(
        {name: {"test_accuracy": [0.1, 0.11]} for name in names}, scale="quick", not_run=("x", "y")
    )
    key = ("one, before", "honest")
    table, *_ = effects(replace(full, groups=full.groups | {key: quick.groups[key]}))
    assert table.rows[0][2:] == (None, None, "not comparable")
