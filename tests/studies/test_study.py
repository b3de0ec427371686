"""Studies as data: what they say is what the papers say, and mistakes in them are found early."""

import json
from dataclasses import replace

import pytest

from tenfold.errors import StudyError, UnknownNameError
from tenfold.networks import Dense, network
from tenfold.studies import (
    FOLDS,
    HONEST,
    PUBLISHED,
    READINGS,
    SCALES,
    SEARCH,
    STUDIES,
    Candidates,
    Claim,
    Classical,
    Experiment,
    On,
    Scale,
    Setup,
    get_study,
)
from tenfold.studies.claims import better
from tenfold.training import Adam, Recipe


@pytest.mark.parametrize("key", STUDIES)
def test_every_study_is_plain_json_and_complete(key):
    study = get_study(key)
    values = json.loads(json.dumps(study.to_dict()))
    assert values["key"] == key
    for part in ("reported", "claims", "deviations", "assumptions", "noticed"):
        assert values[part], part
    assert [each["number"] for each in values["deviations"]] == list(range(1, len(study.deviations) + 1))
    for experiment in study.experiments:
        assert set(experiment.scales) <= set(SCALES)
        assert set(experiment.readings) <= set(READINGS)
        assert experiment.scales["paper"].full, "the paper scale is the published recipe in full"


@pytest.mark.parametrize(
    ("key", "left_out"),
    [("abdelsalam", {"What we assume, otherwise"}), ("okon", {"Grid search with skorch"})],
)
def test_what_the_paper_did_leaves_out_what_is_tried_beside_it(key, left_out):
    study = get_study(key)
    assert left_out <= set(study.by_name) - set(study.own)
    assert {each.chosen_from for each in study.experiments} - {""} <= set(study.own)


@pytest.mark.parametrize("key", STUDIES)
def test_what_is_tried_instead_of_an_assumption_is_a_candidate(key):
    study = get_study(key)
    searches = [
        experiment.setup for experiment in study.experiments if isinstance(experiment.setup, Candidates)
    ]
    labels = [label for search in searches for label in search.setups]
    tried = [each for each in study.assumptions if each.tried]
    assert tried
    for each in tried:
        assert {each.taken, *each.tried.values()} <= set(labels), each.setting
        assert each.taken not in each.tried.values()


def test_abdelsalam_reports_what_the_paper_prints():
    study = get_study("abdelsalam")
    assert study.reported == {"test_accuracy": 0.9812, "precision": 0.9812, "recall": 0.9812, "f1": 0.9812}
    assert [claim.key for claim in study.claims] == ["ab-1", "ab-2", "ab-3"]
    search = study.experiments[0].setup
    assert isinstance(search, Candidates)
    assert len(search.setups) == 3 * 3 * 3


def test_lin_reports_table_4_and_runs_its_recipes():
    study = get_study("lin")
    ranked = sorted(study.reported["model"], key=lambda row: row["rank"])
    assert [(row["name"], row["validation"]) for row in ranked] == [
        ("Enhanced CNN with Adam", 0.9940),
        ("Enhanced CNN with RMSprop", 0.9924),
        ("Enhanced CNN with Default SGD", 0.9899),
        ("Simple CNN", 0.9882),
        ("Enhanced CNN with Modified SGD", 0.9841),
        ("Enhanced Simple NN", 0.9778),
        ("Simple NN", 0.9698),
    ]
    assert [claim.key for claim in study.claims] == [f"li-{number}" for number in range(1, 8)]
    for row in study.reported["model"]:
        setup = study.experiment(row["name"]).setup
        assert setup.network.parameters == row["params"]
        assert setup.recipe.epochs == row["epochs"]
        assert study.experiment(row["name"]).readings == (PUBLISHED, HONEST)
    modified = study.experiment("Enhanced CNN with Modified SGD").setup.recipe.optimizer
    assert (modified.lr, modified.momentum) == (0.005, 0.5)


def test_a_scale_says_what_is_cut():
    recipe = Recipe(epochs=80)
    assert Scale(seeds=2, epochs=0.05, train=3000).describe(recipe) == "4 of 80 epochs, 3,000 images"
    assert Scale(seeds=5).describe(recipe) == "in full"
    assert Scale(seeds=2, epochs=0.001).apply(recipe).epochs == 1


