"""The grammar of gates: what is read, and what is refused with the place and the way out."""

from __future__ import annotations

import datetime

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.errors import MlgitError
from mlgit.rules import Amount, BaselineRule, Gates, HeldOut, Slices, Stats, Waiver, parse

TEXT = """\
rules:
  - {id: f1.no_worse, metric: f1, kind: no_worse, margin: 0.010, if_inconclusive: fail}
  - {id: f1.better, metric: f1, kind: better, by: 0, severity: warn, when: {label: improvement}}
  - {id: recall.floor, metric: recall, kind: bound, min: 0.80, use: lower}
  - {id: refactor, metric: rmse, kind: same, margin: 2%, when: {label: refactor}}
  - {id: slices, metric: f1, kind: no_harm, margin: 0.02, severity: warn,
     slices: {by: [region, [region, sex]], min_n: 100, correct: holm, if_missing: fail}}
  - {id: fair, metric: recall, kind: gap, slices: {by: [sex]}, max: 0.05}
  - {id: size, metric: model_bytes, kind: bound, max_change: 10%}
  - {id: data, kind: data, path: data/train.csv, schema: compatible, rows: [-5%, 50%], psi: 0.2}
waivers:
  - {rule: slices, slice: {region: EU}, until: 2026-12-31, reason: "#142", by: "@lead"}
"""


def test_every_kind_is_read():
    gates = parse(parse_yaml(TEXT, name="mlgit.yaml"))
    rules = {each.id: each for each in gates.rules}
    assert list(rules) == ["f1.no_worse", "f1.better", "recall.floor", "refactor", "slices", "fair", "size", "data"]
    assert (rules["f1.no_worse"].margin, rules["f1.no_worse"].if_inconclusive) == (Amount(0.01), "fail")
    assert (rules["f1.better"].label, rules["f1.better"].severity) == ("improvement", "warn")
    assert (rules["recall.floor"].minimum, rules["recall.floor"].use) == (0.8, "lower")
    assert rules["refactor"].margin == Amount(0.02, True)
    assert rules["slices"].slices == Slices((("region",), ("region", "sex")), 100)
    assert rules["fair"].maximum == 0.05
    assert rules["size"].max_change == Amount(0.1, True)
    assert (rules["data"].rows, rules["data"].psi, rules["data"].schema) == ((-0.05, 0.5), 0.2, "compatible")
    assert gates.waivers == (Waiver("slices", datetime.date(2026, 12, 31), "#142", "@lead", (("region", "EU"),)),)


def test_how_to_compare_is_read():
    text = """\
baseline: {ref: origin/release, fallback: none, max_age: 30d, if_missing: fail}
test_set: {if_changed: invalid, warn_after: 20}
stats: {alpha: 0.01, resamples: 999, seed: 7, cluster: patient}
"""
    gates = parse(parse_yaml(text, name="mlgit.yaml"))
    assert gates.baseline == BaselineRule("origin/release", "none", 30, "fail")
    assert gates.test_set == HeldOut("invalid", 20)
    assert gates.stats == Stats(0.01, 999, 7, "patient")


