"""What rules about slices saw of each of them."""

from __future__ import annotations

from dataclasses import replace

from mlgit.gate.slice_table import slices
from mlgit.gate.slice_verdicts import together
from tests.gate.slice_verdicts_test import EU, GAP, SLICED, US, apart, compared, harmed, rule


def told(text, seen):
    return [(each.name, each.standing) for each in slices(rule(text), seen)]


def seen(**chances):
    return together([(rule(SLICED), "m", harmed(**chances))])["a", "m"]


def test_hurt_slices_come_first_with_the_chance_that_heeds_all():
    first, second = slices(rule(SLICED), seen(US=0.5, EU=0.01))
    assert (first.name, first.standing, first.pvalue, first.n, first.delta) == ("region=EU", "harmed", 0.02, 1000, -0.02)
    assert (second.name, second.standing) == ("region=US", "no harm shown")


def test_slices_that_were_not_judged_are_told_too():
    known = replace(seen(EU=0.01), set_aside=frozenset({EU}), small=(US,), missing=((("region", "ASIA"),),))
    known = replace(known, parts={**known.parts, (("region", "X"),): compared(None), (("region", "Y"),): compared(0.5, rows=9)})
    assert told(SLICED, known) == [
        ("region=ASIA", "gone"),
        ("region=EU", "waived"),
        ("region=X", "no value"),
        ("region=Y", "too few rows"),
        ("region=US", "too few rows"),
    ]


def test_slices_that_are_shown_to_be_apart_are_those_of_the_pair():
    assert told(GAP, apart(0.06, 0.07, 0.2)) == [("region=EU", "apart"), ("region=US", "apart")]
    assert told(GAP, apart(0.01, 0.0, 0.04)) == [("region=EU", "not apart"), ("region=US", "not apart")]


def test_rule_about_whole_rows_has_no_slices():
    assert told("kind: bound, metric: f1, min: 0.5", seen(EU=0.01)) == []
