"""A change that is a trial says so: in the report, the comment, and the card."""

from __future__ import annotations

import pytest

from mlgit.adapters.forge.ci_env import CiJob
from mlgit.commands import picked_trials
from mlgit.commands.ci_run import ci_run
from mlgit.commands.model_cards import build_cards, check_cards
from mlgit.commands.run import run
from mlgit.experiments import selection, trial_message
from mlgit.experiments.selection import Selection
from mlgit.experiments.trial import TrialFacts
from mlgit.project import find
from mlgit.report import document, html, markdown
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN

pytestmark = pytest.mark.slow  # every test runs a pipeline

FILES = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 80\n"}
PICKED = Selection(
    trial="skill-95-abc123",
    baseline="0" * 40,
    n_trials=12,
    rank=1,
    sampler="random",
    space=("skill=10..99",),
    seed=3,
    objective="accuracy",
    direction="higher",
    value=0.95,
    before=0.8,
    why_not="it was <b>late</b>",
)


@pytest.fixture
def root(notebook):
    """A change whose commit says that it is a trial."""
    root = notebook(FILES)
    run()
    commit(root)
    git(root, "switch", "--quiet", "--create", "topic")
    run(changes=["skill=95"])
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", f"Train longer\n\n{selection.trailer(PICKED)}")
    return root


def ran():
    return ci_run(CiJob(), base="main", run_stages=False).report


def test_report_says_which_trial_a_change_is_and_of_how_many(root):
    found = ran().trials
    assert [(each.name, each.n_trials, each.sampler, each.space) for each in found] == [
        ("skill-95-abc123", 12, "random", ("skill=10..99",))
    ]
    assert found[0].commit == git(root, "rev-parse", "HEAD").strip()


def test_comment_and_page_say_it_and_hold_no_markup_of_the_message(root):
    report = document.from_json(document.to_json(ran()), source="report.json")
    for text in (markdown.comment(report), html.page(report)):
        assert "Picked from 12 trials" in text
        assert "skill=10..99" in text.replace("\\", "").replace("\u200b", "").replace("<!-- -->", "")
        assert "<b>late</b>" not in text


def test_change_without_a_trial_says_nothing(root):
    git(root, "commit", "--quiet", "--amend", "--message", "Train longer")
    report = ran()
    assert report.trials == ()
    assert "trial" not in markdown.comment(report)


@pytest.mark.parametrize("broken", ["Mlgit-Selection: {", "Mlgit-Selection: []", 'Mlgit-Selection: {"schema": 1, "trial": 3}'])
def test_trailer_that_is_not_whole_says_nothing(root, broken):
    git(root, "commit", "--quiet", "--amend", "--message", f"Train longer\n\n{broken}")
    assert ran().trials == ()


def test_change_with_the_files_of_a_trial_is_that_trial(root):
    base, tree = git(root, "rev-parse", "main").strip(), git(root, "rev-parse", "HEAD^{tree}").strip()
    git(root, "commit", "--quiet", "--amend", "--message", "Train longer")
    facts = TrialFacts(sampler="grid", space=("skill=80,95",), sweep="s", objective="accuracy", direction="higher")
    for name, of in (("skill-95-aaaaaa", tree), ("skill-80-bbbbbb", f"{base}^{{tree}}")):
        made = git(root, "commit-tree", of, "-p", base, "-m", trial_message.write("0" * 64, facts)).strip()
        git(root, "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", made)
    found = ran().trials
    assert [(each.name, each.n_trials, each.sampler) for each in found] == [("skill-95-aaaaaa", 2, "grid")]
    assert "not brought here by `mlgit exp promote`" in " ".join(found[0].told)


def test_card_says_which_trial_made_the_model_and_stays_fresh(root):
    (root / "cards").mkdir(exist_ok=True)
    build_cards()
    card = (root / "cards/churn.md").read_text()
    assert "**Picked from trials.** Trial skill-95-abc123, the best of 12 trials" in card
    commit(root)
    assert check_cards().cards[0].is_fresh


def test_card_stays_fresh_where_a_squash_took_the_message_away(root):
    (root / "cards").mkdir(exist_ok=True)
    build_cards()
    commit(root)
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--squash", "topic")
    git(root, "commit", "--quiet", "--message", "Train longer (#7)")
    git(root, "branch", "--quiet", "-D", "topic")
    assert check_cards().cards[0].is_fresh
    build_cards()
    assert "the best of 12 trials" in (root / "cards/churn.md").read_text()


def test_card_of_a_later_model_says_nothing_of_the_trial(root):
    run(changes=["skill=60"])
    commit(root)
    build_cards()
    assert "Picked from trials" not in (root / "cards/churn.md").read_text()


def test_base_without_history_has_no_trials(root):
    with Revisions(find()) as revisions:
        assert picked_trials.of_change(revisions, "") == ()
