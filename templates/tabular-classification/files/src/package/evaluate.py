"""Stage `evaluate`: what the model says of rows it has not seen, and how good that is."""

import pandas as pd
from sklearn import metrics
from sklearn.pipeline import Pipeline

from . import columns, files, model, parameters


def predict(trained: Pipeline, rows: pd.DataFrame, *, threshold: float) -> pd.DataFrame:
    """One row per tested row: id, label, prediction and score (the probability of label 1)."""
    score = trained.predict_proba(rows[list(columns.FEATURES)])[:, 1]
    predicted = rows[[columns.ID, columns.LABEL]].copy()
    predicted["prediction"] = (score >= threshold).astype(int)
    predicted["score"] = score
    return predicted


def measure(predicted: pd.DataFrame) -> dict[str, float]:
    """The metrics of these predictions, rounded to what is the same on every machine."""
    label, score = predicted["label"], predicted["score"]
    found = {
        "accuracy": metrics.accuracy_score(label, predicted["prediction"]),
        "average_precision": metrics.average_precision_score(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "f1": metrics.f1_score(label, predicted["prediction"]),
        "log_loss": metrics.log_loss(label, score),
        "recall": metrics.recall_score(label, predicted["prediction"]),
        "roc_auc": metrics.roc_auc_score(label, score),
    }
    return {name: round(float(value), 6) for name, value in found.items()}


def roc_points(predicted: pd.DataFrame) -> pd.DataFrame:
    """The corners of the ROC curve."""
    false_positive, true_positive, _ = metrics.roc_curve(predicted["label"], predicted["score"])
    return pd.DataFrame(
        {"false_positive_rate": false_positive, "true_positive_rate": true_positive}
    )


if __name__ == "__main__":
    given = parameters.read()
    predicted = predict(
        model.read(files.MODEL), files.read_csv(files.TEST), threshold=given.evaluate.threshold
    )
    files.write_csv(files.PREDICTIONS, predicted, float_format="%.8f")
    files.write_csv(files.ROC, roc_points(predicted), float_format="%.6f")
    files.write_json(files.METRICS, measure(predicted))
