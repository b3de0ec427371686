import json

import numpy as np
import pytest
import sklearn.metrics as theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.evaluation import (
    classification_report,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    nll,
    wilson_interval,
)

TRUTH = [0, 0, 0, 1, 1, 2]
GUESS = [0, 0, 1, 1, 2, 2]


def test_report_prints_as_a_table():
    assert str(classification_report(TRUTH, GUESS, ("zero", "one", "two"))) == "\n".join(
        [
            "          precision  recall      f1  support",
            "",
            "zero         1.0000  0.6667  0.8000        3",
            "one          0.5000  0.5000  0.5000        2",
            "two          0.5000  1.0000  0.6667        1",
            "",
            "accuracy                     0.6667        6",
            "macro        0.6667  0.7222  0.6556        6",
            "weighted     0.7500  0.6667  0.6778        6",
        ]
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_report_is_scikit_learn_s_also_where_a_class_is_missing(pairs):
    truth, guess = map(list, zip(*pairs, strict=True))
    expected = theirs.classification_report(truth, guess, output_dict=True, zero_division=0)
    report = classification_report(truth, guess, 5)
    rows = {row.name: row for row in report.per_class}
    for name, row in (rows | {"macro avg": report.macro, "weighted avg": report.weighted}).items():
        theirs_row = expected.get(name, {"precision": 0, "recall": 0, "f1-score": 0, "support": 0})
        ours_row = (row.precision, row.recall, row.f1, row.support)
        assert ours_row == pytest.approx(tuple(theirs_row.values()))


def test_evaluation_has_the_keys_that_are_promised_and_is_json():
    random = np.random.default_rng(0)
    truth, rows = random.integers(3, size=50), random.dirichlet(np.ones(3), size=50).astype(np.float32)
    evaluation = evaluate(truth, rows, ("a", "b", "c"))
    values = evaluation.to_dict()
    promised = {"accuracy", "interval", "n", "nll", "brier", "ece", "per_class", "confusion"}
    assert promised <= set(values)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert [set(row) for row in values["per_class"]] == [
        {"class", "precision", "recall", "f1", "support"}
    ] * 3
    assert [row["class"] for row in values["per_class"]] == ["a", "b", "c"]


def test_report_to_dict_is_json():
    values = classification_report(TRUTH, GUESS, 3).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["macro"]["recall"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_evaluation_agrees_with_the_single_measures():
    random = np.random.default_rng(1)
    truth, rows = random.integers(10, size=500), random.dirichlet(np.full(10, 0.2), size=500)
    guess = rows.argmax(axis=1)
    right = int((guess == truth).sum())
    evaluation = evaluate(truth, rows, 10, confidence=0.9, bins=7)
    assert evaluation.accuracy == right / 500
    assert evaluation.errors == 500 - right
    assert evaluation.interval == wilson_interval(right, 500, 0.9)
    assert evaluation.nll == nll(truth, rows)
    assert evaluation.ece == expected_calibration_error(truth, rows, bins=7)
    assert (evaluation.confidence, evaluation.bins) == (0.9, 7)
    np.testing.assert_array_equal(evaluation.confusion, confusion_matrix(truth, guess, 10))
    assert evaluation.per_class == classification_report(truth, guess, 10).per_class


def test_evaluation_prints_what_matters_on_one_line():
    line = str(evaluate([0, 0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], 2))
    assert line.startswith("accuracy 75.00% (95% interval 30.06% to 95.44%), 1 wrong of 4;")
