"""Whether models in production are to be trained anew: the command, on real tags, verdicts and a forge."""

from __future__ import annotations

import shutil

import pytest

from mlgit.adapters.forge.ci_env import CiJob
from mlgit.commands.ci_propose import propose_due
from mlgit.commands.clients import ForgeAccess
from mlgit.commands.monitor_trigger import trigger
from mlgit.errors import MlgitError
from mlgit.monitoring import verdict_refs
from tests.kit import commit, git, write_tree
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit
from tests.monitoring import chains
from tests.registry.projects import FILES, RAW, made

pytestmark = pytest.mark.slow  # a version is registered

SETTINGS = FILES["mlgit.yaml"] + "environments: [{name: prod}]\n"
TRIGGERS = "monitoring: {churn: {triggers: {%s}}}\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A project with a version in production."""
    root = tmp_path_factory.mktemp("original") / "project"
    made(root, mlgit, {"mlgit.yaml": SETTINGS})
    for words in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        done = mlgit(root, "model", *words)
        assert done.code == 0, done.said
    return root


@pytest.fixture
def project(original, tmp_path, monkeypatch):
    """`project(triggers)` is a copy of it whose mlgit.yaml declares them; the current folder."""

    def start(declared, more=""):
        root = tmp_path / "project"
        shutil.copytree(original, root, symlinks=True)
        write_tree(root, {"mlgit.yaml": SETTINGS + (TRIGGERS % declared if declared else "") + more})
        commit(root)
        monkeypatch.chdir(root)
        return root

    return start


def judged(root, *entries):
    found = verdict_refs.load(root, chains.REF)
    for each in entries:
        found = verdict_refs.append(root, found, each)


def answer(name="churn", **more):
    return trigger(name, job=CiJob(), **more)


def test_alarm_about_the_version_in_production_is_heard(project):
    root = project("drift: watch")
    judged(root, chains.entry(1), chains.entry(2, word="watch"))
    result = answer()
    assert (result.is_due, result.exit_code) == (True, 0)
    (found,) = result.document()["models"]
    assert (found["model"], found["environment"], found["version"]) == ("churn", "prod", "v1.0.0")
    assert found["triggers"] == [
        {
            "kind": "drift",
            "reason": "2026-05-03: watch; p = 0.001; most moved: amount (mean +0.31 sd), country",
        }
    ]


def test_accepted_alarm_and_alarms_about_other_versions_are_not(project):
    root = project("drift: watch")
    judged(root, chains.entry(1, word="page", version="v0.9.0"))
    assert answer().is_due is None
    judged(root, chains.entry(2, word="watch"), chains.acceptance(2))
    assert (answer().is_due, answer().exit_code) == (False, 1)


def test_verdicts_that_another_runner_pushed_are_heard_and_no_ref_moves_here(project, tmp_path):
    root = project("drift: watch")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(root, "remote", "add", "origin", "../origin.git")
    git(root, "push", "-q", "origin", "HEAD:main", "--tags")
    git(tmp_path, "clone", "-q", "origin.git", "other")
    judged(tmp_path / "other", chains.entry(1), chains.entry(2, word="watch"))
    assert answer().is_due is None
    git(tmp_path / "other", "push", "-q", "origin", chains.REF)
    assert answer().is_due
    assert verdict_refs.names(root) == []
    git(root, "remote", "set-url", "origin", "../gone.git")
    found = answer()
    assert (found.is_due, "verdicts of 'origin' are not known" in found.models[0].decision.notes[0]) == (None, True)


def test_nothing_judged_cannot_be_told(project):
    project("drift: page")
    assert answer().exit_code == 2


def test_rows_are_those_of_the_data_that_no_stage_makes(project):
    root = project("new_rows: 20%")
    assert answer().is_due is False
    write_tree(root, {"data/raw.csv": RAW + "20,1,1\n21,1,1\n22,1,1\n"})
    assert answer().is_due is False
    write_tree(root, {"data/raw.csv": RAW + "20,1,1\n21,1,1\n22,1,1\n23,1,1\n"})
    (found,) = answer().models
    assert found.decision.fired[0].reason == "4 rows more than the 20 that it was trained with"


def test_data_that_are_not_here_cannot_be_counted(project):
    root = project("new_rows: 20%")
    (root / "data/raw.csv").unlink()
    for place in (root / ".dvc/cache").rglob("*"):
        place.unlink() if place.is_file() else None
    found = answer()
    assert found.is_due is None
    assert "data/raw.csv" in found.models[0].decision.unknown[0]


def test_metric_is_the_one_of_the_declared_rule(project):
    gates = "gates: {rules: [{id: floor, kind: bound, metric: accuracy, min: 0.9}]}\n"
    root = project("metric: floor", gates)
    judged(root, chains.entry(1))
    assert answer().is_due is False


def test_reason_of_a_person_is_enough_and_is_about_one_model(project):
    project("")
    assert answer(reason="new sensor").is_due
    with pytest.raises(MlgitError, match="one model"):
        answer("", reason="new sensor")


def test_without_triggers_it_is_told_what_to_add(project):
    project("")
    with pytest.raises(MlgitError, match="churn has no triggers"):
        answer()
    with pytest.raises(MlgitError, match="declares no triggers"):
        answer("")


def test_all_models_are_asked_and_one_without_a_version_hinders_no_other(project):
    project("age: 1d}}, ghost: {triggers: {age: 1d")
    found = answer("")
    assert [each.model for each in found.models] == ["churn"]
    assert any("ghost" in each for each in found.notes)


def test_version_is_no_model(project):
    project("age: 1d")
    with pytest.raises(MlgitError, match="a version is not trained anew"):
        answer("churn@v1.0.0")


def test_pull_requests_of_the_forge_count(project, monkeypatch):
    root = project("drift: watch")
    judged(root, chains.entry(2, word="watch"))
    monkeypatch.setenv("MLGIT_TOKEN", "good")
    with forge(State(kind="gitea")) as state:
        where = {"kind": "gitea", "api": state.base, "repository": "team/models"}
        assert answer(**where).is_due
        state.pull(1, "a" * 40, branch="retrain/churn", repository="fork/models", state="closed")
        assert answer(**where).is_due, "somebody else's"
        state.pull(2, "a" * 40, branch="retrain/churn")
        assert answer(**where).models[0].pull == 2
        assert answer(**where, reason="new sensor").is_due is False
        state.close(2)
        held = answer(**where)
        assert (held.is_due, held.notes) == (False, ())
        assert held.models[0].decision.held.startswith("#2 was closed on")
        assert answer(**where, reason="new sensor").is_due


def test_forge_that_was_named_needs_a_token_and_another_is_not_asked(project):
    project("age: 1d")
    with pytest.raises(MlgitError, match="no token"):
        answer(kind="github", repository="team/models")
    assert "was not asked" in answer().notes[0]


def test_nothing_is_proposed_for_models_of_which_nothing_is_asked_and_others_are_told(project):
    project("age: 9d}}, ghost: {triggers: {age: 1d")
    found = propose_due(ForgeAccess(CiJob()), dry_run=True)
    assert [*found.models] == ["churn"]
    assert found.models["churn"].gain.reason.startswith("nothing asks for a new churn: churn@v1.0.0 is as it was")
    assert "ghost" in found.notes[0]
    assert [each["model"] for each in found.document()["models"]] == ["churn"]


def test_without_triggers_there_is_nothing_to_propose(project):
    project("")
    with pytest.raises(MlgitError, match="declares no triggers"):
        propose_due(ForgeAccess(CiJob()), dry_run=True)
