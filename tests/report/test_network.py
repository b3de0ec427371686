from dataclasses import replace

import numpy as np
import pytest

from tenfold.data import Dataset
from tenfold.evaluation import evaluate
from tenfold.networks import get
from tenfold.report import Figure, Listing, Pictures, Table, Text
from tenfold.report.network import headline, network_chapter, per_class_table, seeds_table
from tenfold.report.tables import plain
from tenfold.runs import Run, identity

CLASSES = tuple("0123456789")


@pytest.fixture
def test_set():
    rng = np.random.default_rng(0)
    return Dataset(rng.integers(0, 256, (80, 28, 28), dtype=np.uint8), np.arange(80) % 10, CLASSES, "x/test")


def probabilities(labels, seed, wrong):
    chances = np.random.default_rng(seed).dirichlet(np.ones(10), len(labels))
    chances[np.arange(len(labels)), (labels + (np.arange(len(labels)) < wrong)) % 10] += 3
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def run(test_set, seed, wrong, seconds):
    found = evaluate(test_set.labels, probabilities(test_set.labels, seed, wrong), CLASSES).to_dict()
    what = {"seed": seed}
    return Run(
        id=identity(what),
        network="fast",
        engine="numpy",
        data="x/train",
        seed=seed,
        what=what,
        history={"epoch": [1, 2], "train_accuracy": [0.8, 0.9], "train_loss": [1.0, 0.5]},
        metrics={"test": found, "test_accuracy": found["accuracy"]},
        versions={},
        hardware={"cpu": "an abacus", "threads": 2},
        commit=None,
        started="2030-01-01T00:00:00+00:00",
        seconds=seconds,
    )


@pytest.fixture
def runs(test_set):
    return [run(test_set, 0, 4, 10.0), run(test_set, 1, 8, 20.0)]


def test_the_chapter_has_all_its_parts(test_set, runs):
    chances = probabilities(test_set.labels, 0, 4)
    sections = network_chapter(get("fast"), runs, test_set, chances, title="Ours", opening="Hello.")

    assert [section.level for section in sections] == [2, 3, 3, 3, 3, 3]
    assert sections[0].blocks[0] == Text("Hello.")
    blocks = [block for section in sections for block in section.blocks]
    assert (
        sum(isinstance(block, Figure) for block in blocks) == 6
    )  # drawing, 2 curves, confusion, PR, reliability
    assert any(isinstance(block, Listing) and "29,434" in block.text for block in blocks)
    (pictures,) = (block for block in blocks if isinstance(block, Pictures))
    assert len(pictures.images) == 4  # as many as the first seed's mistakes
    keys = [section.key for section in sections]
    assert len(set(keys)) == len(keys)


def test_the_headline_is_the_mean_over_seeds(runs):
    values = {label: value for label, value, _ in headline(runs).items}

    assert values["test accuracy"] == "92.50%"  # (76 + 72) of 160
    assert values["mistakes"] == "6.0"
    assert values["training"] == "15.0 s"


def test_the_headline_says_how_sure_the_mean_is(runs):
    helps = {label: help for label, _, help in headline(runs).items}

    assert helps["test accuracy"] == "± 31.77, mean of 2 seeds, 95% interval"  # 12.706 x 2.5 points
    assert headline(runs[:1]).items[0][2] == "Of one seed"


def test_the_seeds_have_a_row_each_and_one_for_their_mean(runs):
    table = seeds_table(runs)

    assert [row[0] for row in table.rows] == ["0", "1", "mean", "± 95%"]
    assert [row[2] for row in table.rows[:3]] == [4, 8, 6]
    assert table.rows[3][2] == pytest.approx(12.706 * 2, rel=1e-4)  # Student's t of one degree of freedom
    assert len(seeds_table(runs[:1]).rows) == 1
    # It must fit a page of 640 px, at about 7.2 px a letter.
    assert max(map(len, plain(table).splitlines()[1:])) * 7.2 + 5 * 9.6 < 640


def test_label_smoothing_is_named_only_where_there_was_some(test_set, runs):
    def caption(smoothing):
        changed = [replace(one, what={"recipe": {"label_smoothing": smoothing}}) for one in runs]
        chances = probabilities(test_set.labels, 0, 4)
        sections = network_chapter(get("fast"), changed, test_set, chances, title="Ours")
        return sections[-1].blocks[0].caption

    assert "smoothing" not in caption(0.0)
    assert "smoothing of 0.1" in caption(0.1)


def test_the_classes_are_means_over_seeds(runs):
    table = per_class_table(runs, "caption")

    expected = np.mean([one.metrics["test"]["per_class"][3]["recall"] for one in runs])
    row = table.rows[3]
    assert isinstance(table, Table)
    assert (row[0], row[4]) == ("3", 8)
    assert row[2] == pytest.approx(expected)
