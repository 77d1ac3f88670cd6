"""Verdicts: what outranks what, and what a verdict says it could not see."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.monitoring import drift, judge, sketching
from mlgit.monitoring.judge import Watched, WindowCase
from mlgit.monitoring.sketch import Batches, Sketch
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.monitoring.verdict import MonitoredMetric
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Cut, Monitoring, WindowSource

RNG = np.random.default_rng(0)
COLUMNS = [WatchedColumn("x", "number"), WatchedColumn("y", "number")]


def rows(number=60, *, shift=0.0):
    return {"x": RNG.normal(shift, 1, number), "y": RNG.normal(0, 1, number)}


def sketch(n_batches=25, *, kind="column", size=60):
    tables = [rows(size) for _ in range(n_batches)]
    names = tuple(map(str, range(n_batches)))
    return Sketch("m", Batches(kind, "day(ts)", names, (size,) * n_batches), sketching.counted(COLUMNS, tables))


QUIET = sketch()


def judged(table=None, *, reference=QUIET, declared=True, by="day", rows_needed=30, fallback="none", **given):
    table = rows() if table is None else table
    number = len(next(iter(table.values())))
    settings = Monitoring(
        "m", windows=WindowSource(by=Cut(by, "ts"), min_rows=rows_needed), declared=declared, fallback=fallback
    )
    counts = sketching.window_counts([cells for cells, _ in reference.columns], table, rows=number)
    window = Window("today", number, table, "sha256:1")
    return judge.judge(WindowCase(Watched("m", "prod", "v1", "md5:1"), settings, reference, window, counts, **given))


def metric(*, estimated):
    return MonitoredMetric("accuracy", 0.5, 0.4, 0.6, is_broken=True, is_estimated=estimated)


def test_quiet_window_is_quiet():
    found = judged(alpha=0.05)
    assert (found.verdict, found.severity, found.reason) == ("quiet", "", "")
    assert found.exit_code == 0


def test_shifted_window_is_watched_and_the_column_named():
    found = judged(rows(shift=3))
    assert (found.verdict, found.severity) == ("watch", "feature drift")
    assert "'x' mean +" in found.reason


def test_broken_contract_outranks_all():
    found = judged(rows(shift=3), contract="fail", broken="'x': text", metrics=(metric(estimated=False),))
    assert (found.verdict, found.severity) == ("page", "contract")


def test_measured_metric_outranks_an_estimated_one_and_that_drift():
    both = metric(estimated=False), metric(estimated=True)
    assert judged(rows(shift=3), metrics=both).severity == "metric"
    assert judged(rows(shift=3), metrics=both[1:]).severity == "estimated metric"
    assert judged(metrics=(metric(estimated=True),)).severity == "estimated metric"


def test_evidence_over_all_windows_pages():
    found = judged(rows(shift=3), conformal=[0.001] * 3)
    assert found.verdict == "page"
    assert found.martingale >= 100


@pytest.mark.parametrize("number", [0, 1, 29])
def test_too_small_a_window_cannot_be_told(number):
    found = judged(rows(number))
    assert (found.verdict, found.exit_code) == ("cannot_tell", 2)
    assert found.reason == f"{number} row{'' if number == 1 else 's'}, 30 needed (`windows.min_rows`)"


def test_too_few_batches_cannot_be_told_unless_columns_are_tested_one_by_one():
    few = sketch(12)
    assert judged(reference=few).reason == "12 reference batches, 20 needed"
    found = judged(rows(shift=3), reference=few, fallback="holm")
    assert (found.verdict, found.method) == ("watch", "holm")
    assert any("day effects" in each for each in found.blind_to)


def test_alpha_is_told_where_nothing_is_declared():
    found = judged(declared=False)
    assert found.alpha == 0.05
    assert "alpha is 0.05, for nothing is declared under `monitoring:`" in found.notes
    assert "nothing tells how many windows a year has" in " ".join(judged(by="rows").notes)


def test_window_that_is_longer_is_held_against_batches_put_together():
    found = judged(rows(120), reference=sketch(50), n_periods=2)
    assert found.n_batches == 25
    assert "put together" in " ".join(found.notes)


def test_window_without_any_column_of_the_reference_cannot_be_told():
    assert judged({"z": np.zeros(50)}).verdict == "cannot_tell"


def test_column_that_one_admitted_window_lacked_is_seen_in_later_ones():
    cells = [cells for cells, _ in QUIET.columns]
    lacking = sketching.window_counts(cells, {"y": rows()["y"]}, rows=60)
    found = judged(rows(shift=3), admitted=(lacking,))
    assert (found.verdict, found.columns[0].name) == ("watch", "x")


def test_p_values_of_quiet_windows_are_spread_evenly():
    reference = drift.reference(QUIET)
    cells = [cells for cells, _ in QUIET.columns]
    found = [
        drift.judge(reference, (), sketching.window_counts(cells, rows(), rows=60), alpha=0.05, digest=str(seed)).pvalue
        for seed in range(100)
    ]
    assert 0.3 < np.mean(found) < 0.7


def test_verdict_of_the_same_case_is_the_same():
    table = rows(shift=1)
    assert judged(table).document() == judged(table).document()
