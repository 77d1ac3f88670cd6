"""A template brought into a repository that was there, and what `mlgit init` brought, updated."""

from __future__ import annotations

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands import template_status, template_update
from mlgit.commands.init import init
from mlgit.errors import MlgitError
from mlgit.scaffold import library
from tests.kit import commit, git, write_tree
from tests.scaffold.kit import question, write_template

pytestmark = pytest.mark.slow  # real `dvc init`

FILES = {"README.md.jinja": "# [[ name ]]\n", "src/train.py": "print(1)\n", "same.txt": "same\n", "run.sh": "echo\n"}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with files of its own, which is the current folder; a template lies beside it."""
    write_template(tmp_path / "template", FILES, questions={"name": question(default="[[ folder ]]")})
    root = tmp_path / "old"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    write_tree(root, {"README.md": "# Ours, for years\n", "same.txt": "same\n", "lib/own.py": "x = 1\n"})
    commit(root)
    monkeypatch.chdir(root)
    return root


def test_what_lacks_is_added_and_what_differs_is_a_conflict_with_both_in_it(repository):
    done = template_update.adopt_template(template="../template")
    assert {each.path: each.outcome for each in done.changes} == {
        "README.md": "conflict",
        "run.sh": "added",
        "src/train.py": "added",
    }
    assert (
        repository / "README.md"
    ).read_text() == "<<<<<<< yours\n# Ours, for years\n=======\n# old\n>>>>>>> template 1.2.3\n"
    assert (repository / ".dvc/config").exists()
    assert done.exit_code == 1


def test_abort_leaves_nothing_of_it(repository):
    template_update.adopt_template(template="../template")
    template_update.abort_update()
    assert sorted(path.name for path in repository.iterdir()) == [".git", "README.md", "lib", "same.txt"]
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "for-each-ref", "refs/mlgit") == ""


def test_update_goes_on_from_an_adoption(repository):
    template_update.adopt_template(template="../template")
    (repository / "README.md").write_text("# Ours, for years, with old\n")
    commit(repository, "Adopt")
    folder = repository.parent / "template"
    (folder / "files/src/train.py").write_text("print(2)\n")
    (folder / "template.yaml").write_text((folder / "template.yaml").read_text().replace("1.2.3", "1.3.0"))
    assert [(each.path, each.outcome) for each in template_update.update_project().changes] == [("src/train.py", "changed")]


def test_dry_run_of_an_adoption_touches_nothing(repository):
    planned = template_update.adopt_template(template="../template", dry_run=True)
    assert [each.path for each in planned.conflicts] == ["README.md"]
    assert git(repository, "status", "--porcelain") == ""


def test_adoption_is_refused_where_a_template_is_recorded_and_below_the_top(repository):
    with pytest.raises(MlgitError, match="a template fills the top of a repository"):
        template_update.adopt_template("lib", template="../template")
    template_update.adopt_template(template="../template")
    commit(repository, "Adopt")
    with pytest.raises(MlgitError, match="a template is recorded already"):
        template_update.adopt_template(template="minimal")


@pytest.mark.parametrize(
    ("folder", "feature", "file"), [(".", "docker", "Dockerfile"), ("models/churn", "notebooks", "notebooks/results.ipynb")]
)
def test_what_init_brought_is_updated_and_takes_features(repository, folder, feature, file, monkeypatch):
    (repository / folder).mkdir(parents=True, exist_ok=True)
    init(folder)
    commit(repository, "Bring in mlgit")
    monkeypatch.chdir(repository / folder)
    recorded = parse_yaml((repository / folder / ".mlgit-template.yaml").read_text(), name="state")
    assert (recorded["template"], recorded.get("folder", ".")) == ("adoption", folder)
    found = template_status.status()
    assert (found.behind, found.files, found.exit_code) == (0, (), 0)
    before = git(repository, "rev-parse", "HEAD^{tree}")
    added = template_update.add_feature(feature)
    assert {each.outcome for each in added.changes} == {"added"}
    assert (repository / folder / file).exists()
    commit(repository, f"Add {feature}")
    template_update.remove_feature(feature)
    assert git(repository, "write-tree") == before


def test_a_repository_that_was_there_is_offered_every_feature_that_new_projects_are():
    def offered(template):
        return next(each.choices for each in template.manifest.questions if each.name == "features")

    anywhere = offered(library.part(library.ADOPTION))
    assert all(offered(library.load(name)).items() <= anywhere.items() for name in library.names())
    assert any(offered(library.load(name)) == anywhere for name in library.names())


def test_two_projects_of_one_repository_keep_their_renders_apart(repository, monkeypatch):
    for folder in ("models/a", "models/b"):
        (repository / folder).mkdir(parents=True)
        init(folder)
    commit(repository, "Bring in mlgit")
    for folder in ("models/a", "models/b"):
        monkeypatch.chdir(repository / folder)
        template_update.add_feature("agents")
        commit(repository, f"Add agents to {folder}")
        recorded = parse_yaml((repository / folder / ".mlgit-template.yaml").read_text(), name="state")
        assert git(repository, "rev-parse", f"refs/mlgit/template:{folder}") == recorded["tree"]
        assert template_status.status().exit_code == 0
