"""The features of projects as files: what a template makes with them, and what each part makes in three surroundings."""

from __future__ import annotations

import functools
import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.scaffold import answers, library
from mlgit.scaffold.render import render
from tests.scaffold.templates_test import complete

FEATURES = ("docker", "gitlab-ci", "pre-commit", "devcontainer", "dependabot", "agents", "notebooks", "serving", "monitoring")
TEMPLATES = library.names()
# Nobody serves a file of weights, or a prompt, and nobody watches what nobody serves: there are no features for that.
UNSERVED = {"minimal", "llm-eval"}
OF_RELEASES = ("serving", "monitoring")
SUBFOLDER = {"project_folder": "models/churn_2", "prefix": "models-churn-2-", "default_branch": "release/x"}
BARE = {"python_version": "3.11", "requirements": ""}
# As a template uses a part, as `mlgit init` may in a subfolder of another repository, and with nothing known of the code.
WAYS = {
    "new": {
        "tests": True,
        "contracts": True,
        "dockerfile": ".",
        "metrics": "metrics.json",
        "lines": "- Know this.\n",
        "cards": True,
    },
    "subfolder": {**SUBFOLDER, "tests": True, "contracts": True, "dockerfile": ".", "metrics": "reports/metrics.json"},
    "bare": {**BARE, "dockerfile": ""},
}


loaded = functools.cache(library.load)


def features_of(name):
    """The features that a template has."""
    return tuple(feature for feature in FEATURES if feature not in OF_RELEASES or name not in UNSERVED)


@functools.cache
def rendered(name, features):
    found = render(loaded(name), complete(name, features=features))
    return {path: content.decode() for path, (_, content) in found.items()}


@functools.cache
def part_files(feature, way):
    part = library.part(feature)
    asked = {question.name for question in part.manifest.questions}
    given = {key: value for key, value in WAYS[way].items() if key in asked}
    return {
        path: (mode, text.decode())
        for path, (mode, text) in render(part, answers.resolve(part.manifest, given=given, facts={})).items()
    }


def files_of(way):
    parts = [feature for feature in FEATURES if feature != "gitlab-ci"]  # which has tests of its own
    return {path: text for feature in parts for path, (_, text) in part_files(feature, way).items()}


def workflows(way="new"):
    return {Path(path).stem: parse_yaml(text, name=path) for path, text in files_of(way).items() if "/workflows/" in path}


@functools.cache
def published(name):
    """What validates a document by the schema that others publish for it; the schema itself is not checked, which is slow."""
    text = resources.files("check_jsonschema").joinpath(f"builtin_schemas/vendor/{name}.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    return jsonschema.validators.validator_for(schema)(schema)


def hooks(way="new"):
    (repository,) = parse_yaml(files_of(way)[".pre-commit-config.yaml"], name="hooks")["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


every_template = pytest.mark.parametrize("name", TEMPLATES)
every_feature = pytest.mark.parametrize("feature", FEATURES)
every_way = pytest.mark.parametrize("way", WAYS)