def test_what_is_not_declared_has_a_default():
    assert parse({}) == Gates()
    assert parse({"stats": {"cluster": None}}).stats.cluster == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("baseline: {max_age: 30}", "mlgit.yaml: gates.baseline.max_age: expected text, found the number 30"),
        ("baseline: {max_age: 2 months}", "does not match"),
        ("baseline: {ref: ' '}", "does not match"),
        ("baseline: {fallback: main}", "'main' is not one of nearest-ancestor, none"),
        ("test_set: {if_changed: re-evaluate}", "did you mean 'reevaluate'?"),
        ("test_set: {warn_after: 0}", "0 is below 1"),
        ("stats: {alpha: 5}", "gates.stats.alpha: 5 is not a number of at least 0.001 and at most 0.2"),
        ("stats: {cluster: 7}", "expected text or nothing"),
    ],
)
def test_way_to_compare_that_means_nothing_is_refused(text, said):
    with pytest.raises(MlgitError) as caught:
        parse(parse_yaml(text, name="mlgit.yaml"))
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_relative_margin_is_of_the_size_of_the_baseline():
    assert Amount(0.02, True).of(-50) == 1
    assert Amount(0.02).of(-50) == 0.02


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{id: a, kind: no_worse, metric: f1}", "gates.rules[0]: no_worse needs margin; add `margin:`; there is no default"),
        ("{id: a, kind: same, metric: f1}", "same needs margin"),
        ("{id: a, kind: no_harm, metric: f1, margin: 0.1}", "no_harm needs slices"),
        ("{id: a, kind: gap, metric: f1, slices: {by: [a]}}", "gap needs max"),
        ("{id: a, kind: bound, min: 1}", "bound needs metric"),
        ("{id: a, kind: bound, metric: f1}", "bound asks for nothing; add max or max_change or min"),
        (
            "{id: a, kind: bound, metric: f1, min: 0.9, max: 0.1}",
            "rules[0].min: 0.9 is above max, 0.1",
        ),
        ("{id: a, kind: data, path: a.csv}", "data asks for nothing"),
        ("{id: a, kind: bound, metric: f1, min: 1, margin: 2}", "rules[0].margin: bound takes none"),
        ("{id: a, kind: noworse, metric: f1}", "no_worse"),
        ("{id: a, kind: no_worse, metric: f1, margin: -1}", "at least 0"),
        ("{id: a, kind: no_worse, metric: f1, margin: 2 %}", "does not match"),
        ("{id: a, kind: no_worse, metric: f1, margin: true}", "expected"),
        ("{id: a, kind: no_worse, metric: f1, margn: 1, margin: 1}", "margin"),
        ("{id: a, kind: better, metric: f1, when: {branch: x}}", "unknown key 'branch'"),
        ("{id: a, kind: data, path: a.csv, rows: [50%, -5%]}", "write `rows: [-5%, 50%]`"),
        ("{id: a, kind: data, path: a.csv, rows: [5%]}", "least and the greatest"),
        ("{id: a, kind: better, metric: f1}, {id: a, kind: better, metric: f1}", "rules[1].id: 'a' is there twice"),
    ],
)
def test_rule_that_means_nothing_is_refused(rule, said):
    with pytest.raises(MlgitError) as caught:
        parse(parse_yaml(f"rules: [{rule}]", name="mlgit.yaml"))
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_draws_that_can_show_nothing_are_refused():
    harm = "{id: a, kind: no_harm, metric: log_loss, margin: 0.1, slices: {by: [b, c, [b, c]]}}"
    stats = "stats: {alpha: 0.01, resamples: NUMBER}"
    for rule, needed in (("{id: a, kind: no_worse, metric: log_loss, margin: 0.1}", 199), (harm, 299)):
        text = f"{{{stats.replace('0.01', '0.01' if needed == 299 else '0.005')}, rules: [{rule}]}}"
        assert parse(parse_yaml(text.replace("NUMBER", str(needed)), name="mlgit.yaml")).stats.resamples == needed
        with pytest.raises(MlgitError, match=f"gates.stats.resamples: {needed - 1} draws can never show") as caught:
            parse(parse_yaml(text.replace("NUMBER", str(needed - 1)), name="mlgit.yaml"))
        assert f"resamples: {needed}" in caught.value.hint


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("{rule: b, until: 2026-12-31, reason: r, by: b}", "no rule is called 'b'; the rules are a"),
        ("{rule: a, until: '2026-13-31', reason: r, by: b}", "is not a date"),
        ("{rule: a, until: soon, reason: r, by: b}", "does not match"),
        ("{rule: a, until: 2026-12-31, by: b}", "reason"),
        ("{rule: a, until: 2026-12-31, reason: ' ', by: b}", "does not match"),
        ("{rule: a, reason: r, by: b}", "until"),
    ],
)
def test_waiver_that_would_hold_for_ever_or_without_reason_is_refused(waiver, said):
    rules = "rules: [{id: a, kind: better, metric: f1}]"
    with pytest.raises(MlgitError) as caught:
        parse(parse_yaml(f"{rules}\nwaivers: [{waiver}]", name="mlgit.yaml"))
    assert said in f"{caught.value.message}; {caught.value.hint}"
