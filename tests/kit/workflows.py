"""GitHub's workflows and composite actions as data: the keys that mlgit's own use, and nothing else, as a JSON Schema.

After the documented syntax of workflows and of action metadata. What is not listed is refused, so that a misspelt key,
which GitHub would refuse when it is too late, is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
WORD: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}
VALUES: dict[str, Any] = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
LEVELS = ("read", "write", "none")
SCOPES = ("actions", "attestations", "checks", "contents", "deployments", "id-token", "issues", "packages", "pages")


def table(keys: dict[str, Any], *, required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A mapping with these keys and no other."""
    return {"type": "object", "properties": keys, "required": list(required), "additionalProperties": False, **more}


def mapping(value: dict[str, Any]) -> dict[str, Any]:
    """Names to values of one kind, at least one."""
    names = {"type": "object", "propertyNames": WORD, "additionalProperties": value}
    return {**names, "minProperties": 1}


PERMISSIONS = table({scope: {"enum": list(LEVELS)} for scope in (*SCOPES, "pull-requests", "security-events", "statuses")})
SHELLS: dict[str, Any] = {"enum": ["bash", "sh", "python"]}
RUN_DEFAULTS = table({"run": table({"shell": SHELLS, "working-directory": TEXT})}, required=("run",))
CONCURRENCY = table({"group": TEXT, "cancel-in-progress": {"type": ["boolean", "string"]}}, required=("group",))

_STEP = {"name": TEXT, "id": WORD, "if": TEXT, "env": VALUES, "continue-on-error": {"type": "boolean"}}
# Either something that is used, or something that is run; only the first takes `with`, only the second a shell.
STEP = {
    "oneOf": [
        table({**_STEP, "uses": TEXT, "with": VALUES}, required=("name", "uses")),
        table({**_STEP, "run": TEXT, "shell": SHELLS, "working-directory": TEXT}, required=("name", "run")),
    ]
}
STEPS = {"type": "array", "items": STEP, "minItems": 1}

JOB = table(
    {
        "name": TEXT,
        "needs": {"oneOf": [WORD, {"type": "array", "items": WORD}]},
        "if": TEXT,
        "runs-on": {"oneOf": [{"enum": ["ubuntu-24.04"]}, {"type": "array", "items": TEXT}]},
        "environment": TEXT,
        "outputs": mapping(TEXT),
        "permissions": PERMISSIONS,
        "defaults": RUN_DEFAULTS,
        "timeout-minutes": {"type": "integer", "minimum": 1, "maximum": 360},
        "steps": STEPS,
    },
    required=("name", "runs-on", "timeout-minutes", "permissions", "steps"),
)

NAMES = {"type": "array", "items": TEXT, "minItems": 1}
INPUT = table(
    {"description": TEXT, "required": {"type": "boolean"}, "type": {"enum": ["string", "number", "boolean", "choice"]}}
)
PULL_REQUEST_TYPES = ["opened", "synchronize", "reopened", "labeled", "unlabeled", "ready_for_review", "edited", "closed"]
TRIGGERS = table(
    {
        "pull_request": {
            "oneOf": [
                {"type": "null"},
                table({"types": {"type": "array", "items": {"enum": PULL_REQUEST_TYPES}}, "branches": NAMES, "paths": NAMES}),
            ]
        },
        "push": table({"branches": NAMES, "tags": NAMES, "paths": NAMES}, minProperties=1),
        "workflow_run": table(
            {"workflows": NAMES, "types": {"type": "array", "items": {"enum": ["completed", "requested", "in_progress"]}}},
            required=("workflows", "types"),
        ),
        "workflow_dispatch": {"oneOf": [{"type": "null"}, table({"inputs": mapping(INPUT)})]},
        "schedule": {
            "type": "array",
            "minItems": 1,
            "items": table({"cron": {"type": "string", "pattern": r"^[\d*/,-]+( [\d*/,-]+){4}$"}}, required=("cron",)),
        },
    },
    minProperties=1,
)

WORKFLOW = table(
    {
        "name": TEXT,
        "on": TRIGGERS,
        # nothing is granted to all jobs
        "permissions": {"const": {}},
        "concurrency": CONCURRENCY,
        "jobs": mapping(JOB),
    },
    required=("name", "on", "permissions", "concurrency", "jobs"),
)

# In a composite action every step that runs something has to name its shell.
_ACTION_STEP = {
    "oneOf": [STEP["oneOf"][0], {**STEP["oneOf"][1], "required": ["name", "run", "shell"]}],
}
ACTION = table(
    {
        "name": TEXT,
        "description": TEXT,
        "inputs": mapping(
            table(
                {"description": TEXT, "default": {"type": "string"}, "required": {"type": "boolean"}}, required=("description",)
            )
        ),
        "outputs": mapping(table({"description": TEXT, "value": TEXT}, required=("description", "value"))),
        "runs": table(
            {"using": {"const": "composite"}, "steps": {"type": "array", "items": _ACTION_STEP, "minItems": 1}},
            required=("using", "steps"),
        ),
    },
    required=("name", "description", "runs"),
)


def steps(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every step of a workflow or action: the job's name, the job (the `runs` of an action), the step."""
    jobs = document.get("jobs") or {"runs": document["runs"]}
    for name, job in jobs.items():
        for step in job["steps"]:
            yield name, job, step
