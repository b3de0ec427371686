"""Measuring recipes: what is kept, what goes on, what is told. The networks here are small stand-ins."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenfold.benchmarks import recipes, shipping
from tenfold.benchmarks.recipes import GOALS, Goal, folded_parameters, measure, publish, read
from tenfold.errors import StoreError, TenfoldError, UnknownNameError
from tenfold.models.fit import Fit
from tenfold.models.model import Model
from tenfold.networks import BatchNorm, Conv, Dense, DepthwiseConv, Flatten, MaxPool, ReLU, network, zoo
from tenfold.runs import Store
from tenfold.training import INITIALIZERS, Recipe, get_engine, initial_weights

ENGINE = get_engine("numpy")
NETWORK = network(28, 28)(Conv(2, 5, stride=4, bias=False), BatchNorm(), ReLU(), Flatten(), Dense(10))


@pytest.fixture
def small(monkeypatch, mnist):
    """Two recipes of one epoch on 100 images, instead of ours."""
    train, test = mnist.train.take(range(100)), mnist.test.take(range(50))
    epochs = {"one": 1, "two": 2}

    def plan(name, seed):
        recipe = Recipe(epochs=epochs[name], batch_size=20)
        return Fit(NETWORK.named(name), recipe, train, test=test, seed=seed)

    for module in (recipes, shipping):
        monkeypatch.setattr(module, "plan", plan)
    monkeypatch.setattr(recipes, "GOALS", {"one": Goal(0.0, seconds=100), "two": Goal(1.0, parameters=5)})
    monkeypatch.setattr(shipping, "SHIPPED", {"one": ("one", (0,)), "both": ("one", (0, 1))})
    return epochs


def run(tmp_path, names=("one", "two"), seeds=range(2), store="store", **more):
    return measure(
        names, seeds, engine=ENGINE, store=Store(tmp_path / store), folder=tmp_path / "results", **more
    )


def test_every_seed_is_measured_kept_and_told(small, tmp_path):
    found = run(tmp_path)
    assert [(each.name, each.seed) for each in read(tmp_path / "results")] == [
        ("one", 0),
        ("one", 1),
        ("two", 0),
        ("two", 1),
    ]
    page = (tmp_path / "results" / "recipes.md").read_text("utf-8")
    mean = np.mean([each.accuracy for each in found if each.name == "one"])
    assert f"| `one` | {mean:.3%} ± " in page
    assert "| 2 of 10 | ≥ 0.0%, ≤ 100 s | " in page
    assert "| 2 of 10 | ≥ 100.0%, ≤ 5 parameters | no, so far |" in page


def test_seconds_of_a_machine_that_others_shared_decide_nothing(small, tmp_path):
    (found,) = run(tmp_path, ["one"], seeds=[0])
    slow = replace(found, seconds=200.0, processor=350.0, hardware=found.hardware | {"threads": 2})
    for made, verdict in (
        (slow, "no, too slow, so far; 0 of 1 within the time"),
        (replace(slow, seconds=90.0, processor=150.0), "yes, so far; 1 of 1 within the time"),
        (
            replace(slow, seconds=90.0, hardware=slow.hardware | {"threads": 1}),
            "accuracy yes, so far; the time",
        ),
        (replace(slow, processor=20.0), "accuracy yes, so far; the time is open"),
        (replace(slow, processor=20.0, accuracy=-1.0), "no, so far"),
    ):
        page = publish([made], tmp_path / "page").read_text("utf-8")
        assert f"| {verdict}" in page


def test_the_mean_time_decides_and_its_spread_is_told(small, tmp_path):
    (found,) = run(tmp_path, ["one"], seeds=[0])
    idle = replace(found, processor=1000.0, hardware=found.hardware | {"threads": 2})
    shared = replace(idle, seed=3, seconds=900.0)
    group = [replace(idle, seed=seed, seconds=seconds) for seed, seconds in enumerate((80.0, 90.0, 104.0))]
    page = publish([*group, shared], tmp_path / "page").read_text("utf-8")
    assert "| yes, so far; 2 of 3 within the time |" in page
    assert "| 3 | 91.3 ± 12.1, 104.0 |" in page  # of the three that had their cores to themselves
    late = [*group[:2], replace(group[2], seconds=190.0)]
    assert "| no, too slow, so far; 2 of 3" in publish(late, tmp_path / "page").read_text("utf-8")


def test_times_of_two_machines_or_numbers_of_threads_are_told_apart(small, tmp_path):
    (found,) = run(tmp_path, ["one"], seeds=[0])
    measured = [("Fast", 1, 40.0), ("Fast", 1, 44.0), ("Fast", 2, 90.0), ("Slow", 1, 300.0)]
    made = [
        replace(
            found,
            seed=seed,
            seconds=50.0,
            processor=processor,
            hardware=found.hardware | {"cpu": cpu, "threads": threads},
        )
        for seed, (cpu, threads, processor) in enumerate(measured)
    ]
    page = publish(made, tmp_path / "page").read_text("utf-8")
    assert "| `one` | Fast | 1 | 2 | 42.0 ± 2.8 | 0 | – |" in page
    assert "| `one` | Fast | 2 | 1 | 90.0 | 1 | 50.0, 50.0 |" in page
    assert "| `one` | Slow | 1 | 1 | 300.0 | 0 | – |" in page


def test_five_seeds_are_enough_where_each_is_long(small, tmp_path):
    (found,) = run(tmp_path, ["two"], seeds=[0])
    short = [replace(found, seed=seed, accuracy=1.0, parameters=5) for seed in range(5)]
    long = [replace(each, processor=700.0) for each in short]
    assert "| 5 of 10 | ≥ 100.0%, ≤ 5 parameters | yes, so far |" in publish(short, tmp_path).read_text(
        "utf-8"
    )
    assert "| 5 | ≥ 100.0%, ≤ 5 parameters | yes |" in publish(long, tmp_path).read_text("utf-8")
    assert "| 4 of 5 | ≥ 100.0%, ≤ 5 parameters | yes, so far |" in publish(long[1:], tmp_path).read_text(
        "utf-8"
    )
    mixed = [*long[1:], short[0]]
    assert "| 5 of 10 |" in publish(mixed, tmp_path).read_text("utf-8")


def test_what_needs_a_gpu_is_told_to_be_open(small, tmp_path):
    page = publish(run(tmp_path, seeds=[0]), tmp_path / "page").read_text("utf-8")
    assert "Not measured, for want of a GPU: `sprint` there" in page
    assert "`record`" in page


def test_who_learns_from_a_teacher_is_told(small, monkeypatch, tmp_path):
    found = run(tmp_path, seeds=[0])
    taught = Recipe().change({"distillation.teacher": "somebody"})
    monkeypatch.setattr(recipes, "default_recipe", lambda name: taught if name == "two" else Recipe())
    page = publish(found, tmp_path / "page").read_text("utf-8")
    assert "- `two` learns from `somebody` as it ships, besides labels" in page
    assert "`one` learns" not in page


def test_what_is_measured_is_not_trained_again_even_without_the_store(small, tmp_path):
    run(tmp_path, seeds=[0])
    told = []
    run(tmp_path, store="another", on_progress=lambda name, seed, progress: told.append((name, seed)))
    assert set(told) == {("one", 1), ("two", 1)}


def test_figures_of_a_former_recipe_do_not_speak_for_the_present_one(small, tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "ON_CPU", [ENGINE.settings()])
    run(tmp_path)
    small["one"] = 2
    run(tmp_path, names=["one"], seeds=[1])
    kept = read(tmp_path / "results")

    found = recipes.current([*kept, replace(kept[0], name="none of ours any more")])

    assert [(each.name, each.seed) for each in found] == [("one", 1), ("two", 0), ("two", 1)]


def test_what_is_published_is_of_the_recipes_as_they_are():
    kept = read(Path(__file__).parents[2] / "results")
    assert len(kept) > 20
    assert recipes.current(kept) == kept


def test_a_changed_recipe_is_measured_anew_in_place_of_the_old(small, tmp_path):
    before = run(tmp_path, seeds=[0])
    small["two"] = 3
    after = run(tmp_path, seeds=[0])
    assert {each.run for each in before} & {each.run for each in after} == {
        each.run for each in before if each.name == "one"
    }
    assert [each.name for each in after] == ["one", "two"]


def test_one_recipe_alone_leaves_the_others_figures(small, tmp_path):
    run(tmp_path, seeds=[0])
    run(tmp_path, ["two"], seeds=[1])
    assert len(read(tmp_path / "results")) == 3


def test_a_damaged_file_is_told_and_left_alone(small, tmp_path):
    (tmp_path / "results").mkdir()
    path = tmp_path / "results" / "recipes.json"
    path.write_text('{"measurements": [{"name": "one"}]}')
    with pytest.raises(TenfoldError, match="holds no figures of recipes"):
        run(tmp_path)
    assert json.loads(path.read_text())["measurements"] == [{"name": "one"}]


def test_publishing_the_same_figures_gives_the_same_bytes(small, tmp_path):
    found = run(tmp_path, seeds=[0])
    first = [(tmp_path / "results" / name).read_bytes() for name in ("recipes.json", "recipes.md")]
    publish([replace(each) for each in reversed(found)], tmp_path / "again")
    assert [(tmp_path / "again" / name).read_bytes() for name in ("recipes.json", "recipes.md")] == first


def test_a_model_that_ships_is_the_run_that_was_measured(small, tmp_path):
    run(tmp_path, seeds=[0])
    store = Store(tmp_path / "store")
    model = Model.load(shipping.ship("one", engine=ENGINE, store=store, folder=tmp_path / "shipped"))
    assert model.architecture.name == "one"
    (kept,) = (each for each in store.list() if each.tags["recipe"] == "one")
    assert model.card["results"] == Model.load(kept.folder / "model").card["results"]
    with pytest.raises(StoreError, match=r"one under seed 1 is not kept .* measure one --seeds 2"):
        shipping.ship("both", engine=ENGINE, store=store, folder=tmp_path / "shipped")


def test_an_ensemble_ships_as_one_network_with_its_own_figures(small, tmp_path, mnist):
    run(tmp_path, ["one"])
    store = Store(tmp_path / "store")
    model = Model.load(shipping.ship("both", engine=ENGINE, store=store, folder=tmp_path / "shipped"))
    members = [Model.load(each.folder / "model") for each in store.list()]
    images = mnist.test.images[:20]
    expected = np.mean([member.logits(images) for member in members], axis=0)
    np.testing.assert_allclose(model.logits(images), expected, rtol=1e-4, atol=1e-5)
    assert sorted(model.card["seeds"]) == [0, 1]
    assert model.card["results"]["mnist/test"]["n"] == 10_000


def test_parameters_are_counted_as_they_are_stored_once_norms_are_folded():
    layers = (
        *(Conv(4, 3, bias=False), MaxPool(2), BatchNorm(), ReLU()),  # 36 weights, 4 biases
        *(DepthwiseConv(3, bias=False), Conv(6, 1, bias=False), BatchNorm(), ReLU()),  # 36, 24 and 6
        *(Flatten(), Dense(10)),
    )
    architecture = network(28, 28)(*layers)
    weights = initial_weights(architecture, INITIALIZERS["torch"], 0)
    rng = np.random.default_rng(0)
    for key in weights:  # so that no folded bias is zero by chance
        if "norm" in key:
            weights[key] = rng.uniform(0.5, 1, weights[key].shape).astype(np.float32)
    flat = architecture.nodes[-1].input_shape[0]
    assert folded_parameters(Model(architecture, weights)) == 36 + 4 + 36 + 24 + 6 + flat * 10 + 10


def test_the_goals_are_those_of_networks_that_there_are():
    for name, goal in GOALS.items():
        network_, recipe = zoo.get(name), recipes.default_recipe(name)
        assert recipe.precision == "mixed"
        assert network_.input_shape == (1, 28, 28)
        assert 0.99 <= goal.accuracy < 1


@pytest.mark.parametrize("name", [name for name, goal in GOALS.items() if goal.parameters])
def test_tiny_networks_are_as_small_as_their_names_say(name):
    architecture = zoo.get(name)
    rng = np.random.default_rng(0)
    shapes = architecture.parameter_shapes | architecture.statistic_shapes
    weights = {key: rng.uniform(0.5, 1, shape).astype(np.float32) for key, shape in shapes.items()}
    assert folded_parameters(Model(architecture, weights)) <= GOALS[name].parameters


def test_what_is_none_of_ours_is_told():
    with pytest.raises(UnknownNameError, match="no recipe of ours named 'lin-simple-nn'"):
        recipes.plan("lin-simple-nn", 0)
