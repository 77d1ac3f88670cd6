"""What a dvc.yaml says of the files that hold values, and what decides it."""

from __future__ import annotations

import pytest

from mlgit.experiments import value_files
from mlgit.experiments.value_files import ValueFiles


def stage(**body):
    return {"stages": {"train": {"cmd": "python t.py ${train.lr}", **body}}}


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (stage(metrics=["m.json"]), ()),
        (stage(metrics=["${out}/m.json"]), ("out",)),
        (stage(metrics=[{"${ a.b }/${a.c}.json": {"cache": False}}]), ("a.b", "a.c")),
        (stage(wdir="${folders[0]}"), ("folders",)),
        ({"stages": {"s": {"foreach": "${models}", "do": {"cmd": "x", "metrics": ["${item}.json"]}}}}, ("item", "models")),
        ({"vars": [{"out": "o"}], **stage(metrics=["${out}/m.json"])}, ("out",)),
        ({"vars": ["v.yaml"], **stage(metrics=["${out}/m.json"])}, None),
        (stage(metrics=["${out}/m.json"], vars=["v.yaml"]), None),
        (stage(metrics=["${a${b}}.json"]), None),
        (stage(metrics=["${a"]), None),
    ],
)
def test_parameters_that_decide_are_named(document, names):
    assert value_files.depends_on(document) == names


def test_templates_of_commands_decide_nothing():
    assert value_files.is_fixed(stage(metrics=["m.json"]))
    assert value_files.telling(stage(metrics=["m.json"], deps=["${x}"])) == {"train": {"metrics": ["m.json"]}}
    assert not value_files.is_fixed(stage(params=["${x}"]))
    assert value_files.telling(stage(params=["${x}"])) is None


def test_items_that_stand_in_the_file_are_fixed_but_take_a_resolver():
    document = {"stages": {"s": {"foreach": ["a", "b"], "do": {"cmd": "x", "metrics": ["${item}.json"]}}}}
    assert value_files.is_fixed(document)
    assert value_files.telling(document) is None


def test_document_that_holds_itself_is_not_fixed():
    document = stage(metrics=["m.json"])
    document["stages"]["train"]["params"] = document["stages"]
    assert not value_files.is_fixed(document)


def test_cache_may_hold_an_output_and_what_is_in_it():
    found = ValueFiles(cached=frozenset({"out", "a/b.json"}))
    assert found.may_be_cached("out/m.json")
    assert found.may_be_cached("a")
    assert not found.may_be_cached("other.json")
