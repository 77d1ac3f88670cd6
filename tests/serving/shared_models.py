"""A shared repository with two versions of a model that always disagree, so an answer tells which of them gave it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.kit import commit, write_tree
from tests.kit.forked import mlgit
from tests.kit.late import Module
from tests.kit.programs import git
from tests.kit.repositories import repository

linear_model = Module("sklearn.linear_model")
skops_io = Module("skops.io")
pd = Module("pandas")

PIPELINE = "artifacts:\n  churn: {path: model.skops, type: model}\n"
CONFIG = """\
mlgit: 1
models: {churn: {}}
environments: [{name: prod}, {name: canary}, {name: shadow}]
"""
VERSIONS = ("v1.0.0", "v2.0.0")
ONE = {"dataframe_split": {"columns": ["age", "income"], "data": [[25, 1.0]]}}
# What each version says of it.
ANSWERS = {"v1.0.0": [0], "v2.0.0": [1]}


@dataclass(frozen=True)
class SharedModel:
    """A bare repository, and a clone in which versions are made and moved."""

    shared: Path
    root: Path

    def clone(self, folder: Path) -> Path:
        """Another clone, for a server."""
        git(folder.parent, "clone", "-q", str(self.shared), str(folder))
        return folder

    def do(self, *args: str) -> str:
        """One command of mlgit in the clone of the makers, which has to succeed."""
        done = mlgit(self.root, *args)
        assert done.code == 0, done.said
        return done.said

    def move(self, version: str, environment: str = "prod") -> None:
        """Put a version into an environment, for all."""
        self.do("model", "promote", f"churn@{version}", environment, "--push")


def made(folder: Path, *, config: str = CONFIG) -> SharedModel:
    """The repository; the first version is in production."""
    shared = folder / "shared.git"
    git(folder, "init", "-q", "--bare", "-b", "main", str(shared))
    root = repository(folder / "root", {"dvc.yaml": PIPELINE, "mlgit.yaml": config})
    git(root, "remote", "add", "origin", str(shared))
    found = SharedModel(shared, root)
    rows = pd.DataFrame({"age": [20.0, 30, 40, 50, 60, 70], "income": [1.0, 2, 1, 3, 2, 3]})
    for version, labels in zip(VERSIONS, ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]), strict=True):
        write_tree(root, {"model.skops": skops_io.dumps(linear_model.LogisticRegression().fit(rows, labels))})
        commit(root, version)
        git(root, "push", "-q", "origin", "HEAD:main")
        found.do("model", "register", "churn", "--version", version, "--push")
    found.move(VERSIONS[0])
    return found
