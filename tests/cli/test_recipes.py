import json

import pytest

from tenfold.benchmarks import recipes, shipping
from tenfold.benchmarks.recipes import Goal
from tenfold.models.fit import Fit
from tenfold.models.model import Model
from tenfold.networks import Dense, network
from tenfold.training import Recipe


@pytest.fixture(autouse=True)
def small(monkeypatch, mnist, tmp_path):
    """One recipe of one epoch on 60 images, instead of ours; what ships goes to a folder of its own."""
    train, test = mnist.train.take(range(60)), mnist.test.take(range(30))

    def plan(name, seed):
        return Fit(network(784)(Dense(10), name=name), Recipe(epochs=1), train, test=test, seed=seed)

    for module in (recipes, shipping):
        monkeypatch.setattr(module, "plan", plan)
    monkeypatch.setattr(recipes, "GOALS", {"one": Goal(0.1)})
    monkeypatch.setattr(shipping, "SHIPPED", {"one": ("one", (0,))})
    monkeypatch.setattr(shipping.ship, "__kwdefaults__", {"folder": tmp_path / "pretrained"})


def test_recipes_are_measured_into_two_files_and_their_weights_shipped(cli, tmp_path):
    answer = cli("recipes", "measure", "--seeds", "2", "--json")
    assert answer.code == 0
    assert [(each["name"], each["seed"]) for each in json.loads(answer.out)] == [("one", 0), ("one", 1)]
    assert "| `one` |" in (tmp_path / "results" / "recipes.md").read_text("utf-8")

    again = cli("recipes", "measure", "one", "--seeds", "2")
    assert (again.code, again.err) == (0, "")
    assert again.out.strip() == "results/recipes.md"

    shipped = cli("recipes", "ship")
    assert shipped.out.strip() == str(tmp_path / "pretrained" / "one")
    assert Model.load(tmp_path / "pretrained" / "one").card["seeds"] == [0]


def test_what_cannot_be_done_is_told_in_a_line(cli):
    answer = cli("recipes", "measure", "two")
    assert answer.code == 1
    assert "no recipe of ours named 'two'" in answer.err
    answer = cli("recipes", "ship", "one")
    assert answer.code == 1
    assert "Train it first: tenfold recipes measure one" in answer.err
