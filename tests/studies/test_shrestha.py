"""Shrestha and Paudel: what is run is what the paper prints, twice; and one recipe gives one result."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.data.formats import write_csv
from tenfold.errors import DataError, FormatError, TrainingStopped
from tenfold.networks.layers import Dense, Dropout, ReLU, Sigmoid, Tanh
from tenfold.runs import Store
from tenfold.studies import HONEST, SEARCH, Candidates, Scale, Shuffled, get_study
from tenfold.studies.charts import Together
from tenfold.studies.grids import Grid, Row, Stopped
from tenfold.studies.jobs import Crew, collect, jobs, tasks
from tenfold.studies.runner import run_study, unfinished
from tenfold.studies.searches import Chosen
from tenfold.studies.share import Share, parts
from tenfold.studies.trainings import run_task

STUDY = get_study("shrestha")


def test_reported_values_are_those_of_tables_1_to_6():
    rows = STUDY.reported["experiments"]["rows"]
    assert rows[0] == [1, [784, 10, 10], "random", "relu", False, 0.8386, 0.8471]
    assert rows[6] == [7, [784, 20, 10], "kaiming", "relu", False, 0.9200, 0.9067]
    assert rows[12] == [13, [784, 5, 10, 10], "xavier", "tanh", False, 0.1246, 0.1159]
    assert rows[19] == [20, [784, 30, 10], "xavier", "relu", True, 0.9148, 0.9086]
    assert [row[5] for row in rows[13:19]] == [0.1118, 0.1526, 0.2152, 0.3643, 0.7402, 0.7070]
    assert (STUDY.reported["best_test_accuracy"], STUDY.reported["pytorch_test_accuracy"]) == (0.9169, 0.9514)
    reports = STUDY.reported["reports"]
    # Every split has 2,100 test images.
    assert [sum(row[3] for row in report.values()) for report in reports.values()] == [2100] * 4
    assert reports["best"]["5"] == [0.87, 0.93, 0.90, 198]
    assert reports["worst"]["6"] == [0.02, 0.33, 0.03, 189]
    assert reports["pytorch"]["9"] == [0.94, 0.91, 0.93, 210]
    assert [claim.key for claim in STUDY.claims] == [f"sh-{number}" for number in range(1, 7)]


@pytest.mark.parametrize("row", STUDY.reported["experiments"]["rows"], ids=lambda row: str(row[0]))
def test_each_experiment_is_run_as_published_and_corrected(row):
    number, widths, initializer, activation, dropout, *_ = row
    for variant, backward in (("as published", "shrestha"), ("corrected", "true")):
        setup = STUDY.experiment(f"Experiment {number}, {variant}").setup
        layers = [node.layer for node in setup.network.nodes]
        assert [784, *(layer.units for layer in layers if isinstance(layer, Dense))] == widths
        kind = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}[activation]
        assert sum(isinstance(layer, kind) for layer in layers) == len(widths) - 2
        assert sum(isinstance(layer, Dropout) for layer in layers) == (len(widths) - 2 if dropout else 0)
        recipe = setup.recipe
        assert (recipe.epochs, recipe.batch_size, recipe.precision) == (2500, "full", "float64")
        assert recipe.initializer.startswith({"random": "uniform(-0.5, 0.5)"}.get(initializer, initializer))
        assert (setup.on.engine, setup.on.backward, setup.monitor_every) == ("numpy", backward, 50)


def test_the_data_is_divided_as_in_the_paper(mnist):
    found = parts(Share("mnist", HONEST, None, None, 2100, STUDY.split))
    assert (len(found.train), len(found.monitors["validation"]), len(found.test)) == (37_800, 2_100, 2_100)
    every = np.concatenate([part.images for part in (found.train, found.monitors["validation"], found.test)])
    assert len(np.unique(every.reshape(len(every), -1), axis=0)) == 42_000, "no image twice"


def small(**changes):
    """The study on 300 images, with three experiments in both variants."""
    scale = {"paper": Scale(seeds=2, epochs=0.004)}
    names = {
        "Learning rate",
        *(f"Experiment {n}, {v}" for n in (4, 7, 18) for v in ("as published", "corrected")),
    }
    return replace(
        STUDY,
        experiments=tuple(replace(each, scales=scale) for each in STUDY.experiments if each.name in names),
        split=Shuffled(drawn=300, test=50, validation=50),
        claims=(),
        exhibits=(),
        **changes,
    )


def test_a_sweep_chooses_the_rate_and_the_rest_is_trained_together(tmp_path):
    study, store = small(), Store(tmp_path)
    results = run_study(study, scale="paper", store=store, engine="numpy", workers=1)
    assert results.complete
    rates = {group.label: group.setup.recipe.optimizer.lr for group in results.of("Learning rate")}
    swept = {group.label: group.values("validation_accuracy").mean() for group in results.of("Learning rate")}
    chosen = rates[max(swept, key=swept.get)]
    for name in ("Experiment 4, corrected", "Experiment 18, as published"):
        assert results.get(name).setup.recipe.optimizer.lr == chosen
    published = results.get("Experiment 4, as published").runs[0]
    assert published.what["engine"] == {"name": "numpy", "backward": "shrestha", "together": True}
    assert published.history["epoch"] == [10]
    assert {group.reading for group in results.of("Learning rate")} == {SEARCH}
    # What was trained together is not trained again, and leaves no checkpoint behind.
    assert unfinished(jobs(study, "paper", results), store, "numpy") == []
    kept = {run.id for run in results.runs}
    assert {folder.name for folder in (tmp_path / "runs").iterdir()} <= kept


def test_networks_of_one_seed_make_one_crew(tmp_path):
    study = small()
    needed = jobs(study, "paper", collect(study, "paper", Store(tmp_path)))
    crews = tasks(needed)
    assert all(isinstance(crew, Crew) for crew in crews)
    assert [crew.count for crew in crews] == [5, 5], "the sweep, for two seeds"
    assert isinstance(STUDY.experiment("Learning rate").setup, Candidates)


def test_one_mini_batch_recipe_gives_one_result_in_both_engines(tmp_path):
    names = ("Mini-batch, NumPy", "Mini-batch, PyTorch")
    study = replace(
        STUDY,
        experiments=tuple(
            replace(
                STUDY.experiment(name), scales={"paper": Scale(seeds=1, epochs=0.1)}, chosen_from="", takes=()
            )
            for name in names
        ),
        split=Shuffled(drawn=1000, test=100, validation=100),
        claims=(),
        exhibits=(),
    )
    results = run_study(study, scale="paper", store=Store(tmp_path), workers=1)
    ours, theirs = (results.get(name).runs[0] for name in names)
    assert (ours.engine, theirs.engine) == ("numpy", "torch")
    assert ours.metrics["validation_loss"] == pytest.approx(theirs.metrics["validation_loss"], rel=1e-4)
    assert theirs.history["by_step"][0]["step"] == [25, 50]


def test_kaggles_file_is_read_and_told_by_its_content(mnist, tmp_path):
    path, copy = tmp_path / "train.csv", tmp_path / "copy.csv"
    for target in (path, copy):
        write_csv(target, mnist.train.images[:300], mnist.train.labels[:300])
    share = Share(str(path), HONEST, None, None, 50, Shuffled(300, 50, 50))
    found = parts(share)
    assert (len(found.train), len(found.test)) == (200, 50)
    assert share.to_dict() == replace(share, data=str(copy)).to_dict()
    with pytest.raises(DataError, match=r"holds 300 images; the study divides 42,000"):
        parts(replace(share, split=STUDY.split))
    with pytest.raises(DataError, match="cannot be read"):
        replace(share, data=str(tmp_path / "none.csv")).to_dict()


def test_a_missing_column_is_told_with_the_file_and_the_row(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(
        "label," + ",".join(f"pixel{n}" for n in range(783)) + "\n" + ",".join(["1"] * 784) + "\n"
    )
    with pytest.raises(FormatError, match=r"train\.csv, row 1: 784 columns .* expected .*785 columns"):
        parts(Share(str(path), HONEST, None, None, 50, Shuffled(1, 1, 1)))


def test_what_ran_away_is_told_beside_the_tables_and_charts(make_results):
    metrics = {
        "test_accuracy": [0.1] * 3,
        "running_train_accuracy": [0.1] * 3,
        "validation_accuracy": [0.1] * 3,
    }
    curves = {name: [[0.1]] * 3 for name in ("train_accuracy", "validation_accuracy")}
    curves |= {name: [[2.3]] * 3 for name in ("train_loss", "validation_loss")}
    results = make_results(
        {"wild": metrics | {"diverged": [116, 0, 1131]}, "calm": metrics | {"diverged": [0, 0, 0]}},
        dict.fromkeys(("wild", "calm"), curves),
    )
    (table,) = Grid("Both", ("Name",), (Stopped(),), (Row(("w",), "wild"), Row(("c",), "calm"))).blocks(
        results
    )
    assert [row[1] for row in table.rows] == ["116 to 1,131, 2 of 3 seeds", None]

    *_, note = Together("Both", {"worst": "wild", "best": "calm"}).blocks(results)
    assert "worst at step 116 to 1,131, 2 of 3 seeds" in note.text
    assert "best" not in note.text
    assert len(Together("One", {"best": "calm"}).blocks(results)) == 2, "charts alone"


def test_a_chart_shows_nothing_of_what_comes_after_a_network_ran_away(make_results):
    loss = [[2.3, 2.0, 1e18, 1e18], [2.3, 2.1, 2.0, 1e18]]
    curves = {f"{part}_{what}": loss for part in ("train", "validation") for what in ("loss", "accuracy")}
    results = make_results({"wild": {"test_accuracy": [0.1, 0.1], "diverged": [3, 4]}}, {"wild": curves})
    _, chart, _ = Together("Both", {"worst": "wild"}).blocks(results)
    assert [row[0] for row in chart.data.rows] == [1, 2], "where both still go"
    assert "outside" not in chart.caption


def test_a_search_at_another_scale_than_the_runs_is_told_and_no_warning(tmp_path):
    scales = {"quick": Scale(seeds=1, epochs=0.002), "paper": Scale(seeds=1, epochs=0.004)}
    study = replace(
        STUDY,
        experiments=tuple(
            replace(STUDY.experiment(name), scales=scales)
            for name in ("Learning rate", "Experiment 7, as published")
        ),
        split=Shuffled(drawn=300, test=50, validation=50),
        claims=(),
        exhibits=(),
    )
    store = Store(tmp_path)
    run_study(study, scale="quick", store=store, engine="numpy", workers=1)
    run_study(study, scale="paper", store=store, engine="numpy", workers=1, only=("Learning rate",))

    (note,) = Chosen("The rate", "Experiment 7, as published").blocks(collect(study, "paper", store))
    assert note.kind != "warning"
    assert "at quick scale" in note.text
    run_study(study, scale="paper", store=store, engine="numpy", workers=1)
    (note,) = Chosen("The rate", "Experiment 7, as published").blocks(collect(study, "paper", store))
    assert "quick" not in note.text


def test_a_crew_that_was_interrupted_ends_as_if_undisturbed(tmp_path):
    study = small()
    experiments = tuple(each for each in study.experiments if each.name == "Learning rate")
    study = replace(study, experiments=experiments)
    (crew, _) = tasks(jobs(study, "paper", collect(study, "paper", Store(tmp_path))))

    def blow(part):
        if part > 0.45:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped):
        run_task(crew, blow, root=tmp_path / "disturbed")
    assert Store(tmp_path / "disturbed").list() == ()
    for name in ("disturbed", "undisturbed"):
        run_task(crew, lambda part: None, root=tmp_path / name)
    first, second = (
        {run.id: (run.metrics, run.history["train_loss"]) for run in Store(tmp_path / name).list()}
        for name in ("disturbed", "undisturbed")
    )
    assert len(first) == 5
    assert first == second
