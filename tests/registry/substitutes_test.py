"""`git replace` and grafts: nothing that mlgit says follows them, and `verify` names those that touch the registry."""

from __future__ import annotations

import pytest

from mlgit.registry import log, read, state
from tests.kit import git, write_tree
from tests.registry.histories import START, chained, commits, tag

pytestmark = pytest.mark.slow  # real repositories, many times

APPROVAL = "mlgit/approvals/churn/v1.0.0/bob"
# What is replaced -> how it is told; None for what is none of the registry's.
OBJECTS = {
    "refs/tags/churn#prod#1": "the tag churn#prod#1",
    f"refs/tags/{APPROVAL}": f"the tag {APPROVAL}",
    "refs/tags/churn#prod#1^{commit}": "the commit of churn@v1.0.0",
    "refs/tags/churn#prod#1^{tree}": "the content in a commit of churn",
    "refs/tags/churn#prod#1:folder": "folder in a commit of churn",
    "refs/tags/churn#prod#1:folder/dvc.lock": "folder/dvc.lock in a commit of churn",
    log.REF: f"a commit of {log.REF}",
    "main~1": None,
    "main:newer": None,
    "refs/tags/v9": None,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """`churn` in prod, approved and published; before and after it, commits that are none of the registry's."""
    root = tmp_path_factory.mktemp("replaced")
    commits(root, 2)
    git(root, "reset", "--quiet", "--hard", "main")
    for files in ({"folder/dvc.lock": "true"}, {"newer": "x"}, {"newest": "y"}):
        write_tree(root, files)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "more")
    tag(root, "churn@v1.0.0", "main~2", when=START, text=chained(root))
    tag(root, "churn#prod#1", "main~2", when=START + 10, text=chained(root, after="churn@v1.0.0"))
    tag(root, APPROVAL, "churn@v1.0.0", when=START + 10)
    tag(root, "v9", "main", when=START)
    rows = [(ref, git(root, "rev-parse", f"refs/tags/{ref}")) for ref in ("churn@v1.0.0", "churn#prod#1")]
    made = git(root, "commit-tree", git(root, "mktree"), "-F", "-", stdin=log.format(rows))
    git(root, "update-ref", log.REF, made)
    return root


def decoy(root, oid: str) -> str:
    """Another object of the same type."""
    kind = git(root, "cat-file", "-t", oid)
    if kind == "tag":
        text = git(root, "cat-file", "tag", oid).replace("because", "forged!")
        return git(root, "hash-object", "-t", "tag", "-w", "--stdin", stdin=text + "\n")
    if kind == "commit":
        return git(root, "commit-tree", git(root, "mktree"), "-m", "forged")
    return git(root, "mktree") if kind == "tree" else git(root, "hash-object", "-w", "--stdin", stdin="forged")


@pytest.fixture
def replaced(root):
    yield lambda oid: git(root, "replace", oid, decoy(root, oid))
    for oid in git(root, "replace", "--list").split():
        git(root, "replace", "-d", oid)


@pytest.mark.parametrize("named", OBJECTS)
def test_substitutes_of_the_registry_are_named_and_no_others(root, cli, replaced, named):
    oid = git(root, "rev-parse", named)
    replaced(oid)
    found = cli(root, "model", "verify", "--json").json["findings"]
    told = OBJECTS[named]
    assert [(each["kind"], each["tag"]) for each in found] == ([("replaced", f"refs/replace/{oid}")] if told else [])
    assert told is None or found[0]["message"].startswith(f"{told} is shown by Git as another object")


def test_state_is_that_of_the_true_objects(root, cli, replaced):
    before = [cli(root, "model", *args).out for args in (("list",), ("show", "churn#prod"), ("history", "churn"))]
    for oid in [git(root, "rev-parse", named) for named in ("churn#prod#1", "churn#prod#1^{commit}", log.REF)]:
        replaced(oid)
    assert "forged" in git(root, "cat-file", "tag", "refs/tags/churn#prod#1")
    assert [cli(root, "model", *args).out for args in (("list",), ("show", "churn#prod"), ("history", "churn"))] == before
    assert read.published(root)[-1][0] == "churn#prod#1"
    assert cli(root, "model", "event", "churn#prod#1").code == 1


def test_substitutes_that_a_mirror_brings_are_found_there(root, cli, replaced, tmp_path):
    replaced(git(root, "rev-parse", "refs/tags/churn#prod#1"))
    git(root, "clone", "--quiet", "--mirror", f"file://{root}", str(tmp_path / "m" / ".git"))
    git(tmp_path / "m", "config", "core.bare", "false")
    assert "replaced" in cli(tmp_path / "m", "model", "verify").out


def test_grafts_and_variables_of_the_environment_change_nothing(root, cli, monkeypatch):
    commit, other = git(root, "rev-parse", "churn#prod#1^{commit}"), git(root, "rev-parse", "main~1")
    grafts = root / ".git" / "info" / "grafts"
    grafts.write_text(f"# a comment\n{commit} {other}\n")
    monkeypatch.setenv("GIT_GRAFT_FILE", str(grafts))
    monkeypatch.setenv("GIT_NO_REPLACE_OBJECTS", "")
    found = cli(root, "model", "verify", "--json").json["findings"]
    grafts.unlink()
    assert [(each["kind"], each["tag"]) for each in found] == [("replaced", commit)]


def test_what_is_grafted_elsewhere_is_no_finding(root, cli):
    (root / ".git" / "info" / "grafts").write_text(f"{git(root, 'rev-parse', 'main')}\n")
    done = cli(root, "model", "verify")
    (root / ".git" / "info" / "grafts").unlink()
    assert done.code == 0, done.said


def test_artifact_whose_commit_is_gone_is_still_looked_at(root):
    from mlgit.registry import substitutes

    event = state.fold(read.load(root)).artifact("churn").events[0]
    artifact = state.Artifact("churn", events=(event._replace(commit="1" * 40),))
    found = substitutes.findings(root, artifact, substitutes.Substitutes({event.oid: "2" * 40}), tags={})
    assert [each.kind for each in found] == ["replaced"]
