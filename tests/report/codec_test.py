"""A report as JSON: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.evaluation.results import MetricResult
from mlgit.gate.rule_result import RuleResult
from mlgit.report import codec, document
from mlgit.report.document import Fact, Failure, Line, Plot, Report, Run, Side, from_json, to_json
from tests.report.hostile import ANY_TEXT, values

TEXTS = ANY_TEXT | st.sampled_from(["a\nb\x00\x1b[31m", "\ud800"])


@settings(max_examples=30, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(report=values(Report, TEXTS))
def test_every_report_is_read_back_as_it_was_written(report):
    text = to_json(report)
    read = from_json(text, source="report.json")
    assert to_json(read) == text
    assert len(text.encode()) <= document.MAX_BYTES


def test_plain_report_is_the_same_after_the_journey():
    report = Report(
        mlgit="0.1.0",
        verdict="fail",
        head=Side("a" * 40, "feature"),
        run=Run(7, 2, "812", "https://example.com/7"),
        failure=Failure("train", "python train.py", 1, ("boom",)),
        rules=(RuleResult("f1", "no_worse", "f1", "fail", "fail", baseline=0.5, current=0.25, delta=-0.25),),
        plots=(Plot("loss", (Line("main", (0.5, 0.25)),)),),
        provenance=(Fact("lock", "md5:77e0"),),
    )
    assert from_json(to_json(report), source="report.json") == report


def test_numbers_that_json_lacks_leave_a_gap():
    report = Report(
        rules=(RuleResult("a", "bound", "f1", "pass", "pass", current=math.nan, delta=math.inf),),
        plots=(Plot("loss", (Line("main", (1.0, math.nan, math.inf, 2.0)),)),),
    )
    read = from_json(to_json(report), source="report.json")
    assert (read.rules[0].current, read.rules[0].delta) == (None, None)
    assert read.plots[0].lines[0].values == (1.0, None, None, 2.0)


@pytest.mark.slow
def test_a_report_that_is_too_large_is_cut_to_size_and_says_so():
    rules = tuple(RuleResult(f"r{index}", "bound", "f1", "pass", "pass", reason="y" * 5000) for index in range(2000))
    text = to_json(Report(rules=rules))
    read = from_json(text, source="report.json")
    assert 0 < len(read.rules) < 1000
    assert "too large" in read.notes[-1]
    assert len(text.encode()) <= document.MAX_BYTES


def _document(**changes):
    return json.loads(to_json(Report(rules=(RuleResult("a", "bound", "f1", "pass", "pass"),)))) | changes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"extra": 1}, 'unknown key "extra"'),
        ({"schema": 2}, "schema: 2 is not one of 1"),
        ({"schema": True}, "schema: true is not one of 1"),
        ({"verdict": "PASS"}, 'verdict: "PASS" is not one of'),
        ({"seed": 2**60}, "seed: expected a whole number"),
        ({"seed": 1.0}, "seed: expected a whole number"),
        ({"is_self_reported": 1}, "is_self_reported: expected true or false"),
        ({"notes": ["x" * 3000]}, r"notes\[0\]: a text of 3000 characters"),
        ({"notes": ["a\nb"]}, r"notes\[0\]: a control character"),
        ({"notes": ["\u202eabc"]}, r"notes\[0\]: a control character"),
        ({"notes": "a"}, "notes: expected a list"),
        ({"notes": [["a"]]}, r"notes\[0\]: expected text"),
        ({"labels": ["a"] * 5000}, "labels: 5000 entries"),
        ({"rules": [{"id": "a"}]}, r"rules\[0\]: 'kind' is missing"),
        ({"head": None}, "head: expected an object"),
        ({"failure": {"stage": 5, "command": "", "code": 0, "lines": []}}, "failure.stage: expected text"),
    ],
)
def test_what_mlgit_does_not_write_is_refused(changes, told):
    with pytest.raises(MlgitError, match=told):
        from_json(json.dumps(_document(**changes)), source="report.json")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not JSON"),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number"),
        ('{"schema": 1, "schema": 1}', "a key is there twice"),
        ('{"a": 1' + "0" * 5000 + "}", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("x" * (document.MAX_BYTES + 1), "not a report of mlgit"),
        (b"{" + b" " * 50_000_000 + b"}", "not a report of mlgit: 50000002 bytes"),
    ],
)
def test_what_is_no_report_at_all_is_refused(content, told):
    with pytest.raises(MlgitError, match=told):
        from_json(content, source="report.json")


def test_huge_numbers_are_refused():
    text = to_json(Report(rules=(RuleResult("a", "bound", "f1", "pass", "pass", current=0.5),)))
    for number in ("1e400", "1e301", "-1e308", "1" + "0" * 301):
        with pytest.raises(MlgitError, match=r"rules\[0\].current: expected a number"):
            from_json(text.replace('"current":0.5', f'"current":{number}'), source="report.json")


def test_a_cut_text_says_that_it_was_cut():
    assert codec.cut("x" * 3000).endswith(" …")
    assert len(codec.cut("x" * 3000)) == codec.MAX_TEXT
    assert codec.cut("a\nb\u2066") == "a\\nb\\u2066"


def test_report_of_before_a_field_is_read_with_its_default():
    written = json.loads(to_json(Report(metrics=(MetricResult("m", "f1", "same", about="about the recipes: 5 and 5 seeds"),))))
    assert from_json(json.dumps(written), source="report.json").metrics[0].about == "about the recipes: 5 and 5 seeds"
    del written["metrics"][0]["about"]
    assert from_json(json.dumps(written), source="report.json").metrics[0].about == ""