def test_an_unknown_experiment_names_the_nearest(make_study):
    with pytest.raises(UnknownNameError, match="Did you mean 'first'"):
        make_study("first", "second").experiment("frist")


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'lin'"):
        get_study("lim")


def test_two_experiments_or_claims_of_one_name_are_refused(make_study):
    with pytest.raises(StudyError, match="two experiments are called 'a'"):
        make_study("a", "a")
    claim = Claim("ti-1", "text", better("a", than="b"))
    with pytest.raises(StudyError, match="two claims are called 'ti-1'"):
        make_study("a", "b", claims=(claim, claim))


def test_a_reading_must_be_known_and_fit_what_is_run(make_study):
    setup = make_study("a").experiment("a").setup
    assert isinstance(setup, Setup)
    with pytest.raises(UnknownNameError, match="reading"):
        Experiment("a", setup, {}, readings=("hopeful",))
    with pytest.raises(StudyError, match="candidates can only be read as 'search'"):
        Experiment("a", Candidates({"one": setup}), {}, readings=(HONEST,))
    search = Experiment("s", Candidates({"one": setup}), {}, readings=(SEARCH,))
    follower = Experiment("f", setup, {}, chosen_from="a")
    with pytest.raises(StudyError, match="holds no candidates"):
        make_study("a", experiments=(Experiment("a", setup, {}), search, follower))


SCALE = {"smoke": Scale(1), "paper": Scale(1)}
LINEAR = Setup(network(784)(Dense(10)), Recipe(1, 32, Adam()))
SEARCHED = Experiment("search", Candidates({"a": LINEAR}), SCALE, readings=(SEARCH,))
WITH_SKORCH = replace(SEARCHED, setup=Candidates({"a": replace(LINEAR, on=On("skorch"))}))


@pytest.mark.parametrize(
    ("setup", "changes", "message"),
    [
        (replace(LINEAR, on=On("skorch")), {}, r"x: skorch searches only, .* in the setups of Candidates"),
        (Classical("knn", 1), {"readings": (SEARCH,)}, r"x: readings must be .* measured on the test"),
        (Classical("knn", 1), {"readings": (HONEST, *FOLDS)}, r"x: readings must be .* measured on"),
        (
            Classical("knn", 1),
            {"chosen_from": "search"},
            "x: setup must be a Setup, to be chosen",
        ),
        (SEARCHED.setup, {"chosen_from": "search", "readings": (SEARCH,)}, "x: setup must be a Setup"),
        (LINEAR, {"takes": ("epochs",)}, "x: takes needs a search to take from"),
    ],
)
def test_an_experiment_whose_parts_do_not_go_together_is_refused(setup, changes, message):
    with pytest.raises(StudyError, match=f"^{message}"):
        Experiment("x", setup, SCALE, **changes)


def test_a_classical_may_use_the_test_set_and_a_search_skorch():
    assert Experiment("x", Classical("knn", 1), SCALE, readings=(HONEST, PUBLISHED)).engines == set()
    assert WITH_SKORCH.engines == {"skorch"}


def test_a_search_must_have_every_scale_of_what_is_chosen_from_it(make_study):
    chosen = Experiment("chosen", LINEAR, SCALE, chosen_from="search")
    assert make_study("a", experiments=(SEARCHED, chosen)).experiments[1] is chosen
    short = replace(SEARCHED, scales={"paper": Scale(1)})
    with pytest.raises(StudyError, match=r"chosen has smoke scale, but search, .* has not\. Give"):
        make_study("a", experiments=(short, chosen))


def test_a_winner_of_skorch_is_trained_by_its_settings_only(make_study):
    chosen = Experiment("chosen", LINEAR, SCALE, chosen_from="search")
    with pytest.raises(StudyError, match="what wins in search cannot be trained as it is"):
        make_study("a", experiments=(WITH_SKORCH, chosen))
    make_study("a", experiments=(WITH_SKORCH, replace(chosen, takes=("optimizer",))))
