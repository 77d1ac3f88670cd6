"""Columns in which ever new levels come (cabins, post codes, devices): quiet windows have some that no batch had."""

from __future__ import annotations

from typing import Any

import pytest

from mlgit.monitoring import cells, drift, row_drift, sketching
from mlgit.monitoring.drift import DriftReference
from mlgit.monitoring.sketch import Cells
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.statistics import batch_scores
from mlgit.statistics.batch_scores import CountTable
from tests.kit import FULL
from tests.kit.late import Module

np = Module("numpy")

COLUMNS = (WatchedColumn("device", "category"), WatchedColumn("x", "number"))
N_BATCH_DRAWS, N_ROW_DRAWS = (300, 100) if FULL else (40, 20)


def _rows(rng: Any, number: int, *, prefix: str = "d") -> dict[str, Any]:
    devices = np.array([f"{prefix}{each}" for each in rng.zipf(1.6, number)], dtype=object)
    return {"device": devices, "x": rng.normal(size=number)}


def _of_batches(seed: int, *, prefix: str = "d") -> float:
    rng = np.random.default_rng(seed)
    found = sketching.counted(COLUMNS, [_rows(rng, 60) for _ in range(40)])
    window = _rows(rng, 60)
    window["device"][:20] = _rows(rng, 20, prefix=prefix)["device"]
    counts = sketching.window_counts([each for each, _ in found], window, rows=60)
    judged = drift.judge(DriftReference(found), (), counts, alpha=0.05, digest=str(seed))
    assert judged.pvalue is not None
    return judged.pvalue


def _of_rows(seed: int, *, prefix: str = "d") -> float:
    rng = np.random.default_rng(seed)
    reference = _rows(rng, 600)
    found = sketching.counted(COLUMNS, [reference])
    window = _rows(rng, 80)
    window["device"][:20] = _rows(rng, 20, prefix=prefix)["device"]
    judged = row_drift.judge([each for each, _ in found], [reference], window, rows=80, alpha=0.05, digest=str(seed))
    assert judged.pvalue is not None
    return judged.pvalue


@pytest.mark.slow
def test_new_levels_that_always_come_alarm_no_more_often_than_declared() -> None:
    # 67 % of such windows beside batches, and 97 % beside rows, would alarm where only the window's share a cell
    assert np.mean([_of_batches(seed) <= 0.05 for seed in range(N_BATCH_DRAWS)]) < 0.15
    assert np.mean([_of_rows(seed) <= 0.05 for seed in range(N_ROW_DRAWS)]) < 0.25


@pytest.mark.slow
def test_far_more_new_levels_than_ever_do_alarm() -> None:
    assert np.mean([_of_batches(seed, prefix="new ") <= 0.05 for seed in range(10)]) == 1.0
    assert np.mean([_of_rows(seed, prefix="new ") <= 0.05 for seed in range(3)]) == 1.0


def test_levels_of_one_batch_count_as_those_that_only_a_window_has() -> None:
    levels = np.array([[100, 3, 0, 0], [100, 0, 2, 1], [100, 0, 0, 0]])
    together = np.array([[100, 3, 0], [100, 0, 3], [100, 0, 0]])
    found, expected = (
        batch_scores.against_rest(CountTable(each, np.array([0]), np.array([False]))).largest_cell
        for each in (levels, together)
    )
    assert found[1, 0] == pytest.approx(expected[1, 0])


def test_values_of_numbers_keep_cells_of_their_own() -> None:
    counts = np.array([[100, 3, 0, 0], [100, 0, 2, 1], [100, 0, 0, 0]])
    found, categories = (
        batch_scores.against_rest(CountTable(counts, np.array([0]), np.array([each]))).largest_cell for each in (True, False)
    )
    assert found[1, 0] < categories[1, 0]


@pytest.mark.parametrize("is_classified", [False, True])
def test_level_of_both_sides_has_one_cell(is_classified: bool) -> None:
    known = cells.of_levels("c", np.array(["a", "b", "a"], dtype=object), is_classified=is_classified)
    both = cells.with_levels_of(known, np.array(["b", "z", "y", None], dtype=object))
    placed, unknown = cells.place(both, np.array(["a", "b", "y", "z"], dtype=object))
    assert sorted(placed.tolist()) == [0, 1, 2, 3]
    assert placed[:2].tolist() == [0, 1]
    assert unknown == []


def test_very_many_levels_of_both_sides_go_by_hashes() -> None:
    known = cells.of_levels("c", np.array(["a", "b"], dtype=object))
    both = cells.with_levels_of(known, np.array([f"u{each}" for each in range(5_000)], dtype=object))
    assert both == Cells("c", "category", n_hashed=1024)
