"""Real projects to take snapshots of."""

from __future__ import annotations

from mlgit import project as projects
from mlgit.adapters.git import git as git_adapter
from mlgit.revision.collect import collect
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions
from tests.kit import commit, repository, write_tree

TRAIN = """\
depth=$(sed -n 's/^depth: //p' params.yaml)
echo "model of depth $depth" > model.txt
printf '{"auc": 0.%s, "nested": {"loss": %s.5}}' $depth $depth > metrics.json
"""
PIPELINE = """\
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh, data/raw.csv]
    params: [depth]
    outs: [model.txt]
    metrics:
    - metrics.json%s
"""
UNCACHED = ": {cache: false}"


def made(root, cli, flags, files=None):
    texts = {"train.sh": TRAIN, "dvc.yaml": PIPELINE % flags, "params.yaml": "depth: 3\n", "data/raw.csv": "a,b\n1,2\n"}
    write_tree(repository(root), {**texts, **(files or {})})
    ran(root, cli)
    return root


def ran(root, cli):
    done = cli(root, "run")
    assert done.code == 0, done.said
    return commit(root)


def at(root, revision=""):
    return collect(opened(Revisions(projects.find(root)), revision))


def opened(revisions, revision=""):
    if not revision:
        return revisions.workspace
    return revisions.at(RevisionRef(revision, git_adapter.resolve(revisions.project.git_root, revision)))


def messages(snapshot):
    return [note.message for note in snapshot.notes]
