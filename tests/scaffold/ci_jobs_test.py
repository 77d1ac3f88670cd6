"""Jobs for other CI than GitHub's: what the page on adopting shows is what is printed."""

from __future__ import annotations

from pathlib import Path

from mlgit.scaffold import ci_jobs
from mlgit.scaffold.ci_jobs import JobSetup

PAGE = Path(__file__).parents[2] / "docs/adopting.md"


def test_page_on_adopting_shows_the_job_for_gitlab():
    lines = ci_jobs.lines(".gitlab-ci.yml", JobSetup(".", "requirements.txt", "3.12"))
    assert "\n".join(["```yaml", *lines, "```"]) in PAGE.read_text()
