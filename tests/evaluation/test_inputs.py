"""Whatever cannot be measured is refused with an error that names what is wrong, by every measure alike."""

import numpy as np
import pytest

from tenfold import evaluation
from tenfold.errors import DataError

TWO_ROWS = [[0.25, 0.75], [0.5, 0.5]]

LABEL_MEASURES = {
    "accuracy": evaluation.accuracy,
    "confusion_matrix": lambda truth, predicted: evaluation.confusion_matrix(truth, predicted, 3),
    "precision_recall_f1": lambda truth, predicted: evaluation.precision_recall_f1(truth, predicted, 3),
    "classification_report": lambda truth, predicted: evaluation.classification_report(truth, predicted, 3),
    "mcnemar": lambda truth, predicted: evaluation.mcnemar(truth, predicted, predicted),
}

PROBABILITY_MEASURES = {
    "nll": evaluation.nll,
    "brier": evaluation.brier,
    "mistakes": lambda truth, rows: evaluation.most_confident_mistakes(truth, rows, 5),
    "calibration": evaluation.expected_calibration_error,
    "reliability": evaluation.reliability_curve,
    "evaluate": lambda truth, rows: evaluation.evaluate(truth, rows, 2),
}


@pytest.mark.parametrize("measure", LABEL_MEASURES.values(), ids=LABEL_MEASURES)
@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "truth is empty"),
        ([0, 1], [0], r"truth has 2, (predicted|a) has 1"),
        ([0.0, 1.0], [0, 1], "truth must hold integer labels. Got float64"),
        ([[0, 1]], [0, 1], r"truth must hold one label .* Got shape \(1, 2\)"),
        ([0, -1], [0, 1], "truth: label -1 at index 1 is"),
        ([0, 1], [[0.9, 0.1], [0.1, 0.9]], "one label for each image"),
    ],
)
def test_labels_that_cannot_be_counted_are_refused(measure, truth, predicted, message):
    with pytest.raises(DataError, match=message):
        measure(truth, predicted)


@pytest.mark.parametrize("name", ["confusion_matrix", "precision_recall_f1", "classification_report"])
def test_a_label_outside_the_classes_is_named_with_its_place(name):
    with pytest.raises(DataError, match=r"predicted: label 3 at index 2 is outside 0 to 2 \(3 classes\)"):
        LABEL_MEASURES[name]([0, 1, 2], [0, 1, 3])


@pytest.mark.parametrize("measure", PROBABILITY_MEASURES.values(), ids=PROBABILITY_MEASURES)
@pytest.mark.parametrize(
    ("truth", "rows", "message"),
    [
        ([], np.empty((0, 2)), "truth is empty"),
        ([0], TWO_ROWS, "truth has 1, probabilities has 2"),
        ([0, 2], TWO_ROWS, r"truth: label 2 at index 1 is outside 0 to 1 \(2 classes\)"),
        ([0, 1], [0.5, 0.5], r"Got shape \(2,\)"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.6]], "row 1 must be >= 0 and sum to 1"),
        ([0, 1], [[1.5, -0.5], [0.5, 0.5]], "row 0 must be >= 0"),
        ([0, 1], [[0.5, 0.5], [np.nan, 1.0]], "row 1 holds a value that is not finite"),
        ([0, 1], [["a", "b"], ["c", "d"]], "must be real numbers"),
    ],
)
def test_probabilities_that_are_none_are_refused(measure, truth, rows, message):
    with pytest.raises(DataError, match=message):
        measure(truth, rows)


def test_probabilities_must_have_a_column_for_each_class():
    with pytest.raises(DataError, match="2 columns but there are 10 classes"):
        evaluation.evaluate([0, 1], TWO_ROWS, 10)


@pytest.mark.parametrize("classes", [0, -1, (), ""])
def test_there_must_be_a_class(classes):
    with pytest.raises(DataError, match="at least one class"):
        evaluation.confusion_matrix([0], [0], classes)


def test_single_precision_probabilities_and_small_integer_labels_are_taken():
    rows = np.full((4, 10), 0.1, dtype=np.float32)
    assert evaluation.nll(np.arange(4, dtype=np.uint8), rows) == pytest.approx(np.log(10), rel=1e-6)


def test_probabilities_of_the_caller_are_left_as_they_were():
    rows = np.array(TWO_ROWS)
    evaluation.brier([0, 1], rows)
    evaluation.evaluate([0, 1], rows, 2)
    assert rows.tolist() == TWO_ROWS


def test_every_exported_name_exists_and_the_list_is_sorted():
    assert evaluation.__all__ == sorted(evaluation.__all__)
    assert all(hasattr(evaluation, name) for name in evaluation.__all__)
