"""From a study to its trainings."""

from dataclasses import replace

from tenfold.runs import Run, Store, identity
from tenfold.studies import HONEST, PUBLISHED, SEARCH, Candidates, Experiment, Setup, get_study
from tenfold.studies.jobs import arms, collect, jobs, winner
from tenfold.studies.results import Group, Results, scores
from tenfold.training import OneCycle


def test_every_experiment_runs_in_each_reading_with_each_seed(make_study):
    study = make_study("a", "b")
    found = jobs(study, "paper", Results(study, "paper"))
    assert {(job.label, job.share.reading, job.seed) for job in found} == {
        (name, reading, seed) for name in "ab" for reading in (PUBLISHED, HONEST) for seed in range(3)
    }


def test_the_number_of_seeds_and_the_experiments_can_be_chosen(make_study):
    study = make_study("a", "b")
    found = jobs(study, "paper", Results(study, "paper"), seeds=1, only=("b",))
    assert {(job.label, job.seed) for job in found} == {("b", 0)}


def test_a_scale_cuts_epochs_and_images(make_study):
    study = make_study("a", epochs=10)
    job = jobs(study, "smoke", Results(study, "smoke"))[0]
    assert job.setup.recipe.epochs == 1
    assert (job.share.train, job.share.test) == (200, 100)


def test_equal_trainings_are_done_once_whatever_they_are_called(make_study):
    study = make_study("a")
    same = Experiment("b", study.experiment("a").setup, study.experiment("a").scales)
    both = replace(study, experiments=(*study.experiments, same))
    assert len(jobs(both, "paper", Results(both, "paper"))) == len(
        jobs(study, "paper", Results(study, "paper"))
    )


def test_an_experiment_without_a_scale_is_left_out_of_it(make_study):
    study = get_study("lin")
    labels = {job.label for job in jobs(study, "smoke", Results(study, "smoke"))}
    assert "Enhanced CNN with Adam, 80 epochs" not in labels
    assert "Enhanced CNN with Adam" in labels


def candidates(study, epochs=(2, 4), lrs=(0.1, 0.2), schedule=None):
    setup = study.experiments[0].setup
    found = {}
    for lr in lrs:
        for count in epochs:
            recipe = setup.recipe.change({"optimizer.lr": lr, "epochs": count})
            if schedule is not None:
                recipe = replace(recipe, schedule=schedule)
            found[f"lr {lr}, {count} epochs"] = Setup(setup.network, recipe)
    return Candidates(found)


def searching(make_study, **changes):
    study = make_study("a")
    scales = study.experiment("a").scales
    search = Experiment("search", candidates(study, **changes), scales, readings=(SEARCH,))
    chosen = Experiment("chosen", study.experiment("a").setup, scales, chosen_from="search")
    return replace(study, experiments=(search, chosen))


def test_epochs_that_are_a_prefix_are_not_trained_on_their_own(make_study):
    study = searching(make_study)
    found = arms(study, study.experiment("search"), "paper", Results(study, "paper"))
    assert [(arm.label, arm.job.setup.recipe.epochs, arm.epoch) for arm in found] == [
        ("lr 0.1, 2 epochs", 4, 2),
        ("lr 0.1, 4 epochs", 4, None),
        ("lr 0.2, 2 epochs", 4, 2),
        ("lr 0.2, 4 epochs", 4, None),
    ]
    assert len(jobs(study, "paper", Results(study, "paper"), only=("search",))) == 2 * 3


def test_under_a_schedule_that_depends_on_the_length_every_candidate_is_trained(make_study):
    study = searching(make_study, schedule=OneCycle())
    found = arms(study, study.experiment("search"), "paper", Results(study, "paper"))
    assert all(arm.epoch is None for arm in found)
    assert len(jobs(study, "paper", Results(study, "paper"), only=("search",))) == 4 * 3


def test_the_winner_is_trained_only_once_the_search_is_done(make_study):
    study = searching(make_study)
    before = Results(study, "paper")
    assert winner(study, study.experiment("chosen"), before, "paper") is None
    assert {job.experiment for job in jobs(study, "paper", before)} == {"search"}


def test_what_an_experiment_is_chosen_from_is_run_too(make_study):
    study = searching(make_study)
    found = jobs(study, "paper", Results(study, "paper"), only=("chosen",))
    assert {job.experiment for job in found} == {"search"}


