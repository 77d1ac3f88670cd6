"""The page about monitoring holds the figures that its simulation gives, every key, and every metric that is exported."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import sys
from pathlib import Path

import pytest

from mlgit import config, monitoring_settings
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.monitoring.exposition import METRICS
from tests.kit import FULL

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "monitoring.md").read_text()


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("simulation_monitoring", DOCS / "simulation_monitoring.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their own module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def shown(show, number):
    """The lines of a table."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        show(number)
    return printed.getvalue().splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="half an hour")
@pytest.mark.parametrize("name", ["alarms", "years", "delays"])
def test_tables_are_those_of_the_simulation(simulation, name):
    show, number = simulation.TABLES[name]
    assert [line for line in shown(show, number) if line not in PAGE] == []


@pytest.mark.slow
def test_claims_about_thresholds_hold(simulation):
    any_psi, _, any_p, _, ranked = simulation.alarms(simulation.Case(500, 0.1), draws=40)
    assert min(any_psi, any_p) >= 0.9  # both alarm about days in which nothing changed
    assert ranked <= 0.2  # 5 % are promised: of 40 draws more than 7 would be a surprise in a thousand
    assert simulation.alarms(simulation.Case(50_000, 0.0, 0.2), draws=10)[0] == 0  # and miss a change where rows are many
    assert simulation.alarms(simulation.Case(50_000, 0.0, 0.2), draws=10)[-1] == 1


@pytest.mark.slow
def test_change_is_found_soon(simulation):
    found = simulation.years(4, 40, shift=1.0, length=15)
    assert all(each.first_watch <= 3 and each.first_page <= 12 for each in found)


def test_median_of_days_counts_those_that_never_come(simulation):
    assert [simulation._median(each) for each in ([3, None, 1], [None, None, 1], [2])] == ["3", "never", "2"]


def test_example_is_valid_and_has_every_key():
    (text,) = re.findall(r"## Every key\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    rules = {"gates": {"rules": [{"id": "kept", "kind": "bound", "metric": "accuracy", "min": 0.6}]}}
    around = {"mlgit": 1, "metrics": {"accuracy": {"direction": "higher"}}, "environments": [{"name": "prod"}], **rules}
    document = parse_yaml(text, name="page")
    found = config.parse({**around, **document}).monitoring("churn")
    assert found.declared
    declared = document["monitoring"]["churn"]
    windows = {"url_env", "query"}  # in the place of `path`
    for key in monitoring_settings.SCHEMA.keys:
        inner = getattr(key.schema, "keys", ())
        assert {each.name for each in inner} - windows <= {*declared[key.name]} if inner else key.name in declared


def test_parts_of_the_page_are_valid():
    for text in re.findall(r"```yaml\n( +(?:labels|triggers|kpis):.*?)```", PAGE, re.DOTALL):
        document = parse_yaml(f"monitoring:\n  churn:\n{text}", name="page")["monitoring"]["churn"]
        monitoring_settings.parse("churn", document, rules=["kept"]) if "triggers" not in document else None
        assert {*document} <= {key.name for key in monitoring_settings.SCHEMA.keys}


def test_every_metric_that_is_exported_is_described():
    assert [name for name in METRICS if f"| `{name}` |" not in PAGE] == []
