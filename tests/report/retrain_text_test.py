"""The words above the report of a retrain pull request."""

from __future__ import annotations

import html

from mlgit.monitoring import retrain_marker
from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.monitoring.triggers import FiredTrigger
from mlgit.monitoring.verdict import ColumnDrift, MonitorVerdict, WindowName
from mlgit.report import retrain_text

MARK = RetrainMarker("tumor", "v1.0.0", "md5:1", ("drift",))
HOSTILE = "<img src=x> @team #1 | [a](b)\n/close `x`"


def verdict(name, word="quiet", columns=()):
    window = WindowName(name, f"sha256:{name}", 500)
    return MonitorVerdict("tumor", "prod", "v1.0.0", "md5:1", window, word, pvalue=0.01, columns=columns)


def test_reasons_and_the_columns_of_the_last_alarm_are_told():
    moved = (ColumnDrift("income", 9.5, effect="mean +0.31 sd", note="less than ever"),)
    windows = [verdict("2026-05-01"), verdict("2026-05-02", "page", moved), verdict("2026-05-03")]
    text = retrain_text.heading(MARK, [FiredTrigger("drift", "2026-05-02: page")], windows, environment="prod")
    assert retrain_marker.parse(text) == MARK
    text = html.unescape(text).replace("\\", "")
    assert "- the data have drifted: 2026-05-02: page" in text
    assert "| 2026-05-02 | 500 | page | 0.01 |  |" in text
    assert "What moved in 2026-05-02:" in text
    assert "| income | 9.5 | mean +0.31 sd | less than ever |" in text


def test_without_a_window_there_is_no_table():
    text = retrain_text.heading(MARK, [FiredTrigger("age", "old")], [], environment="prod")
    assert "|" not in text


def test_no_markup_of_the_repository_survives_and_nothing_is_long():
    columns = tuple(ColumnDrift(HOSTILE * 50, 1.0, effect=HOSTILE * 50, note=HOSTILE * 50) for _ in range(500))
    windows = [verdict(HOSTILE * 50, "page", columns)] * 100
    text = retrain_text.heading(MARK, [FiredTrigger("manual", HOSTILE * 500)], windows, environment="prod")
    text += retrain_text.not_better(HOSTILE * 500, version="tumor@v1.0.0")
    shown = text.replace(str(MARK), "")
    assert "<img" not in shown
    assert "@team" not in shown
    assert "\n/close" not in shown
    assert len(text.encode()) < 30_000
