"""A rule about the contract of a folder of parts, or of what Git and DVC both have: no part of the data passes unseen."""

from __future__ import annotations

import pytest

from tests.gate.reviews import judged, only
from tests.kit import commit, git, write_tree
from tests.kit.contract_projects import CONFIG, CONTRACT, FILE, PATH, project, table

pytestmark = pytest.mark.slow  # a repository each

RULE = "gates: {rules: [{id: contract, kind: contract, path: %s}]}\n"


def started(folder, path):
    """A branch of a repository that has a contract for the table or the folder at a path."""
    root = project(folder, config=CONFIG.replace(PATH, path) + RULE % path)
    write_tree(root, {path if path == PATH else f"{path}/a.csv": table()})
    commit(root)
    git(root, "checkout", "--quiet", "-b", "change")
    return root


def outcome(root, cli, *sides):
    return only(judged(root, cli, *sides))["outcome"]


def recorded(root, cli, path, text):
    """A table that only DVC has."""
    git(root, "rm", "-r", "--quiet", "--cached", "--ignore-unmatch", path)
    write_tree(root, {path if path.endswith(".csv") else f"{path}/a.csv": text})
    assert cli(root, "add", path).code == 0
    commit(root)


@pytest.mark.parametrize("path", [PATH, "data/parts"])
def test_what_git_and_dvc_both_have_is_not_judged_by_one_of_them(tmp_path, cli, path):
    root = started(tmp_path / "project", path)
    recorded(root, cli, path, table(oldest=140))
    assert outcome(root, cli, "main", "HEAD") == "fail"
    good = path if path == PATH else f"{path}/b.csv"
    write_tree(root, {good: table()})
    git(root, "add", "--force", good)
    commit(root)
    found = only(judged(root, cli, "main", "HEAD"))
    assert (found["outcome"], f"{path}: in Git, and recorded by DVC too" in found["reason"]) == ("invalid", True)


def test_part_that_dvc_has_is_looked_at_beside_those_that_git_has(tmp_path, cli):
    root = started(tmp_path / "project", "data/parts")
    recorded(root, cli, "data/parts/b.csv", "id,age,plan\n60,140,alpha\n")
    assert [outcome(root, cli, *sides) for sides in ((), ("main", "HEAD"))] == ["fail", "fail"]
    (root / "data/parts/b.csv").unlink()
    assert [outcome(root, cli, *sides) for sides in ((), ("main", "HEAD"))] == ["fail", "fail"]


@pytest.mark.parametrize(
    ("name", "expected"), [("_b.csv", "fail"), ("b.csv.zst", "invalid"), (".b.csv", "pass"), ("b.txt", "pass")]
)
def test_part_is_not_passed_over_for_its_name(tmp_path, cli, name, expected):
    root = started(tmp_path / "project", "data/parts")
    write_tree(root, {f"data/parts/{name}": table(oldest=140)})
    commit(root)
    assert [outcome(root, cli, *sides) for sides in ((), ("main", "HEAD"))] == [expected, expected]


def test_table_without_rows_keeps_no_contract_that_does_not_count_them(tmp_path, cli):
    root = started(tmp_path / "project", PATH)
    write_tree(root, {PATH: "id,age,plan\n"})
    found = only(judged(root, cli))
    assert (found["outcome"], "no rows, so nothing was compared" in found["reason"]) == ("invalid", True)


def test_contract_for_which_1_is_missing_asks_something_else_than_one_of_true(tmp_path, cli):
    rule = "{metric: missingValues, arguments: {missingValues: [%s]}, mustBe: 0}"
    asked = CONTRACT[: CONTRACT.index("properties:")] + f"properties:\n      - {{name: a, quality: [{rule}]}}\n"
    config = CONFIG + RULE % f"{PATH}, allow: any"
    root = project(tmp_path / "project", config=config, contract=asked % "true", data="b,a\n1,1\n")
    write_tree(root, {FILE: asked % "1"})
    assert outcome(root, cli) == "fail"
