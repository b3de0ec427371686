import json
import re

import numpy as np
import pytest
from scipy.stats import binomtest

from tenfold.runs import Store


@pytest.fixture
def runs(cli, training):
    """Return two runs that differ in the learning rate."""
    return [
        Store().get(json.loads(cli(*training, "--set", f"optimizer.lr={lr}", "--json", "--quiet").out)["run"])
        for lr in (0.1, 0.2)
    ]


def test_runs_are_listed_the_newest_first(cli, runs):
    found = json.loads(cli("runs", "list", "--json").out)
    lines = cli("runs", "list").out.splitlines()

    assert [row["id"] for row in found] == [runs[1].id, runs[0].id]
    assert found[0]["test_accuracy"] == runs[1].metrics["test_accuracy"]
    assert [line.split()[0] for line in lines[2:]] == [runs[1].id[:12], runs[0].id[:12]]


def test_runs_are_filtered_ordered_and_limited(cli, runs):
    assert json.loads(cli("runs", "list", "--network", "fast", "--json").out) == []
    oldest = json.loads(cli("runs", "list", "--order", "started", "--limit", "1", "--json").out)
    assert [row["id"] for row in oldest] == [runs[0].id]
    assert "first 1; see all with --limit 0" in cli("runs", "list", "--limit", "1").err


def test_an_empty_store_says_how_to_fill_it(cli):
    answer = cli("runs", "list")

    assert answer.code == 0
    assert answer.out == ""
    assert "tenfold train fast" in answer.err
    assert cli("runs", "list", "--json").out.strip() == "[]"


def test_a_run_is_shown_whole(cli, runs):
    found = json.loads(cli("runs", "show", runs[0].id[:8], "--json").out)
    text = cli("runs", "show", runs[0].id[:8]).out

    assert found["what"] == runs[0].what
    assert found["history"] == runs[0].history
    assert found["folder"] == str(runs[0].folder)
    assert f"run            {runs[0].id}" in text
    assert "optimizer name sgd, lr 0.1" in text
    assert len(text.split("train_accuracy")[-1].splitlines()) == 2 + 3


def test_a_comparison_shows_what_differs_and_what_was_measured(cli, runs):
    found = json.loads(cli("runs", "compare", *(run.id[:10] for run in runs), "--json").out)
    text = cli("runs", "compare", *(run.id[:10] for run in runs)).out

    assert found["differences"] == {"recipe.optimizer.lr": [0.1, 0.2]}
    assert found["metrics"]["test_accuracy"] == [run.metrics["test_accuracy"] for run in runs]
    assert "recipe.optimizer.lr" in text


def test_a_run_is_removed_with_its_model(cli, runs):
    answer = cli("runs", "remove", runs[0].id[:8], "--yes")

    assert answer.out.strip() == f"removed {runs[0].id[:12]}"
    assert [run.id for run in Store().list()] == [runs[1].id]
    assert not runs[0].folder.exists()


def test_nothing_is_removed_where_nobody_can_be_asked(cli, runs):
    answer = cli("runs", "remove", runs[0].id[:8])

    assert answer.code == 2
    assert "--yes" in answer.err
    assert len(Store().list()) == 2


def test_one_wrong_id_among_several_removes_nothing(cli, runs):
    answer = cli("runs", "remove", runs[0].id[:8], "f" * 64, "--yes")

    assert answer.code == 1
    assert len(Store().list()) == 2


@pytest.mark.parametrize("verb", ["show", "remove"])
def test_a_run_that_is_not_there(cli, verb):
    answer = cli("runs", verb, "abcdef")

    assert answer.code == 1
    assert "abcdef" in answer.err
    assert "tenfold runs list" in answer.err


def test_a_comparison_needs_two(cli):
    assert cli("runs", "compare", "abc").code == 2


def test_a_store_that_is_no_store_is_named(cli, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "runs.sqlite").write_text(
        "no database at all, but long enough to be read as one" * 40
    )
    answer = cli("runs", "list")

    assert answer.code == 1
    assert "runs.sqlite" in answer.err


def test_two_runs_tested_on_the_same_images_are_compared_by_mcnemar(cli, runs):
    a, b = (np.load(run.folder / "predictions.npz") for run in runs)
    only_a = int(((a["predicted"] == a["truth"]) & (b["predicted"] != b["truth"])).sum())
    only_b = int(((a["predicted"] != a["truth"]) & (b["predicted"] == b["truth"])).sum())
    ids = [run.id[:10] for run in runs]
    (found,) = json.loads(cli("runs", "compare", *ids, "--json").out)["mcnemar"]
    text = " ".join(cli("runs", "compare", *ids).out.split())

    assert (found["only_a_right"], found["only_b_right"], found["n"]) == (only_a, only_b, 50)
    assert found["p"] == pytest.approx(binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1)
    assert found["difference"] == pytest.approx(
        runs[0].metrics["test_accuracy"] - runs[1].metrics["test_accuracy"]
    )
    assert "McNemar's exact test" in text
    assert "95% interval" in text


def test_runs_tested_on_other_images_are_not_tested_against_each_other(cli, runs, training, data):
    images = np.random.default_rng(5).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    with np.load(data) as arrays:
        np.savez(data, **{**arrays, "x_test": images, "y_test": np.arange(20) % 10})
    other = json.loads(cli(*training, "--json").out)["run"]

    assert json.loads(cli("runs", "compare", runs[0].id, other, "--json").out)["mcnemar"] == []
    text = cli("runs", "compare", runs[0].id, other).out
    assert "McNemar" not in text
    assert not re.search("[0-9a-f]{13}", text)  # hashes are cut


def test_other_networks_are_told_by_name_and_metrics_come_first(cli, runs, training):
    training[1] = "lin-simple-cnn"
    other = json.loads(cli(*training, "--json").out)["run"]
    lines = cli("runs", "compare", runs[0].id, other).out.splitlines()

    names = [line.split()[0] for line in lines[2:] if line]
    assert names.index("test_accuracy") < names.index("network")
    (row,) = (line for line in lines[2:] if line.startswith("network"))
    assert row.split() == ["network", "lin-simple-nn", "lin-simple-cnn"]


def test_an_unfinished_training_is_noted_and_can_be_removed(cli, runs):
    id = "ab" * 32
    Store().folder(id).mkdir()
    (Store().folder(id) / "checkpoint.safetensors").write_bytes(b"half")
    answer = cli("runs", "list", "--json")

    assert f"1 unfinished, in {Store().root / 'runs'}: {id[:12]}" in answer.err
    assert len(json.loads(answer.out)) == 2
    assert cli("runs", "remove", "abab", "--yes").out.strip() == f"removed {id[:12]}"
    assert not Store().folder(id).exists()
    assert "unfinished" not in cli("runs", "list").err
    assert len(Store().list()) == 2
