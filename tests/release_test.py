"""A release has one version, and the workflow that publishes it holds no secret and no right but what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlgit import __version__
from mlgit.adapters.formats.documents import parse_yaml
from tests.kit import program, write_tree

ROOT = Path(__file__).parents[1]
FLOW = parse_yaml((ROOT / ".github/workflows/release.yml").read_text(), name="release")


@pytest.mark.parametrize(
    ("tag", "package", "newest", "code"),
    [
        ("v1.2.0", "1.2.0", "1.2.0", 0),
        ("v1.2.1", "1.2.0", "1.2.0", 1),
        ("v1.2.0", "1.2.0", "1.1.0", 1),
        ("v2", "1.2.0", "1.2.0", 1),
    ],
)
def test_tag_package_and_changelog_have_to_say_one_version(tmp_path, tag, package, newest, code):
    changes = f"## [Unreleased]\n\n## [{newest}] - 2026-01-01\n"
    write_tree(tmp_path, {"mlgit/__init__.py": f'__version__ = "{package}"\n', "CHANGELOG.md": changes})
    assert program(tmp_path, [sys.executable, str(ROOT / ".ci/version"), tag]).code == code


def test_program_says_the_version_of_its_package(cli, tmp_path):
    assert __version__ in cli(tmp_path, "--version").out


def test_only_the_last_job_may_publish_and_after_the_files_were_tried():
    jobs = FLOW["jobs"]
    assert (FLOW["on"]["push"]["tags"], FLOW["permissions"]) == (["v*"], {})
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    assert (jobs["publish"]["environment"], jobs["publish"]["needs"], jobs["try"]["needs"]) == ("pypi", "try", "build")
    assert "secrets." not in json.dumps(FLOW)


@pytest.mark.slow
def test_zizmor_finds_nothing_in_it():
    zizmor = Path(sys.executable).parent / "zizmor"
    argv = [zizmor, "--offline", "--persona", "pedantic", "--format", "json", "--no-progress", ".github/workflows/release.yml"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert [each["ident"] for each in json.loads(done.stdout)] == []
