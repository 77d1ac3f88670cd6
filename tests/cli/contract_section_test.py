"""Contracts in `mlgit diff`, and in the report, page and comment of a change."""

from __future__ import annotations

import json

import pytest

from tests.kit import commit, git, write_tree
from tests.kit.contract_projects import CONFIG, CONTRACT, FILE, LOOSER, PATH, project, table

pytestmark = pytest.mark.slow  # a repository each

WORDS = ("alpha", "beta", "gamma", "omega")


def changed(folder, **files):
    root = project(folder)
    git(root, "checkout", "--quiet", "-b", "change")
    write_tree(root, {FILE: LOOSER, **files})
    return root


def test_diff_tells_how_each_rule_moved_and_whether_the_data_keeps_the_contract(tmp_path, cli):
    root = changed(tmp_path / "project", **{PATH: table(oldest=200)})
    found = json.loads(cli(root, "diff", "--json").out)
    (contract,) = found["contracts"]
    assert [(each["path"], each["direction"]) for each in contract["changes"]] == [("age.maximum", "loosens")]
    assert (contract["data"], contract["reason"]) == ("fail", "age: 0 to 150 (1 row, line 51: 200)")
    assert found["changed"] is True
    for form in ("table", "md"):
        done = cli(root, "diff", "--format", form)
        assert done.code == 0
        assert "Contracts" in done.out
        assert "age.maximum" in done.out


def test_contract_and_data_that_are_the_same_are_not_told(tmp_path, cli):
    root = project(tmp_path / "project")
    assert json.loads(cli(root, "diff", "HEAD", "--json").out)["contracts"] == []
    assert "Contracts" in cli(root, "diff", "HEAD", "--all").out


def test_data_that_another_change_brings_is_held_against_the_contract(tmp_path, cli):
    root = project(tmp_path / "project")
    write_tree(root, {PATH: table(oldest=200)})
    (contract,) = json.loads(cli(root, "diff", "--json").out)["contracts"]
    assert (contract["changes"], contract["data"]) == ([], "fail")


def test_contract_that_cannot_be_read_is_told_beside_the_rest(tmp_path, cli):
    root = changed(tmp_path / "project", **{FILE: CONTRACT + "color: red\n"})
    (contract,) = json.loads(cli(root, "diff", "--json").out or "{}").get("contracts", [{}])
    assert contract["state"] == "unreadable"
    assert "color" in contract["reason"]


def test_report_page_and_comment_tell_of_the_contract(tmp_path, cli):
    root = changed(tmp_path / "project", **{PATH: table(oldest=200)})
    commit(root)
    assert cli(root, "ci", "run", "--no-run", "--base", "main", "-o", "out").code == 0  # no gate is declared
    for name in ("report.md", "report.html"):
        text = (root / "out" / name).read_text()
        assert "Contracts: 1 changed" in text
        assert "age.maximum" in text
        assert "breaks consumers" in text
    again = cli(root, "report", "out/report.json", "--format", "md")
    assert again.code == 0
    assert "Contracts: 1 changed" in again.out


def test_values_of_classified_columns_are_in_no_output(tmp_path, cli):
    new = CONTRACT.replace("[alpha, beta]", "[beta, omega]")
    root = changed(tmp_path / "project", **{FILE: new, PATH: table().replace("50,90,beta", "50,90,gamma")})
    for form in ("table", "md", "json"):
        done = cli(root, "diff", "--format", form)
        assert "plan" in done.out
        assert not any(word in done.out + done.err for word in WORDS)
    commit(root)
    rule = "gates: {rules: [{id: contract, kind: contract, path: data/raw.csv}]}\n"
    write_tree(root, {"mlgit.yaml": CONFIG + rule})
    cli(root, "ci", "run", "--no-run", "--base", "main", "-o", "out")
    texts = [(root / "out" / name).read_text() for name in ("report.md", "report.html", "report.json")]
    assert all("plan" in text for text in texts)
    assert not any(word in text for text in texts for word in WORDS)
