"""A trial made a branch, with what is to be said of it."""

from __future__ import annotations

import pytest

from mlgit.commands.exp_promote import promote_trial
from mlgit.errors import MlgitError
from mlgit.experiments import selection
from mlgit.experiments.trial import TrialFacts
from tests.kit import commit, dvc, git, trials
from tests.kit.forked import mlgit

FACTS = TrialFacts(
    sampler="random",
    space=("train.lr=0.05..0.9", "train.depth=1..6"),
    n_trials=4,
    seed=3,
    objective="roc_auc",
    direction="higher",
    sweep="s1",
)
CHANGES = [
    {"train.lr": 0.05, "train.depth": 4},
    {"train.lr": 0.2, "train.depth": 5},
    {"train.lr": 0.9, "train.depth": 1},
    {"train.lr": 0.1, "train.depth": 4},
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = trials.project(tmp_path / "project")
    monkeypatch.chdir(found)
    return found


def message(root, branch):
    return git(root, "show", "--no-patch", "--format=%B", branch)


def test_branch_has_one_commit_with_the_files_of_the_trial(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    before = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    done = promote_trial(best.name)
    assert (done.branch, done.is_new) == (f"exp/{best.name}", True)
    assert git(root, "rev-parse", f"{done.branch}^") == git(root, "rev-parse", "main")
    assert git(root, "rev-parse", f"{done.branch}^{{tree}}") == git(root, "rev-parse", f"{best.commit}^{{tree}}")
    assert git(root, "show", "--no-patch", "--format=%an", done.branch) == "Ada Example"
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == before


def test_branch_is_ready_to_be_worked_on_and_pushed(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    promote_trial(best.name, branch="tune/lr")
    git(root, "switch", "--quiet", "tune/lr")
    assert "restored" in mlgit(root, "run").said
    assert (mlgit(root, "status").code, git(root, "status", "--porcelain")) == (0, "")
    assert mlgit(root, "diff", "main").code == 0


def test_message_says_what_was_set_what_it_gained_and_that_it_was_picked(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    done = promote_trial(best.name)
    said = message(root, done.branch)
    title, *paragraphs = said.split("\n\n")
    assert title == "Set train.depth to 4 and train.lr to 0.05"
    words = " ".join(" ".join(paragraphs).split())
    assert (
        "the best of 4 trials by roc_auc (higher is better), drawn at random from train.lr=0.05..0.9, train.depth=1..6" in words
    )
    assert "paired on 120 rows" in words
    assert "Heeding that it was picked: " in words
    found = selection.read(said)
    assert found == done.selection
    assert (found.n_trials, found.rank, found.n_compared, found.n_rows) == (4, 1, 4, 120)
    assert found.low_of_all < found.low < found.difference < found.high <= found.high_of_all


def test_trailer_is_one_that_git_reads(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    done = promote_trial(best.name, message="Learn faster")
    assert message(root, done.branch).startswith("Learn faster\n\n")
    read = git(root, "show", "--no-patch", "--format=%(trailers:key=Mlgit-Selection)", done.branch)
    assert selection.read(read) == done.selection


def test_same_trial_promoted_again_is_the_branch_that_is_there(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    first = promote_trial(best.name)
    again = promote_trial(best.name)
    assert (again.commit, again.is_new) == (first.commit, False)


def test_another_branch_of_that_name_is_left_as_it_is(root):
    best, other, *_ = trials.add(root, CHANGES, facts=FACTS)
    promote_trial(best.name, branch="tune")
    before = git(root, "rev-parse", "tune")
    for word, branch in ((other.name, "tune"), (best.name, "main")):
        with pytest.raises(MlgitError, match=f"there is a branch '{branch}' already"):
            promote_trial(word, branch=branch)
    with pytest.raises(MlgitError, match="the branch 'tune/lr' could not be made"):
        promote_trial(best.name, branch="tune/lr")
    assert git(root, "rev-parse", "tune") == before


@pytest.mark.parametrize("branch", ["-f", "a..b", "with space", "x.lock", "@{-1}"])
def test_what_is_no_name_of_a_branch_is_refused(root, branch):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    with pytest.raises(MlgitError, match="no name of a branch"):
        promote_trial(best.name, branch=branch)


def test_dry_run_makes_nothing_and_shows_the_message(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    before = git(root, "for-each-ref")
    planned = promote_trial(best.name, dry_run=True)
    assert (git(root, "for-each-ref"), planned.commit) == (before, "")
    assert planned.message.strip() == message(root, promote_trial(best.name).branch).strip()


def test_trial_whose_record_is_of_other_parameters_is_refused(root):
    stale = "train:\n  lr: 0.77\n  depth: 2\n"
    [one] = trials.add(root, [{"train.lr": 0.1}], files={"params.yaml": stale})
    with pytest.raises(MlgitError, match="stale, so its results do not belong to its files: train"):
        promote_trial(one.name)


def test_trial_whose_outputs_are_not_here_is_refused(root):
    [one] = trials.add(root, [{"train.lr": 0.1}], with_data=False)
    with pytest.raises(MlgitError, match=r"is not here: model\.json, predictions\.csv") as refused:
        promote_trial(one.name)
    assert f"mlgit exp pull {one.name}" in refused.value.hint


def test_what_dvc_keeps_for_itself_stays_out_of_the_branch(root):
    [one] = trials.add(root, [{"train.lr": 0.1}], files={".dvc/tmp/repro.dat": "pickled"})
    done = promote_trial(one.name)
    assert ".dvc/tmp" not in git(root, "ls-tree", "-r", "--name-only", done.branch)


def test_trial_of_an_older_commit_is_a_branch_there(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    (root / "README.md").write_text("words\n")
    commit(root, "Say what this is")
    done = promote_trial(best.name)
    assert git(root, "rev-parse", f"{done.branch}^") == git(root, "rev-parse", "main^")


def test_trial_picked_by_nothing_is_told_by_what_was_set(root):
    [one] = trials.add(root, [{"train.lr": 0.1}], by_dvc=True)
    done = promote_trial(one.name)
    assert done.message.startswith(f"Take over the trial {one.name}\n")
    assert done.selection.n_trials == 1
    assert "picked" not in done.message.partition("Mlgit-Selection")[0]


def test_predictions_that_are_not_here_leave_recorded_numbers(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    digest = (root / "dvc.lock").read_text().partition("path: predictions.csv")[2].split("md5: ")[1].split()[0]
    (root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    (root / "predictions.csv").unlink()
    done = promote_trial(best.name)
    assert done.selection.low is None
    assert "Recorded numbers, picked from 4: the best of many looks better than it is" in " ".join(done.message.split())
    assert done.selection.why_not


def test_worst_of_many_is_not_called_the_best(root):
    *_, worst, _ = trials.add(root, CHANGES, facts=FACTS)
    done = promote_trial(worst.name)
    assert done.selection.rank == 4
    assert "number 4 of 4 trials by roc_auc" in " ".join(done.message.split())


def test_objective_may_be_named(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    done = promote_trial(best.name, objective="accuracy")
    assert (done.selection.objective, done.selection.direction) == ("accuracy", "higher")
    lower = promote_trial(best.name, objective="size.leaves", direction="lower", branch="small")
    assert (lower.selection.n_trials, lower.selection.rank, lower.selection.low) == (4, 2, None)


def test_gain_that_is_large_is_shown_whichever_way_is_better(root):
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    higher = promote_trial(best.name, dry_run=True).selection
    assert (higher.difference > 0, higher.low_of_all > 0, higher.pvalue < 0.01) == (True, True, True)
    lower = promote_trial(best.name, objective="brier", direction="lower", dry_run=True).selection
    assert (lower.n_trials, lower.n_compared, lower.rank) == (4, 4, 1)
    assert lower.low_of_all <= lower.low < lower.difference < lower.high <= lower.high_of_all < 0
    assert lower.pvalue < 0.01


def test_trial_that_is_no_better_is_not_made_so_by_being_picked(root):
    changes = [{"train.lr": 0.5 + number / 1000} for number in range(1, 13)]
    found = trials.add(root, changes, facts=FACTS)
    said = [promote_trial(each.name, dry_run=True).selection for each in found]
    best = next(each for each in said if each.rank == 1)
    assert best.difference > 0
    assert best.low_of_all < 0
    assert best.optimism > 0
    assert best.pvalue > 0.05


@pytest.mark.slow  # DVC is asked
def test_dvc_makes_a_branch_of_the_same_files(root):
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.com")
    best, *_ = trials.add(root, CHANGES, facts=FACTS)
    assert dvc(root, "exp", "branch", best.name, "by-dvc").code == 0
    done = promote_trial(best.name)
    assert git(root, "diff", "by-dvc", done.branch) == ""
