"""The page that compares the papers: differences paired by seed, and what they make of what is claimed."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.evaluation import mean_interval
from tenfold.report.document import Figure, Measured, Table
from tenfold.runs import Store
from tenfold.studies import FOLDS, PUBLISHED, SEARCH, STUDIES, abdelsalam, get_study, hao, lin, okon, shrestha
from tenfold.studies.answers import answer
from tenfold.studies.comparison import comparison
from tenfold.studies.contrasts import Contrast, Effect, Marginal
from tenfold.studies.experiment import with_recipe
from tenfold.studies.jobs import collect
from tenfold.studies.questions import QUESTIONS, STUDIED
from tenfold.studies.results import Results
from tenfold.training.schedules import Cosine

GOOD, POOR = [0.99, 0.992, 0.991], [0.98, 0.981, 0.979]


def readings_of(study, name):
    """Return in which readings there are results under `name`: of an experiment, or of a candidate."""
    return {
        reading
        for each in study.experiments
        if name == each.name or name in getattr(each.setup, "setups", {})
        for reading in each.readings
    }


def test_every_comparison_names_experiments_that_there_are():
    for question in QUESTIONS:
        assert len(question.contrasts) >= 2, question.text
        for contrast in question.contrasts:
            study = get_study(contrast.study)
            if isinstance(contrast, Contrast):
                for name in (contrast.first, contrast.second):
                    assert contrast.reading in readings_of(study, name)
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


def placed(results, study, names, scale="paper"):
    """Return results of `study` that hold hand-made runs under the names of its experiments."""
    found = Results(study, scale)
    for name, source in names.items():
        experiment = study.experiment(name)
        group = replace(results.get(source), experiment=experiment, setup=experiment.setup, label=name)
        found.groups[name, "honest"] = group
    return found


@pytest.fixture
def made(make_results):
    """Return a function that gives results of a study in which the first of two is better by far."""

    def place(key, good, poor, scale="paper"):
        results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": POOR}}, scale=scale)
        return placed(results, get_study(key), {good: "a", poor: "b"}, scale)

    return place


def section(sections, text):
    return next(each for each in sections if each.title == text)


def row(section, title):
    return next(each for each in section.blocks[1].rows if each[2] == title)


def test_the_page_answers_what_was_run_and_says_what_was_not(made):
    page = comparison([made("lin", lin.RMSPROP, lin.DEFAULT_SGD)])
    overview = page[0].blocks[1]
    assert isinstance(overview, Table)
    assert overview.rows[1][1:] == (
        "+1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]",
        "lin 1",
        None,
        None,
        None,
        None,
        None,
        "lin 2, okon 2",
    )
    found = section(page, "Which optimizer?")
    answered, table, figure = found.blocks
    assert answered.markdown == (
        "- **Confirmed**: lin: Enhanced CNN: RMSprop − SGD, +1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]."
    )
    assert isinstance(figure, Figure)
    assert "2. lin: Enhanced CNN: RMSprop − SGD" in figure.alt
    assert [column.title for column in figure.data.columns] == ["", "Difference in points of accuracy"]
    number, study, _, on, difference, scale, claimed, outcome = row(found, "Enhanced CNN: RMSprop − SGD")
    assert (number, study, on, scale, claimed, outcome) == (
        2,
        "lin",
        "test, honest",
        "paper",
        "first better",
        "confirms",
    )
    assert isinstance(difference, Measured)
    assert (difference.n, difference.each) == (3, "pair")
    assert table.rows[0][-1] == "not run"


def test_what_differs_in_more_than_is_asked_is_not_counted(made):
    page = comparison([made("lin", lin.ENHANCED_NN, lin.SIMPLE_NN)])
    found = section(page, "How deep?")
    assert found.blocks[0].markdown.startswith("- No answer yet")
    outcome = row(found, "Enhanced Simple NN − Simple NN")[-1]
    assert outcome == "not counted: differs also in width, activation, optimizer"
    assert len(found.blocks) == 2, "nothing is left to draw"


def test_every_comparison_of_the_page_differs_in_what_is_asked_or_says_in_what_else(tmp_path):
    mixed = {}
    for question in QUESTIONS:
        for contrast in question.contrasts:
            if isinstance(contrast, Contrast):
                results = collect(get_study(contrast.study), "paper", Store(tmp_path))
                if why_not := contrast.why_not(results, question.about):
                    mixed[contrast.title] = why_not
    assert mixed == {
        "Enhanced CNN with Adam − Enhanced Simple NN": "differs also in activation, dropout, epochs",
        "Enhanced Simple NN − Simple NN": "differs also in width, activation, optimizer",
        "not the framework but the recipe, in NumPy: mini-batch − full batch": (
            "differs in epochs, batch size, learning rate, initializer, not in engine"
        ),
    }


def test_every_pair_that_shrestha_claims_about_width_and_depth_is_compared():
    titles = {
        question.about: " ".join(each.title for each in question.contrasts if each.study == "shrestha")
        for question in QUESTIONS
    }
    for wide, narrow in ((6, 1), (7, 2), (8, 3), (10, 5)):
        assert f"experiments {wide} and {narrow}, corrected" in titles["width"]
    for deep, shallow in ((11, 1), (14, 6), (15, 1)):
        assert f"experiments {deep} and {shallow}, corrected" in titles["depth"]
    for variant in ("7, as published", "7, corrected", "4, as published", "4, corrected"):
        for rate in ("0.01", "0.03", "0.3", "1"):
            assert f"Experiment {variant}: SGD 0.1 − {rate}" in titles["learning rate"]


def test_what_was_tried_in_a_search_is_compared_on_validation_images_and_claimed_by_nobody(make_results):
    study = get_study("abdelsalam")
    taken, other = abdelsalam.TAKEN, "Initializer: PyTorch's"
    made = make_results(
        {
            name: {"validation_accuracy": values, "test_accuracy": POOR}
            for name, values in (("a", GOOD), ("b", POOR))
        }
    )
    search = study.experiment("What we assume, otherwise")
    results = Results(study, "paper")
    for source, label in (("a", taken), ("b", other)):
        group = made.get(source)
        results.groups[label, SEARCH] = replace(
            group,
            experiment=search,
            label=label,
            setup=search.setup.setups[label],
            share=replace(group.share, reading=SEARCH),
        )
    page = comparison([results])
    found = section(page, "Which initialization?")
    said = "abdelsalam: MLP: Glorot uniform − PyTorch's, +1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]"
    assert found.blocks[0].markdown.splitlines() == [
        "- No paper is answered yet: of what is claimed nothing was run in full.",
        f"- **Measured, and claimed by no paper**: {said}.",
    ]
    assert row(found, "MLP: Glorot uniform − PyTorch's")[5:] == ("paper", "nothing", "not claimed")
    assert row(found, "MLP: Glorot uniform − PyTorch's")[3] == "validation images"
    (asked,) = (line for line in page[0].blocks[1].rows if "Which initialization?" in line[0].markdown)
    assert asked[1:6] == (said.partition("s, ")[2], None, None, None, "abdelsalam 1")


def test_many_comparisons_are_told_network_by_network_and_no_row_waits_to_be_scrolled_to(make_results):
    study = get_study("shrestha")
    made = make_results({"a": {"validation_accuracy": GOOD}, "b": {"validation_accuracy": POOR}})
    results = Results(study, "paper")
    for variant in (shrestha.AS_PUBLISHED, shrestha.CORRECTED):
        search = study.experiment(shrestha.SWEPT[7, variant])
        for label, setup in search.setup.setups.items():
            group = made.get("a" if label.endswith("0.1") else "b")
            results.groups[label, SEARCH] = replace(
                group,
                experiment=search,
                label=label,
                setup=setup,
                share=replace(group.share, reading=SEARCH),
            )
    answered, table, *_ = section(comparison([results]), "Which learning rate?").blocks
    effect = "+1.10 [+0.85,\N{NO-BREAK SPACE}+1.35]"
    for line, variant in zip(answered.markdown.splitlines()[1:], ("as published", "corrected"), strict=True):
        told = "; ".join(f"SGD 0.1 − {rate}, {effect}" for rate in ("0.01", "0.03", "0.3", "1"))
        assert line == (
            f"- **Measured, and claimed by no paper**, shrestha: Experiment 7, {variant}: {told}."
        )
    assert len(table.rows) > 25
    assert table.whole


def test_what_was_run_on_other_images_has_no_difference(make_results):
    study = get_study("hao")
    results = make_results({"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": POOR}}, scale="quick")
    found = placed(results, study, {hao.LIGHTWEIGHT: "b", hao.MLP: "a"}, "quick")
    for name in (hao.LIGHTWEIGHT, hao.MLP):
        group = found.groups[name, "honest"]
        scale = group.scaled
        share = replace(group.share, train=scale.train, test=scale.test)
        found.groups[name, "honest"] = replace(group, share=share)
    shown = row(section(comparison([found]), "MLP or CNN?"), f"{hao.LIGHTWEIGHT} − {hao.MLP}")
    assert shown[4] is None
    assert shown[-1] == (
        "not comparable at quick scale: CNN 32-64/128 was run on 2 of 50 epochs, 1,200 images, 2,000 test "
        "images; MLP 2x128 on 3 of 50 epochs, 12,000 images"
    )


def test_what_was_run_but_not_at_one_scale_says_so(made):
    results = made("lin", lin.ENHANCED_NN, lin.SIMPLE_NN)
    group = results.groups[lin.ENHANCED_NN, "honest"]
    results.groups[lin.ENHANCED_NN, "honest"] = replace(group, scale="quick")
    outcome = row(section(comparison([results]), "How deep?"), "Enhanced Simple NN − Simple NN")[-1]
    assert outcome == (
        "not at one scale: Enhanced Simple NN at quick, Simple NN at paper; "
        "differs also in width, activation, optimizer"
    )


def test_trainings_of_unequal_length_are_compared_at_one_epoch_that_both_went_through(make_results):
    study = get_study("lin")
    # The accuracies differ by 1 point after 80 epochs; what the longer training ends with is another story.
    shorter = [[0.9] * 79 + [value] for value in GOOD]
    longer = [[0.9] * 79 + [value] + [0.999] * 20 for value in POOR]
    made = make_results(
        {"a": {"test_accuracy": GOOD}, "b": {"test_accuracy": [0.999] * 3}},
        {"a": {"test_accuracy": shorter}, "b": {"test_accuracy": longer}},
    )
    results = Results(study, "paper")
    for name, source in ((lin.SIMPLE_CNN, "a"), (lin.SIMPLE_NN, "b")):
        experiment = study.experiment(name)
        group = made.get(source, PUBLISHED)
        results.groups[name, PUBLISHED] = replace(
            group, experiment=experiment, setup=experiment.setup, label=name
        )
    ends = Contrast("lin", lin.SIMPLE_CNN, lin.SIMPLE_NN, reading=PUBLISHED)
    assert ends.effect(results).mean < 0
    assert ends.why_not(results, "kind") == "differs also in epochs"

    contrast = replace(ends, epoch=80)
    assert contrast.effect(results).values == pytest.approx([1.0, 1.1, 1.2])
    assert contrast.why_not(results, "kind") == ""
    shown = row(section(comparison([results]), "MLP or CNN?"), contrast.title)
    assert shown[2] == "Simple CNN − Simple NN, both after 80 epochs"
    assert shown[3:4] + shown[5:] == ("test, as published", "paper", "first better", "confirms")

    # Under a learning rate that falls to the end, a part of a longer training is no shorter one.
    for name in (lin.SIMPLE_CNN, lin.SIMPLE_NN):
        group = results.groups[name, PUBLISHED]
        setup = with_recipe(group.setup, schedule=Cosine())
        results.groups[name, PUBLISHED] = replace(group, setup=setup)
    assert contrast.why_not(results, "kind") == "differs also in epochs"


@pytest.mark.parametrize("asked", ["paper", "quick"])
def test_what_was_compared_on_shortened_runs_alone_decides_nothing(made, asked):
    short = made("lin", lin.RMSPROP, lin.DEFAULT_SGD, "quick")
    results = short if asked == "quick" else Results(short.study, "paper", shorter=short)
    page = comparison([results])
    assert page[0].blocks[1].rows[1][1:] == (
        "not run in full",
        None,
        None,
        None,
        None,
        "lin 1",
        None,
        "lin 2, okon 2",
    )
    found = section(page, "Which optimizer?")
    assert found.blocks[0].markdown.splitlines() == [
        "- No answer yet: of what is claimed nothing was run in full.",
        "- Shortened runs decide nothing; so far they confirm lin 1.",
    ]
    assert row(found, "Enhanced CNN: RMSprop − SGD")[5:] == (
        "quick",
        "first better",
        "confirms so far (shortened)",
    )


def test_a_setting_of_the_grid_counts_each_fold_and_seed_once(make_results):
    study = get_study("okon")
    (run, other) = make_results({"a": {"x": [0.0, 0.0]}}).get("a").runs
    template = make_results({"a": {"x": [0.0]}}).get("a")
    gains = dict(zip(FOLDS, (0.02, 0.03, 0.04), strict=True))
    results = Results(study, "paper")
    for label, settings in okon.SETTINGS.items():
        for fold, gain in gains.items():
            # With Softmax nothing is learned; with ReLU, RMSprop gains by fold.
            learned = 0.9 if settings["nonlinear"] == "ReLU" else 0.11
            value = learned + (gain if learned > 0.5 and settings["optimizer"] == "RMSprop" else 0.0)
            runs = tuple(replace(each, metrics={"validation_accuracy": value}) for each in (run, other))
            share = replace(template.share, reading=fold)
            group = replace(
                template, experiment=study.experiment(okon.OWN), label=label, share=share, runs=runs
            )
            results.groups[label, fold] = group
    every, relu = (
        Marginal("optimizer", "RMSprop", "Adam", only=only).effect(results)
        for only in ({}, {"nonlinear": "ReLU"})
    )
    assert every.values == pytest.approx([1.0, 1.0, 1.5, 1.5, 2.0, 2.0])
    assert relu.values == pytest.approx([2.0, 2.0, 3.0, 3.0, 4.0, 4.0])
    shown = section(comparison([results]), "Which optimizer?")
    assert row(shown, "Grid: optimizer Adam − RMSprop")[-1] == "contradicts"
    beside = row(shown, "Grid, ReLU alone: optimizer Adam − RMSprop")
    assert beside[-1] == "not counted: a part of the comparison above"
    assert beside[4].n == 6
