"""Published results: a page whose pictures are there, and numbers that a program can read."""

import json
import re
from dataclasses import replace

import pytest

from tenfold.evaluation import mean_interval
from tenfold.studies import STUDIES, get_study, hao
from tenfold.studies.chapter import comparison_document, document
from tenfold.studies.publication import comparison_to_dict, publish, report_to_dict, to_dict
from tenfold.studies.questions import QUESTIONS
from tenfold.studies.results import Results


def test_every_metric_is_given_by_seed(make_results):
    values = to_dict(make_results({"a": {"test_accuracy": [0.99, 0.98]}, "b": {"test_accuracy": [0.9, 0.9]}}))
    group = next(each for each in values["groups"] if each["label"] == "a" and each["reading"] == "honest")
    assert group["metrics"] == {"test_accuracy": [0.99, 0.98]}
    assert group["seeds"] == [0, 1]
    assert values["complete"]
    assert {verdict["key"] for verdict in values["verdicts"]} == {"ti-1"}


def test_the_page_and_the_numbers_are_written(make_results, tmp_path):
    results = make_results({"a": {"test_accuracy": [0.99, 0.98]}, "b": {"test_accuracy": [0.9, 0.9]}})
    page = publish(document([results]), report_to_dict([results]), tmp_path / "tiny")
    assert json.loads((page.parent / "results.json").read_text()) == json.loads(
        json.dumps({"studies": [to_dict(results)]})
    )
    for target in re.findall(r"\]\((figures/[^)]+)\)", page.read_text()):
        assert (page.parent / target).is_file()


@pytest.fixture
def all_five(make_results):
    """Return results of the five studies: only hao has runs, two experiments of three seeds."""
    made = make_results({"a": {"test_accuracy": [0.99, 0.992, 0.991]}, "b": {"test_accuracy": [0.98] * 3}})
    every = [Results(get_study(key), "paper") for key in STUDIES]
    (of_hao,) = (results for results in every if results.study.key == "hao")
    for name, source in ((hao.MLP, "a"), (hao.mlp(1, 128), "b")):
        experiment = of_hao.study.experiment(name)
        group = replace(made.get(source), experiment=experiment, setup=experiment.setup, label=name)
        of_hao.groups[name, "honest"] = group
    return every


def test_the_comparison_is_given_in_numbers(all_five, tmp_path):
    page = publish(comparison_document(all_five), comparison_to_dict(all_five), tmp_path)
    values = json.loads((page.parent / "results.json").read_text())
    assert "studies" not in values, "the page shows no chapters"
    assert len(values["comparison"]) == sum(len(question.contrasts) for question in QUESTIONS)
    assert {verdict["study"] for verdict in values["verdicts"]} == set(STUDIES)
    assert values["protocol"]["Seeds"] == "0, 1, 2"

    (measured,) = (each for each in values["comparison"] if each["effect"] is not None)
    gaps = [1.0, 1.2, 1.1]
    assert measured == {
        "question": "How deep?",
        "study": "hao",
        "contrast": "MLP 2x128 − MLP 1x128",
        "accuracy_on": "test, honest",
        "claimed": "first better",
        "effect": pytest.approx(1.1),
        "interval": pytest.approx(list(mean_interval(gaps)), abs=1e-6),
        "unit": "points of accuracy",
        "n": 3,
        "by_pair": gaps,
        "scale": "paper",
        "full": True,
        "counts_as": "confirms",
        "outcome": "confirms",
        "so_far": None,
    }
    (absent,) = (each for each in values["comparison"] if each["contrast"] == "MLP 3x128 − MLP 2x128")
    assert (absent["outcome"], absent["n"], absent["interval"]) == ("not run", 0, None)
    assert report_to_dict(all_five)["comparison"] == comparison_to_dict(all_five)["comparison"]
