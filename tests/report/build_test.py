"""What a report takes from a review and a diff: nothing that differs is left out, nothing is told twice."""

from __future__ import annotations

import math

import pytest

from mlgit.config import Config
from mlgit.diff.diff import compare
from mlgit.evaluation.results import MetricResult
from mlgit.gate.review import Review, RuleChange
from mlgit.gate.rule_result import RuleResult
from mlgit.model_settings import CardFiles, Model
from mlgit.report import build, markdown
from mlgit.report.build import Context
from mlgit.report.document import Failure, Side
from mlgit.revision.refs import Baseline, Notice
from mlgit.revision.snapshot import Snapshot

BASE = Baseline("merge base with main", "b" * 40, "merge base")
CONTEXT = Context("0.1.0", head=Side("a" * 40))
PASSED = RuleResult("f1.no_worse", "no_worse", "f1", "pass", "pass")


def models(**metrics):
    return Config(models={name: Model(name, CardFiles("n", "o"), path) for name, path in metrics.items()})


def compared(before, now, config=None):
    sides = [Snapshot(name, metrics=files, config=config or Config()) for name, files in (("main", before), ("now", now))]
    return compare(*sides, config=sides[1].config)


def recorded(before, now, *, measured=(), config=None):
    review = Review("pass", (PASSED,), baseline=BASE, metrics=measured)
    found = build.report(CONTEXT, review=review, diff=compared(before, now, config))
    return found.metrics


@pytest.mark.parametrize(
    ("before", "now", "standing", "reason"),
    [
        (0.8, 0.7, "unverified", ""),
        (0.8, None, "invalid", "0.8 → nothing"),
        (0.8, math.nan, "invalid", "0.8 → nan"),
        (None, 0.7, "first", ""),
        (0.8, "bad", "changed", "0.8 → bad"),
        (True, False, "changed", "true → false"),
    ],
)
def test_whatever_became_of_a_recorded_number_is_told(before, now, standing, reason):
    sides = [{"m.json": {} if value is None else {"f1": value}} for value in (before, now)]
    (row,) = recorded(*sides)
    assert (row.metric, row.standing, row.reason.lower()) == ("f1", standing, reason)
    review = Review("pass", (PASSED,), baseline=BASE)
    assert reason in markdown.comment(build.report(CONTEXT, review=review, diff=compared(*sides))).lower()


def test_what_could_not_be_used_stands_in_the_open():
    note = Notice("m.json: not in the cache", "--pull fetches it")
    base = Snapshot("main", metrics={"n.json": {"auc": math.inf, "f1": 0.8}}, unread=frozenset({"m.json"}), notes=(note,))
    head = Snapshot("now", metrics={"m.json": {"f1": 0.7}, "n.json": {"auc": math.nan, "f1": 0.8}})
    review = Review("pass", (PASSED,), baseline=BASE, notes=("now: n.json: auc is nan, which is not used",))
    found = build.report(CONTEXT, review=review, diff=compare(base, head, config=Config()))
    assert [(row.current, row.standing) for row in found.metrics if row.metric == "m.json: f1"] == [(0.7, "invalid")]
    assert found.notes == (
        *review.notes,
        "main: m.json: not in the cache; --pull fetches it",
        "main: n.json: auc: no finite number, so not compared",
    )


def test_number_that_rows_say_more_of_is_told_once():
    measured = MetricResult("churn", "f1", "worse", "higher", 0.8, 0.7, -0.1, -0.12, -0.08)
    files = [{"m.json": {"f1": value, "auc": value}} for value in (0.8, 0.7)]
    rows = recorded(*files, measured=(measured,), config=models(churn="m.json"))
    assert rows[0] is measured
    assert [(row.model, row.metric) for row in rows[1:]] == [("churn", "auc")]


def test_number_of_another_model_is_told_although_it_has_the_same_name():
    measured = MetricResult("churn", "f1", "same", "higher", 0.8, 0.8, 0.0)
    files = [{"a.json": {"f1": 0.8}, "b.json": {"f1": value}} for value in (0.8, 0.5)]
    rows = recorded(*files, measured=(measured,), config=models(churn="a.json", spam="b.json"))
    assert [(row.model, row.metric, row.current) for row in rows] == [("churn", "f1", 0.8), ("spam", "f1", 0.5)]


def test_numbers_of_the_same_name_are_told_apart_by_their_file():
    rows = recorded({"a.json": {"f1": 0.8}, "b.json": {"f1": 0.7}}, {"a.json": {"f1": 0.6}, "b.json": {"f1": 0.5}})
    assert sorted(row.metric for row in rows) == ["a.json: f1", "b.json: f1"]


SAME = compared({"m.json": {"f1": 0.8}}, {"m.json": {"f1": 0.8}})
OTHER = compared({"m.json": {"f1": 0.8}}, {"m.json": {"f1": 0.7}})
INVALID = RuleResult("f1.no_worse", "no_worse", "f1", "invalid", "fail")


@pytest.mark.parametrize(
    ("state", "review", "found", "failure"),
    [
        ("nothing changed", Review("pass", (PASSED,), baseline=BASE), SAME, None),
        ("nothing changed", Review("invalid", (), baseline=BASE), SAME, None),
        ("compared", Review("warn", (PASSED,), baseline=BASE), SAME, None),
        ("compared", Review("pass", (PASSED,), baseline=BASE, rule_changes=(RuleChange("a", "added"),)), SAME, None),
        ("compared", Review("pass", (PASSED,), baseline=BASE), OTHER, None),
        ("first", Review("warn", (PASSED,)), OTHER, None),
        ("invalid", Review("invalid", (INVALID,), baseline=BASE), OTHER, None),
        ("invalid", None, None, None),
        ("run failed", Review("pass", (PASSED,), baseline=BASE), SAME, Failure("train")),
    ],
)
def test_state(state, review, found, failure):
    report = build.report(CONTEXT, review=review, diff=found, failure=failure)
    assert report.state == state
    assert report.verdict == ("" if failure or not review or not review.judged else review.verdict)


def test_colours_of_a_terminal_are_no_part_of_a_log():
    failure = Failure("train", lines=("\x1b[1;31mValueError\x1b[0m: x", "\x1b[2K\x1b[1Gdone", "\x1b]0;title\x07"))
    lines = build.report(CONTEXT, failure=failure).failure.lines
    assert lines[:2] == ("ValueError: x", "done")


def test_comparison_can_be_seen_again():
    report = build.report(CONTEXT, review=Review("pass", (PASSED,), baseline=BASE))
    assert f"mlgit diff {'b' * 10} {'a' * 10}" in [each.value for each in report.provenance]
