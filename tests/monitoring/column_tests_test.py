"""Windows beside references of few batches: tests of columns, corrected, and right where rows may be exchanged."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.monitoring import column_tests, judge, sketching
from mlgit.monitoring.judge import Watched, WindowCase
from mlgit.monitoring.sketch import Batches, Cells, ColumnCounts, Sketch, WindowCounts
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Cut, Monitoring, WindowSource
from mlgit.statistics.distributions import chi_squared_tail
from tests.kit import FULL
from tests.kit.late import Module

stats = Module("scipy.stats")


def counts(values, missing):
    return ColumnCounts(np.array(values), np.array(missing))


def reference(*, levels=("a", "b"), rows=((400, 200, 0), (380, 220, 0)), missing=(10, 12)):
    return [(Cells("plan", "category", levels=levels), counts(rows, missing))]


def window(values, missing=0):
    return WindowCounts(sum(values) + missing, {"plan": counts([values], [missing])})


def judged(columns, found, alpha=0.05):
    return column_tests.judge(columns, found, alpha=alpha, n_batches=2)


def test_values_are_those_of_a_table_with_two_rows():
    found = judged(reference(), window((120, 80, 0), missing=20))
    values = stats.chi2_contingency([[120, 80], [780, 420]], correction=False).pvalue
    missing = stats.chi2_contingency([[200, 20], [1200, 22]], correction=False).pvalue
    assert found.pvalue == pytest.approx(min(2 * missing, 1.0), rel=1e-10)
    assert found.pvalues["plan"] == pytest.approx(2 * min(values, missing), rel=1e-10)
    assert (found.word, found.method, found.n_batches, found.conformal_pvalue) == ("watch", "holm", 2, None)


def test_rare_levels_are_put_together():
    columns = reference(levels=("a", "b", "c", "d"), rows=((500, 300, 6, 4, 0),), missing=(0,))
    found = judged(columns, window((50, 28, 1, 0, 2)))
    expected = stats.chi2_contingency([[50, 28, 3], [500, 300, 10]], correction=False).pvalue
    assert found.pvalue == pytest.approx(2 * expected, rel=1e-10)


def test_column_that_is_nine_tenths_missing_alarms():
    assert judged(reference(), window((5, 3, 0), missing=72)).word == "watch"


def test_window_without_known_columns_cannot_be_told():
    assert judged(reference(), WindowCounts(5, {}, lacking=("plan",))).word == "cannot_tell"


def test_column_without_any_value_says_nothing():
    assert judged(reference(rows=((0, 0, 0),), missing=(0,)), window((0, 0, 0))).pvalue == 1.0


def test_rows_that_are_alike_alarm_as_rarely_as_it_is_declared():
    generator = np.random.default_rng(3)
    watched = [WatchedColumn("one", "number"), WatchedColumn("other", "number")]
    alarms, draws = 0, 1000 if FULL else 200
    for _ in range(draws):
        before = [{each.name: generator.normal(size=300) for each in watched} for _ in range(2)]
        now = {each.name: generator.normal(size=200) for each in watched}
        columns = sketching.counted(watched, before)
        found = judged(columns, sketching.window_counts([cells for cells, _ in columns], now, rows=200))
        alarms += found.word == "watch"
    assert alarms <= draws * 0.05 + 3 * (draws * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(("fallback", "word", "method"), [("none", "cannot_tell", ""), ("holm", "watch", "holm")])
def test_few_batches_are_tested_by_columns_where_that_is_declared(fallback, word, method):
    settings = Monitoring("churn", fallback=fallback, declared=True, windows=WindowSource(by=Cut("day", "ts"), min_rows=5))
    sketch = Sketch("churn", Batches("column", "day(ts)", ("1", "2"), (610, 612)), reference())
    now = window((5, 3, 0), missing=72)
    case = WindowCase(Watched("churn", "prod", "v1", "d"), settings, sketch, Window("3", now.rows, {}, digest="w"), now)
    found = judge.judge(case)
    assert (found.verdict, found.method) == (word, method)
    if fallback == "holm":
        assert "day effects: rows are taken as exchangeable" in found.blind_to
        assert found.columns[0].pvalue < 1e-9
        assert "2 reference batches, 20 needed: rows are held against rows, column by column" in found.notes
        assert found.martingale is None


@pytest.mark.parametrize("freedom", [1, 2, 3, 7.5, 31, 255, 1000])
def test_tail_is_that_of_scipy(freedom):
    for x in (1e-9, 0.1, 1.0, freedom / 2, freedom, freedom + 1, 2.0 * freedom, freedom + 10 * freedom**0.5, 1400.0):
        assert chi_squared_tail(x, freedom) == pytest.approx(stats.chi2.sf(x, freedom), rel=1e-9, abs=1e-300)


def test_tail_ends_at_both_ends():
    assert (chi_squared_tail(0.0, 3), chi_squared_tail(-1.0, 3), chi_squared_tail(float("inf"), 3)) == (1.0, 1.0, 0.0)
