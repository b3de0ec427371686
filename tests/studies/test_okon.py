"""Okon: the grid as printed, two ways to search it, and what a search is said to pick."""

import re
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import scipy.stats

from tenfold.data import Augmentation
from tenfold.errors import StudyError
from tenfold.networks import AveragePool, Conv, Dense, Flatten, MaxPool, ReLU, Softmax, network
from tenfold.runs import Store
from tenfold.studies import (
    FOLDS,
    HONEST,
    PUBLISHED,
    Candidates,
    Classical,
    Experiment,
    On,
    Scale,
    Setup,
    get_study,
)
from tenfold.studies.chapter import verdicts
from tenfold.studies.claims import digits_ordered, exceeds, gains
from tenfold.studies.curve_claims import always_falls
from tenfold.studies.experiment import with_recipe
from tenfold.studies.jobs import collect, jobs
from tenfold.studies.judgment import FAILS, HOLDS, UNDECIDED
from tenfold.studies.okon import POINTS, candidate
from tenfold.studies.ranks import BestSettings, RankAgreement, agreement, marginal, picks
from tenfold.studies.results import scores
from tenfold.studies.runner import run_study
from tenfold.studies.share import Share, parts
from tenfold.studies.skorch_search import check_counterpart, fit_candidate, module_class
from tenfold.training import SGD, Adam, AdamW, OneCycle, Recipe, RMSprop, get_engine, initial_weights
from tenfold.training.distillation import Distillation

STUDY = get_study("okon")


def test_reported_values_are_those_of_figures_7_and_12_and_table_2():
    reported = STUDY.reported
    assert (reported["test_accuracy_printed"], reported["test_errors"]) == (0.99, 142)
    assert [reported[f"macro_{score}"] for score in ("precision", "recall", "f1")] == [0.99] * 3
    assert reported["report"]["9"] == [0.98, 0.97, 0.98, 1009]
    assert reported["report"]["0"] == [0.98, 0.99, 0.98, 980]
    assert sum(row[3] for row in reported["report"].values()) == 10_000
    assert reported["baselines"] == {
        "decision_tree": 0.90,
        "svm": 0.95,
        "random_forest": 0.93,
        "naive_bayes": 0.90,
        "knn": 0.86,
        "cnn_kadam": 0.98,
        "ann_pandey": 0.93,
        "proposed": 0.99,
    }
    assert [claim.key for claim in STUDY.claims] == [f"ok-{number}" for number in range(1, 7)]


def test_the_grid_is_384_fits_of_which_half_are_prefixes(tmp_path):
    search = STUDY.experiment("Grid search").setup
    assert isinstance(search, Candidates)
    assert len(search.setups) == 128
    empty = collect(STUDY, "paper", Store(tmp_path))
    ours = jobs(STUDY, "paper", empty, seeds=1, only=("Grid search",))
    theirs = jobs(STUDY, "paper", empty, seeds=1, only=("Grid search with skorch",))
    assert (len(ours), len(theirs)) == (192, 384)
    assert {job.setup.recipe.epochs for job in ours} == {20}
    unasked = {job.experiment for job in jobs(STUDY, "paper", empty)}
    asked = {job.experiment for job in jobs(STUDY, "paper", empty, engine="skorch")}
    assert asked - unasked == {"Grid search with skorch"}


