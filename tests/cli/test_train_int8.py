import json
import re

from tenfold.cli.train_int8 import split
from tenfold.models import Model
from tenfold.runs import Store


def test_a_network_is_trained_then_trained_on_in_integers_and_the_cost_is_told(cli, training, tmp_path):
    given = [*training, "--int8", "--set", "int8.epochs=1", "--set", "int8.batch_size=50"]

    answer = cli(*given, "--out", tmp_path / "tiny")

    assert answer.code == 0, answer.err
    told = re.search(
        r"int8 +(.*)% in float32, (.*)% rounded after that training, (.*)% after this one; 50 images",
        answer.out,
    )
    assert told is not None
    first, second = sorted(Store().list(), key=lambda run: run.started)
    assert float(told[1]) == 100 * first.metrics["test_accuracy"]
    assert float(told[3]) == 100 * second.metrics["test_accuracy"]
    assert second.what["engine"]["arithmetic"] == "int8"
    assert second.what["recipe"]["epochs"] == 1
    assert Model.load(tmp_path / "tiny").card["engine"]["arithmetic"] == "int8"

    again = json.loads(cli(*given, "--json").out)
    assert again["repeated"]
    assert again["int8"]["n"] == 50
    assert again["int8"]["aware"] == second.metrics["test_accuracy"]


def test_settings_of_the_two_trainings_are_told_apart():
    assert split({"epochs": 3, "int8.epochs": 1}) == ({"epochs": 3}, {"epochs": 1})


def test_without_int8_its_settings_are_unknown(cli, training):
    answer = cli(*training, "--set", "int8.epochs=1")

    assert answer.code == 1
    assert "int8.epochs" in answer.err
