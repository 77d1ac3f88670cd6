"""Stage `train`: learn a model from the training texts."""

import pandas as pd
from sklearn.pipeline import Pipeline

from . import columns, files, model, parameters


def train(rows: pd.DataFrame, given: parameters.Train, *, seed: int) -> Pipeline:
    """The model that these texts and parameters make."""
    return model.build(given, seed=seed).fit(rows[columns.TEXT], rows[columns.LABEL])


if __name__ == "__main__":
    given = parameters.read()
    trained = train(files.read_csv(files.TRAIN), given.train, seed=given.seed)
    model.save(files.MODEL, trained)
