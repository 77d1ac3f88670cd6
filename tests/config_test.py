"""mlgit.yaml: what it may hold, and the schema that editors get."""

from __future__ import annotations

import copy
import datetime
import functools
import itertools
import json

import jsonschema
import pytest

from mlgit import config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.errors import MlgitError
from mlgit.schema import Either, ListOf, MapOf, Table
from tests.kit import json_schema


def test_directions_are_read():
    found = config.parse({"mlgit": 1, "metrics": {"auc": {"direction": "higher"}, "loss": {"direction": "lower"}}})
    assert (found.direction("auc"), found.direction("loss"), found.direction("rows")) == ("higher", "lower", None)


def test_direction_holds_for_a_metric_below_other_names():
    found = config.parse({"mlgit": 1, "metrics": {"auc": {"direction": "higher"}}})
    assert found.direction("test.eu.auc") == "higher"


def test_full_name_goes_before_the_last_part():
    metrics = {"auc": {"direction": "higher"}, "test.auc": {"direction": "lower"}}
    assert config.parse({"mlgit": 1, "metrics": metrics}).direction("test.auc") == "lower"


def test_project_without_the_file_declares_nothing():
    assert config.Config().direction("auc") is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "mlgit.yaml: mlgit: missing"),
        ([], "mlgit.yaml: expected a mapping, found a list"),
        ({"mlgit": 2}, "mlgit.yaml: mlgit: '2' is not one of 1"),
        ({"mlgit": 1, "metrcs": {}}, "mlgit.yaml: metrcs: unknown key, did you mean 'metrics'?"),
        (
            {"mlgit": 1, "metrics": {"auc": {"direction": "up"}}},
            "mlgit.yaml: metrics.auc.direction: 'up' is not one of higher, lower",
        ),
        ({"mlgit": 1, "metrics": {"auc": {}}}, "mlgit.yaml: metrics.auc.direction: missing"),
        ({"mlgit": 1, "environments": None}, "mlgit.yaml: environments: expected a list, found nothing"),
    ],
)
def test_fault_is_named(document, message):
    with pytest.raises(MlgitError) as caught:
        config.parse(document)
    assert caught.value.message == message


ABROAD = {"predictions": "p.csv", "tests": {"abroad": {"predictions": "b.csv"}}}
KPIS = {"churn": {"kpis": {"loss": {"expression": "sum(amount)", "direction": "lower"}}}}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"metrics": {"f1@abroad": {"direction": "higher"}}}, "metrics.f1@abroad: so is called f1 on the test set abroad"),
        ({"models": {"churn": ABROAD, "churn@abroad": {}}}, "models.churn@abroad: so is called the test set abroad of churn"),
        (
            {"monitoring": KPIS, "metrics": {"kpi.loss": {"direction": "lower", "column": "a"}}},
            "metrics.kpi.loss: a KPI is called so, and says what it is made of",
        ),
    ],
)
def test_name_that_two_things_would_have_is_refused(declared, said):
    with pytest.raises(MlgitError) as caught:
        config.parse({"mlgit": 1, "models": {"churn": ABROAD}, **declared})
    assert caught.value.message == f"mlgit.yaml: {said}"


def test_name_with_a_number_behind_the_sign_is_that_of_no_test_set():
    metrics = {"recall@10": {"direction": "higher"}, "kpi.loss": {"direction": "lower"}}
    found = config.parse({"mlgit": 1, "models": {"churn": ABROAD}, "metrics": metrics, "monitoring": KPIS})
    assert set(found.directions) == {"recall@10", "kpi.loss"}


def test_gates_are_read_with_the_rest():
    rule = {"id": "a", "kind": "better", "metric": "f1"}
    waiver = {"rule": "a", "until": datetime.date(2026, 12, 31), "reason": "r", "by": "b"}
    found = config.parse({"mlgit": 1, "gates": {"rules": [rule], "waivers": [waiver]}})
    assert [each.id for each in found.gates.rules] == ["a"]
    assert found.gates.waivers[0].until == datetime.date(2026, 12, 31)
    with pytest.raises(MlgitError, match=r"^abc1234:mlgit\.yaml: gates\.rules\[0\]: no_worse needs margin"):
        config.parse({"mlgit": 1, "gates": {"rules": [rule | {"kind": "no_worse"}]}}, name="abc1234:mlgit.yaml")


