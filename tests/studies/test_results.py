"""Runs grouped by experiment and reading, with means and intervals over seeds."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from tenfold.errors import StudyError, UnknownNameError
from tenfold.studies import HONEST
from tenfold.studies.results import difference, scores

VALUES = [0.981, 0.985, 0.983]


def test_a_group_gives_mean_sd_and_interval_over_its_seeds(make_results):
    group = make_results({"a": {"test_accuracy": VALUES}}).get("a")
    measured = group.measured("test_accuracy")
    expected = scipy.stats.t.interval(0.95, 2, np.mean(VALUES), scipy.stats.sem(VALUES))
    assert measured.mean == pytest.approx(np.mean(VALUES))
    assert (measured.low, measured.high) == pytest.approx(expected)
    assert measured.sd == pytest.approx(np.std(VALUES, ddof=1))
    assert measured.n == 3


def test_an_interval_of_an_accuracy_lies_between_none_and_all(make_results):
    measured = make_results({"a": {"test_accuracy": [0.2, 0.9]}}).get("a").measured("test_accuracy")
    assert (measured.low, measured.high) == (0.0, 1.0)


def test_one_seed_has_no_interval(make_results):
    measured = make_results({"a": {"test_accuracy": [0.9]}}).get("a").measured("test_accuracy")
    assert (measured.low, measured.high, measured.sd) == (None, None, None)


def test_an_unknown_metric_names_those_there_are(make_results):
    group = make_results({"a": {"test_accuracy": VALUES}}).get("a")
    with pytest.raises(StudyError, match=r"has no metric 'speed'\. It has: epoch, test_accuracy"):
        group.values("speed")


def test_a_column_of_the_history_gives_its_last_value(make_results):
    curves = {"a": {"validation_loss": [[3.0, 2.0], [4.0, 1.0], [5.0, 0.5]]}}
    group = make_results({"a": {"test_accuracy": VALUES}}, curves).get("a")
    assert group.values("validation_loss").tolist() == [2.0, 1.0, 0.5]
    assert group.history("validation_loss")[0] == ([1, 2], [3.0, 2.0])
    assert group.history("nothing") == []


def test_training_time_is_the_processor_s_where_that_was_measured(make_results):
    results = make_results({"a": {"cpu_seconds": [2.0, 3.0]}, "b": {"test_accuracy": VALUES}})
    assert results.get("a").values("seconds").tolist() == [2.0, 3.0]
    assert results.get("b").values("seconds").tolist() == [1.0, 1.0, 1.0]


def test_training_time_can_be_told_for_one_image_in_one_epoch(make_results):
    group = make_results({"a": {"cpu_seconds": [2.0], "n_train": [50]}}).get("a")
    assert group.setup.recipe.epochs == 10
    assert group.values("image_seconds").tolist() == [2.0 / 50 / 10]


def test_differences_are_paired_by_seed(make_results):
    results = make_results({"a": {"test_accuracy": VALUES}, "b": {"test_accuracy": [0.9, 0.9]}})
    found = difference(results.get("a"), results.get("b"), "test_accuracy")
    assert found.n == 2
    assert found.mean == pytest.approx(np.mean([0.081, 0.085]))


def test_the_best_has_the_highest_mean(make_results):
    results = make_results(
        {"a": {"validation_accuracy": [0.9, 0.8]}, "b": {"validation_accuracy": [0.86, 0.86]}}
    )
    ranked = scores([results.get("a"), results.get("b")])
    assert [label for label, _ in ranked] == ["b", "a"]
    assert ranked[0][1] == pytest.approx(0.86)


def test_what_was_not_run_says_how_to_run_it(make_results):
    results = make_results({"a": {"test_accuracy": VALUES}}, not_run=("b",))
    with pytest.raises(StudyError, match="tenfold study run tiny --scale paper"):
        results.get("b")
    assert results.find("b", HONEST) is None


def test_a_name_that_the_study_does_not_have_is_an_error_not_a_missing_run(make_results):
    results = make_results({"deep": {"test_accuracy": VALUES}})
    with pytest.raises(UnknownNameError, match="no experiment of tiny named 'deeep'"):
        results.find("deeep")


def test_a_lost_file_of_predictions_is_an_error_with_a_way_out(make_results):
    group = make_results({"a": {"test_accuracy": VALUES}}).get("a")
    with pytest.raises(StudyError, match=r"predictions\.npz is missing\. .* run the study again"):
        group.predictions(group.runs[0])


def test_a_shortened_run_decides_nothing_about_the_published_recipe(make_results):
    results = make_results({"a": {"test_accuracy": VALUES}}, scale="quick")
    assert results.get("a").n == 3
    asked_about_the_paper = replace(results, scale="paper")
    assert asked_about_the_paper.find("a") is not None, "it is still shown"
    with pytest.raises(StudyError, match="was not run at paper scale, only at quick scale"):
        asked_about_the_paper.get("a")


def test_only_what_is_bounded_has_an_interval_cut_to_its_bounds(make_results):
    group = make_results({"a": {"gap": [-0.01, 0.02, 0.05], "test_accuracy": [0.9, 0.99, 0.999]}}).get("a")
    gap, accuracy = group.measured("gap"), group.measured("test_accuracy")
    assert gap.low < 0, "test images may be told better than training images"
    assert accuracy.high == 1.0
