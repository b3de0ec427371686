"""Measure predictions. Takes arrays only and needs nothing but NumPy."""

from tenfold.evaluation.calibration import (
    ReliabilityCurve,
    confidence_thresholds,
    expected_calibration_error,
    fit_temperature,
    reliability_curve,
    softmax,
)
from tenfold.evaluation.curves import PrecisionRecallCurve, RocCurve, precision_recall_curve, roc_curve
from tenfold.evaluation.metrics import (
    accuracy,
    brier,
    confusion_matrix,
    most_confident_mistakes,
    nll,
    precision_recall_f1,
    wilson_interval,
)
from tenfold.evaluation.report import Evaluation, Report, Scores, classification_report, evaluate
from tenfold.evaluation.significance import (
    Comparison,
    Difference,
    mcnemar,
    mean_interval,
    paired_bootstrap,
    paired_difference,
)

__all__ = [
    "Comparison",
    "Difference",
    "Evaluation",
    "PrecisionRecallCurve",
    "ReliabilityCurve",
    "Report",
    "RocCurve",
    "Scores",
    "accuracy",
    "brier",
    "classification_report",
    "confidence_thresholds",
    "confusion_matrix",
    "evaluate",
    "expected_calibration_error",
    "fit_temperature",
    "mcnemar",
    "mean_interval",
    "most_confident_mistakes",
    "nll",
    "paired_bootstrap",
    "paired_difference",
    "precision_recall_curve",
    "precision_recall_f1",
    "reliability_curve",
    "roc_curve",
    "softmax",
    "wilson_interval",
]
