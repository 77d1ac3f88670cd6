"""Trials of a pipeline: which run, what they leave in Git, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlgit.commands.exp_run import SweepPlan, exp_run
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from mlgit.experiments.sweep_reporter import SweepReporter
from tests.kit import commit, dvc, git
from tests.kit.experiments import commands_run, metrics_of, searched_project, trial_refs, untouched

GRID = SweepPlan(("train.lr=0.1,0.2,0.3", "train.depth=4,5"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    return searched_project(tmp_path / "project", monkeypatch)


def test_every_setting_becomes_a_ref_with_its_metrics(project):
    result = exp_run(GRID, jobs=2)
    assert result.exit_code == EXIT_YES
    assert [dict(each.facts.changes) for each in result.trials] == [
        {"train.lr": lr, "train.depth": depth} for lr in (0.1, 0.2, 0.3) for depth in (4, 5)
    ]
    refs = trial_refs(project)
    assert refs == {each.name: each.commit for each in result.trials}
    assert [metrics_of(project, each.commit) for each in result.trials] == [dict(each.metrics) for each in result.trials]
    best = next(each for each in result.trials if each.name == result.best)
    assert best.facts.changes == {"train.lr": 0.3, "train.depth": 5}
    assert json.loads(json.dumps(result.document()))["best"] == result.best


def test_stage_that_trials_share_runs_once(project):
    exp_run(GRID, jobs=2)
    ran = commands_run(project)
    assert (ran.count("prepare"), ran.count("train")) == (1, 6)


def test_working_tree_index_and_stash_are_left_alone(project):
    (project / "train.py").write_text((project / "train.py").read_text() + "# a change\n")
    git(project, "stash")
    (project / "raw.csv").write_text("1\n")
    git(project, "add", "raw.csv")
    (project / "raw.csv").write_text("1\n2\n")
    before = untouched(project)
    result = exp_run(GRID, jobs=2)
    assert untouched(project) == before
    assert git(project, "show", f"{result.trials[0].commit}:raw.csv") == "1\n2"


def test_trials_that_are_recorded_are_not_run_again(project):
    first = exp_run(GRID, jobs=2)
    again = exp_run(GRID, jobs=2)
    assert (again.known, [each.commit for each in again.trials]) == (6, [each.commit for each in first.trials])
    wider = exp_run(SweepPlan(("train.lr=0.1,0.2,0.3", "train.depth=4,5,6")), jobs=2)
    assert (wider.known, len(wider.trials), commands_run(project).count("train")) == (6, 9, 9)


def test_failed_trial_says_why_and_is_tried_again(project):
    (project / "train.py").write_text(
        "import sys\nif '0.2' in open('params.yaml').read(): sys.exit('no such rate')\n" + (project / "train.py").read_text()
    )
    commit(project)
    result = exp_run(SweepPlan(("train.lr=0.1,0.2",)), jobs=1)
    assert result.exit_code == EXIT_NO
    assert [each.status for each in result.trials] == ["finished", "failed"]
    assert "no such rate" in result.trials[1].message
    assert "no such rate" in Path(result.trials[1].log).read_text()
    assert exp_run(SweepPlan(("train.lr=0.1,0.2",)), jobs=1).exit_code == EXIT_NO
    assert commands_run(project).count("train") == 3


def test_search_ends_where_a_trial_is_good_enough(project):
    result = exp_run(SweepPlan(("train.lr=0.3,0.2,0.1", "train.depth=5"), until="score>=1"), jobs=1)
    assert (result.reached, len(result.trials), commands_run(project).count("train")) == (True, 1, 1)


def test_queued_trials_run_with_the_next_search(project):
    assert exp_run(SweepPlan(("train.lr=0.7",)), only_queue=True).is_queued
    assert trial_refs(project) == {}
    exp_run(SweepPlan(("train.lr=0.8",)), jobs=1)
    assert sorted(name.split("-")[1] for name in trial_refs(project)) == ["0.7", "0.8"]


def test_without_settings_what_is_queued_runs_or_else_the_working_tree(project):
    exp_run(SweepPlan(("train.lr=0.7,0.8",)), only_queue=True)
    assert [dict(each.facts.changes) for each in exp_run(SweepPlan()).trials] == [{"train.lr": 0.7}, {"train.lr": 0.8}]
    (project / "params.yaml").write_text("train:\n  lr: 0.9\n  depth: 3\n")
    result = exp_run(SweepPlan())
    assert [(dict(each.facts.changes), each.params["train.lr"]) for each in result.trials] == [({}, 0.9)]


def test_force_runs_recorded_trials_and_replaces_them(project):
    first = exp_run(SweepPlan(("train.lr=0.7",))).trials[0]
    again = exp_run(SweepPlan(("train.lr=0.7",)), force=True).trials[0]
    assert (first.name, trial_refs(project)) == (again.name, {again.name: again.commit})
    assert commands_run(project).count("train") == 2


def test_trial_that_was_removed_is_run_again(project):
    trial = exp_run(SweepPlan(("train.lr=0.7",))).trials[0]
    git(project, "update-ref", "-d", trial.ref)
    assert exp_run(SweepPlan(("train.lr=0.7",))).known == 0
    assert list(trial_refs(project)) == [trial.name]


@pytest.mark.slow
def test_trial_on_a_cluster_gives_what_it_gives_here(project):
    git(project, "config", "user.name")
    (project.parent / "remote").mkdir()
    assert dvc(project, "remote", "add", "-d", "store", str(project.parent / "remote")).code == 0
    commit(project)
    here = exp_run(SweepPlan(("train.lr=0.2",)), jobs=1).trials[0]
    far = exp_run(SweepPlan(("train.lr=0.3",)), jobs=1, executor="dask").trials[0]
    assert far.status == "finished", far.message
    assert (here.metrics["score"], far.metrics["score"]) == (pytest.approx(0.95), pytest.approx(0.96))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (SweepPlan(("train.rate=1,2",)), "train.rate"),
        (SweepPlan(("train.lr=0.1..0.2",)), "a grid needs values"),
        (SweepPlan(("train.lr=1,2",), objective="scroe"), "did you mean 'score'"),
        (SweepPlan(("train.lr=1,2",), until="score"), "--until"),
        (SweepPlan(("train.lr=0.1..0.2",), sampler="random"), "how many trials"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_runs(project, plan, said):
    with pytest.raises(MlgitError, match=said):
        exp_run(plan)
    assert commands_run(project) == []


class Heard(SweepReporter):
    """Writes down what is worth knowing."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def test_what_no_trial_will_see_is_told(project):
    git(project, "rm", "--quiet", "--cached", "raw.csv")
    assert dvc(project, "add", "raw.csv").code == 0
    commit(project)
    (project / "raw.csv").write_text("4\n")
    (project / "lost.py").write_text("")
    heard = Heard()
    exp_run(SweepPlan(("train.lr=0.1",)), reporter=heard)
    assert [("lost.py" in each, "raw.csv" in each) for each in heard.notes] == [(True, False), (False, True)]
    (project / "raw.csv").unlink()
    (project / "lost.py").unlink()
    exp_run(SweepPlan(("train.lr=0.2",)), reporter=(quiet := Heard()))
    assert quiet.notes == []


def test_input_that_git_does_not_track_is_told(project):
    (project / "raw.csv").rename(project / "other.csv")
    git(project, "rm", "--quiet", "raw.csv")
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text().replace("raw.csv", "other.csv"))
    result = exp_run(SweepPlan(("train.lr=0.1",)))
    assert "other.csv" in result.trials[0].message