def test_an_empty_store_has_no_results(make_study, tmp_path):
    assert collect(make_study("a"), "paper", Store(tmp_path)).groups == {}


def test_a_longer_training_costs_more(make_study):
    short, long = (
        jobs(study, "paper", Results(study, "paper"))[0]
        for study in (make_study("a"), make_study("a", epochs=20))
    )
    assert long.cost == 2 * short.cost


def searched(study, make_results_at, seeds):
    """Return results in which every candidate was run with these seeds at these scales."""
    results = Results(study, "paper")
    for scale, numbers in seeds.items():
        for arm in arms(study, study.experiment("search"), scale, Results(study, scale)):
            runs = tuple(make_results_at(replace(arm.job, seed=seed)) for seed in numbers)
            results.groups[arm.label, SEARCH] = Group(
                arm.experiment, arm.label, arm.setup, arm.job.share, scale, runs, arm.epoch
            )
    return results


def fake_run(job):
    what = job.what({"name": "none"})
    accuracy = [0.5, 0.6, 0.7, 0.5 + job.setup.recipe.optimizer.lr]
    return Run(
        id=identity(what),
        network="linear",
        engine="none",
        data="mnist",
        seed=job.seed,
        what=what,
        history={"epoch": [1, 2, 3, 4], "validation_accuracy": accuracy},
        metrics={"validation_accuracy": accuracy[-1]},
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
    )


def test_a_winner_needs_every_candidate_at_one_scale_with_the_first_seeds(make_study):
    study = searching(make_study)
    chosen = study.experiment("chosen")
    whole = searched(study, fake_run, {"paper": (0, 1, 2)})
    assert winner(study, chosen, whole, "paper", least=3)[0] == "lr 0.2, 4 epochs"
    assert winner(study, chosen, whole, "quick") is None, "the search was not run at quick scale"
    assert winner(study, chosen, searched(study, fake_run, {"paper": (0,)}), "paper", least=3) is None
    uneven = searched(study, fake_run, {"paper": (0, 1, 2)})
    key = next(iter(uneven.groups))
    uneven.groups[key] = replace(uneven.groups[key], runs=uneven.groups[key].runs[:1])
    assert winner(study, chosen, uneven, "paper", least=3) is None
    assert winner(study, chosen, uneven, "paper", least=1)[0] == "lr 0.2, 4 epochs", "seed 0 is common to all"


def test_seeds_that_only_some_candidates_have_do_not_change_the_choice(make_study):
    study = searching(make_study)
    chosen = study.experiment("chosen")
    found = searched(study, fake_run, {"paper": (0, 1, 2)})
    key = ("lr 0.1, 4 epochs", SEARCH)
    lucky = replace(found.groups[key].runs[0], seed=3, metrics={"validation_accuracy": 1.0})
    found.groups[key] = replace(found.groups[key], runs=(*found.groups[key].runs, lucky))
    assert scores(list(found.groups.values()))[0][0] == "lr 0.1, 4 epochs", "it would win by that seed"
    assert winner(study, chosen, found, "paper", least=3)[0] == "lr 0.2, 4 epochs"
    assert {job.experiment for job in jobs(study, "paper", found)} == {"search", "chosen"}


def test_what_was_chosen_stays_in_the_report_while_more_seeds_of_the_search_are_run(make_study, tmp_path):
    study = searching(make_study)
    store = Store(tmp_path)
    search, chosen = study.experiments

    def keep(arm, seed):
        run = fake_run(replace(arm.job, seed=seed))
        store.add(replace(run, tags={"arm": arm.job.arm}, folder=store.folder(run.id)))

    for arm in arms(study, search, "paper", Results(study, "paper")):
        if arm.epoch is None:
            keep(arm, 0)
    results = collect(study, "paper", store)
    keep(arms(study, chosen, "paper", results)[1], 0)
    before = set(collect(study, "paper", store).groups)
    assert ("chosen", HONEST) in before
    keep(next(iter(arms(study, search, "paper", results))), 1)
    assert set(collect(study, "paper", store).groups) == before


def test_nothing_is_planned_for_a_winner_while_seeds_of_the_search_are_missing(make_study):
    study = searching(make_study)
    results = searched(study, fake_run, {"paper": (0,)})
    assert {job.experiment for job in jobs(study, "paper", results)} == {"search"}
    assert {job.experiment for job in jobs(study, "paper", results, seeds=1)} == {"search", "chosen"}
