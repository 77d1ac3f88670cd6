"""`mlgit data infer`: what is printed, written, and asked of the user."""

from __future__ import annotations

import json

import pytest

from tests.kit import repository
from tests.kit.forked import mlgit

ROWS = "id,plan,email\n" + "".join(f"{place},{'ab'[place % 2]},u{place}@x.org\n" for place in range(400))


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "p", {"raw.csv": ROWS, "mlgit.yaml": "mlgit: 1\n"})


def test_draft_is_printed_and_nothing_written(root):
    done = mlgit(root, "data", "infer", "raw.csv")
    assert done.code == 0
    assert "      - {name: id, logicalType: integer, required: true, unique: true}\n" in done.out
    assert "note: 'email' may be private" in done.err
    assert sorted(path.name for path in root.iterdir() if not path.name.startswith(".")) == ["mlgit.yaml", "raw.csv"]


def test_written_draft_is_what_data_check_judges_next(root):
    done = mlgit(root, "data", "infer", "raw.csv", "-o", "schemas/raw.odcs.yaml")
    assert done.out.startswith(
        "wrote schemas/raw.odcs.yaml: 3 columns, from 400 rows\nadded to mlgit.yaml under `data:`: raw.csv:"
    )
    assert done.out.endswith("Next:\n  mlgit data check raw.csv\n")
    assert mlgit(root, "data", "check").out.startswith("raw.csv keeps schemas/raw.odcs.yaml (v1.0.0)")


def test_second_draft_of_one_name_is_refused(root):
    lines = [mlgit(root, "data", "infer", "raw.csv", "-o", "c.odcs.yaml") for _ in range(2)]
    assert lines[1].code == 2
    assert lines[1].err.startswith("error: c.odcs.yaml: there already\nhint: `mlgit data infer raw.csv --update c.odcs.yaml`")
    assert mlgit(root, "data", "infer", "raw.csv", "-o", "c.odcs.yaml", "--force").code == 0


def test_update_says_what_loosens_and_tightens(root):
    mlgit(root, "data", "infer", "raw.csv", "-o", "c.odcs.yaml")
    assert mlgit(root, "data", "infer", "raw.csv", "--update", "c.odcs.yaml").out == "c.odcs.yaml: unchanged\n"
    (root / "raw.csv").write_text("id,plan,email,age\n1,a,x,3\n2,,y,4\n")
    done = mlgit(root, "data", "infer", "raw.csv", "--update", "c.odcs.yaml")
    assert [line.split()[:3] for line in done.out.splitlines()[:2]] == [
        ["loosens", "plan:", "no"],
        ["tightens", "column", "age"],
    ]
    assert done.out.endswith(
        "kept      rowCount: at least 200, and there are 2 rows\nwrote c.odcs.yaml: version 1.0.0 -> 2.0.0\n"
    )


def test_update_and_output_exclude_each_other(root):
    assert mlgit(root, "data", "infer", "raw.csv", "--update", "a", "-o", "b").code == 2


def test_update_and_force_exclude_each_other(root):
    done = mlgit(root, "data", "infer", "raw.csv", "--update", "a", "--force")
    assert (done.code, "--force has nothing to replace" in done.err) == (2, True)


def test_json_holds_the_contract(root):
    found = json.loads(mlgit(root, "data", "infer", "raw.csv", "--json").out)
    assert (found["schema"], found["rows"], found["file"], found["contract"]["kind"]) == (1, 400, None, "DataContract")
