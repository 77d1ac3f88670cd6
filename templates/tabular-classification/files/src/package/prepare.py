"""Stage `prepare`: split the rows into those to learn from and those to be judged by."""

import pandas as pd
from sklearn.model_selection import train_test_split

from . import columns, files, parameters


def split(frame: pd.DataFrame, *, test_size: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test rows, with the same share of each label, in the order of their ids."""
    train, test = train_test_split(
        frame, test_size=test_size, random_state=seed, stratify=frame[columns.LABEL]
    )
    return train.sort_values(columns.ID), test.sort_values(columns.ID)


if __name__ == "__main__":
    given = parameters.read()
    train, test = split(files.read_csv(files.RAW), test_size=given.split.test_size, seed=given.seed)
    files.write_csv(files.TRAIN, train)
    files.write_csv(files.TEST, test)
