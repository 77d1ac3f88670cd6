"""Features of mlgit's own templates added and removed later: the project is the one that had them, or not, from the start.

What Git has staged is compared, so modes, folders left empty and the recorded state count, too.
"""

from __future__ import annotations

import itertools
import random

import pytest

from mlgit import __version__
from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.git import git as own_git
from mlgit.adapters.git import merging
from mlgit.adapters.system import installation
from mlgit.commands.new import new
from mlgit.commands.template_update import add_feature, remove_feature, update_project
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, library, state
from mlgit.scaffold.render import render
from mlgit.scaffold.state import State
from tests.kit import FULL, git
from tests.kit.once import copied, once
from tests.scaffold import older
from tests.scaffold.projects import feature_sets

pytestmark = pytest.mark.slow  # real `dvc init`

FEATURES = {name: feature_sets(name)[-1] for name in library.names()}
RANDOM = random.Random(7)


def some(cases, number):
    """All cases under MLGIT_TEST_FULL, else so many of them."""
    return cases if FULL else RANDOM.sample(cases, number)


ONE = [(name, feature) for name, features in FEATURES.items() for feature in features]
TWO = [(name, *pair) for name, features in FEATURES.items() for pair in itertools.permutations(features, 2)]


class Project:
    """A project of a template, which is the current folder, and what others of that template would be."""

    def __init__(self, root, name):
        self.root, self.name = root, name
        first = merging.entries(root, "HEAD")
        self.of_dvc = {path: first[path] for path in dvc_command.FILES if path in first}

    @property
    def staged(self):
        return git(self.root, "write-tree")

    def commit(self):
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "Change")

    def made_with(self, *features):
        """The tree of the first commit of a new project with these features."""
        return self._made_with(features)[0]

    def _made_with(self, features):
        """The same, and the tree of the render in it."""
        template = library.load(str(self.root.parent / "shelf" / self.name))
        facts = {"folder": "p", "mlgit_version": __version__, "mlgit_source": installation.source().requirement}
        chosen = tuple(each for each in FEATURES[self.name] if each in features)
        complete = answers.resolve(template.manifest, given={"features": chosen}, facts=facts)
        files = render(template, complete)
        rendered = own_git.write_tree(self.root, files)
        told = State(self.name, template.manifest.version, rendered, complete, source=f"../shelf/{self.name}")
        tree = own_git.write_tree(self.root, {**files, state.NAME: ("100644", state.dump(told).encode())})
        kept = {path: entry for path, entry in self.of_dvc.items() if path not in files}
        return merging.changed_tree(self.root, tree, kept), rendered

    def begin(self, features):
        """Be a new project with these features, whatever it was."""
        tree, rendered = self._made_with(features)
        git(self.root, "read-tree", "--reset", "-u", tree)
        self.commit()
        git(self.root, "update-ref", state.REF, git(self.root, "commit-tree", rendered, "-m", "Render"))


def create(top, name, *features):
    """A project that `mlgit new` makes."""
    older.write_today(top / "shelf")
    chosen = [f"features={','.join(features)}"] if features else []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        new("p", template=f"./shelf/{name}", assignments=chosen)


@pytest.fixture
def project(shared, tmp_path, monkeypatch):
    """Makes a project of a template with some features; of an earlier version, if wanted, beside today's."""

    def made(name, *features, is_old=False):
        top = copied(once(shared, "features", lambda folder: create(folder, "minimal")), tmp_path / "top")
        if is_old:
            older.write_older(top / "shelf", name)
        found = Project(top / "p", name)
        found.begin(features)
        if is_old:
            older.write_today(top / "shelf")
        monkeypatch.chdir(top / "p")
        return found

    return made


@pytest.mark.parametrize("name", FEATURES if FULL else ["tabular-classification"])
def test_new_project_is_what_the_others_are_held_against(tmp_path, name):
    create(tmp_path, name, *FEATURES[name])
    found = Project(tmp_path / "p", name)
    assert found.made_with(*FEATURES[name]) == found.staged


@pytest.mark.parametrize(("name", "feature"), some(ONE, 2))
def test_feature_added_is_as_if_there_from_the_start_and_removed_as_if_never(project, name, feature):
    found = project(name)
    before = found.staged
    assert not add_feature(feature).conflicts
    assert found.staged == found.made_with(feature)
    found.commit()
    assert not remove_feature(feature).conflicts
    assert found.staged == before
    assert git(found.root, "ls-files", "--others") == ""


@pytest.mark.parametrize(("name", "feature"), some(ONE, 2))
def test_feature_removed_from_all_leaves_what_the_others_make(project, name, feature):
    found = project(name, *FEATURES[name])
    remove_feature(feature)
    assert found.staged == found.made_with(*({*FEATURES[name]} - {feature}))


@pytest.mark.parametrize("name", FEATURES if FULL else ["minimal"])
def test_all_features_one_after_another_and_back_in_another_order(project, name):
    found = project(name)
    before = found.staged
    for feature in RANDOM.sample(FEATURES[name], len(FEATURES[name])):
        add_feature(feature)
        found.commit()
    assert found.staged == found.made_with(*FEATURES[name])
    for feature in RANDOM.sample(FEATURES[name], len(FEATURES[name])):
        remove_feature(feature)
        found.commit()
    assert found.staged == before


@pytest.mark.parametrize(("name", "first", "second"), some(TWO, 2))
def test_two_features_are_the_same_in_either_order(project, name, first, second):
    found = project(name)
    add_feature(first)
    found.commit()
    add_feature(second)
    assert found.staged == found.made_with(first, second)
    found.commit()
    remove_feature(first)
    assert found.staged == found.made_with(second)


@pytest.mark.parametrize(("name", "feature"), some(ONE, 2))
def test_feature_of_an_earlier_version_stays_through_the_update(project, name, feature):
    found = project(name, is_old=True)
    added = add_feature(feature)
    assert added.after.version == older.VERSION
    assert (found.root / older.MORE).exists()
    assert not (found.root / older.LESS).exists()
    found.commit()
    assert not update_project().conflicts
    assert found.staged == found.made_with(feature)


def test_feature_whose_files_have_changed_since_is_removed_after_the_update(project):
    found = project("minimal", "docker", is_old=True)
    before = found.staged
    with pytest.raises(MlgitError, match=r"image\.yml has changed since"):
        remove_feature("docker")
    assert found.staged == before
    update_project()
    found.commit()
    remove_feature("docker")
    assert found.staged == found.made_with()


@pytest.mark.parametrize("name", FEATURES if FULL else ["minimal"])
def test_user_and_template_may_each_add_a_line_to_the_end_of_what_git_ignores(project, name):
    found = project(name)
    places = (found.root / ".gitignore", found.root.parent / "shelf" / name / "files" / "dot_gitignore")
    for path, line in zip(places, ("/own.txt\n", "*.ckpt\n"), strict=True):
        path.write_text(path.read_text() + line)
    git(found.root, "add", "--all")
    found.commit()
    assert not update_project().conflicts
    assert (found.root / ".gitignore").read_text().endswith("/own.txt\n*.ckpt\n")
