"""Stage `evaluate`: what the model says of texts it has not seen, and how good that is."""

import pandas as pd
from sklearn import metrics
from sklearn.pipeline import Pipeline

from . import columns, files, model, texts


def predict(trained: Pipeline, rows: pd.DataFrame) -> pd.DataFrame:
    """One row per text: id, label, prediction, how sure that is, and a probability per label."""
    probability = trained.predict_proba(rows[columns.TEXT])
    predicted = rows[[columns.ID, columns.LABEL]].copy()
    predicted[columns.PREDICTION] = trained.classes_[probability.argmax(axis=1)]
    predicted[columns.CONFIDENCE] = probability.max(axis=1)
    predicted[columns.LENGTH] = rows[columns.TEXT].map(texts.length)
    for place, label in enumerate(trained.classes_):
        predicted[f"p_{label}"] = probability[:, place]
    return predicted


def measure(predicted: pd.DataFrame) -> dict[str, float]:
    """The metrics of these predictions, rounded to what is the same on every machine."""
    label, prediction = predicted[columns.LABEL], predicted[columns.PREDICTION]
    labels = sorted(column.removeprefix("p_") for column in predicted if column.startswith("p_"))
    probability = predicted[[f"p_{each}" for each in labels]].to_numpy()
    found = {
        "accuracy": metrics.accuracy_score(label, prediction),
        "f1_macro": metrics.f1_score(label, prediction, average="macro"),
        "cross_entropy": metrics.log_loss(label, probability, labels=labels),
    }
    of_each = metrics.f1_score(label, prediction, average=None, labels=labels)
    found |= {f"f1_{name}": value for name, value in zip(labels, of_each, strict=True)}
    return {name: round(float(value), 6) for name, value in found.items()}


if __name__ == "__main__":
    predicted = predict(model.read(files.MODEL), files.read_csv(files.TEST))
    files.write_csv(files.PREDICTIONS, predicted, float_format="%.8f")
    files.write_json(files.METRICS, measure(predicted))
