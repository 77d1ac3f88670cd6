"""docs/metrics.md: every metric that there is stands on it, and what it shows as mlgit.yaml can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import parse
from mlgit.evaluation import definitions
from mlgit.statistics import estimators, metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_built_in_metric_is_in_a_table():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    told = {name for line in rows for name in re.findall(r"`([a-z0-9_]+)`", line.split("|")[1])}
    built_in = {*metrics.METRICS, *metrics.TAKES, *(each.name for each in estimators.ESTIMATORS)}
    assert told == built_in


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_it_shows_is_read_and_all_of_its_metrics_are_known(text):
    config = parse(parse_yaml(text, name="mlgit.yaml"))
    for model in config.models.values():
        made = {each.metric for each in definitions.all_of(model)}
        for name in config.directions:
            assert name in made or definitions.of(model, name), name


def test_parameters_that_a_metric_must_be_told_stand_beside_it():
    rows = {line.split("|")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}
    for each in estimators.ESTIMATORS:
        line = next(line for names, line in rows.items() if f"`{each.name}`" in names)
        for parameter in each.requires:
            assert f"`{'class' if parameter == 'of_class' else parameter}" in line, (each.name, parameter)
