"""A job with `mlgit ci run` for the CI that a repository has already: lines to copy into its file."""

from __future__ import annotations

import json
import shlex
from typing import NamedTuple


class JobSetup(NamedTuple):
    """What a job needs to know: the project's folder ('.' at the top), the file its code is installed from, and Python."""

    folder: str
    requirements: str
    python: str


def lines(path: str, job: JobSetup) -> tuple[str, ...]:
    """The job for the CI whose file lies at `path`."""
    match path.rpartition("/")[2]:
        case ".gitlab-ci.yml":
            return _gitlab(job)
        case "Jenkinsfile":
            return _jenkins(job)
        case "azure-pipelines.yml":
            return _azure(job)
    return _workflow(job) if path.startswith(".github/") else tuple(_commands(job))


def _commands(job: JobSetup, *, apart: str = "~/mlgit") -> list[str]:
    """What a shell does: the code's requirements, mlgit in an environment of its own, and the run, whose code is the answer."""
    enter = [] if job.folder == "." else [f"cd {shlex.quote(job.folder)}"]
    return [
        *enter,
        f"pip install -r {shlex.quote(job.requirements)}",
        f"python -m venv {apart} && {apart}/bin/pip install -r mlgit-requirements.txt",
        f"{apart}/bin/mlgit ci run",
    ]


def _report(job: JobSetup) -> str:
    return "mlgit-report" if job.folder == "." else f"{job.folder}/mlgit-report"


def _gitlab(job: JobSetup) -> tuple[str, ...]:
    return (
        "mlgit:",
        f"  image: python:{job.python}",
        "  rules:",
        "    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'",
        '  variables: {GIT_DEPTH: "0"}  # to find the baseline',
        "  script:",
        *(f"    - {_quoted(line)}" for line in _commands(job)),
        "  artifacts:",
        "    when: always",
        f"    paths: [{json.dumps(_report(job) + '/')}]",
    )


def _quoted(line: str) -> str:
    """A command as an item of YAML: plain where that is the same text."""
    is_plain = not {*line} & {*"#:'\"{}[]\\"}
    return line if is_plain else json.dumps(line)


def _jenkins(job: JobSetup) -> tuple[str, ...]:
    return (
        "stage('mlgit') {",
        f"    agent {{ docker {{ image 'python:{job.python}' }} }}",
        "    steps {",
        "        sh '''",
        '            python -m venv "$WORKSPACE_TMP/project" && . "$WORKSPACE_TMP/project/bin/activate"',
        *(f"            {line}" for line in _commands(job, apart='"$WORKSPACE_TMP/mlgit"')),
        "        '''",
        "    }",
        f"    post {{ always {{ archiveArtifacts artifacts: '{_report(job)}/**', allowEmptyArchive: true }} }}",
        "}",
    )


def _azure(job: JobSetup) -> tuple[str, ...]:
    return (
        "- job: mlgit",
        "  pool: {vmImage: ubuntu-latest}",
        "  steps:",
        "    - {checkout: self, fetchDepth: 0}  # to find the baseline",
        f"    - {{task: UsePythonVersion@0, inputs: {{versionSpec: '{job.python}'}}}}",
        "    - script: |",
        *(f"        {line}" for line in _commands(job)),
        "    - publish: " + json.dumps(_report(job)),
        "      condition: always()",
    )


def _workflow(job: JobSetup) -> tuple[str, ...]:
    """The steps in place of those that run DVC and write a comment, where a workflow is kept."""
    return (
        "- run: |",
        *(f"    {line}" for line in _commands(job)),
        f"- run: cml comment create {shlex.quote(_report(job))}/report.md",
        "  if: always()",
    )
