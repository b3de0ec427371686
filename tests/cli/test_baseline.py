import json

import numpy as np

from tenfold.models import BASELINES, baseline


def test_a_baseline_is_measured_on_the_test_part(cli, data):
    (found,) = json.loads(cli("baseline", "naive-bayes-gaussian", "--data", data, "--json").out)

    with np.load(data) as arrays:
        model = baseline("naive-bayes-gaussian").fit(arrays["x_train"], arrays["y_train"])
        expected = model.score(arrays["x_test"], arrays["y_test"])
    assert found["accuracy"] == expected
    assert (found["n"], found["n_train"]) == (50, 200)
    assert found["interval"][0] < expected <= found["interval"][1]


def test_all_of_them_stand_in_one_table_the_best_first(cli, data):
    answer = cli("baseline", "all", "--data", data, "--train", "100", "--quiet")

    rows = answer.out.splitlines()[2:]
    assert {next(b.title for b in BASELINES.values() if row.startswith(b.title + "  ")) for row in rows} == {
        b.title for b in BASELINES.values()
    }
    accuracies = [float(row[len("Naive Bayes (multinomial)") :].split()[0]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert answer.err == ""


def test_a_baseline_that_is_not_there(cli):
    answer = cli("baseline", "svm-rfb")

    assert answer.code == 1
    assert "Did you mean 'svm-rbf'?" in answer.err


def test_data_without_a_test_part(cli, tmp_path):
    np.savez(tmp_path / "alone.npz", images=np.zeros((20, 28, 28), np.uint8), labels=np.arange(20) % 10)
    answer = cli("baseline", "knn", "--data", "alone.npz")

    assert answer.code == 1
    assert "alone.npz has no test part" in answer.err
