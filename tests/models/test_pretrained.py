"""The weights that ship are those that their cards tell of, within the limits that their names promise."""

import numpy as np
import pytest

from tenfold.benchmarks.recipes import GOALS, folded_parameters
from tenfold.benchmarks.shipping import SHIPPED
from tenfold.models import open_model
from tenfold.models.model import PRETRAINED, pretrained_names
from tenfold.training import default_recipe


def test_what_ships_is_what_is_meant_to_ship():
    assert set(pretrained_names()) <= set(SHIPPED)
    for name in pretrained_names():
        assert f"`{name}`" in (PRETRAINED / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", pretrained_names())
def test_a_shipped_model_answers_as_its_card_says(name, mnist):
    model = open_model(name)
    recipe, seeds = SHIPPED[name]
    assert model.card["recipe"] == default_recipe(recipe).to_dict()
    assert model.card["seeds"] == list(seeds)
    assert "+changes" not in model.card["commit"]

    found = np.mean(model.predict(mnist.test.images) == mnist.test.labels)
    # Another processor may round another way: two pictures in ten thousand.
    assert found == pytest.approx(model.card["results"]["mnist/test"]["accuracy"], abs=2e-4)
    limit = GOALS[recipe].parameters
    assert limit is None or folded_parameters(model) <= limit
