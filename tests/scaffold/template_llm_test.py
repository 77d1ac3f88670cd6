"""The template `llm-eval`: what is worse is refused, what was paid for is kept, and answers are judged as promptfoo does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlgit.scaffold import library
from tests.kit import FULL, commit, example, git, program
from tests.kit.once import copied, once

pytestmark = pytest.mark.slow  # a pipeline that calls a server, several times

NAME = "prompts"
# Made by promptfoo 0.121.20 on Node 20, with `npm install promptfoo@0.121.20` in an empty folder: `assertions.runAssertions`
# for each case with each output, and `evaluate` with the output as the only variable, which said the same wherever
# promptfoo left the output as it was (it takes a line end off its variables).
VERDICTS = json.loads((Path(__file__).parent / "promptfoo_verdicts.json").read_text())


def run(root, *argv):
    return program(root, [sys.executable, "-m", *argv], env=example.environment())


def without_a_route(root, *argv):
    """Run in a network of its own, in which only loopback is up; where the system allows no such thing, in any."""
    alone = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if not shutil.which("unshare") or not shutil.which("ip") or subprocess.run([*alone, "true"]).returncode:
        alone = []
    return program(root, [*alone, sys.executable, "-m", *argv], env=example.environment())


@pytest.fixture
def project(shared, tmp_path):
    """A copy of a project that was made from the template, ran without a network, and has its card."""

    def make(folder):
        answers = ("--set", "package_name=demo", "--set", "model_name=names")
        assert run(folder, "mlgit", "new", NAME, "-t", "llm-eval", "--defaults", *answers).code == 0
        done = without_a_route(folder / NAME, "mlgit", "run")
        assert done.code == 0, done.said
        assert run(folder / NAME, "mlgit", "card", "build", "--reviewed", "all").code == 0
        commit(folder / NAME, "Run the pipeline")
        git(folder / NAME, "commit", "--quiet", "--allow-empty", "--message", "Next")

    return copied(once(shared, "llm-eval", make) / NAME, tmp_path / "p")


def change(root, path, old, new):
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def broken(root):
    """The rules that refuse what the workspace holds."""
    done = run(root, "mlgit", "run")
    assert done.code == 0, done.said
    judged = run(root, "mlgit", "gate", "--json")
    assert judged.code == 1
    return {row["id"] for row in json.loads(judged.out)["rules"] if row["outcome"] == "fail"}


def test_project_is_up_to_date_its_card_complete_and_its_gate_passes(project):
    assert "5 unchanged" in run(project, "mlgit", "run").said
    assert git(project, "status", "--porcelain") == ""
    assert run(project, "mlgit", "card", "check").out == "names: cards/names.md is up to date and complete\n"
    assert json.loads(run(project, "mlgit", "gate", "--json").out)["verdict"] == "pass"
    metrics = json.loads((project / "reports/metrics.json").read_text())
    assert metrics["pass_hat_k"] < metrics["accuracy"] < metrics["pass_at_k"]
    assert metrics["accuracy"] < metrics["baseline_accuracy"]


@pytest.mark.full
def test_worse_model_is_refused_and_answers_of_the_better_one_are_kept(project):
    change(project, "models.yaml", "stub-large-noisy", "stub-small-noisy")
    before = set((project / "responses/answers.jsonl").read_text().splitlines())
    assert {"no-worse", "every-time"} <= broken(project)
    assert before < set((project / "responses/answers.jsonl").read_text().splitlines())
    change(project, "models.yaml", "stub-small-noisy", "stub-large-noisy")
    change(project, "params.yaml", "calls: 1000", "calls: 0")  # nothing has to be asked again
    assert run(project, "mlgit", "run").code == 0
    assert git(project, "diff", "--name-only").split() == ["dvc.lock", "params.yaml"]


@pytest.mark.skipif(not FULL, reason="as the test above, with two runs more")
def test_worse_prompt_and_guardrail_are_refused(project):
    change(project, "prompts/signature.md", "a JSON array of strings", "a list")
    change(project, "guardrails.yaml", "find: [email, card, iban]", "find: [email]")
    assert {"right-often", "no-worse", "every-time", "parses", "rails-hold"} <= broken(project)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """What the template's code says of an output for a test case."""
    files = library.load("llm-eval").files
    for path in (path for path in files if path.startswith("src/package/")):
        target = tmp_path / "judging_package" / Path(path).name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(files[path])
    monkeypatch.syspath_prepend(str(tmp_path))
    from judging_package import assertions

    return assertions.judge


def test_every_case_passes_and_fails_as_with_promptfoo(judge):
    outputs, different = VERDICTS["outputs"], []
    for case in VERDICTS["cases"]:
        found = [judge(output, case) for output in outputs]
        scores = case.get("score", [float(mark) for mark in case["pass"]])
        for output, result, mark, score in zip(outputs, found, case["pass"], scores, strict=True):
            if result.is_pass != (mark == "1") or result.score != pytest.approx(score):
                different.append((case["assert"], output))
    assert different == []
    assert len(VERDICTS["cases"]) * len(outputs) > 30_000
