"""The page about reviews holds the figures that its simulation gives, and every key that gates take."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from mlgit import config, rules
from mlgit.adapters.formats.documents import parse_yaml

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "review.md").read_text()


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("simulation", DOCS / "simulation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_tables_are_those_of_the_simulation(simulation):
    for lines in (simulation.rules_table(), simulation.rows_table(), simulation.margins_table()):
        assert "\n".join(lines) in PAGE


@pytest.mark.slow
def test_claims_of_the_simulation_hold(simulation):
    unchanged, worse = simulation.simulate(1_000, 0.0), simulation.simulate(1_000, -0.04)
    assert 0.4 < unchanged[0] < 0.5  # any drop fails
    assert unchanged[-1] <= 0.01  # the gate fails an unchanged model
    assert worse[-1] >= 0.8  # and a model that is four points worse


def test_example_is_valid_and_has_every_kind():
    (text,) = re.findall(r"```yaml\n(gates:.*?)```", PAGE, re.DOTALL)
    found = config.parse({"mlgit": 1, **parse_yaml(text, name="page")}).gates
    assert {each.kind for each in found.rules} == {*rules._NEEDS}
    assert found.waivers


def test_every_key_is_named():
    document = rules.SCHEMA
    keys = [key.name for key in document.keys] + [inner.name for key in document.keys for inner in tables(key.schema)]
    assert len(keys) > 35
    assert [key for key in keys if not re.search(rf"\b{key}\b", PAGE)] == []


def tables(schema):
    """The keys of a table, or of the tables in a list."""
    inner = getattr(schema, "item", schema)
    return getattr(inner, "keys", ())
