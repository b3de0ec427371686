"""``tenfold tune`` ranks what it is asked to try, on held-out training images, and writes the best down."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats

from tenfold.cli.tune import parse_choices, parse_rung
from tenfold.data import folds, hold_out, load_dataset
from tenfold.errors import TrainingStopped
from tenfold.networks import Architecture, get
from tenfold.runs import Store
from tenfold.training import get_engine, load_recipe, train
from tenfold.training.recipe import default_recipe

RATES = (0.001, 0.03, 0.3)


@pytest.fixture
def data(tmp_path):
    """Return an npz file of 90 images of noisy bars, some of them mislabelled, and 20 for testing."""
    rng = np.random.default_rng(0)
    labels = np.arange(110) % 10
    images = rng.integers(0, 120, (110, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 + 2 * label : 5 + 2 * label, 4:24] = 250
    labels[::10] = rng.integers(0, 10, 11)
    path = tmp_path / "bars.npz"
    np.savez(path, x_train=images[:90], y_train=labels[:90], x_test=images[90:], y_test=labels[90:])
    return path


@pytest.fixture
def tuning(data):
    """Return the arguments of a search that takes a moment."""
    rates = ",".join(map(str, RATES))
    arguments = ["tune", "lin-simple-nn", "--engine", "numpy", "--workers", "1", "--data", str(data)]
    return [*arguments, "--set", "batch_size=20", "--try", f"optimizer.lr={rates}", "--try", "epochs=2,4"]


def alone(data, lr, epochs, fold, seed=0):
    """Return what one candidate gets right of what one fold holds out, trained by itself."""
    recipe = default_recipe("lin-simple-nn").change({"batch_size": 20, "optimizer.lr": lr, "epochs": epochs})
    rest, held = fold
    network, engine = get("lin-simple-nn"), get_engine("numpy")
    weights = train(network, recipe, rest, engine=engine, seed=seed).weights
    return np.mean(engine.logits(network, weights, held.images).argmax(axis=1) == held.labels)


def test_each_accuracy_is_that_of_the_candidate_trained_by_hand_and_the_best_comes_first(cli, tuning, data):
    answer = cli(*tuning, "--seeds", "2", "--json")

    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    parts = folds(load_dataset(data, "train"), 3, seed=0)
    rows = found["candidates"]
    assert len(rows) == 6
    for row in rows:
        lr, epochs = row["settings"]["optimizer.lr"], row["settings"]["epochs"]
        by_hand = [alone(data, lr, epochs, fold, seed) for fold in parts for seed in (0, 1)]
        assert row["accuracies"] == pytest.approx(by_hand)
        assert row["accuracy"] == pytest.approx(np.mean(by_hand))
        assert row["sd"] == pytest.approx(np.std(by_hand, ddof=1))
        assert (row["n"], row["epochs"]) == (6, epochs)
    assert [row["accuracy"] for row in rows] == sorted((row["accuracy"] for row in rows), reverse=True)
    assert found["best"]["settings"] == rows[0]["settings"]
    # Two and four epochs are one training: three rates, three folds, two seeds, four epochs.
    assert found["planned"] == {"trainings": 18, "epochs": 72}
    assert found["epochs_trained"] == 72


def test_the_noise_is_that_of_the_paired_differences_over_folds(cli, tuning):
    rows = json.loads(cli(*tuning, "--json").out)["candidates"]

    best = np.array(rows[0]["accuracies"])
    assert rows[0]["difference"] is None
    for row in rows[1:]:
        change = np.array(row["accuracies"]) - best
        # Each of the three folds holds out half as many images as it trains on.
        half = scipy.stats.t.ppf(0.975, 2) * change.std(ddof=1) * np.sqrt(1 / 3 + 1 / 2)
        low, high = row["difference"]["interval"]
        assert (low, high) == pytest.approx((change.mean() - half, change.mean() + half))
        assert row["within_noise"] == (high >= 0)
    assert {row["within_noise"] for row in rows[1:]} == {True, False}


def test_what_it_takes_is_told_before_and_what_the_result_is_worth_after(cli, tuning):
    answer = cli(*tuning)

    assert answer.code == 0
    first, *lines = answer.err.splitlines()
    assert first == (
        "6 candidates, 3 folds of 90 images, 1 seed: 36 epochs in 9 trainings. "
        "Each in full and by itself: 54 epochs in 18 trainings."
    )
    assert lines[-1] == "tune lin-simple-nn: 100%"
    assert "ETA" in lines[0]
    head, _, best, *others = answer.out.splitlines()
    assert head.split()[:3] == ["optimizer.lr", "epochs", "Accuracy"]
    assert best.endswith("the best")
    assert all("within the noise" in line or "worse" in line for line in others[:5])
    assert "No test image was used." in answer.out
    assert "flattered" in answer.out
    assert "36 epochs trained in" in answer.out


def test_the_test_set_plays_no_part(cli, tuning, data, tmp_path):
    first = json.loads(cli(*tuning, "--json").out)
    with np.load(data) as file:
        parts = dict(file)
    np.savez(data, **parts | {"y_test": np.roll(parts["y_test"], 1), "x_test": 255 - parts["x_test"]})
    again = json.loads(cli(*tuning, "--json").out)

    assert again["candidates"] == first["candidates"]
    assert again["epochs_trained"] == 0


def test_the_command_that_is_told_measures_the_best_once_on_the_test_set(cli, tuning):
    found = json.loads(cli(*tuning, "--json").out)

    program, *words = found["measure"].split()
    answer = cli(*words, "--engine", "numpy", "--json", "--quiet")
    assert program == "tenfold"
    assert answer.code == 0, answer.err
    run = Store().get(json.loads(answer.out)["run"])
    assert run.what["recipe"] == found["best"]["recipe"]
    assert run.metrics["test"]["n"] == 20


def test_the_best_recipe_is_written_for_train_to_take(cli, tuning, tmp_path):
    out = tmp_path / "new" / "best.toml"
    found = json.loads(cli(*tuning, "--out", out, "--json").out)

    recipe = load_recipe(out)
    assert recipe.to_dict() == found["best"]["recipe"]
    best = found["best"]["settings"]
    assert recipe == default_recipe("lin-simple-nn").change({"batch_size": 20, **best})
    assert found["written"] == [str(out)]
    assert [path.name for path in out.parent.iterdir()] == ["best.toml"]
    assert "flattered" in out.read_text("utf-8").splitlines()[1]
    answer = cli(*found["measure"].split()[1:], "--engine", "numpy", "--quiet", "--json")
    assert Store().get(json.loads(answer.out)["run"]).what["recipe"] == found["best"]["recipe"]


def test_settings_of_the_network_are_tried_and_the_network_is_written_beside_the_recipe(
    cli, tuning, data, tmp_path
):
    first = tuning.index("--try")
    tuning[first:] = ["--try", "network.dense1.units=2,16", "--set", "epochs=3"]
    found = json.loads(cli(*tuning, "--out", tmp_path / "best.toml", "--json").out)

    assert found["best"]["settings"] == {"network.dense1.units": 16}
    written = Architecture.from_dict(json.loads((tmp_path / "best.network.json").read_text("utf-8")))
    assert written == get("lin-simple-nn").change({"dense1.units": 16})
    assert written.name == "lin-simple-nn-tuned"
    answer = cli(*found["measure"].split()[1:], "--engine", "numpy", "--quiet", "--json")
    run = Store().get(json.loads(answer.out)["run"])
    assert run.what["recipe"] == found["best"]["recipe"]
    assert run.what["network"]["layers"] == found["best"]["network"]["layers"]

    # Without a file there is no command that could train it.
    assert "give --out FILE.toml" in cli(*tuning, "--quiet").out
    assert json.loads(cli(*tuning, "--json").out)["measure"] is None


def test_halving_trains_less_and_ends_with_scores_of_the_whole_search(cli, tuning):
    rates = "optimizer.lr=0.001,0.003,0.01,0.03,0.1,0.3"
    tuning[tuning.index("--try") :] = ["--try", rates, "--set", "epochs=4"]
    answer = cli(*tuning, "--halving", "--json")
    halved, whole = json.loads(answer.out), json.loads(cli(*tuning, "--json").out)

    # Six for an epoch on one fold; two of them for three more there, and four on each other fold.
    assert halved["planned"]["epochs"] == halved["epochs_trained"] == 6 + 2 * (3 + 4 + 4)
    assert "at most 28 epochs in 10 trainings. Each in full and by itself: 72 epochs in 18" in answer.err
    assert [(row["rung"], row["n"], row["epochs"]) for row in halved["candidates"]] == [
        *[(2, 3, 4)] * 2,
        *[(1, 1, 1)] * 4,
    ]
    scores = {row["settings"]["optimizer.lr"]: row["accuracies"] for row in whole["candidates"]}
    for row in halved["candidates"][:2]:
        assert row["accuracies"] == scores[row["settings"]["optimizer.lr"]]
    left_behind = [row["loss"] for row in halved["candidates"][2:]]
    assert left_behind == sorted(left_behind)
    out = cli(*tuning, "--halving").out
    assert "left behind" in out
    assert "decided by the loss, the cross-entropy in nats" in " ".join(out.split())
    unlike = [*tuning, "--try", "label_smoothing=0.0,0.1", "--halving"]
    assert "cross-entropy" not in cli(*unlike).out


def test_rungs_of_ones_own(cli, tuning):
    found = json.loads(cli(*tuning, "--rung", "1:4", "--rung", "2:1:2", "--json").out)

    assert [(row["rung"], row["folds"], row["epochs"]) for row in found["candidates"][1:]] == [
        *[(2, 2, 2)] * 3,
        *[(1, 1, 1)] * 2,
    ]
    assert parse_rung("2:8") == (2, 8, 1)


def test_images_are_held_out_once_instead_of_folds(cli, tuning, data):
    answer = cli(*tuning, "--images", "60", "--hold-out", "20", "--json")
    found = json.loads(answer.out)

    some = hold_out(load_dataset(data, "train"), 60, seed=0)[1]
    fold = hold_out(some, 20, seed=0)
    assert (len(fold[0]), len(fold[1])) == (40, 20)
    for row in found["candidates"]:
        settings = row["settings"]
        by_hand = alone(data, settings["optimizer.lr"], settings["epochs"], fold)
        assert row["accuracies"] == pytest.approx([by_hand])
        assert row["within_noise"] is None
    assert "20 images held out of 60, 1 seed" in answer.err
    text = cli(*tuning, "--images", "60", "--hold-out", "20").out
    assert "says nothing of the noise" in text
    assert "within the noise" not in text


def test_some_of_the_combinations_are_drawn(cli, tuning):
    found = json.loads(cli(*tuning, "--sample", "2", "--json").out)

    assert len(found["candidates"]) == 2
    assert len({str(row["settings"]) for row in found["candidates"]}) == 2


def test_values_are_divided_at_commas_and_read_as_settings_are():
    assert parse_choices(
        ["optimizer=sgd, adam", "batch_size=32,full", "initializer=uniform(-1, 1),torch"]
    ) == {
        "optimizer": ("sgd", "adam"),
        "batch_size": (32, "full"),
        "initializer": ("uniform(-1, 1)", "torch"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--try", "optimizer.lr"], "expected KEY=A,B,..."),
        (["--try", "loss="], "expected KEY=A,B,..."),
        (["--try", "ema=0.1,,0.2"], "expected KEY=A,B,..."),
        (["--try", "epochs=7"], "epochs is given twice"),
        (["--try", "ema=0.5,0.5"], "ema has the value 0.5 twice"),
        (["--set", "epochs=3"], "epochs is given to --set as well"),
        (["--folds", "1"], "--folds"),
        (["--folds", "2", "--hold-out", "9"], "it takes the place of --folds"),
        (["--rung", "1:2", "--halving"], "it takes the place of --halving"),
        (["--rung", "2"], "expected EPOCHS:KEEP"),
        (["--rung", "0:2"], "expected EPOCHS:KEEP"),
        (["--out", "recipe.txt"], "ends in .toml"),
    ],
)
def test_wrong_usage_exits_with_2(cli, tuning, arguments, message):
    answer = cli(*tuning, *arguments)

    assert answer.code == 2
    assert message in " ".join(answer.err.split())


def test_nothing_to_try_is_wrong_usage(cli):
    answer = cli("tune", "lin-simple-nn")

    assert answer.code == 2
    assert "--try" in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--try", "optimizer.mometum=0.9"],
            "There is no recipe key named 'optimizer.mometum'. Did you mean",
        ),
        (["--try", "ema=0.5,2"], "ema=2: ema must be in [0, 1). Got 2.0 instead."),
        (["--try", "label_smoothing=nan"], "label_smoothing=nan: label_smoothing must be"),
        (["--try", "loss=squared-error,hinge"], "There is no loss named 'hinge'."),
        (["--try", "network.dens1.units=8"], "no setting of the network named 'dens1.units'. Did you mean"),
        (["--try", "network.dense2.units=11"], "the network must give 10 logits, one a class. Got 11"),
        (["--set", "network.dense1.units=many"], "dense1.units must be an integer. Got 'many' instead."),
        (["--try", "optimizer=sgd,adam", "--try", "optimizer.name=adam"], "are the same training"),
        (["--folds", "91"], "The number of folds must be 2 to 90 (images). Got 91 instead."),
        (["--hold-out", "90"], "a hold-out must be a whole number of 1 to 89"),
        (["--images", "91"], "90"),
        (["--sample", "7"], "in [1, 6]"),
        (["--data", "gone.npz"], "There is no file or folder gone.npz."),
        (["--recipe", "fats"], "There is no recipe named 'fats'. Did you mean 'fast'?"),
        (["--recipe", "tiny"], "Search without it: --set distillation.teacher="),
        (["--out", "bars.npz/deep/best.toml"], "cannot be written"),
        (["--rung", "1:6"], "--rung 1:6:1 leaves nobody behind: it begins with 6 candidates. Keep fewer"),
        (
            ["--rung", "1:3", "--rung", "2:3"],
            "--rung 2:3:1 leaves nobody behind: it begins with 3",
        ),
        (["--rung", "5:2"], "asks for 5 epochs on 1 fold. There are 4 epochs at most (--set epochs=...)"),
        (
            ["--rung", "1:2:4"],
            "asks for 1 epoch on 4 folds. There are 4 epochs at most",
        ),
        (["--rung", "2:4", "--rung", "1:2"], "--rung 1:2:1 tells nothing new after 2 epochs on 1 fold."),
        (["--rung", "2:4", "--rung", "2:2"], "Ask for more epochs or more folds than the rung before it"),
    ],
)
def test_what_is_wrong_is_named_in_a_line_and_nothing_is_trained(cli, tuning, arguments, message):
    answer = cli(*tuning, *arguments)

    assert answer.code == 1
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert Store().list() == ()


def test_an_unknown_network_names_the_nearest(cli):
    answer = cli("tune", "lin-simpl-nn", "--try", "epochs=1")

    assert answer.code == 1
    assert "Did you mean 'lin-simple-nn'?" in answer.err


def test_a_teacher_is_left_out_as_the_message_says(cli, tuning):
    answer = cli(*tuning, "--recipe", "tiny", "--set", "distillation.teacher=", "--quiet", "--json")

    assert answer.code == 0, answer.err
    assert "distillation" not in json.loads(answer.out)["best"]["recipe"]


def test_the_recipe_that_is_read_is_not_written_over(cli, tuning, tmp_path):
    (tmp_path / "mine.toml").write_text("batch_size = 30\n")
    answer = cli(*tuning, "--recipe", "mine.toml", "--out", tmp_path / "mine.toml")

    assert answer.code == 2
    assert (tmp_path / "mine.toml").read_text() == "batch_size = 30\n"


def test_the_network_that_is_read_is_not_written_over(cli, tuning, tmp_path):
    mine = tmp_path / "mine.network.json"
    mine.write_text(before := json.dumps(get("lin-simple-nn").to_dict()))
    tuning[1] = str(mine)
    answer = cli(*tuning, "--try", "network.dense1.units=8,16", "--out", tmp_path / "mine.toml")

    assert answer.code == 2
    assert "is the network to start from" in " ".join(answer.err.split())
    assert mine.read_text() == before


def test_what_runs_away_comes_last_and_is_no_recipe_where_all_do(cli, tuning, tmp_path):
    tuning = tuning[: tuning.index("--try")]
    with np.errstate(all="ignore"):
        some = cli(*tuning, "--try", "optimizer.lr=1e30,0.1", "--set", "epochs=3")
        every = cli(*tuning, "--try", "optimizer.lr=1e30,1e31", "--out", "best.toml")

    assert some.code == 0
    assert some.out.splitlines()[3].split()[:2] == ["1e+30", "0.00"]
    assert "ran away, its loss no longer finite, counts as 0%" in some.out
    assert every.code == 1
    assert "No candidate learned anything" in every.err
    assert not (tmp_path / "best.toml").exists()


def test_ctrl_c_keeps_what_is_trained_and_the_same_command_goes_on(cli, tuning, tmp_path, monkeypatch):
    tuning[-1] = "epochs=2,40"
    process = subprocess.Popen(
        [sys.executable, "-m", "tenfold", *tuning],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    next(line for line in process.stderr if "lin-simple-nn: 22%" in line)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=300)

    assert process.returncode == 130, said
    assert out == ""
    assert "The search stopped after" in said
    assert "Go on with: tenfold tune lin-simple-nn" in said
    assert "Traceback" not in said
    assert 2 <= len(Store().list()) < 9

    resumed = json.loads(cli(*tuning, "--json").out)
    monkeypatch.setenv("TENFOLD_HOME", str(tmp_path / "another"))
    whole = json.loads(cli(*tuning, "--json").out)
    assert resumed["candidates"] == whole["candidates"]
    assert 0 < resumed["epochs_trained"] < whole["epochs_trained"] == 9 * 40


@pytest.mark.parametrize(("gpu", "workers"), [(True, 1), (False, 3)])
def test_a_gpu_has_one_worker_and_a_cpu_one_a_core(cli, tuning, monkeypatch, gpu, workers):
    asked = []

    def noted(*_, workers, **__):
        asked.append(workers)
        raise TrainingStopped("That is enough.")

    monkeypatch.setattr("tenfold.tuning.search", noted)
    monkeypatch.setattr("tenfold.tuning.on_gpu", lambda engine: gpu)
    monkeypatch.setattr("tenfold.studies.workers.cores", lambda: 3)
    at = tuning.index("--workers")
    cli(*tuning[:at], *tuning[at + 2 :])
    assert asked == [workers]


def test_several_processes_find_as_much(cli, tuning):
    tuning[tuning.index("--workers") + 1] = "2"
    found = json.loads(cli(*tuning, "--folds", "2", "--json").out)

    assert [row["n"] for row in found["candidates"]] == [2] * 6
    assert found["epochs_trained"] == 3 * 4 * 2
