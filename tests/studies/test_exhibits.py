"""Tables and figures: what they show of hand-made results, and that nothing missing is passed over."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tenfold.errors import StudyError
from tenfold.report.document import Figure, Listing, Measured, Note, Pictures, Table, Text
from tenfold.studies.charts import BySteps
from tenfold.studies.exhibit import all_marked, missing
from tenfold.studies.exhibits import Curves, Diagrams, PerClass, SampleImages, Summaries
from tenfold.studies.experiment import HONEST, PUBLISHED, SEARCH, Candidates, Scale
from tenfold.studies.readings import Choice, Comparison, Metrics, Ranking, Selection
from tenfold.studies.results import Results

GOOD, POOR = [0.990, 0.991, 0.992], [0.900, 0.901, 0.902]


def texts(row: Sequence[object]) -> list[str]:
    return [cell.markdown if isinstance(cell, Text) else str(cell) for cell in row]


@pytest.fixture
def results(make_results):
    metrics = {
        name: {
            "test_accuracy": values,
            "running_train_accuracy": values,
            "best_test_accuracy": [value + 0.001 for value in values],
        }
        for name, values in (("poor", POOR), ("good", GOOD))
    }
    curve = [[0.5, 0.8, 0.9]] * 3
    columns = [
        f"{part}_{metric}" for part in ("train", "validation", "test") for metric in ("accuracy", "loss")
    ]
    return make_results(
        metrics, {name: dict.fromkeys(columns, curve) for name in metrics}, not_run=("missing",)
    )


def test_a_comparison_puts_paper_beside_measured_in_both_readings(results):
    table, trained = Comparison("Table 1", ("good",), test={"good": 0.98}, train={"good": 0.995}).blocks(
        results
    )
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == [
        "Model",
        "Test, paper",
        "Test, as published",
        "− paper",
        "Test, honest",
        "− paper",
    ]
    row = table.rows[0]
    assert row[0] == "good"
    assert table.caption.endswith("(paper, in full)")
    assert isinstance(row[4], Measured)
    assert row[4].mean == pytest.approx(0.991)
    # The seeds are 0.990, 0.991 and 0.992, so half of the interval is 4.303 * 0.001 / sqrt(3).
    assert row[5] == "+1.10 ± 0.25"
    assert isinstance(trained, Table)
    assert texts(trained.rows[0])[1:] == ["0.995", str(trained.rows[0][2]), "−0.40 ± 0.25"]


def test_every_metric_that_a_paper_prints_stands_beside_ours(results):
    (table,) = Metrics("Final", "good", {"test_accuracy": 0.9812}).blocks(results)
    assert [str(cell) for cell in table.rows[0]][:2] == ["Accuracy", "0.9812"]
    assert table.rows[0][5] == "+0.98 ± 0.25"
    assert "paper, in full" in table.caption


def test_what_was_not_run_stays_in_the_table(results):
    (table,) = Comparison("Table 1", ("missing",), test={"missing": 0.98}).blocks(results)
    assert table.rows[0][0] == "missing"
    assert table.caption.endswith("(not run)")
    assert table.rows[0][1] == 0.98


def test_a_ranking_is_in_measured_order_beside_the_papers(results):
    table, plot = Ranking("Table 4", ("poor", "good"), test={"poor": 0.95, "good": 0.90}).blocks(results)
    assert [(row[0], texts(row)[1].split()[0], row[2]) for row in table.rows] == [
        (1, "good", 2),
        (2, "poor", 1),
    ]
    assert isinstance(plot, Figure)


def test_the_gain_of_choosing_on_the_test_set_is_shown(results):
    (table,) = Selection("Gain", ("good", "missing")).blocks(results)
    assert len(table.rows) == 1
    assert table.rows[0][3].mean == pytest.approx(0.001)


def test_curves_show_accuracy_and_loss_with_all_three_parts_of_the_data(results):
    accuracy, loss = Curves("Chart 1", "good", reported=0.98).blocks(results)
    assert isinstance(accuracy, Figure)
    assert isinstance(loss, Figure)
    for name in ("training", "test (as published)", "validation (honest)"):
        assert name in accuracy.alt
    assert "Chart 1" in accuracy.caption


def test_curves_of_what_was_not_run_say_how_to_run_it(results):
    (note,) = Curves("Chart 9", "missing").blocks(results)
    assert isinstance(note, Note)
    assert "--only 'missing'" in note.text


def test_networks_are_drawn_and_listed(results):
    (figure,) = Diagrams("Figure 2", ("lin-simple-nn",)).blocks(results)
    assert figure.svg.startswith("<svg")
    assert "25,450" in figure.caption
    (listing,) = Summaries("Appendix 1", ("lin-simple-nn",)).blocks(results)
    assert isinstance(listing, Listing)
    assert "25,120" in listing.text


def test_the_first_images_are_the_first_images(results, mnist):
    (pictures,) = SampleImages("Figure 1", count=10).blocks(results)
    assert isinstance(pictures, Pictures)
    assert "".join(pictures.captions) == "5041921314"
    assert (pictures.images == mnist.train.images[:10]).all()


def test_scores_by_class_are_means_over_seeds(make_results):
    def test_part(value):
        row = {"precision": value, "recall": value, "f1": value}
        return {"per_class": [{"class": "0", "support": 5, **row}], "macro": row, "weighted": row, "n": 5}

    results = make_results({"a": {"test": [test_part(0.8), test_part(0.9)]}})
    (table,) = PerClass("By digit", "a").blocks(results)
    assert table.rows[0] == ("0", pytest.approx(0.85), pytest.approx(0.85), pytest.approx(0.85), 5)
    assert table.rows[1][0] == "macro mean"


def test_a_choice_on_the_test_set_is_set_beside_one_on_validation(make_results):
    results = make_results(
        {
            "flat": {"test_accuracy": [0.90, 0.92], "validation_accuracy": [0.95, 0.90]},
            "steep": {"test_accuracy": [0.94, 0.91], "validation_accuracy": [0.93, 0.91]},
        }
    )
    (table,) = Choice("Choosing", {"Slope": ("flat", "steep")}).blocks(results)
    what, among, on_test, best, on_validation, honest, gain = table.rows[0]
    # Seed 0: test takes steep, validation flat; seed 1: test takes flat, validation steep.
    assert (what, among) == ("Slope", 2)
    assert on_test == "steep (1 of 2)"
    assert on_validation == "flat (1 of 2)"
    assert best.mean == pytest.approx((0.94 + 0.92) / 2)
    assert honest.mean == pytest.approx((0.90 + 0.91) / 2)
    assert gain.mean == pytest.approx(100 * (0.04 + 0.01) / 2)


def test_nothing_is_chosen_among_what_was_not_all_run(make_results):
    results = make_results({"flat": {"test_accuracy": [0.9]}}, not_run=("steep",))
    (table,) = Choice("Choosing", {"Slope": ("flat", "steep")}).blocks(results)
    assert table.rows[0][2:] == (None,) * 5
    assert table.caption.endswith("(not all run at one scale)")


def test_what_happened_by_step_is_drawn_in_means_of_what_was_measured(make_results):
    results = make_results({"good": {"test_accuracy": GOOD}})
    group = results.get("good")
    count = 1000
    for seed, run in enumerate(group.runs):
        accuracy = [step % 2 * 0.2 + 0.5 + seed / 10 for step in range(count)]  # jumps from batch to batch
        table = {"step": [25 * (step + 1) for step in range(count)], "train_accuracy": accuracy}
        table |= {"validation_accuracy": [0.9] * count, "train_loss": accuracy, "validation_loss": accuracy}
        run.history["by_step"] = [table, None]
    accuracy, loss = BySteps("By step", "good").blocks(results)

    assert "each point the mean of 5 measurements" in accuracy.caption
    assert accuracy.data.columns[0].title == "Iteration"
    (step, training, validation), *_ = accuracy.data.rows
    assert step % 125 == 0
    assert training == pytest.approx(0.7, abs=0.05), "the mean of five jumps by 0.2 and of three seeds"
    assert validation == pytest.approx(0.9)
    assert loss.data.columns[0].title == "Iteration"


def test_a_row_whose_readings_were_run_unequally_says_which_was_how(make_results):
    results = make_results({"good": {"test_accuracy": GOOD}})
    assert all_marked([results.find("good", HONEST), results.find("good", PUBLISHED)]) == "paper, in full"
    results.groups["good", HONEST] = replace(results.groups["good", HONEST], scale="quick")
    both = all_marked([results.find("good", reading) for reading in (PUBLISHED, HONEST)])
    assert both == "as published: paper, in full; honest: quick, 5 of 10 epochs"
    assert all_marked([None]) == "not run"


def test_how_to_run_what_is_missing_is_told_where_it_can_be_run(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}}, readings=(PUBLISHED,), not_run=("b",))
    (note,) = PerClass("Classes", "b").blocks(results)
    assert note.text == (
        "b was not run at paper scale. Run it with `tenfold study run tiny --scale paper --only 'b'`."
    )
    short = tuple(replace(each, scales={"quick": Scale(1)}) for each in results.study.experiments)
    without = replace(results, study=replace(results.study, experiments=short))
    (note,) = PerClass("Classes", "b").blocks(without)
    assert note.text == "b was not run: it has no paper scale."
    with pytest.raises(StudyError, match=r"paper scale\. It has no such scale, only: quick\.$"):
        without.get("b")


def test_an_experiment_without_the_reading_is_not_called_missing(make_results):
    results = make_results({"a": {"test_accuracy": GOOD}}, readings=(PUBLISHED,))
    once = tuple(replace(each, readings=(PUBLISHED,)) for each in results.study.experiments)
    results = replace(results, study=replace(results.study, experiments=once))
    (note,) = PerClass("Classes", "a").blocks(results)
    assert note.text == "a was only read so: as published; this takes another reading."
    with pytest.raises(StudyError, match=r"It has no such reading, only: as published\.$"):
        results.get("a")


def test_a_candidate_that_is_missing_is_run_with_its_search(make_study):
    study = make_study("a")
    candidates = Candidates({"small": study.experiments[0].setup})
    search = replace(study.experiments[0], name="search", setup=candidates, readings=(SEARCH,))
    results = Results(replace(study, experiments=(*study.experiments, search)), "paper")
    assert missing("small", results).text.endswith("--scale paper --only 'search'`.")