@pytest.mark.parametrize("positive", ["M", 1, 0.5, True])
def test_positive_label_keeps_its_type(positive):
    found = config.parse({"mlgit": 1, "models": {"a": {"positive": positive}}}).model("a").positive
    assert (found, type(found)) == (positive, type(positive))


def test_fault_names_the_file_it_was_read_from():
    with pytest.raises(MlgitError, match=r"^abc1234:mlgit\.yaml: mlgit: missing"):
        config.parse({}, name="abc1234:mlgit.yaml")


def test_shipped_schema_is_current():
    assert json_schema.SHIPPED.read_text() == json_schema.text(), "type `make schema`"


def test_schema_is_valid_and_accepts_a_good_file():
    schema = config.document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"mlgit": 1, "metrics": {"auc": {"direction": "higher"}}}, schema)


def test_aliases_of_aliases_are_refused_before_they_are_followed():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]" for before, after in itertools.pairwise("abcdefghij")]
    document = parse_yaml("\n".join(lines), name="mlgit.yaml")
    with pytest.raises(MlgitError, match="more than 100000 values"):
        config.parse(document)


def test_every_key_is_explained():
    assert [path for path, doc in documented(config.SCHEMA) if len(doc) < 10] == []


def documented(schema, path=""):
    """Every key of a schema with its sentence."""
    match schema:
        case Table(keys):
            for key in keys:
                yield f"{path}.{key.name}", key.doc
                yield from documented(key.schema, f"{path}.{key.name}")
        case MapOf(inner) | ListOf(inner):
            yield from documented(inner, f"{path}.*")
        case Either(options):
            for option in options:
                yield from documented(option, path)


_SECTIONS = ("metrics", "models", "models.churn", "gates", "data")
_GOOD = {
    "mlgit": 1,
    "metrics": {"auc": {"direction": "higher"}},
    "models": {"churn": {"metrics": "m.json", "cluster": None, "card": {"profile": "hf"}}},
    "gates": {"rules": [{"id": "floor", "kind": "bound", "metric": "auc", "min": 0.5}]},
    "environments": [{"name": "prod", "requires": {"card": "fresh"}}],
    "data": {"data/raw.csv": "schemas/raw.odcs.yaml"},
}


def changed(path, value):
    """The good document with another value at a dotted path; with `...` for the value, without it."""
    document = copy.deepcopy(_GOOD)
    *above, last = path.split(".")
    place = functools.reduce(lambda found, key: found[key], above, document)
    place.pop(last, None) if value is ... else place.update({last: value})
    return document


def accepts(document):
    try:
        return bool(config.parse(document))
    except MlgitError:
        return False


@pytest.mark.parametrize("path", _SECTIONS)
def test_section_whose_lines_are_all_comments_is_an_empty_one(path):
    assert config.parse(changed(path, None)) == config.parse(changed(path, {}))


_VALUES = (None, {}, [], "text", 7, True, {"nmae": 1}, {"x": None}, [None], ...)
_PATHS = (
    *_SECTIONS,
    "metrics.auc",
    "models.churn.card",
    "gates.rules",
    "environments",
    "mlgit",
    "models.churn.metrics",
    "models.churn.order",
    "models.churn.train",
    "gates.stats",
    "other",
)


@pytest.mark.parametrize("path", _PATHS)
def test_editors_and_the_program_find_the_same_files_right(path):
    schema = jsonschema.Draft202012Validator(json.loads(json_schema.SHIPPED.read_text()))
    documents = [changed(path, value) for value in _VALUES]
    assert [schema.is_valid(each) for each in documents] == [accepts(each) for each in documents]
