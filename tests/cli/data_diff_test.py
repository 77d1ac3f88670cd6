"""`mlgit data diff`: what became of contracts, whom that breaks, and whether versions say so."""

from __future__ import annotations

import json

import pytest

from tests.kit import commit, git, write_tree
from tests.kit.contract_projects import CONTRACT, FILE, LOOSER, TIGHTER, project

pytestmark = pytest.mark.slow  # a repository each


def answer(root, cli, *more):
    done = cli(root, "data", "diff", *more, "--json")
    return json.loads(done.out), done.code


@pytest.mark.parametrize(
    ("contract", "view", "code"),
    [
        (LOOSER, "consumer", 1),
        (LOOSER.replace("1.0.0", "2.0.0"), "consumer", 1),
        (LOOSER, "producer", 1),  # nobody is broken, and the version does not say that something changed
        (LOOSER.replace("1.0.0", "1.1.0"), "producer", 0),
        (TIGHTER.replace("1.0.0", "1.1.0"), "consumer", 0),
        (TIGHTER.replace("1.0.0", "1.1.0"), "producer", 1),
        (CONTRACT + "tags: [new]\n", "consumer", 1),
        (CONTRACT.replace("1.0.0", "1.0.1") + "tags: [new]\n", "consumer", 0),
        ("# a word\n" + CONTRACT, "consumer", 0),
    ],
)
def test_exit_code_tells_whether_the_view_is_broken_and_the_version_raised(tmp_path, cli, contract, view, code):
    root = project(tmp_path / "project")
    write_tree(root, {FILE: contract})
    assert answer(root, cli, "--view", view)[1] == code


def test_each_change_is_told_with_its_direction_and_the_version_that_it_asks_for(tmp_path, cli):
    root = project(tmp_path / "project")
    write_tree(root, {FILE: LOOSER})
    done = cli(root, "data", "diff")
    assert "age.maximum" in done.out
    assert "age: maximum 120 became 150" in done.out
    assert "version is still 1.0.0, and this breaks consumers: it has to be 2.0.0 or later" in done.out
    found = answer(root, cli)[0]["contracts"][0]
    assert (found["needed"], found["is_raised"], found["breaking"]) == ("major", False, True)


def test_a_contract_that_comes_tightens_and_one_that_goes_loosens(tmp_path, cli):
    root = project(tmp_path / "project", config="mlgit: 1\n", contract=None)
    write_tree(root, {"mlgit.yaml": f"mlgit: 1\ndata: {{data/raw.csv: {FILE}}}\n", FILE: CONTRACT})
    commit(root)
    found, code = answer(root, cli, "HEAD~1", "HEAD")
    assert (found["contracts"][0]["state"], code) == ("added", 0)
    assert answer(root, cli, "HEAD~1", "HEAD", "--view", "producer")[1] == 1
    found, code = answer(root, cli, "HEAD", "HEAD~1")
    assert (found["contracts"][0]["state"], found["contracts"][0]["changes"][0]["direction"], code) == ("removed", "loosens", 1)


@pytest.mark.parametrize("text", ["kind: [", CONTRACT + "color: red\n", None])
def test_a_contract_that_cannot_be_read_on_one_side_is_told_and_no_answer(tmp_path, cli, text):
    root = project(tmp_path / "project")
    if text is None:
        (root / FILE).unlink()
    else:
        write_tree(root, {FILE: text})
    found, code = answer(root, cli)
    assert (found["contracts"][0]["state"], code) == ("unreadable", 2)
    assert found["contracts"][0]["reason"].startswith(FILE)
    assert "not compared: schemas/raw.odcs.yaml" in cli(root, "data", "diff").out


def test_fault_in_the_contract_of_a_commit_names_the_commit(tmp_path, cli):
    root = project(tmp_path / "project", contract=CONTRACT + "color: red\n")
    write_tree(root, {FILE: CONTRACT})
    reason = answer(root, cli)[0]["contracts"][0]["reason"]
    assert reason.startswith(f"{git(root, 'rev-parse', '--short=7', 'HEAD')}:{FILE}")


def test_contract_outside_of_the_project_is_not_read(tmp_path, cli):
    root = project(tmp_path / "project", config="mlgit: 1\ndata: {data/raw.csv: ../secret.yaml}\n")
    (tmp_path / "secret.yaml").write_text(CONTRACT)
    found, code = answer(root, cli)
    assert (found["contracts"][0]["state"], code) == ("unreadable", 2)


def test_without_any_contract_nothing_was_compared(tmp_path, cli):
    root = project(tmp_path / "project", config="mlgit: 1\n")
    done = cli(root, "data", "diff")
    assert done.code == 2
    assert "nothing was compared" in done.err


def test_values_of_classified_columns_are_not_shown(tmp_path, cli):
    root = project(tmp_path / "project")
    write_tree(root, {FILE: CONTRACT.replace("[alpha, beta]", "[beta, gamma]")})
    for more in ((), ("--json",), ("--view", "producer")):
        done = cli(root, "data", "diff", *more)
        assert done.code == 1
        assert not any(word in done.out + done.err for word in ("alpha", "beta", "gamma"))
