"""Stage `load`: the raw table.

Breast Cancer Wisconsin (Diagnostic), as it comes with scikit-learn. To work on data of
your own, let this stage fetch it, or delete the stage and track the file with `dvc add`.
"""

import pandas as pd
from sklearn.datasets import load_breast_cancer

from . import columns, files


def load() -> pd.DataFrame:
    """The raw table; the label is 1 for malignant."""
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    frame.insert(0, columns.ID, range(1, len(frame) + 1))
    # scikit-learn counts benign as 1; what is looked for here is the other class
    frame[columns.LABEL] = 1 - bunch.target
    return frame


if __name__ == "__main__":
    files.write_csv(files.RAW, load())
