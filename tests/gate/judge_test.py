"""From two sides and rules to a review: what is never a pass, whatever is given, and how it reads."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.config import Config, parse
from mlgit.evaluation.model_results import ModelResults, RevisionResults, asked
from mlgit.evaluation.results import Flips, MetricResult
from mlgit.evaluation.results import TestedRows as _Tested  # no class of tests
from mlgit.evaluation.suggest import Suggestion
from mlgit.gate import document, judge
from mlgit.gate import table as gate_table
from mlgit.gate.judge import ReviewInput, decides, review
from mlgit.gate.review import Review, RuleChange
from mlgit.gate.rule_result import RuleResult
from mlgit.revision.refs import Baseline
from tests.kit.sides import NASTY

TODAY = datetime.date(2026, 6, 1)
ROWS = 100
KINDS = {
    "no_worse": {"margin": 0.05},
    "same": {"margin": 0.05},
    "better": {},
    "no_harm": {"margin": 0.05, "slices": {"by": ["region"]}},
    "gap": {"max": 0.5, "slices": {"by": ["region"]}},
    "bound": {"max_change": 0.1},
}
MODEL = {"metrics": "m.json", "predictions": "p.csv", "id": "id"}


def config(*rules, model=None, metrics=None, **gates):
    metrics = metrics or {"accuracy": {"direction": "higher"}}
    declared = {"mlgit": 1, "metrics": metrics, "models": {"m": model or MODEL}}
    return parse(declared | {"gates": {"rules": list(rules), "stats": {"resamples": 100}, **gates}})


def rule(kind="no_worse", **more):
    return {"id": kind, "kind": kind, "metric": "accuracy", **KINDS[kind], **more}


def table(*, wrong=10, rows=ROWS, start=0):
    keys = np.arange(start, start + rows)
    label = keys % 2
    return {"id": keys, "label": label, "prediction": np.where(keys < wrong, 1 - label, label), "region": keys // 2 % 2}


MODELS = config().models
SIDES = {
    "nothing": None,
    "empty": {},
    "numbers": {"recorded": {"accuracy": 0.9}},
    "no number": {"recorded": {"accuracy": math.nan}},
    "rows": {"table": table(), "recorded": {"accuracy": 0.9}},
    "other rows": {"table": table(rows=80), "test": "b"},
    "five rows": {"table": table(rows=5)},
    "no rows": {"table": table(rows=0)},
    "no columns": {"table": {}},
    "unread": {"trouble": "p.csv: not in the cache", "recorded": {"accuracy": 0.9}},
    "stale": {"table": table(), "stale": ("train",)},
}


def side(name):
    given = SIDES[name]
    return RevisionResults(name, {} if given is None else {"m": ModelResults(MODELS["m"], **given)})


def case(rules, baseline, current, **more):
    deciding = config(*rules)
    return ReviewInput(deciding, deciding, "main", side(current), side(baseline) if baseline else None, **more)


ALL = [("no_worse", baseline, current) for baseline in SIDES for current in SIDES]
ALL += [(kind, baseline, current) for kind in list(KINDS)[1:] for baseline in ("numbers", "rows") for current in SIDES]


@pytest.mark.parametrize(("kind", "baseline", "current"), ALL)
def test_rule_that_compares_passes_only_on_rows_of_both_sides(kind, baseline, current):
    found = review(case([rule(kind)], baseline, current), today=TODAY)
    (judged,) = found.judged
    assert found.verdict in ("pass", "warn", "fail", "invalid")
    assert judged.reason
    hows = {each.how for each in found.tested}
    if judged.outcome == "pass" and kind not in ("gap", "bound"):
        assert hows == {"paired"}
    if judged.outcome == "pass" and kind == "gap":
        assert "stale" not in current
        assert current in ("rows", "other rows")
    if judged.outcome == "invalid":
        assert found.verdict == "invalid"
    json.dumps(document.document(found), allow_nan=False)
    assert gate_table.render(found, current="workspace").startswith(found.verdict)


@pytest.mark.parametrize("current", SIDES)
def test_without_a_baseline_nothing_fails_and_nothing_is_proven(current):
    (judged,) = review(case([rule()], None, current), today=TODAY).judged
    assert judged.outcome in ("first", "invalid")


@given(st.integers(0, ROWS), st.integers(0, ROWS))
def test_verdict_is_that_of_the_interval(before, now):
    model = MODELS["m"]
    sides = [RevisionResults("x", {"m": ModelResults(model, table=table(wrong=wrong))}) for wrong in (before, now)]
    deciding = config(rule())
    found = review(ReviewInput(deciding, deciding, "main", sides[1], sides[0]), today=TODAY)
    (judged,) = found.judged
    if before == now:
        assert (judged.outcome, judged.reason) == ("pass", "same predictions")
        return
    assert judged.low is not None
    assert judged.high is not None
    expected = "pass" if judged.low > -0.05 else "fail" if judged.high < -0.05 else "inconclusive"
    assert judged.outcome == expected
    (turned,) = found.turned
    assert (turned.fixed, turned.broken) == (max(0, before - now), max(0, now - before))
    assert found.metrics[0].current == pytest.approx(1 - now / ROWS)


def test_changed_rows_are_compared_through_the_model_of_the_baseline():
    deciding = config(rule())
    model = replace(MODELS["m"], test=("t.csv",))
    sides = [
        RevisionResults("x", {"m": ModelResults(model, table=table(rows=rows), test=test)})
        for rows, test in ((100, "a"), (80, "b"))
    ]
    given = ReviewInput(deciding, deciding, "main", sides[1], sides[0])
    assert judge.to_judge_again(deciding, sides[0], sides[1]) == ["m"]
    assert review(given, today=TODAY).verdict == "invalid"
    again = ReviewInput(deciding, deciding, "main", sides[1], sides[0], again={"m": table(rows=80)})
    found = review(again, today=TODAY)
    assert (found.verdict, found.tested[0].how, found.tested[0].is_changed) == ("pass", "re-evaluated", True)
    unpaired = config(rule(), test_set={"if_changed": "unpaired"})
    assert judge.to_judge_again(unpaired, sides[0], sides[1]) == []


def test_other_models_on_the_same_rows_are_counted_without_this_one():
    given = case([rule()], "rows", "rows", judged={"m": frozenset("abc")}, judged_at_least=frozenset("m"))
    found = review(given, today=TODAY)
    assert (found.tested[0].judged, found.tested[0].is_at_least) == (3, True)
    unknown = review(replace(given, judged={}, uncounted={"m": "this clone is shallow"}), today=TODAY)
    assert "judged on this test set cannot be counted: this clone is shallow" in gate_table.render(unknown, current="x")


def test_rules_of_the_base_decide_unless_it_has_none():
    some, none = config(rule()), config()
    assert decides(some, none, name="main") == (some, "main", ())
    assert decides(some, None, name="main") == (some, "main", ())
    assert decides(none, some, name="main")[:2] == (some, "current")
    assert decides(None, some, name="main")[2] == ("main declares no gate rules, so those of the current side judge",)
    assert decides(None, None, name="main") == (Config(), "main", ())


def test_positive_label_that_nobody_has_is_told():
    deciding = config(rule(metric="recall"), model=MODEL | {"positive": "yes"})
    scored = ModelResults(deciding.models["m"], table=table())
    given = ReviewInput(deciding, deciding, "main", RevisionResults("x", {"m": scored}), RevisionResults("y", {"m": scored}))
    (judged,) = review(given, today=TODAY).judged
    assert (judged.outcome, "no row has the positive label 'yes'" in judged.reason) == ("invalid", True)


def hostile():
    judged = RuleResult(NASTY, "no_worse", NASTY, "fail", "fail", NASTY, NASTY, NASTY, model=NASTY)
    return Review(
        "fail",
        (judged,),
        Baseline(NASTY, "a" * 40, "named", 3, 40),
        (_Tested(NASTY, "paired", NASTY, 10, judged=3, is_at_least=True, trouble=NASTY),),
        metrics=(MetricResult(NASTY, NASTY, "worse", "higher", math.nan, math.inf, -1.0, reason=NASTY),),
        turned=(Flips(NASTY, 1, 2),),
        rule_changes=(RuleChange(NASTY, "changed", NASTY, NASTY),),
        rules_from=NASTY,
        notes=(NASTY,),
    )


def test_hostile_text_stays_on_its_line_and_commands_no_terminal():
    text = gate_table.render(hostile(), current=NASTY)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.splitlines()) == len(gate_table.render(hostile(), current="x").splitlines())
    assert "3 commits before the one wanted, which has no results, 40 days older" in text
    assert "at least 3 other models were already judged on this test set" in text


def test_document_has_no_word_for_what_is_no_number():
    found = document.document(hostile())
    assert (found["metrics"][0]["baseline"], found["metrics"][0]["current"]) == (None, None)
    assert list(found)[:3] == ["schema", "verdict", "rules"]
    json.dumps(found, allow_nan=False)


def test_suggestions_read_as_a_table():
    f1 = Suggestion("f1", 400, 12, 0.0123, 0.013, 1600, (("kept", 3000),), n_counted=63, counted="actual or predicted positive")
    rows = (f1, Suggestion("auc", 5, 0, reason="too few rows"))
    text = gate_table.suggestions({"m": rows})
    assert [line.split() for line in text.splitlines() if line.startswith("f1 ")] == [
        ["f1", "63", "actual", "or", "predicted", "positives", "12", "0.0123", "0.013", "1600"]
    ]
    assert "auc: too few rows" in text
    assert "rule kept asks for more than these rows can tell: 3000 actual or predicted positives would be needed" in text
    assert document.suggestions({"m": rows})["models"]["m"][0]["too_narrow"] == [["kept", 3000]]


def test_rules_that_could_not_be_judged_are_not_counted_as_failed():
    judged = [
        RuleResult(f"r{n}", "no_worse", "f1", outcome, "fail") for n, outcome in enumerate(["fail", "invalid", "invalid"])
    ]
    found = Review("fail", (*judged, RuleResult("kept", "bound", "f1", "pass", "pass")))
    assert gate_table.render(found, current="x").startswith("fail: 1 of 4 rules failed, 2 could not be judged\n")


def test_numbers_come_with_what_has_to_be_known_of_them():
    sides = [
        RevisionResults("x", {"m": ModelResults(MODELS["m"], recorded={"accuracy": 0.5}, table=table(wrong=wrong))})
        for wrong in (10, 12)
    ]
    found = review(ReviewInput(config(rule()), config(rule()), "main", sides[1], sides[0]), today=TODAY)
    told = "accuracy: the metrics file has 0.5 for accuracy, and the predictions give 0.88"
    assert told in gate_table.render(found, current="x").splitlines()
    unknown = MetricResult("m", "pass@6", "invalid", reason="2 of 2 cases have fewer than 6 tries")
    text = gate_table.render(replace(found, metrics=(unknown, replace(unknown, metric="lift", is_gated=True))), current="x")
    assert "pass@6: 2 of 2 cases have fewer than 6 tries" in text.splitlines()


def test_test_set_without_the_columns_of_a_metric_does_not_show_it():
    tests = {"cases": {"predictions": "c.csv", "id": "id"}}
    metrics = {"accuracy": {"direction": "higher"}, "right": {"direction": "higher", "column": "right"}}
    given = config(model=MODEL | {"tests": tests}, metrics=metrics)
    per_case = {"id": np.arange(ROWS), "right": np.arange(ROWS) % 2}

    def known(rows):
        results = {
            "m": ModelResults(given.models["m"], recorded={"accuracy": 0.9}, table=table()),
            "m@cases": ModelResults(asked(given, None)["m@cases"], table=rows),
        }
        sides = [RevisionResults("x", results)] * 2
        return {each.metric for each in review(ReviewInput(given, given, "main", *sides), today=TODAY).metrics}

    assert known(per_case) == {"accuracy", "right@cases"}
    assert known(per_case | table()) == {"accuracy", "right@cases", "accuracy@cases"}
    assert known({"id": np.arange(ROWS), "other": np.arange(ROWS)}) == {"accuracy", "accuracy@cases"}


def test_settings_of_the_statistics_reach_the_comparison():
    sides = [RevisionResults("x", {"m": ModelResults(MODELS["m"], table=table(wrong=wrong))}) for wrong in (10, 12)]
    strict = config(rule(), stats={"alpha": 0.01, "seed": 3, "resamples": 200})
    found = review(ReviewInput(strict, strict, "main", sides[1], sides[0]), today=TODAY)
    assert found.metrics[0].confidence_level == pytest.approx(0.98)
    assert (found.resamples, found.seed) == (200, 3)
    grouped = config(rule(), stats={"cluster": "region"})
    (judged,) = review(ReviewInput(grouped, grouped, "main", sides[1], sides[0]), today=TODAY).judged
    assert (judged.outcome, judged.reason) == ("inconclusive", "2 clusters, at least 30 needed")
