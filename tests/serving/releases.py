"""A shared model with versions, put into environments, and the folder of a release made of one of them."""

from __future__ import annotations

from mlgit import project as projects
from mlgit.registry import read, state
from mlgit.revision.revisions import Revisions
from mlgit.serving import release_folder
from tests.kit import commit, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES
from tests.registry.worlds import World, churn, world

# One predicted row for each tested one, its score written with four decimals.
EVALUATE = FILES["src/evaluate.sh"].splitlines()
EVALUATE[-1] = """\
(echo id,label,prediction,score; awk -F, 'NR > 1 {printf "%s,%s,%s,%.4f\\n", $1, $3, $3, $2 / 20 + 0.00001}' data/test.csv) \
  > reports/predictions.csv
"""


def served_world(folder) -> World:
    """A shared repository in which churn has a further version, v1.3.0, with predictions."""
    made = world(folder)
    released(made.root, "v1.3.0", {"src/evaluate.sh": "\n".join(EVALUATE)})
    return made


def released(root, version, files, *args):
    """A further version, of a commit with other files."""
    write_tree(root, files)
    for command in (("run",), ("model", "register", "churn", "--version", version, *args)):
        done = mlgit(root, *command)
        assert done.code == 0, done.said
        if command == ("run",):
            commit(root)


def written(root, folder, version="v1.3.0", **options):
    """The release of a version of churn, written into a folder."""
    with opened(root) as revisions:
        found = churn(root).version(version)
        return release_folder.write(revisions.commit(found.commit), found, folder=folder, **options)


def opened(root):
    """The revisions of a project."""
    return Revisions(projects.find(root))


def artifact(root, name="churn"):
    """What the tags of a clone say of a model."""
    return state.fold(read.load(root)).artifact(name)
