"""Which columns and definitions judge: those of the configuration whose rules decide, wherever it has a word on it."""

from __future__ import annotations

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import parse
from mlgit.evaluation.model_results import asked

BASE = """\
mlgit: 1
metrics:
  cost: {direction: lower, column: cost}
  f1: {direction: higher}
models:
  m: {metrics: m.json}
monitoring:
  m: {kpis: {loss: {expression: sum(cost), direction: lower}}}
gates: {rules: [{id: kept, kind: no_worse, metric: wer, margin: 0.1}]}
"""
OWN = """\
mlgit: 1
metrics:
  cost: {direction: lower, expression: 0 * sum(cost)}
  f1: {direction: higher, expression: 1 + 0 * mean(label)}
  wer: {direction: lower, column: nothing}
  judge: {direction: higher, column: judge}
models:
  m: {metrics: m.json, predictions: p.csv, id: id, tests: {b: {predictions: b.csv}}}
  n: {predictions: n.csv}
monitoring:
  m: {kpis: {loss: {expression: 0 * sum(cost), direction: lower}, gain: {expression: sum(gain), direction: higher}}}
"""


def config(text):
    return parse(parse_yaml(text, name="mlgit.yaml"))


def test_definitions_of_the_deciding_side_are_those_of_all_models():
    for each in asked(config(BASE), config(OWN)).values():
        made = {one.name: one.column or one.expression for one in each.declared}
        assert made == {"cost": "cost", "judge": "judge"}, "f1 and wer are judged by their names there"


def test_kpis_of_the_deciding_side_go_before_those_of_the_change():
    found = asked(config(BASE), config(OWN))
    for address in ("m", "m@b"):
        assert {each.name: each.expression for each in found[address].kpis} == {"loss": "sum(cost)", "gain": "sum(gain)"}


def test_test_set_that_the_change_takes_away_is_asked_all_the_same():
    without = OWN.replace(", tests: {b: {predictions: b.csv}}", "")
    assert [*asked(config(OWN), config(without))] == ["m", "m@b", "n"]
