"""The template `llm-eval`: what it makes is refused when it is worse, and keeps what was paid for."""

import json
import sys

import pytest

from tests.kit import commit, example, git, program
from tests.kit.once import copied, once

pytestmark = pytest.mark.slow  # a pipeline that calls a server, several times

NAME = "prompts"


def run(root, *argv, **env):
    return program(root, [sys.executable, "-m", *argv], env={**example.environment(), **env})


@pytest.fixture
def project(shared, tmp_path):
    """A copy of a project that was made from the template, ran, and has its card."""

    def make(folder):
        answers = ("--set", "package_name=demo", "--set", "model_name=names")
        assert run(folder, "mlgit", "new", NAME, "-t", "llm-eval", "--defaults", *answers).code == 0
        done = run(folder / NAME, "mlgit", "run")
        assert done.code == 0, done.said
        assert run(folder / NAME, "mlgit", "card", "build", "--reviewed", "all").code == 0
        commit(folder / NAME, "Run the pipeline")
        git(folder / NAME, "commit", "--quiet", "--allow-empty", "--message", "Next")

    return copied(once(shared, "llm-eval", make) / NAME, tmp_path / "p")


def change(root, path, old, new):
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def test_project_is_up_to_date_its_card_complete_and_its_gate_passes(project):
    assert "5 unchanged" in run(project, "mlgit", "run").said
    assert git(project, "status", "--porcelain") == ""
    assert run(project, "mlgit", "card", "check").out == "names: cards/names.md is up to date and complete\n"
    gate = json.loads(run(project, "mlgit", "gate", "--json").out)
    assert gate["verdict"] == "pass"


@pytest.mark.parametrize(
    ("path", "old", "new", "broken"),
    [
        ("models.yaml", "stub-large-noisy", "stub-small-noisy", {"no-worse", "every-time"}),
        ("prompts/signature.md", "a JSON array of strings", "a list", {"no-worse", "every-time", "parses", "right-often"}),
        ("guardrails.yaml", "find: [email, card, iban]", "find: [email]", {"rails-hold"}),
    ],
)
def test_worse_model_prompt_or_guardrail_is_refused(project, path, old, new, broken):
    change(project, path, old, new)
    done = run(project, "mlgit", "run")
    assert done.code == 0, done.said
    judged = run(project, "mlgit", "gate", "--json")
    assert judged.code == 1
    assert broken <= {row["id"] for row in json.loads(judged.out)["rules"] if row["outcome"] == "fail"}
