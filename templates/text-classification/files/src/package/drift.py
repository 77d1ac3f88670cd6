"""Stage `drift`: what the model says of libraries that it has never seen.

It has no word for "none of them", so every answer here is wrong, and no label would be needed to
notice: the model is less sure than of the test texts, and knows fewer of the words. How well these
two tell strangers from test texts is what a monitor of them could do after release.
"""

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.pipeline import Pipeline

from . import columns, evaluate, files, model


def known_words(trained: Pipeline, rows: pd.DataFrame) -> pd.Series:
    """Of each text, the share of words that were in a training text."""
    vectorizer = trained[0]
    read, vocabulary = vectorizer.build_analyzer(), vectorizer.vocabulary_
    shares = [np.mean([word in vocabulary for word in read(text)] or [0]) for text in rows["text"]]
    return pd.Series(shares, index=rows.index, dtype=float)


def measure(trained: Pipeline, known: pd.DataFrame, strange: pd.DataFrame) -> dict[str, float]:
    """How test texts and strangers differ, without their labels."""
    signs = {
        "confidence": [
            evaluate.predict(trained, rows)[columns.CONFIDENCE] for rows in (known, strange)
        ],
        "known_words": [known_words(trained, rows) for rows in (known, strange)],
    }
    is_known = [1] * len(known) + [0] * len(strange)
    found: dict[str, float] = {}
    for name, (of_known, of_strange) in signs.items():
        found[f"{name}_of_test"] = of_known.mean()
        found[f"{name}_of_strangers"] = of_strange.mean()
        found[f"told_apart_by_{name}"] = metrics.roc_auc_score(is_known, [*of_known, *of_strange])
    return {name: round(float(value), 6) for name, value in found.items()}


if __name__ == "__main__":
    found = measure(
        model.read(files.MODEL), files.read_csv(files.TEST), files.read_csv(files.STRANGERS)
    )
    files.write_json(files.DRIFT, found)
