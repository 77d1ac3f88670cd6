"""Contracts brought up to what data shows, in their own text."""

from __future__ import annotations

import pytest
import yaml

from mlgit.commands.data_check import check_data
from mlgit.commands.data_update import update_contract

CONTRACT = """\
# Ours, by hand.
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.4.2   # raised by hand
schema:
- name: raw
  properties:
  # the first
  - {name: id, logicalType: integer, required: true, unique: true}
  - name: plan     # what they pay
    logicalType: string
    required: true
    quality:
    - metric: invalidValues
      arguments:
        validValues:
        - a   # small
        - b   # large
      mustBe: 0
    - {type: text, description: ours}
  - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 120}}
  # the end
"""


@pytest.fixture
def updated(tmp_path, monkeypatch):
    """Brings the contract up to rows; returns the result and the lines that are new and gone."""
    monkeypatch.chdir(tmp_path)

    def update(rows: str, contract: str = CONTRACT):
        (tmp_path / "raw.csv").write_text(rows)
        (tmp_path / "c.yaml").write_bytes(contract.encode())
        found = update_contract("raw.csv", "c.yaml")
        before, now = (text.splitlines() for text in (contract, (tmp_path / "c.yaml").read_bytes().decode()))
        return found, [each for each in now if each not in before], [each for each in before if each not in now]

    return update


@pytest.mark.parametrize("contract", [CONTRACT, CONTRACT.replace("\n", "\r\n"), "\ufeff" + CONTRACT])
def test_contract_that_is_kept_stays_byte_for_byte(updated, contract):
    found, new, gone = updated("id,plan,age\n1,a,3\n2,b,\n", contract)
    assert (found.changes, found.version, new, gone) == ((), "1.4.2", [], [])


def test_level_is_added_behind_the_others_and_comments_stay(updated):
    found, new, gone = updated("id,plan,age\n1,a,3\n2,c,4\n")
    assert (new, gone) == (["version: 2.0.0   # raised by hand", "        - c"], ["version: 1.4.2   # raised by hand"])
    assert [each.direction for each in found.changes] == ["loosens"]


def test_new_levels_are_texts_to_every_reader_of_yaml(updated):
    levels = ["on", "Yes", "<<", "=", "1_0", "0777", "12:30", "-", "...", "?", "~", "é", "plain"]
    rows = "".join(f'1,"{each}",3\n' for each in levels)
    _, new, _ = updated("id,plan,age\n" + rows)
    read = yaml.safe_load("\n".join(each.strip() for each in new[1:]))  # as YAML 1.1 has it
    assert sorted(read) == sorted(levels)


def test_column_is_added_behind_the_last_and_raises_the_minor_version(updated):
    found, new, _ = updated("id,plan,age,paid\n1,a,3,2024-01-01\n")
    assert new == ["version: 1.5.0   # raised by hand", "  - {name: paid, logicalType: date}"]
    assert [each.direction for each in found.changes] == ["tightens"]


def test_what_is_missing_is_required_no_longer(updated):
    _, new, _ = updated("id,plan,age\n1,a,3\n2,,4\n")
    assert new == ["version: 2.0.0   # raised by hand", "    required: false"]


def test_integer_becomes_number_with_its_bounds(updated):
    _, new, _ = updated("id,plan,age\n1,a,3.5\n")
    assert new[1] == "  - {name: age, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 120}}"


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ("id,plan,age\n1,a,3\n1,b,4\n", "id: unique, and 1 values come again"),
        ("id,plan,age\n1,a,300\n", "age: maximum 120, and there are values beyond it"),
        ("id,plan,age\n1,a,-1\n", "age: minimum 0, and there are values beyond it"),
        ("id,plan,age\n1,a,old\n", "age: type integer, and the data is string: change it by hand, with its logicalTypeOptions"),
        ("id,plan\n1,a\n", "age: in the contract, and not in the data"),
    ],
)
def test_decisions_of_the_author_are_kept_and_told(updated, rows, kept):
    found, new, gone = updated(rows)
    assert (found.kept, new, gone) == ((kept,), [], [])


TABLE = """\
apiVersion: v3.1.0
kind: DataContract
id: r
version: 1.0.0
schema:
- name: r
  quality:
  - {metric: rowCount, mustBeBetween: [3, 9]}
  - {metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}
  - {type: sql, name: few, query: SELECT sum(b) FROM r, mustBeLessThan: 4}
  properties:
  - {name: a, logicalType: string, logicalTypeOptions: {maxLength: 2, pattern: ^x}}
  - {name: b, logicalType: integer, logicalTypeOptions: {exclusiveMaximum: 3, multipleOf: 2}}
  - {name: c, logicalType: date, logicalTypeOptions: {format: dd/MM/yyyy}}
  - {name: d, quality: [{metric: nullValues, mustBeLessThan: 10, unit: percent}]}
"""


def test_no_rule_that_the_data_breaks_is_passed_over(updated):
    found, new, gone = updated("a,b,c,d\nabc,3,2024-01-31,\nabc,3,31/12/2024,1\n", TABLE)
    assert (new, gone) == ([], [])
    assert found.kept == (
        "a: at most 2 characters: broken by 2 rows",
        "a: matches ^x: broken by 2 rows",
        "b: below 3: broken by 2 rows",
        "b: multiple of 2: broken by 2 rows",
        "c: date: broken by 1 row",
        "d: missing: fewer than 10 %: broken by 1 row",
        "(table): between 3 and 9, both excluded rows: found 2",
        "a, b: duplicates: broken by 1 key",
        "(table): few: fewer than 4: found 6",
    )


def test_what_lies_in_a_column_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.jsonl").write_text('{"o": {"k": "x"}, "l": ["y"]}\n{"o": {}, "l": [1]}\n')
    inner = "{name: o, logicalType: object, properties: [{name: k, logicalType: integer, required: true}]}"
    rows = f"  - {inner}\n  - {{name: l, logicalType: array, items: {{logicalType: integer}}}}\n  - {{name: may_lack}}\n"
    (tmp_path / "c.yaml").write_text(TABLE.partition("  quality")[0] + "  properties:\n" + rows)
    one = "broken by 1 row"
    found = update_contract("raw.jsonl", "c.yaml")
    assert found.kept == (f"o.k: integer: {one}", f"o.k: required: {one}", f"l[]: integer: {one}")


def test_type_stays_where_the_data_has_several(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.jsonl").write_text('{"id": 1, "plan": "a"}\n{"id": [2], "plan": "b"}\n{"id": "x", "plan": {"c": 1}}\n')
    contract = CONTRACT.partition("  - name: plan")[0].replace("}", "}\n  - {name: plan, logicalType: boolean}")
    (tmp_path / "c.yaml").write_text(contract)
    found = update_contract("raw.jsonl", "c.yaml")
    several = "and the data is of several types: change it by hand"
    assert found.kept == (f"id: type integer, {several}", f"plan: type boolean, {several}")
    assert (tmp_path / "c.yaml").read_text() == contract


def test_classified_column_gets_no_values(updated):
    contract = CONTRACT.replace("what they pay\n", "\n    classification: restricted\n")
    found, new, gone = updated("id,plan,age\n1,secret,3\n", contract)
    assert (found.kept, new, gone) == (("plan: one of 2 values, and the data has 1 more, which are classified",), [], [])


def test_data_keeps_a_contract_brought_up_to_it(updated):
    updated("id,plan,age,x\n1,a,3.5,q\n2,,4,q\n3,on,4,\n")
    assert check_data(["raw.csv"], contract="c.yaml").outcome == "pass"
