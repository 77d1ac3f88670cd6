"""The timeline as a page: figures that need nothing from elsewhere, and texts that are no more than texts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mlgit.monitoring.chain import Acceptance, JudgedWindow
from mlgit.monitoring.verdict import ColumnDrift, MonitoredMetric, WindowName
from mlgit.report import monitor_page
from tests.monitoring import chains
from tests.report.hostile import TEXTS
from tests.report.html_test import ATTRIBUTES, TAGS, read


def windows(n=5, **how):
    return [JudgedWindow(chains.verdict(number, **how)) for number in range(n)]


def page(judged):
    return monitor_page.page("churn", "prod", judged)


def check(text):
    found = read(text)
    assert set(found.tags) <= TAGS | {"g"}
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    drawn = " ".join(value or "" for name, value in found.attributes if name in ("d", "x", "y", "cx", "cy", "width", "height"))
    assert not re.search("nan|inf", drawn)
    return found


def words(text):
    return " ".join(" ".join(read(text).words).split())


def test_page_needs_nothing_from_elsewhere():
    text = page(windows())
    assert not re.search(r"(?i)<script|<link|<img|<iframe|@import|url\(|\bsrc=|\bhref=|\son\w+=", text)
    assert "default-src 'none'" in text
    assert page(windows()) == text
    check(text)


def test_every_window_stands_in_the_table_with_what_moved():
    judged = [*windows(4), JudgedWindow(chains.verdict(4, word="page"))]
    said = words(page(judged))
    assert all(chains.day(number) in said for number in range(5))
    assert "amount: mean +0.31 sd" in said
    assert "mlgit: churn in prod: page" in said
    assert "5 windows: 4 quiet, 1 page." in said


def test_accepted_window_is_named_with_its_reason():
    verdict = chains.verdict(0, word="page")
    acceptance = Acceptance(verdict.window.digest, chains.DIGEST, "2026-05-01", "a new office", "Ada <ada@x>", 1_777_680_000)
    text = page([JudgedWindow(verdict, acceptance)])
    said = words(text)
    assert "a new office" in said
    assert "Ada <ada@x>" in said
    assert "2026-05-02T00:00:00Z" in said
    assert "mlgit: churn in prod: page, accepted" in said
    assert text.count("<circle") == page([JudgedWindow(verdict)]).count("<circle") + 1


def test_change_of_version_is_a_line_through_the_figures():
    one = [*windows(3), JudgedWindow(chains.verdict(3))]
    two = [*windows(3), JudgedWindow(chains.verdict(3, version="v1.1.0"))]
    assert ("v1.1.0" in words(page(two)), "v1.1.0" in words(page(one))) == (True, False)
    lines = [page(each).count('stroke-dasharray="2 3"') for each in (one, two)]
    assert lines == [0, 5]  # verdicts, p, evidence, columns, a metric


def test_verdicts_differ_in_height_as_well_as_in_colour():
    heights = {}
    for word in ("quiet", "watch", "page"):
        text = page(windows(1, word=word))
        heights[word] = float(re.search(r'<rect [^>]*height="([0-9.]+)"', text)[1])
    assert heights["quiet"] < heights["watch"] < heights["page"]


def test_columns_that_moved_are_drawn_and_others_are_not():
    text = page(windows(1, word="page"))
    assert "country" in words(text)
    assert text.count("fill-opacity") == 1  # amount: 4.5; country: 0.4


def test_estimated_metrics_look_other_than_measured_ones():
    metric = MonitoredMetric("accuracy", 0.9, 0.8, 0.95)
    one = JudgedWindow(replace(chains.verdict(0), metrics=(metric,)))
    other = JudgedWindow(replace(chains.verdict(0), metrics=(replace(metric, is_estimated=True),)))
    assert ('stroke-dasharray="3 2"' in page([one]), 'stroke-dasharray="3 2"' in page([other])) == (False, True)


def test_quiet_window_without_a_reason_ends_its_sentence():
    assert "judged for v1.0.0 ." in words(page([JudgedWindow(replace(chains.verdict(0), reason=""))]))


@pytest.mark.parametrize("n", [1, 2, 60, 1000])
def test_few_windows_and_many_are_drawn(n):
    text = page(windows(n))
    check(text)
    assert len(text) < 2_000 * n + 30_000
    assert ("Drawn are the last 800" in text) == (n > 800)


def test_windows_without_numbers_are_shown_all_the_same():
    verdict = replace(
        chains.verdict(0, word="cannot_tell"),
        pvalue=None,
        alpha=None,
        martingale=None,
        columns=(),
        metrics=(),
        smallest_shift=None,
    )
    said = words(page([JudgedWindow(verdict)]))
    assert "cannot tell" in said
    check(page([JudgedWindow(verdict)]))


@pytest.mark.parametrize("number", [0.0, 1e-320, 1e308, -1e308, 1e-12])
def test_numbers_at_the_ends_stay_on_the_page(number):
    verdict = replace(
        chains.verdict(0),
        pvalue=abs(number),
        martingale=number,
        columns=(ColumnDrift("amount", number),),
        metrics=(MonitoredMetric("accuracy", number, -abs(number), abs(number), baseline=-number),),
    )
    check(page([JudgedWindow(verdict), JudgedWindow(chains.verdict(1))]))


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_a_verdict_is_text(text):
    verdict = chains.verdict(0, word="page")
    hostile = replace(
        verdict,
        version=text,
        window=WindowName(text, text, 1, text, text),
        reason=text,
        columns=(ColumnDrift(text, 9.0, None, text, text),),
        metrics=(MonitoredMetric(text, 1.0, 0.5, 1.5, note=text),),
        blind_to=(text,),
        notes=(text,),
    )
    accepted = Acceptance(text, text, text, text, text, 1)
    plain = check(page([JudgedWindow(verdict, Acceptance("", "", "", "x", "x", 1)), JudgedWindow(verdict)]))
    found = check(monitor_page.page(text, text, [JudgedWindow(hostile, accepted), JudgedWindow(hostile)]))
    assert set(found.tags) <= set(plain.tags)
