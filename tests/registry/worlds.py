"""A project with three versions of a model, each at a commit of its own, and the bare repository that people share."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.registry import plan, publish, read, state
from mlgit.registry.event import TagName
from mlgit.registry.plan import TagPlan
from mlgit.registry.state import Artifact
from tests.kit import commit, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, RAW

VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0")
SETTINGS = """\
mlgit: 1
metrics: {auc: {direction: higher}}
models:
  churn:
    metrics: reports/metrics.json
    predictions: reports/predictions.csv
    id: id
    train: [data/train.csv]
    test: [data/test.csv]
"""
# What the shared main branch declares until `settle` says otherwise.
ENVIRONMENTS = "environments: [{name: staging}, {name: prod}, {name: canary}]\n"


@dataclass(frozen=True)
class World:
    """One person's clone (`root`) and the shared repository (`origin`), which has all of it."""

    root: Path
    origin: Path

    def clone(self, name: str, *args: str, email: str = "") -> Path:
        """Another person's clone, with the data in its cache."""
        there = self.root.parent / name
        git(self.root.parent, "clone", "--quiet", *args, f"file://{self.origin}", str(there))
        shutil.copytree(self.root / ".dvc" / "cache", there / ".dvc" / "cache")
        if email:
            git(there, "config", "user.email", email)
        return there

    def settle(self, more: str) -> None:
        """Add lines to mlgit.yaml on the shared main branch."""
        (self.root / "mlgit.yaml").write_text(SETTINGS + more)
        commit(self.root)
        git(self.root, "push", "--quiet", "origin", "HEAD:main")


def world(folder: Path) -> World:
    """A fresh copy."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    made = World(folder / "ada", folder / "origin.git")
    git(made.root, "remote", "set-url", "origin", str(made.origin))
    return made


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mlgit-test-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root, origin = folder / "ada", folder / "origin.git"
    origin.mkdir()
    git(origin, "init", "--quiet", "--bare")
    repository(root, {**FILES, "data/raw.csv": RAW, "mlgit.yaml": SETTINGS + ENVIRONMENTS})
    git(root, "rm", "--quiet", "--cached", "data/raw.csv")
    git(root, "remote", "add", "origin", str(origin))
    _do(root, "add", "data/raw.csv")
    for depth, version in zip((3, 5, 7), VERSIONS, strict=True):
        write_tree(root, {"params.yaml": f"train: {{depth: {depth}}}\n"})
        _do(root, "run")
        commit(root)
        git(root, "push", "--quiet", "origin", "HEAD:main")
        _do(root, "model", "register", "churn", "--version", version, "--push")
    return folder


def _do(root: Path, *args: str) -> None:
    done = mlgit(root, *args)
    assert done.code == 0, done.said


def churn(root: Path) -> Artifact:
    """The artifact as a clone's tags say."""
    return state.fold(read.load(root)).artifact("churn")


def current(root: Path, environment: str = "prod") -> str:
    """The version in an environment, '' for none."""
    found = churn(root).current(environment)
    return found.version if found else ""


def facts(root: Path, ref: str) -> Any:
    """The facts in a tag's text."""
    return next(each for each in churn(root).events if each.ref == ref).body.facts


def assign(root: Path, version: str, environment: str = "prod") -> TagPlan:
    """The plan to put a version somewhere, by what this clone knows, without asking a policy."""
    artifact = churn(root)
    tag = TagName("churn", "assign", environment=environment)
    target = artifact.version(version).commit
    return plan.event(tag, version=version, target=target, events=artifact.events)


def sends(root: Path, version: str) -> publish.Published:
    return publish.send(root, lambda: assign(root, version), remote="origin")


def published(origin: Path) -> list[str]:
    """The tags that the log in the shared repository names, in order."""
    return [ref for ref, _ in read.published(origin)]


def on_origin(origin: Path) -> dict[str, str]:
    return dict(read.tags(origin).oids)


def hook(origin: Path, name: str, text: str) -> None:
    file = origin / "hooks" / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
