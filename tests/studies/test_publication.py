"""Published results: a page whose pictures are there, and numbers that a program can read."""

import json
import re

from tenfold.studies.publication import publish, to_dict


def test_every_metric_is_given_by_seed(make_results):
    values = to_dict(make_results({"a": {"test_accuracy": [0.99, 0.98]}, "b": {"test_accuracy": [0.9, 0.9]}}))
    group = next(each for each in values["groups"] if each["label"] == "a" and each["reading"] == "honest")
    assert group["metrics"] == {"test_accuracy": [0.99, 0.98]}
    assert group["seeds"] == [0, 1]
    assert values["complete"]
    assert {verdict["key"] for verdict in values["verdicts"]} == {"ti-1"}


def test_the_page_and_the_numbers_are_written(make_results, tmp_path):
    results = make_results({"a": {"test_accuracy": [0.99, 0.98]}, "b": {"test_accuracy": [0.9, 0.9]}})
    page = publish([results], tmp_path / "tiny")
    assert json.loads((page.parent / "results.json").read_text()) == json.loads(
        json.dumps({"studies": [to_dict(results)]})
    )
    for target in re.findall(r"\]\((figures/[^)]+)\)", page.read_text()):
        assert (page.parent / target).is_file()
