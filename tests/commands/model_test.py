"""The registry from Python: a model's life as a notebook would write it, with results as values and nothing printed."""

from __future__ import annotations

import time
from dataclasses import fields, is_dataclass

import pytest

from mlgit.commands.model import resolve_version
from mlgit.commands.model.approve import approve
from mlgit.commands.model.audit import audit
from mlgit.commands.model.audit_request import audit_requests, is_request
from mlgit.commands.model.event import event
from mlgit.commands.model.get import get
from mlgit.commands.model.history import history
from mlgit.commands.model.list_models import list_models
from mlgit.commands.model.promote import promote
from mlgit.commands.model.register import register
from mlgit.commands.model.reproduce import reproduce
from mlgit.commands.model.retire import retire
from mlgit.commands.model.rollback import rollback
from mlgit.commands.model.show import show
from mlgit.commands.model.stamp import stamp
from mlgit.commands.model.unassign import unassign
from mlgit.commands.model.verify import verify
from mlgit.commands.model.write_tag import WriteOptions
from mlgit.commands.pull import pull
from mlgit.commands.push import push, push_tags
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from mlgit.serving import log_lines
from mlgit.serving.log_header import LogHeader
from tests.kit import git
from tests.registry.worlds import facts, world

pytestmark = pytest.mark.slow  # a repository with a remote for each


@pytest.fixture
def root(tmp_path, monkeypatch, capfd):
    """The clone of somebody who has registered three versions; at the end nothing may have been printed."""
    root = world(tmp_path).root
    monkeypatch.chdir(root)
    capfd.readouterr()
    yield root
    assert tuple(capfd.readouterr()) == ("", "")


def test_version_comes_into_an_environment_and_goes_back(root):
    assert promote("churn@v1.0.0", "prod").version == "v1.0.0"
    done = promote("churn", "prod", reason="fewer alarms")
    assert (done.artifact, done.version, done.plan.ref, done.exit_code) == ("churn", "v1.2.0", "churn#prod#2", EXIT_YES)
    back = rollback("churn", "prod", reason="scores drift")
    assert (back.version, back.plan.done) == ("v1.0.0", "churn: prod went back from v1.2.0 to v1.0.0")
    assert facts(root, "churn#prod#3")["replaces"] == "v1.2.0"
    assert unassign("churn", "prod").document()["event"] == "unassign"
    assert show("churn#prod").version.name == "v1.2.0"


def test_what_stands_already_is_said_and_not_written_again(root):
    promote("churn", "prod")
    again = promote("churn", "prod")
    assert (again.plan.ref, again.version, again.plan.done) == ("", "v1.2.0", "churn@v1.2.0 is already in prod")


def test_refusal_is_a_result_with_every_check(root):
    refused = register("churn")
    assert (refused.plan, refused.exit_code, refused.verdict) == (None, EXIT_NO, "fail")
    assert [each.name for each in refused.checks if not each.ok] == ["version"]
    assert refused.document()["refused"] == "nothing was registered for churn"
    promote("churn", "prod")
    assert [each.name for each in retire("churn@v1.2.0").checks] == ["in use"]
    assert approve("churn@v1.2.0").refusal == "churn@v1.2.0 is not approved"


def test_dry_run_plans_and_writes_nothing(root):
    before = git(root, "tag", "--list")
    planned = retire("churn@v1.1.0", options=WriteOptions(dry_run=True))
    assert (planned.published, planned.version) == (None, "v1.1.0")
    assert planned.document()["tag"] == "churn@v1.1.0!"
    assert git(root, "tag", "--list") == before


def test_new_version_is_registered_and_pushed(root):
    git(root, "commit", "--quiet", "--allow-empty", "-m", "another look")
    done = register("churn", bump="minor", reason="a new look")
    assert (done.version, done.pushed) == ("v1.3.0", ())
    assert push_tags().tags == ("churn@v1.3.0",)
    assert [each.name.version for each in history("churn").events][:2] == ["v1.3.0", "v1.2.0"]


def test_data_that_has_nowhere_to_go_keeps_commits_and_tags_back(root):
    with pytest.raises(MlgitError, match=r"no DVC remote for the data of 5 outputs, such as data/raw.csv"):
        push(dry_run=True)
    assert pull(dry_run=True).outputs == ()


def test_somebody_is_asked_before_an_environment_is_made(tmp_path, monkeypatch):
    shared = world(tmp_path)
    shared.settle("")
    monkeypatch.chdir(shared.root)
    asked: list[str] = []
    with pytest.raises(MlgitError, match="no model was ever in 'prod'"):
        promote("churn", "prod", confirm=lambda text: bool(asked.append(text)))
    assert [text.endswith("make it a new environment?") for text in asked] == [True]
    assert promote("churn", "prod", confirm=lambda _: True).plan.ref == "churn#prod#1"


def test_registry_is_read(root):
    promote("churn@v1.1.0", "prod")
    assert [each.name for each in list_models().artifacts] == ["churn"]
    assert show("churn#prod").version.name == "v1.1.0"
    assert resolve_version.find("churn@latest").name == "churn@v1.2.0"
    assert stamp("churn#prod").document()["version"] == "v1.1.0"
    assert event("churn#prod#1").event.name.environment == "prod"
    assert verify("churn", offline=True).exit_code == EXIT_YES
    assert audit("churn@v1.1.0").evidence.question.asked == "churn@v1.1.0"
    assert audit("0" * 32).document() == {"schema": 1, "verdict": "unknown", "asked": "0" * 32}


def test_answer_is_audited(root):
    promote("churn@v1.1.0", "prod")
    said = stamp("churn#prod").document()
    digest, seconds = show("churn@v1.1.0").version.event.body.facts["model"]["sha256"], time.time()
    header = LogHeader("churn", "v1.1.0", said["commit"], digest)
    line = log_lines.line(header, request_id="a", seconds=seconds, inputs=[[1]], outputs={"predict": [0]}, ms=1)
    found = audit_requests((header.line + line).decode().strip())
    assert [each.evidence.name for each in found.results] == ["churn@v1.1.0"]
    assert found.document()["requests"]["environments"][0]["environment"] == "prod"
    assert found.results[0].evidence.requests.gaps == ()
    assert (is_request("01a227e5-0949-751e-8dea-d94c97f1d1d0"), is_request("churn")) == (True, False)


def test_bytes_are_had_and_made_again(root, tmp_path):
    had = get("churn@v1.0.0", out=str(tmp_path / "model.json"))
    assert had.delivered.path.read_text().startswith('{"learner": {"depth": 3}')
    assert reproduce("churn@v1.0.0").rebuilt.outcome == "identical"


def test_notes_go_to_who_wants_them(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    heard: list[str] = []
    assert list_models(note=heard.append).artifacts == ()
    assert "no tag of a model" in heard[0]


def test_results_cannot_be_changed(root):
    for result in (promote("churn", "prod"), show("churn"), audit("churn"), push_tags()):
        assert is_dataclass(result)
        with pytest.raises(AttributeError):
            setattr(result, fields(result)[0].name, None)