def test_folds_hold_every_training_image_once(mnist):
    held = [parts(Share("mnist", fold, 900, None, 6000)).monitors["validation"] for fold in FOLDS]
    assert [len(each) for each in held] == [300, 300, 300]
    images = np.concatenate([each.images.reshape(300, -1) for each in held])
    whole = parts(Share("mnist", FOLDS[0], 900, None, 6000))
    assert whole.test is None
    together = np.concatenate([whole.train.images, whole.monitors["validation"].images]).reshape(900, -1)
    assert sorted(map(bytes, images)) == sorted(map(bytes, together))


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Two candidates that differ by far, searched in both ways, and a classical baseline."""
    linear = network(784)(Dense(10), name="linear")
    setups = {
        name: Setup(linear, Recipe(2, 32, Adam(lr), initializer="torch"))
        for name, lr in (("slow", 1e-5), ("good", 1e-2))
    }
    scales = {"paper": Scale(seeds=1, train=600, test=200)}
    skorch = {name: replace(setup, on=On("skorch")) for name, setup in setups.items()}
    study = replace(
        STUDY,
        experiments=(
            Experiment("own", Candidates(setups), scales, readings=FOLDS),
            Experiment("skorch", Candidates(skorch), scales, readings=FOLDS, on_request=True),
            Experiment(
                "chosen",
                setups["slow"],
                scales | {"paper": Scale(seeds=2, train=600, test=200)},
                chosen_from="own",
            ),
            Experiment("bayes", Classical("naive-bayes-gaussian", 1), scales, readings=("as published",)),
        ),
        claims=(),
        exhibits=(),
    )
    store = Store(tmp_path_factory.mktemp("store"))
    return run_study(study, scale="paper", store=store, engine="skorch", workers=1), store


def test_both_ways_to_search_find_the_same_winner(searched):
    results, _ = searched
    own, skorch = (dict(scores(results.of(name))) for name in ("own", "skorch"))
    assert list(own) == list(skorch) == ["good", "slow"]
    # Other first weights, other batches: the same accuracy, up to that.
    assert own["good"] == pytest.approx(skorch["good"], abs=0.05)
    assert {run.engine for group in results.of("skorch") for run in group.runs} == {"skorch"}
    assert results.get("chosen").setup.recipe.optimizer.lr == 1e-2


def test_a_baseline_is_a_run_like_any_other(searched):
    results, store = searched
    (run,) = results.get("bayes", "as published").runs
    data = parts(results.get("bayes", "as published").share)
    assert 0.4 < run.metrics["test_accuracy"] < 0.9
    assert np.sum(run.metrics["test"]["confusion"]) == len(data.test) == 200
    assert store.find(run.id).what == {**run.what, "baseline": "naive-bayes-gaussian"}


@pytest.fixture(scope="module")
def searching_whole():
    """Return a function that searches three candidates in two folds in one GridSearchCV, as skorch's users
    do, and gives (accuracy, loss) by candidate and fold; with what it searches, and by which folds.
    """
    import skorch
    import torch
    from sklearn.model_selection import GridSearchCV

    class Okon(torch.nn.Sequential):
        def __init__(self, f, out_units, fout_units):
            nn = torch.nn
            super().__init__(
                *(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), f()),
                *(nn.Conv2d(10, out_units, 5), nn.MaxPool2d(2), f()),
                *(nn.Conv2d(out_units, fout_units, 2), f(), nn.Dropout(0.2), nn.Flatten()),
                *(nn.Linear(9 * fout_units, 200), f(), nn.Dropout(0.3), nn.Linear(200, 10)),
            )

    class FromTheSeed(skorch.NeuralNetClassifier):
        def fit(self, X, y, **others):
            torch.manual_seed(3)
            return super().fit(X, y, **others)

    digits = parts(Share("mnist", PUBLISHED, 160, 10, 6000)).train
    first, second = np.arange(160).reshape(2, 80)
    folds = [(first, second), (second, first)]
    points = [point | {"max_epochs": 1} for point in POINTS[::44]]

    def search(reseeded):
        kind = FromTheSeed if reseeded else skorch.NeuralNetClassifier
        net = kind(Okon, criterion=torch.nn.CrossEntropyLoss, train_split=None, verbose=0)
        net.set_params(iterator_train__shuffle=True)
        layer = {"ReLU": torch.nn.ReLU, "Softmax": partial(torch.nn.Softmax, dim=1)}
        names = {
            "lr": lambda point: point["lr"],
            "max_epochs": lambda point: point["max_epochs"],
            "batch_size": lambda point: point["batch_size"],
            "optimizer": lambda point: getattr(torch.optim, point["optimizer"]),
            "module__f": lambda point: layer[point["nonlinear"]],
            "module__out_units": lambda point: point["out_units"],
            "module__fout_units": lambda point: point["fout_units"],
        }
        grid = GridSearchCV(
            net,
            [{name: [of(point)] for name, of in names.items()} for point in points],
            cv=folds,
            scoring=("accuracy", "neg_log_loss"),
            refit=False,
        )
        torch.manual_seed(3)
        images = digits.images.reshape(-1, 1, 28, 28).astype(np.float32) * np.float32(1 / 255)
        grid.fit((images - np.float32(0.1)) / np.float32(0.3), digits.labels)
        found = grid.cv_results_
        names = [(f"split{fold}_test_accuracy", f"split{fold}_test_neg_log_loss") for fold in range(2)]
        return [
            (found[accuracy][place], -found[loss][place])
            for place in range(len(points))
            for accuracy, loss in names
        ]

    return search, points, [[digits.take(part, name="part") for part in fold] for fold in folds]


@pytest.fixture(scope="module")
def one_by_one(searching_whole):
    _, points, folds = searching_whole
    return [
        (found.accuracy, found.loss)
        for point in points
        for train, held in folds
        for found in [fit_candidate(candidate(**point), train, held, seed=3)]
    ]


def test_one_fit_at_a_time_is_a_whole_grid_search_whose_fits_start_from_the_seed(searching_whole, one_by_one):
    search, points, _ = searching_whole
    assert [(each["optimizer"], each["nonlinear"], each["batch_size"]) for each in points] == [
        ("Adam", "ReLU", 32),
        ("RMSprop", "Softmax", 32),
        ("RMSprop", "ReLU", 64),
    ]
    assert one_by_one == search(reseeded=True), "to the last bit"


def test_a_grid_search_in_one_go_draws_other_numbers_after_its_first_fit(searching_whole, one_by_one):
    """The deviation that okon tells: only the first fit is the same."""
    search, _, _ = searching_whole
    whole = search(reseeded=False)
    assert whole[0] == one_by_one[0]
    assert all(theirs != ours for theirs, ours in zip(whole[1:], one_by_one[1:], strict=True))
    (told,) = (each for each in STUDY.deviations if "GridSearchCV" in each.paper)
    assert "each from the seed" in told.ours


def test_what_has_no_counterpart_in_skorch_is_refused():
    data = parts(Share("mnist", FOLDS[0], 60, None, 6000))
    pooled = network(28, 28)(Conv(2, 3), ReLU(), AveragePool(2), Flatten(), Dense(10))
    with pytest.raises(StudyError, match="knows no layer AveragePool"):
        fit_candidate(Setup(pooled, Recipe(1, 32, Adam())), data.train, data.monitors["validation"], 0)
    linear = network(784)(Dense(10))
    with pytest.raises(StudyError, match=r"takes Adam or RMSprop\. Got SGD"):
        fit_candidate(Setup(linear, Recipe(1, 32, SGD())), data.train, data.monitors["validation"], 0)


PLAIN = Setup(network(784)(Dense(10)), Recipe(1, 32, Adam()))
UNKNOWN_TO_SKORCH = {
    "schedule": OneCycle(),
    "initializer": "keras",
    "loss": "squared-error",
    "label_smoothing": 0.1,
    "augmentation": Augmentation(shift=2),
    "augmentation_off": 0.5,
    "ema": 0.9,
    "precision": "mixed",
    "distillation": Distillation("base"),
}


def test_every_setting_of_a_recipe_is_given_to_skorch_or_refused():
    known = {"epochs", "batch_size", "optimizer"}
    assert known | set(UNKNOWN_TO_SKORCH) == {each.name for each in fields(Recipe)}
    check_counterpart(PLAIN)
    for name, value in UNKNOWN_TO_SKORCH.items():
        with pytest.raises(StudyError, match=rf"knows no {name} {re.escape(repr(value))}, only "):
            check_counterpart(with_recipe(PLAIN, **{name: value}))
    with pytest.raises(StudyError, match=r"takes a number for batch_size\. Got 'full'"):
        check_counterpart(with_recipe(PLAIN, batch_size="full"))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Adam(convention="keras"), "knows no optimizer.convention 'keras', only 'torch'"),
        (Adam(weight_decay=0.1), "knows no optimizer.weight_decay 0.1, only 0.0"),
        (RMSprop(convention="keras"), "knows no optimizer.convention 'keras', only 'torch'"),
        (RMSprop(momentum=0.9), "knows no optimizer.momentum 0.9, only 0.0"),
        (AdamW(), "takes Adam or RMSprop. Got AdamW instead"),
    ],
)
def test_an_optimizer_that_skorch_would_take_for_another_is_refused(rule, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        check_counterpart(with_recipe(PLAIN, optimizer=rule))


def test_what_skorch_would_pass_over_is_refused():
    for setup, message in (
        (replace(PLAIN, watch_every=5), "knows no watch_every 5, only 0"),
        (replace(PLAIN, on=On("skorch", together=True)), "knows no together True, only False"),
    ):
        with pytest.raises(StudyError, match=message):
            check_counterpart(setup)


def test_every_candidate_of_okon_has_a_counterpart_in_skorch():
    for setup in STUDY.experiment("Grid search with skorch").setup.setups.values():
        check_counterpart(setup)


def test_a_layer_with_settings_is_that_layer_in_skorch_too(mnist):
    import torch

    drawn = network(28, 28)(
        *(Conv(4, 3, stride=2, padding=1, bias=False), ReLU(), MaxPool(3, stride=2)),
        *(Conv(6, 3, padding="same", groups=2), Softmax(), Flatten(), Dense(10, bias=False)),
    )
    weights = initial_weights(drawn, Recipe().weight_rule(), 0)
    module = module_class()(drawn)
    for theirs, ours in zip(module.parameters(), weights.values(), strict=True):
        theirs.data = torch.from_numpy(ours)
    images = mnist.test.images[:8]
    found = module(torch.from_numpy(images.reshape(-1, 1, 28, 28) / np.float32(255)))
    expected = get_engine("numpy").logits(drawn, weights, images)
    assert found.detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_agreement_is_scipys():
    rng = np.random.default_rng(0)
    values = rng.random((2, 20)).round(1)
    first, second = (dict(zip("abcdefghijklmnopqrst", row, strict=True)) for row in values)
    found = agreement(first, second)
    assert found.spearman == pytest.approx(scipy.stats.spearmanr(*values).statistic)
    assert found.kendall == pytest.approx(scipy.stats.kendalltau(*values).statistic)
    assert agreement(first, first).spearman == pytest.approx(1.0)
    assert np.isnan(agreement({"a": 1.0, "b": 1.0, "c": 1.0}, first).kendall)


def searching(make_results, measured):
    """Return results of a search "x1" whose candidates have these validation accuracies by seed."""
    results = make_results({name: {"validation_accuracy": values} for name, values in measured.items()})
    search = results.study.experiment("x1")
    groups = {key: replace(group, experiment=search) for key, group in results.groups.items()}
    return replace(results, groups={key: group for key, group in groups.items() if key[1] == "honest"})


FOUR = {f"{a}{b}": {"a": a, "b": b} for a in "xy" for b in "12"}


def test_what_a_search_picks_is_judged_setting_by_setting(make_results):
    measured = {
        "x1": [0.990, 0.991, 0.989],
        "x2": [0.981, 0.980, 0.982],
        "y1": [0.950, 0.949, 0.952],
        "y2": [0.930, 0.932, 0.931],
    }
    results = searching(make_results, measured)
    found = picks("x1", FOUR, {"a": "x", "b": "1"})(results)
    assert [part.outcome for part in found.parts] == [HOLDS] * 3
    wrong = picks("x1", FOUR, {"a": "y", "b": "1"})(results)
    assert [part.outcome for part in wrong.parts] == [FAILS, FAILS, HOLDS]
    assert "not the paper's" in wrong.parts[0].reason
    with pytest.raises(StudyError, match="was not run at quick scale, only at paper scale"):
        picks("x1", FOUR, {"a": "x", "b": "1"})(replace(results, scale="quick"))


def test_a_winner_by_chance_does_not_refute_the_papers(make_results):
    measured = {
        "x1": [0.990, 0.980, 0.985],
        "x2": [0.970, 0.971, 0.969],
        "y1": [0.984, 0.986, 0.984],
        "y2": [0.960, 0.961, 0.962],
    }
    first = picks("x1", FOUR, {"a": "y", "b": "1"})(searching(make_results, measured)).parts[0]
    assert first.outcome == UNDECIDED
    assert "not the paper's (y1): +0.03 points [" in first.reason


def test_pairs_of_one_fold_are_one_observation(make_results):
    """Many pairs that share their folds leave the interval as wide as the few folds do."""
    settings = {f"{a}{b}": {"a": a, "b": f"{b}"} for a in "xy" for b in range(1, 33)}
    fold = {"x": [0.90, 0.93, 0.96], "y": [0.89, 0.91, 0.96]}
    results = searching(make_results, {label: fold[each["a"]] for label, each in settings.items()})
    gaps = marginal(list(results.groups.values()), settings, "a", "x")
    assert gaps == pytest.approx([0.01, 0.02, 0.0])
    found = picks("x1", settings, {"a": "x", "b": "1"})(results)
    assert found.parts[1].outcome == UNDECIDED, "32 pairs that were taken as independent would hold"
    assert "n = 3" in found.parts[1].reason


def by_digit(**errors):
    rows = [
        {"class": digit[1:], "support": 100, "recall": 1 - count / 100} for digit, count in errors.items()
    ]
    return {"per_class": rows}


def test_digits_are_ordered_by_their_errors(make_results):
    tests = [
        by_digit(d1=1, d2=8, d5=4, d9=12),
        by_digit(d1=0, d2=9, d5=5, d9=14),
        by_digit(d1=1, d2=9, d5=4, d9=13),
    ]
    results = make_results({"a": {"test": tests}})
    judged = digits_ordered("a", easiest=("1",), hardest=("9", "2"), metric="errors")(results)
    assert judged.outcome == HOLDS
    assert "from easy to hard: 1 (0.7), 5 (4.3), 2 (8.7), 9 (13.0)" in judged.reason
    assert digits_ordered("a", easiest=("9",), metric="errors")(results).outcome == FAILS
    assert exceeds("a", "errors of 9", "errors of 2")(results).outcome == HOLDS


def test_a_gain_must_lie_in_its_range(make_results):
    results = make_results(
        {"cnn": {"test_accuracy": [0.98, 0.981, 0.979]}, "ml": {"test_accuracy": [0.90, 0.901, 0.899]}}
    )
    assert gains("cnn", ("ml",), 0.07, 0.09)(results).outcome == HOLDS
    assert gains("cnn", ("ml",), 0.01, 0.02)(results).outcome == FAILS


def test_a_loss_that_rises_once_in_every_seed_does_not_always_fall(make_results):
    falling, rising = [3.0, 2.0, 1.0], [3.0, 1.0, 2.0]
    for curves, outcome in (
        ([falling] * 3, HOLDS),
        ([rising] * 3, FAILS),
        ([falling, rising, falling], UNDECIDED),
    ):
        results = make_results({"a": {"x": [1, 1, 1]}}, {"a": {"train_loss": curves}})
        assert always_falls("a", column="train_loss")(results).outcome == outcome


def test_every_claim_can_be_judged_before_anything_was_run(tmp_path):
    for verdict in verdicts(collect(STUDY, "smoke", Store(tmp_path))):
        assert verdict.outcome == "undecided"


def test_two_searches_are_shown_side_by_side(searched):
    from tenfold.report.document import Note, Table

    results, _ = searched
    table, note = RankAgreement("Ranks", "own", "skorch").blocks(results)
    assert isinstance(table, Table)
    assert [(row[0], row[1], row[3]) for row in table.rows] == [(1, "good", 1), (2, "slow", 2)]
    assert isinstance(note, Note)
    assert "too few" in note.text
    (missing,) = RankAgreement("Ranks", "own", "chosen by hand").blocks(results)
    assert "was not run" in missing.text
    settings = {"good": {"lr": "0.01"}, "slow": {"lr": "0.00001"}}
    (best,) = BestSettings("Best", ("own", "skorch", "absent"), settings, {"lr": "0.01"}).blocks(results)
    assert best.rows == (("lr", "0.01", "0.01", "0.01", "not run"),)
    assert "own: " in best.caption, "how it was run"
    settings["never tried"] = {"lr": "0.1"}
    (partial,) = BestSettings("Best", ("own",), settings, {"lr": "0.01"}).blocks(results)
    assert partial.rows == (("lr", "0.01", "2 of 3 run"),), "the best of a part is not the search's"


def test_the_best_settings_are_marked_by_what_was_run_of_the_best(make_results):
    results = searching(make_results, {"x1": [0.9, 0.9], "x2": [0.8, 0.8]})
    scales = {"paper": Scale(2, epochs=0.2)}
    longer = {"x1": 20, "x2": 15}
    groups = {
        key: replace(
            group,
            setup=with_recipe(group.setup, epochs=longer[group.label]),
            experiment=replace(group.experiment, scales=scales),
        )
        for key, group in reversed(results.groups.items())
    }
    assert [group.label for group in groups.values()] == ["x2", "x1"]
    results = replace(results, groups=groups)
    settings = {label: {"epochs": f"{epochs}"} for label, epochs in longer.items()}
    (best,) = BestSettings("Best", ("x1",), settings, {"epochs": "15"}).blocks(results)
    assert best.rows == (("epochs", "15", "20"),)
    assert best.caption == "Best (x1: paper, 4 of 20 epochs, the winner's)"
    again = replace(results.study.experiment("x2"), scales=scales)
    both = groups | {("again", HONEST): replace(groups["x1", HONEST], experiment=again)}
    table, _ = RankAgreement("Ranks", "x1", "x2").blocks(replace(results, groups=both))
    assert table.caption == "Ranks (x1: paper, 4 of 20 epochs, the winner's; x2: paper, 4 of 20 epochs)"
    alike = {key: replace(group, setup=groups["x1", HONEST].setup) for key, group in groups.items()}
    (best,) = BestSettings("Best", ("x1",), settings, {"epochs": "15"}).blocks(replace(results, groups=alike))
    assert best.caption == "Best (x1: paper, 4 of 20 epochs)"


def test_the_best_settings_are_those_of_the_seeds_that_all_candidates_have(make_results):
    results = searching(make_results, {"x1": [0.9, 0.1], "x2": [0.8, 0.7]})
    key = ("x2", HONEST)
    settings = {"x1": {"lr": "1"}, "x2": {"lr": "2"}}

    def best(runs):
        group = replace(results.groups[key], runs=runs)
        (table,) = BestSettings("Best", ("x1",), settings, {"lr": "1"}).blocks(
            replace(results, groups=results.groups | {key: group})
        )
        return table.rows[0][2]

    first, second = results.groups[key].runs
    assert (best((first, second)), best((first,)), best((replace(second, seed=5),))) == (
        "2",
        "1",
        "no seed run whole",
    )


def test_the_agreement_of_many_candidates_is_told_in_numbers(make_results):
    values = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}
    results = make_results({name: {"validation_accuracy": [value] * 2} for name, value in values.items()})
    one, two = results.study.experiment("a"), results.study.experiment("b")
    groups = list(results.groups.items())
    results.groups.clear()
    for (name, reading), group in groups:
        if reading == "honest":
            results.groups[name, reading] = replace(group, experiment=one)
            results.groups[f"b: {name}", reading] = replace(group, experiment=two)
    _, note = RankAgreement("Ranks", "a", "b").blocks(results)
    assert "Spearman's rho 1.000 and Kendall's tau 1.000" in note.text
