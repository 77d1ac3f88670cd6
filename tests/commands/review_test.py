"""A change from Python: what differs, whether the gates let it pass, what its card says, and the report of it all."""

from __future__ import annotations

import json

import pytest

from mlgit.adapters.forge.ci_env import CiJob
from mlgit.commands.ci_propose import ci_propose
from mlgit.commands.ci_publish import ci_publish, published_report
from mlgit.commands.ci_run import ci_run, write_report
from mlgit.commands.diff import diff
from mlgit.commands.gate import gate, suggest
from mlgit.commands.model_cards import build_cards, check_cards, models_page, write_models_page
from mlgit.commands.report import read_report, render_report, write_rendered
from mlgit.commands.run import run
from mlgit.errors import EXIT_CANNOT_ANSWER, EXIT_NO, EXIT_YES
from tests.kit import commit
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN

pytestmark = pytest.mark.slow  # every test runs a pipeline, twice

FILES = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 80\n"}


@pytest.fixture
def root(notebook):
    """A project whose model got better since the last commit."""
    root = notebook(FILES)
    run()
    commit(root)
    run(changes=["skill=95"])
    return root


def test_difference_is_a_value(root):
    found = diff("HEAD").diff
    assert [(each.key, each.old, each.new) for each in found.parameters] == [("skill", 80, 95)]
    assert [(each.name, each.base, each.head) for each in found.metrics] == [("accuracy", 0.8, 0.95)]
    assert diff("HEAD").document()["schema"] == 1


def test_what_cannot_be_compared_is_a_result(notebook):
    notebook({"README.md": "nothing here\n"})
    found = diff("HEAD", "HEAD")
    assert found.exit_code == EXIT_CANNOT_ANSWER
    assert "nothing was compared" in found.unanswered.message


def test_review_is_a_value(root):
    result = gate("HEAD")
    assert (result.exit_code, result.review.verdict, result.document()["verdict"]) == (EXIT_YES, "pass", "pass")
    run(changes=["skill=40"])
    assert gate("HEAD").exit_code == EXIT_NO
    assert [each.metric for each in suggest("HEAD").by_model["churn"]] == ["accuracy"]


def test_cards_are_built_and_checked(root):
    assert check_cards("churn").exit_code == EXIT_NO
    assert build_cards("churn", dry_run=True).cards[0].written == build_cards("churn").cards[0].written
    assert check_cards("churn").cards[0].differing == ()
    write_models_page(root / "MODELS.md")
    assert (root / "MODELS.md").read_text() == models_page(root / "MODELS.md")


def test_report_is_made_written_read_and_shown(root, tmp_path):
    heard = []
    result = ci_run(CiJob(), base="HEAD", on_run=heard.append)
    assert (result.exit_code, result.trouble, [each.state for each in heard[0].stages]) == (EXIT_YES, None, ["unchanged"])
    write_report(tmp_path / "report", result.report)
    assert read_report(tmp_path / "report/report.json") == result.report
    assert json.loads(render_report(result.report, form="json"))["verdict"] == "pass"
    write_rendered(tmp_path / "page.html", render_report(result.report, form="html"))
    assert (tmp_path / "page.html").read_text() == (tmp_path / "report/report.html").read_text()
    assert published_report(tmp_path / "report/report.json", CiJob()).rules == result.report.rules


def test_trouble_is_reported_and_returned(root):
    result = ci_run(CiJob(base_branch="nowhere"), run_stages=False)
    assert (result.exit_code, result.review) == (EXIT_CANNOT_ANSWER, None)
    assert result.trouble.message in result.report.notes[0]


def test_report_without_a_token_is_not_published(root):
    report = ci_run(CiJob(), base="HEAD", run_stages=False).report
    result = ci_publish(CiJob(kind="github", repository="ada/churn"), report)
    assert (result.is_published, result.exit_code) == (False, EXIT_YES)


def test_gain_would_be_proposed(root):
    found = ci_propose(CiJob(), base="main", dry_run=True)
    assert (found.gain.is_there, found.what, found.document()["dry_run"]) == (True, "", True)
    assert "metrics.json" in found.paths
