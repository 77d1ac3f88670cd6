"""Reports of every kind, as a review of a model for churn would make them."""

from __future__ import annotations

from dataclasses import replace

from mlgit.evaluation.results import Flips, MetricResult, TestedRows
from mlgit.gate.review import RuleChange
from mlgit.gate.rule_result import RuleResult, SliceResult
from mlgit.report.document import Fact, Failure, Line, Parameter, Plot, Report, Run, Side, StageRun
from mlgit.revision.refs import Baseline
from mlgit.tables.drift import TableDrift

HEAD, BASE = "9f2c1ab" + "0" * 33, "41d0e77" + "0" * 33

FULL = Report(
    mlgit="0.1.0",
    verdict="fail",
    head=Side(HEAD, "topic"),
    base=Baseline("merge base with main", BASE, "merge base"),
    run=Run(812, 1, "99", "https://example.com/team/models/actions/runs/99"),
    rules=(
        RuleResult(
            "f1.no_worse", "no_worse", "f1", "fail", "fail", "lower bound > -0.010", "worse than the margin",
            baseline=0.8712, current=0.8523, delta=-0.0189, low=-0.0267, high=-0.0111,
        ),
        RuleResult(
            "auc.no_worse", "no_worse", "roc_auc", "pass", "pass", "lower bound > -0.005", "shown",
            baseline=0.9411, current=0.9442, delta=0.0031, low=-0.0012, high=0.0071,
        ),
        RuleResult("recall.floor", "bound", "recall", "pass", "pass", "at least 0.80", current=0.83),
        RuleResult(
            "slices", "no_harm", "f1", "warn", "warn", "no slice shown 0.02 worse", "region=EU -0.044 (adj. p 0.012)",
            slices=(
                SliceResult("region=EU", "harmed", 1200, 0.88, 0.836, -0.044, -0.061, -0.027, 0.012),
                SliceResult("region=US", "no harm shown", 3500, 0.87, 0.858, -0.012, -0.021, -0.003, 0.4),
                SliceResult("region=ASIA", "too few rows", 40),
            ),
        ),
    ),
    metrics=(
        MetricResult("churn", "latency_p95_ms", "inconclusive", "lower", 18.2, 17.9, -0.3, -2.1, 1.6, n=4812,
                 method="BCa bootstrap"),
        MetricResult("churn", "f1", "worse", "higher", 0.8712, 0.8523, -0.0189, -0.0267, -0.0111, n=4812,
                 smallest=0.009, method="bootstrap over joint counts", is_gated=True),
        MetricResult("churn", "roc_auc", "no worse", "higher", 0.9411, 0.9442, 0.0031, -0.0012, 0.0071, n=4812,
                 method="DeLong", is_gated=True),
        MetricResult("churn", "accuracy", "same", "higher", 0.9, 0.9, 0.0),
    ),
    tested=(TestedRows("churn", "paired", "id", 4812, judged=14),),
    turned=(Flips("churn", 41, 133, ("a1", "a2"), ("b1", "b2", "b3")),),
    parameters=(Parameter("train.max_depth", "6", "3"),),
    data=(TableDrift("data/train.csv", 48120, 48990, moved=(("age", 0.03),)),),
    n_data=5,
    stages=(
        StageRun("train", "ran", ("param train.max_depth: 6 → 3",), 41.0, 58.0),
        StageRun("evaluate", "ran", ("dep changed: models/churn.skops",), 3.0, 3.0),
        StageRun("prepare", "unchanged"),
    ),
    card=("- Intended use: EU and US", "+ Intended use: US only"),
    plots=(Plot("val_loss by epoch", (Line("main", (0.91, 0.66, 0.51)), Line("PR", (0.93, 0.71, 0.6)))),),
    seed=7,
    provenance=(Fact("model", "md5:c0de"), Fact("redo", "mlgit diff 41d0e77 9f2c1ab")),
)  # fmt: skip

PASSED = replace(
    FULL,
    verdict="pass",
    rules=tuple(replace(rule, outcome="pass", effect="pass", slices=rule.slices[1:]) for rule in FULL.rules),
    metrics=FULL.metrics[1:],
)
NOTHING = Report(state="nothing changed", verdict="pass", head=FULL.head, base=FULL.base, run=FULL.run, rules=PASSED.rules)
FIRST = replace(
    FULL,
    state="first",
    verdict="warn",
    base=None,
    rules=(RuleResult("f1.no_worse", "no_worse", "f1", "first", "warn", reason="no baseline"),),
    metrics=(MetricResult("churn", "f1", "first", "higher", current=0.8523),),
    tested=(TestedRows("churn", "first", "id", 4812),),
    turned=(),
)
FAILED = Report(
    state="run failed",
    head=FULL.head,
    base=FULL.base,
    run=FULL.run,
    failure=Failure("train", "python src/train.py", 3, ("Traceback (most recent call last):", "ValueError: no rows")),
)
INVALID = replace(
    FULL,
    state="invalid",
    verdict="invalid",
    rules=(
        RuleResult(
            "f1.no_worse", "no_worse", "f1", "invalid", "fail", reason="12 keys are there twice", settle="make id unique"
        ),
    ),
    metrics=(MetricResult("churn", "f1", "invalid", "higher", 0.87, 0.85, reason="12 keys are there twice"),),
    tested=(TestedRows("churn", "invalid", "id", 4812, trouble="12 keys are there twice"),),
    turned=(),
)
RETESTED = replace(PASSED, tested=(TestedRows("churn", "re-evaluated", "id", 5000, is_changed=True),))
UNPAIRED = replace(FULL, tested=(TestedRows("churn", "unpaired", "id", 5000, is_changed=True),), turned=())
FORK = replace(PASSED, is_self_reported=True)
WAIVED = replace(
    PASSED, rules=(replace(PASSED.rules[0], outcome="waived", reason="#142, until 2026-12-31, by @lead"), *PASSED.rules[1:])
)
LOOSENED = replace(FULL, rules_from=BASE, rule_changes=(RuleChange("f1.no_worse", "changed", "margin: 0.01", "margin: 0.5"),))
OLD = replace(PASSED, base=Baseline("main", BASE, "nearest ancestor", 4, 44, is_old=True))

# What may be open at once: rules that change, gates, metrics, hurt slices.
LOADED_RULES = {"rules_from": BASE, "rule_changes": LOOSENED.rule_changes}

STATES = {
    "full": FULL, "passed": PASSED, "nothing": NOTHING, "first": FIRST, "failed": FAILED, "invalid": INVALID,
    "retested": RETESTED, "unpaired": UNPAIRED, "fork": FORK, "waived": WAIVED, "loosened": LOOSENED, "old": OLD,
}  # fmt: skip
