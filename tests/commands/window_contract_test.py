"""A window beside the contract of the training data: what is no input is not asked of it."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.commands import window_contract
from mlgit.config import parse as config
from mlgit.monitoring.window import Window
from mlgit.validation import parse
from tests.kit.late import Module

duckdb = Module("duckdb")

MODEL = config({"mlgit": 1, "models": {"churn": {"id": "id"}}}).model("churn")
CONTRACT = parse.parse(
    {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "c",
        "version": "1.0.0",
        "status": "draft",
        "schema": [
            {
                "name": "c",
                "logicalType": "object",
                "properties": [
                    {"name": "id", "logicalType": "string", "required": True, "unique": True},
                    {"name": "x", "logicalType": "number", "required": True, "classification": "restricted"},
                    {"name": "label", "logicalType": "integer", "required": True},
                ],
            }
        ],
    },
    name="c.odcs.yaml",
)


def checked(**columns):
    return window_contract.check(Window("today", 3, columns), CONTRACT, model=MODEL)


def test_window_needs_neither_ids_nor_labels_that_its_training_data_had():
    assert checked(x=np.array([1.0, 2.5, 3.0])) == ("pass", "", "")


def test_window_without_an_input_breaks_the_contract():
    assert checked(y=np.ones(3)) == ("fail", "no column 'x'", "")


@pytest.mark.parametrize("values", [["secret", 1, 2], [None, 1, 2]])
def test_values_that_break_it_are_counted_and_not_shown(values):
    found = checked(x=np.array(values, dtype=object))
    assert (found.state, found.broken.endswith("not so in 1 row")) == ("fail", True)
    assert "secret" not in found.broken


def test_window_without_a_contract_breaks_none():
    assert window_contract.check(Window("today", 0, {}), None, model=MODEL).state == "absent"
