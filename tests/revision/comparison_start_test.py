"""Where `diff`, `gate` and `ci run` begin when nobody names a base."""

import json

import pytest

from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # real processes, many of them

CONFIG = """\
mlgit: 1
metrics: {auc: {direction: higher}}
models:
  m: {metrics: m.json}
gates:
  rules: [{id: a, kind: bound, metric: auc, min: 0.1}]
"""


def scored(root, auc):
    write_tree(root, {"m.json": f'{{"auc": {auc}}}\n'})
    return commit(root)


@pytest.fixture
def root(tmp_path):
    """Two commits on `main`, the first with the tag `first`; `topic` left it there, `late` at its tip."""
    root = repository(tmp_path / "project", {"mlgit.yaml": CONFIG, "dvc.yaml": "metrics: [m.json]\n", "m.json": "{}"})
    git(root, "tag", "first", scored(root, 0.3))
    git(root, "branch", "topic")
    scored(root, 0.4)
    git(root, "branch", "late")
    return root


def begins(root, cli):
    """The commit that all three begin at."""
    done = cli(root, "diff", "--format", "json").json["base"]["commit"]
    assert cli(root, "gate", "--json").json["baseline"]["commit"] == done
    return done


CASES = [("main", "first", "main"), ("--detach main", "first", "main"), ("topic", "first", "first"), ("late", "main", "main")]


@pytest.mark.parametrize(("where", "clean", "dirty"), CASES)
def test_diff_and_gate_begin_at_the_same_commit(where, clean, dirty, root, cli):
    git(root, "switch", "--quiet", *where.split())
    if where in ("topic", "late"):
        scored(root, 0.5)
    assert begins(root, cli) == git(root, "rev-parse", clean)
    write_tree(root, {"m.json": '{"auc": 0.6}\n'})
    assert begins(root, cli) == git(root, "rev-parse", dirty)


def test_report_of_a_job_begins_there_too(root, cli, tmp_path):
    assert cli(root, "ci", "run", "--no-run", "-o", tmp_path / "out").code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["base"]["commit"] == git(root, "rev-parse", "first") == begins(root, cli)


def test_only_branch_counts_as_the_default_one(root, cli):
    git(root, "branch", "--delete", "--force", "topic", "late")
    git(root, "branch", "--move", "trunk")
    assert begins(root, cli) == git(root, "rev-parse", "first")


def test_first_commit_is_compared_with_itself(root, cli):
    git(root, "checkout", "--quiet", "--orphan", "only")
    only = commit(root)
    git(root, "branch", "--delete", "--force", "main", "topic", "late")
    assert cli(root, "diff", "--format", "json").json["base"]["commit"] == only


def test_clone_without_its_default_branch_names_no_base_by_itself(root, cli):
    git(root, "branch", "--move", "trunk")
    git(root, "remote", "add", "origin", "elsewhere")
    for command in ("diff", "gate"):
        done = cli(root, command)
        assert (done.code, done.out) == (2, "")
        assert f"or name the base: `mlgit {command} BASE`" in done.err
