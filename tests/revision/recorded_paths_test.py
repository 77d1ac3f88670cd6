"""Which recorded paths a declared one stands for."""

from __future__ import annotations

import pytest

from mlgit.revision.recorded_paths import matching

RECORDED = ["data", "models/seed_1.json", "reports/seed_1.csv", "reports/seed_10.csv", "reports/roc.csv", "runs/1", "runs/2"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("reports/roc.csv", ["reports/roc.csv"]),
        ("data/test.csv", ["data"]),
        ("reports/other.csv", []),
        ("reports", []),
        ("reports/seed_*.csv", ["reports/seed_1.csv", "reports/seed_10.csv"]),
        ("reports/seed_?.csv", ["reports/seed_1.csv"]),
        ("runs/*/predictions.csv", ["runs/1", "runs/2"]),
        ("data/fold_*.csv", ["data"]),
        ("*/seed_1.csv", ["data", "reports/seed_1.csv"]),
        ("*.csv", []),
    ],
)
def test_declared_path_stands_for_itself_for_what_it_matches_or_for_folders_of_it(declared, expected):
    assert matching(RECORDED, declared) == expected
