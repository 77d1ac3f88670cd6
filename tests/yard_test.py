"""The yard: what developers and CI type exists, pins what it should, and asks for no more rights than it needs."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mlgit import __version__
from mlgit.adapters.formats.documents import parse_yaml

CHECKOUT = Path(__file__).parents[1]
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (CHECKOUT / "constraints.txt").read_text(), re.MULTILINE))
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(requirement):
    """The version that constraints.txt pins for a requirement."""
    return {canonical(name): version for name, version in PINS.items()}.get(canonical(requirement.name))


def required():
    groups = [each for group in PROJECT["dependency-groups"].values() for each in group]
    return [Requirement(text) for text in [*PROJECT["project"]["dependencies"], *groups]]


@pytest.mark.parametrize("requirement", required(), ids=lambda each: each.name)
def test_requirement_is_pinned_within_its_range(requirement):
    assert pinned(requirement) in requirement.specifier


def test_constraints_hold_versions_only():
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.+-]+", line)] == []


@pytest.mark.parametrize("path", sorted(CHECKOUT.glob("templates/*/files/requirements.txt*")), ids=lambda path: path.parts[-3])
def test_template_pins_the_versions_the_tests_run_with(path):
    lines = [line for line in path.read_text().splitlines() if "==" in line]
    assert lines
    assert [line for line in lines if pinned(Requirement(line)) not in Requirement(line).specifier] == []


def test_make_lists_every_target():
    shown = subprocess.run(["make", "--no-print-directory"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert (
        {line.split()[1] for line in shown.splitlines()} == TARGETS >= {"env", "test", "test-fast", "test-full", "lint", "demo"}
    )


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "README.md", ".github/workflows/ci.yml", ".ci/run"])
def test_every_make_target_that_is_named_exists(name):
    # in code, `make test`, or at the start of a command; not in a sentence that happens to say "make"
    named = set(re.findall(r"(?:`|^\$ |^|run: )make ([a-z][a-z-]+)", (CHECKOUT / name).read_text(), re.MULTILINE))
    assert named <= TARGETS


def test_changelog_knows_this_version_or_what_comes_next():
    headings = re.findall(r"^## \[(.+?)\]", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == __version__


def jobs(path):
    return parse_yaml(path.read_text(), name=path.name)["jobs"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_grants_nothing_to_all_jobs(path):
    assert parse_yaml(path.read_text(), name=path.name)["permissions"] == {}
    signing = {"id-token": "write", "attestations": "write"}  # for what is published, and nothing of the repository
    given = {name: job.get("permissions", {"everything": "write"}) for name, job in jobs(path).items()}
    found = [name for name, each in given.items() if "write" in str(each) and (path.name, each) != ("release.yml", signing)]
    assert found == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends_in_time(path):
    assert [name for name, job in jobs(path).items() if "timeout-minutes" not in job] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path):
    uses = re.findall(r"uses: (.+)", path.read_text())
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_checkout_leaves_its_token_behind(path):
    steps = [step for job in jobs(path).values() for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert steps
    assert [step for step in steps if step["with"]["persist-credentials"] is not False] == []
