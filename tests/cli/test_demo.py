import html.parser
import re
from dataclasses import replace

import pytest

from tenfold.cli import demo as demo_module
from tenfold.data import Dataset, Digits
from tenfold.runs import Store
from tenfold.studies import get_study
from tenfold.training import default_recipe


@pytest.fixture
def small(monkeypatch, data):
    """Make the demo small: bars instead of MNIST, a dense network, one experiment of one study."""
    import numpy as np

    with np.load(data) as arrays:
        digits = Digits(
            "bars",
            Dataset(arrays["x_train"], arrays["y_train"].astype(np.int64), name="bars/train"),
            Dataset(arrays["x_test"], arrays["y_test"].astype(np.int64), name="bars/test"),
        )
    study = get_study("lin")
    # The others stay, so that claims and exhibits find their names, but have no scale to be run at.
    first, *rest = study.experiments
    left = tuple(replace(each, scales={}) for each in rest)
    study = replace(study, experiments=(first, *left), validation=6000)
    monkeypatch.setattr("tenfold.data.catalog.load", lambda name: digits)
    monkeypatch.setattr("tenfold.studies.get_study", lambda key: study)
    monkeypatch.setattr(demo_module, "STUDIES", ("lin",))
    monkeypatch.setattr(demo_module, "NETWORK", "lin-simple-nn")
    recipe = default_recipe("lin-simple-nn").change({"epochs": 2, "batch_size": 20})
    monkeypatch.setattr("tenfold.training.recipe.default_recipe", lambda name: recipe)


DEMO = ("demo", "--scale", "smoke", "--seeds", "2", "--engine", "numpy", "--workers", "1")


def test_the_demo_trains_studies_writes_one_report_and_repeats_nothing(cli, small, tmp_path):
    answer = cli(*DEMO)

    assert answer.code == 0, answer.err
    report = tmp_path / "tenfold-report" / "index.html"
    assert f"report         {report}" in answer.out
    assert "mean of 2 seeds" in answer.out
    for part in ("training lin-simple-nn, seed 1 of 2", "seed 2 of 2", "study lin: ", "writing the report"):
        assert part in answer.err
    assert "ETA" in answer.err
    assert "\x1b" not in answer.out + answer.err
    assert len(Store().list(network="lin-simple-nn", data="bars/train")) == 2

    page = report.read_text()
    html.parser.HTMLParser().feed(page)
    for words in (
        "At a glance",
        "Our network: lin-simple-nn",
        "Every seed",
        "Learning curves",
        "li-1",
        "Reading a page",
    ):
        assert words in page
    assert not re.search(r'(?:src|href)="(?!#|data:)[^"]*//', page)

    before = {run.id: run.started for run in Store().list()}
    again = cli(*DEMO, "--quiet")

    assert again.code == 0
    assert again.err == ""
    assert {run.id: run.started for run in Store().list()} == before


def test_a_report_that_cannot_be_written_is_told(cli, small, tmp_path):
    (tmp_path / "file").write_text("")
    answer = cli(*DEMO, "--out", "file")

    assert answer.code == 1
    assert "could not be written" in answer.err
    assert len(Store().list()) > 0


def test_what_the_demo_leaves_out_is_there_to_be_left_out():
    own = [name for key in demo_module.STUDIES for name in get_study(key).own]
    assert set(demo_module.LEFT_OUT) < set(own)
