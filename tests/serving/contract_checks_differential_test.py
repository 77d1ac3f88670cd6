"""The server refuses the same cells of JSON as `mlgit data check` does in a file of JSON Lines."""

from __future__ import annotations

import json
import random

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import contract_checks
from mlgit.validation import parse, predicates, source
from tests.kit import FULL
from tests.serving import json_rows
from tests.validation.contracts import document

pytestmark = pytest.mark.slow


def of_duckdb(contract, inputs, names, path):
    """By rule, the rows that break it, of the rules that a server looks at."""
    wanted = {}
    known = {each.rule for each in inputs.checks}
    with source.opened(source.parts_of(str(path), name=path.name)) as (duck, table):
        for check in contract.checks:
            if check.id in known:
                query = f"SELECT row FROM ({table.relation()}) WHERE {predicates.broken(check, contract, table.columns)}"
                wanted[check.id] = sorted(row - 1 for (row,) in duck.rows(query))
    return wanted


def seeded(seed):
    """A contract that can be read, its columns' names, and rows."""
    chance = random.Random(seed)
    while True:
        columns = json_rows.columns(chance)
        try:
            contract = parse.parse(json.loads(json.dumps(document(*columns))), name="raw.odcs.yaml")
            break
        except MlgitError:
            continue
    names = tuple(each["name"] for each in columns)
    kinds = [each.get("logicalType", "") for each in columns]
    return contract, names, [[json_rows.value(chance, kind) for kind in kinds] for _ in range(60)]


@pytest.mark.parametrize("seed", range(300 if FULL else 25))
def test_server_and_data_check_refuse_the_same_cells(tmp_path, seed):
    contract, names, rows = seeded(seed)
    path = tmp_path / "raw.jsonl"
    path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    inputs = contract_checks.compiled(contract, names=names)
    found = {}
    for each in inputs.violations(rows):
        found.setdefault(each.rule, []).append(each.row)
    wanted = of_duckdb(contract, inputs, names, path)
    by_rule = {check.id: check for check in contract.checks}
    for rule, broken in wanted.items():
        got = sorted(found.get(rule, []))
        place = next(each.place for each in inputs.checks if each.rule == rule)
        differ = [rows[row][place] for row in sorted({*broken} ^ {*got})]
        assert got == broken, (by_rule[rule], differ)


@pytest.mark.parametrize("seed", range(25))
def test_rows_are_judged_alone_as_together(seed):
    contract, names, rows = seeded(seed)
    inputs = contract_checks.compiled(contract, names=names)
    together = [(each.row, each.column, each.rule) for each in inputs.violations(rows)]
    alone = [(row, each.column, each.rule) for row, data in enumerate(rows) for each in inputs.violations([data])]
    assert together == alone
