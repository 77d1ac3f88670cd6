"""`mlgit push` and `mlgit pull` where clones are shallow, full of edits, or have refs of other kinds."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mlgit.monitoring import verdict_refs
from tests.kit import commit, git, repository
from tests.kit.forked import mlgit
from tests.kit.sharing import change, make
from tests.monitoring import chains

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    top = tmp_path_factory.mktemp("template")
    root = make(top)
    assert mlgit(root, "push").code == 0
    change(root, "2\n")
    assert mlgit(root, "push").code == 0
    return top


@pytest.fixture
def top(template, tmp_path):
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def test_shallow_clone_pulls_and_pushes(top):
    git(top, "clone", "--quiet", "--depth=1", f"file://{top}/origin.git", "other")
    done = mlgit(top / "other", "pull")
    assert (done.code, (top / "other/made/one").read_text()) == (0, "2\n"), done.said
    oid = change(top / "other", "3\n")
    done = mlgit(top / "other", "push", "--json")
    assert (done.code, done.json["commits"], done.json["objects"]) == (0, 1, 2), done.said
    assert git(top / "origin.git", "rev-parse", "main") == oid
    done = mlgit(top / "project", "pull")
    assert (done.code, (top / "project/made/one").read_text()) == (0, "3\n"), done.said
    change(top / "project", "4\n")
    assert mlgit(top / "project", "push").code == 0
    done = mlgit(top / "other", "pull")
    assert (done.code, (top / "other/made/one").read_text()) == (0, "4\n"), done.said


def test_refs_of_monitoring_and_runs_travel(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    oid = git(top / "project", "rev-parse", "HEAD")
    for ref in ("monitor/churn/prod", "runs/one"):
        git(top / "project", "update-ref", f"refs/mlgit/{ref}", oid)
    done = mlgit(top / "project", "push", "--json")
    assert (done.code, done.json["refs"]) == (0, ["refs/mlgit/monitor/churn/prod", "refs/mlgit/runs/one"]), done.said
    assert mlgit(top / "other", "pull").code == 0
    assert git(top / "other", "for-each-ref", "--format=%(refname)", "refs/mlgit").split() == done.json["refs"]


def test_edits_that_stand_in_the_way_stay_and_are_named(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    assert mlgit(top / "other", "pull").code == 0
    change(top / "project", "3\n")
    assert mlgit(top / "project", "push").code == 0
    (top / "other/in").write_text("mine\n")
    (top / "other/note").write_text("mine\n")
    before = git(top / "other", "rev-parse", "HEAD")
    done = mlgit(top / "other", "pull")
    assert (done.code, "stand in the way" in done.said, "git stash" in done.said) == (2, True, True), done.said
    assert git(top / "other", "rev-parse", "HEAD") == before
    assert [(top / "other" / name).read_text() for name in ("in", "note", "made/one")] == ["mine\n", "mine\n", "2\n"]


def test_runs_that_went_apart_stay_on_both_sides_and_both_can_be_kept(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    ref, notes = "refs/mlgit/runs/one", []
    for name in ("project", "other"):
        oid = git(top / name, "commit-tree", "HEAD^{tree}", "-m", name)
        git(top / name, "update-ref", ref, oid)
        notes += mlgit(top / name, "push", "--json").json["notes"][-1:]
    assert mlgit(top / "other", "pull").code == 0
    (told,) = mlgit(top / "other", "push", "--json").json["notes"]
    assert f"{ref} here and on 'origin' went apart" in told
    subprocess.run(told.split("`")[1], shell=True, cwd=top / "other", check=True)
    assert mlgit(top / "other", "push", "--json").json["refs"] == [f"{ref}-2"]
    assert git(top / "origin.git", "log", "-1", "--format=%s", f"{ref}-2") == "other"
    assert git(top / "origin.git", "log", "-1", "--format=%s", ref) == "project"


def test_tags_and_log_of_others_come_together(top):
    with open(top / "project/dvc.yaml", "a") as pipeline:
        pipeline.write("artifacts: {one: {path: made/one, type: model}}\n")
    commit(top / "project")
    assert mlgit(top / "project", "model", "register", "one", "--version", "v1.0.0").code == 0
    git(top, "clone", "--quiet", "origin.git", "other")
    assert mlgit(top / "project", "push").code == 0
    assert mlgit(top / "other", "pull").code == 0
    for names in (("tag",), ("for-each-ref", "refs/mlgit/log")):
        assert git(top / "other", *names) == git(top / "project", *names) != ""
    assert mlgit(top / "other", "model", "verify").code == 0


def test_clone_that_cannot_be_written_is_what_is_said_and_nothing_changes(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    (top / "other/.git/FETCH_HEAD").mkdir()  # root may write everywhere else
    done = mlgit(top / "other", "pull")
    assert (done.code, "FETCH_HEAD" in done.said, "written into this clone" in done.said) == (2, True, True), done.said
    assert not (top / "other/made").exists()


@pytest.fixture
def monorepo(top):
    """Two projects with DVC remotes of their own, in one commit that was not pushed."""
    root = repository(top / "mono", {"note": "1\n"})
    git(root, "remote", "add", "origin", str(top / "origin.git"))
    git(root, "push", "--quiet", "--force", "origin", "HEAD:main")
    for name in ("churn", "a [b]"):
        folder = root / "models" / name
        shutil.copytree(top / "project", folder, ignore=shutil.ignore_patterns(".git", "tmp", "cache", "made"))
        (folder / ".dvc/config").write_text(f"[core]\n remote = there\n['remote \"there\"']\n url = {top}/of-{name}\n")
        (folder / "in").write_text(name)
        assert mlgit(folder, "run").code == 0
    commit(root)
    return root


def test_push_from_one_project_of_a_repository_takes_the_data_of_all_that_it_publishes(monorepo, top):
    done = mlgit(monorepo / "models/churn", "push", "--json")
    assert (done.code, done.json["objects"]) == (0, 6), done.said
    git(top, "clone", "--quiet", "origin.git", "third")
    for name in ("churn", "a [b]"):
        done = mlgit(top / "third/models" / name, "pull")
        assert (done.code, (top / "third/models" / name / "made/one").read_text()) == (0, name), done.said


def test_data_that_another_project_lost_stops_the_push_by_its_folder(monorepo, top):
    shutil.rmtree(monorepo / "models/a [b]/.dvc/cache/files")
    done = mlgit(monorepo / "models/churn", "push")
    assert (done.code, "in models/a [b]: " in done.said, "nothing was pushed" in done.said) == (2, True, True), done.said
    assert "models" not in git(top / "origin.git", "ls-tree", "--name-only", "main").split()


def test_project_whose_records_do_not_change_is_not_asked_for(monorepo, top):
    assert mlgit(monorepo / "models/churn", "push").code == 0
    shutil.rmtree(top / "of-a [b]")
    shutil.rmtree(monorepo / "models/a [b]/.dvc/cache/files")
    change(monorepo / "models/churn", "2\n")
    assert mlgit(monorepo / "models/churn", "push").code == 0


def test_verdicts_about_the_same_windows_are_one_after_a_pull(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    one, two = top / "project", top / "other"
    chains.run(one, [1, 2])
    chains.run(two, [2])
    assert mlgit(one, "push", "--json").json["refs"] == [chains.REF]
    assert [each for each in mlgit(two, "pull", "--json").json["notes"] if chains.REF in each] == []
    assert verdict_refs.tip(two, chains.REF) == verdict_refs.tip(one, chains.REF)


def test_acceptance_in_another_clone_goes_behind_what_is_there_and_is_pushed(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    one, two = top / "project", top / "other"
    verdict_refs.append(two, chains.run(two, [1]), chains.acceptance(1))
    chains.run(one, [1, 2])
    assert mlgit(one, "push").code == 0
    assert mlgit(two, "push", "--json").json["refs"] == [chains.REF]
    assert mlgit(one, "pull").code == 0
    found = verdict_refs.load(one, chains.REF)
    assert [each.kind for each in found.entries] == ["verdict", "verdict", "accept"]


def test_verdicts_that_depend_on_others_stay_until_they_are_judged_anew(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    one, two = top / "project", top / "other"
    chains.run(one, [1])
    tip = chains.run(two, [2]).tip
    assert mlgit(one, "push").code == 0
    (told,) = [each for each in mlgit(two, "pull", "--json").json["notes"] if chains.REF in each]
    assert "`mlgit monitor run --push` judges what is only here anew" in told
    assert verdict_refs.tip(two, chains.REF) == tip
