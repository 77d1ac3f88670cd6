"""Trials compared with each other, with their baseline, and two by two."""

from __future__ import annotations

import json

import pytest

from mlgit.commands.exp_compare import TableView, compare
from mlgit.commands.exp_diff import diff
from mlgit.commands.exp_page import write_page
from mlgit.commands.exp_show import show
from mlgit.errors import MlgitError
from mlgit.experiments.run import TRIAL_TAG, MetricPoint
from mlgit.experiments.runs import RunStore
from mlgit.experiments.trial import TrialFacts
from tests.kit import commit, dvc, git, trials, write_tree

SEARCHED = TrialFacts(sweep="s", sampler="grid", space=("train.lr=0.1,0.9",), objective="roc_auc", direction="higher")


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = trials.project(tmp_path / "project")
    monkeypatch.chdir(found)
    return found


def test_best_is_held_against_its_baseline_and_against_all_it_was_picked_from(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}, {"train.lr": 0.3}], names=["good", "bad", "other"], facts=SEARCHED)
    found = compare(view=TableView(top=1))
    assert found.selection.trial == "good"
    assert (found.selection.n_trials, found.selection.n_compared) == (3, 3)
    assert found.selection.low is not None
    assert found.shown.told[0].startswith("Trial good, the best of 3 trials by roc_auc")
    assert found.document()["selection"]["told"] == list(found.shown.told)
    assert found.exit_code == 0
    json.dumps(found.document(), allow_nan=False)


def test_named_trials_were_still_picked_from_all(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}], names=["good", "bad"], facts=SEARCHED)
    assert compare(["good"]).selection.n_trials == 2


def test_nothing_is_best_where_nothing_says_what_is_better(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    found = compare()
    assert found.selection is None
    assert found.document()["selection"] is None
    assert found.exit_code == 2


def test_other_objective_picks_another(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}], names=["good", "bad"], facts=SEARCHED)
    assert compare(view=TableView(objective="accuracy")).selection.objective == "accuracy"
    with pytest.raises(MlgitError, match=r"nothing says which way size.leaves is better"):
        compare(view=TableView(objective="size.leaves"))


def test_declared_metric_is_judged_by_the_influence_of_each_row(root):
    config = (root / "mlgit.yaml").read_text()
    made = 'accuracy: {direction: higher, expression: "mean(label == prediction)"}'
    assert "accuracy: {direction: higher}" in config
    write_tree(root, {"mlgit.yaml": config.replace("accuracy: {direction: higher}", made)})
    commit(root)
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}, {"train.lr": 0.3}], names=["good", "bad", "other"], facts=SEARCHED)
    found = compare(view=TableView(objective="accuracy", top=1)).selection
    assert (found.why_not, found.n_compared) == ("", 3)
    assert found.low_of_all <= found.low < found.high <= found.high_of_all


def test_trial_differs_from_its_baseline_by_what_was_set(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}], names=["one", "two"])
    (row,) = diff("one").document()["parameters"]
    assert (row["key"], row["old"], row["new"]) == ("train.lr", 0.5, 0.1)
    (row,) = diff("one", "two").document()["parameters"]
    assert (row["old"], row["new"]) == (0.1, 0.9)
    (row,) = diff("one", "HEAD").document()["parameters"]
    assert (row["old"], row["new"]) == (0.1, 0.5)


def test_word_that_is_no_trial_and_no_revision_is_refused(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    for words in (("onee",), ("one", "onee")):
        with pytest.raises(MlgitError, match=r"no trial is called 'onee', did you mean 'one'\?"):
            diff(*words)


@pytest.mark.slow
def test_differences_are_those_that_dvc_tells(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.depth": 5}], names=["one", "two"])
    for words in (("one",), ("one", "two")):
        base = git(root, "rev-parse", "HEAD")
        asked = words if len(words) == 2 else (base, *words)
        told = json.loads(dvc(root, "exp", "diff", "--json", *asked).out)
        found = diff(*words).document()
        ours = {(row["file"], row["key"]): (row["old"], row["new"]) for row in found["parameters"]}
        ours |= {(row["file"], row["name"]): (row["base"], row["head"]) for row in found["metrics"]}
        theirs = {
            (file, name): (each["old"], each["new"])
            for kind in ("params", "metrics")
            for file, rows in told[kind].items()
            for name, each in rows.items()
        }
        assert ours == theirs


def test_page_has_the_curves_of_dvclive(root):
    files = {"dvclive/metrics.json": '{"step": 1}', "dvclive/plots/metrics/val/auc.tsv": "step\tauc\n0\t0.5\n1\t0.75\n"}
    trials.add(root, [{"train.lr": 0.1}], names=["one"], files=files)
    page = write_page(show(), root / "page.html").read_text()
    assert "val/auc over steps of 1 trial" in page


def logged(root, trial, values):
    """A run that code logged within a trial, as MLflow's client would."""
    store = RunStore(root, keep_code=False)
    run = store.create(tags={TRIAL_TAG: trial})
    store.log_batch(run.id, metrics=[MetricPoint("loss", value, 1_000 + step, step) for step, value in enumerate(values)])
    return store, run


def test_page_has_the_curves_that_code_logged(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    logged(root, "another", [1.0, 2.0])
    logged(root, "one", [0.9, 0.5, 0.25])
    page = write_page(show(), root / "page.html").read_text()
    assert "loss over steps of 1 trial, 0.25 to 0.9" in page


def test_deleted_run_is_drawn_no_more(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    store, run = logged(root, "one", [0.9, 0.5])
    store.delete(run.id)
    assert "loss over steps" not in write_page(show(), root / "page.html").read_text()
