"""Stage `prepare`: the diabetes data of scikit-learn, split into training and test rows."""

from pathlib import Path

import numpy as np
import yaml
from sklearn.datasets import load_diabetes


def split(n_rows: int, *, test_size: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the training and of the test rows."""
    order = np.random.default_rng(seed).permutation(n_rows)
    n_test = round(n_rows * test_size)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["prepare"]
    bunch = load_diabetes(scaled=False)
    table = np.column_stack([bunch.data, bunch.target])
    header = ",".join([*bunch.feature_names, "target"])
    Path("data").mkdir(exist_ok=True)
    parts = split(len(table), test_size=params["test_size"], seed=params["seed"])
    for name, rows in zip(("train", "test"), parts, strict=True):
        path = f"data/{name}.csv"
        np.savetxt(path, table[rows], fmt="%.10g", delimiter=",", header=header, comments="")


if __name__ == "__main__":
    main()
