"""A template becomes a repository, or nothing at all."""

import os
import subprocess
import sys

import pytest

from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.dvc.objects import machine
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.errors import MlgitError
from mlgit.scaffold import create, state
from mlgit.scaffold.create import create as make
from mlgit.scaffold.render import render
from tests.kit import dvc, git
from tests.scaffold.kit import make_template, question

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

TEMPLATE = make_template(
    {
        "README.md.jinja": "# [[ name ]]\n",
        "dot_gitignore": "*.log\n",
        "src/package/a.py": "x = 1\n",
        "src/z.py": "",
        "src-b/a": "",
        "run.sh": "#!/bin/sh\n",
    },
    questions={"name": question(), "web": question("bool", default=False)},
    files={"run.sh": {"executable": True}, "src/package/": {"to": "src/[[ name ]]/"}},
    generated={".mlgit.schema.json": "mlgit-schema"},
)
ANSWERS = {"name": "one", "web": False}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project that tests only look at."""
    return make(tmp_path_factory.mktemp("made") / "p", template=TEMPLATE, answers=ANSWERS)


def test_project_is_clean_and_one_commit(made):
    assert git(made.folder, "status", "--porcelain", "--ignored=no") == ""
    assert git(made.folder, "rev-list", "HEAD") == made.commit
    assert git(made.folder, "log", "-1", "--format=%an|%s|%(trailers:key=Mlgit-Template,valueonly)").strip() == (
        "Ada Example|Start from the template demo 1.2.3|demo 1.2.3"
    )
    assert names(made.folder.parent) == ["p"]


def test_tree_in_the_state_file_is_the_pristine_render(made):
    recorded = state.parse(parse_yaml((made.folder / state.NAME).read_text(), name="s"))
    assert recorded == state.State("demo", "1.2.3", made.tree, ANSWERS)
    assert git(made.folder, "rev-parse", "refs/mlgit/template^{tree}") == made.tree


def test_pristine_render_is_a_sound_tree_of_exactly_the_rendered_files(made):
    rows = git(made.folder, "ls-tree", "-r", "--format=%(objectmode) %(path)", state.REF).splitlines()
    expected = [f"{mode} {path}" for path, (mode, _) in render(TEMPLATE, ANSWERS).items()]
    assert sorted(rows) == sorted(expected)
    assert git(made.folder, "fsck", "--strict") == ""


def test_first_commit_holds_the_same_blobs(made):
    changed = git(made.folder, "diff", "--name-status", state.REF, "HEAD").splitlines()
    assert changed == [f"A\t{path}" for path in (".dvc/.gitignore", ".dvc/config", ".dvcignore", state.NAME)]


def test_same_inputs_have_the_same_commit_id_in_two_repositories(made, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Bo")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-01-01T00:00:00Z")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    git(tmp_path, "config", "--global", "i18n.commitEncoding", "ISO-8859-1")
    other = make(tmp_path / "other", template=TEMPLATE, answers=ANSWERS)
    assert made.template_commit == other.template_commit
    assert made.commit != other.commit


def test_other_answers_have_another_commit_id(made, tmp_path):
    other = make(tmp_path / "other", template=TEMPLATE, answers={**ANSWERS, "name": "two"})
    assert made.template_commit != other.template_commit


def test_commit_id_of_a_template_never_changes(tmp_path):
    made = make(tmp_path / "p", template=make_template({"a": "a\n"}), answers={})
    assert made.template_commit == "5647a52ed98f29e4378c0a84b43af5a97a1d177a"


def test_dvc_is_initialised_quiet_and_without_autostage(made):
    assert dvc(made.folder, "config", "--list", "--project").out == "core.analytics=false\ncore.autostage=false\n"
    assert dvc(made.folder, "status").code == 0


def test_program_is_executable(made):
    assert os.access(made.folder / "run.sh", os.X_OK)
    assert not os.access(made.folder / "README.md", os.X_OK)


def test_folders_above_are_made(tmp_path):
    make(tmp_path / "a" / "b" / "p", template=TEMPLATE, answers=ANSWERS)
    assert (tmp_path / "a" / "b" / "p" / "README.md").read_text() == "# one\n"
    assert names(tmp_path / "a" / "b") == ["p"]


def test_empty_folder_is_filled_and_stays_the_same_folder(tmp_path, monkeypatch):
    (tmp_path / "p").mkdir()
    inode = (tmp_path / "p").stat().st_ino
    monkeypatch.chdir(tmp_path / "p")
    make(create.Path(), template=TEMPLATE, answers=ANSWERS)
    assert (tmp_path / "p").stat().st_ino == inode
    assert git(tmp_path / "p", "status", "--porcelain") == ""
    assert not [name for name in names(tmp_path / "p") if name.startswith(".mlgit-new")]


def test_folder_that_is_not_empty_is_refused_untouched(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine").write_text("x")
    with pytest.raises(MlgitError, match="the folder is not empty"):
        make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert names(tmp_path / "p") == ["mine"]


def test_file_of_the_name_is_refused(tmp_path):
    (tmp_path / "p").write_text("x")
    with pytest.raises(MlgitError, match="there is a file of this name"):
        make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)


def test_folder_inside_another_repository_is_refused(tmp_path):
    git(tmp_path, "init")
    with pytest.raises(MlgitError, match="inside the Git repository") as caught:
        make(tmp_path / "a" / "p", template=TEMPLATE, answers=ANSWERS)
    assert caught.value.hint == f"choose a folder outside it, or add `/a/p/` to {tmp_path / '.gitignore'}"
    assert names(tmp_path) == [".git"]


def test_folder_that_the_outer_repository_ignores_is_taken(tmp_path):
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("/demo/\n")
    make(tmp_path / "demo" / "p", template=TEMPLATE, answers=ANSWERS)
    assert git(tmp_path, "status", "--porcelain") == "?? .gitignore"


def test_missing_identity_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    with pytest.raises(MlgitError, match="Git does not know who commits") as caught:
        make(tmp_path / "a" / "p", template=TEMPLATE, answers=ANSWERS)
    assert "git config --global user.name" in caught.value.hint
    assert names(tmp_path) == []


def test_identity_that_is_configured_for_a_folder_counts(tmp_path, monkeypatch):
    (tmp_path / "identity").write_text("[user]\nname = Cy\nemail = cy@example.com\n")
    (tmp_path / "config").write_text(f'[includeIf "gitdir:{tmp_path.resolve()}/"]\npath = {tmp_path}/identity\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert git(tmp_path / "p", "log", "-1", "--format=%an") == "Cy"


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_is_left_when_a_step_fails(tmp_path, monkeypatch, exists):
    if exists:
        (tmp_path / "p").mkdir()
    monkeypatch.setattr(dvc_command.sys, "executable", "/no/such/python")
    with pytest.raises(MlgitError, match="cannot start"):
        make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == (["p"] if exists else [])


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_is_left_when_the_last_commit_fails(tmp_path, exists):
    if exists:
        (tmp_path / "p").mkdir()
    hooks = tmp_path.parent / f"{tmp_path.name}-hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    git(tmp_path, "config", "--global", "core.hooksPath", str(hooks))
    with pytest.raises(MlgitError, match="git commit"):
        make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == (["p"] if exists else [])


def test_place_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(MlgitError, match=r"cannot be made: "):
        make(tmp_path / ("x" * 300) / "p", template=TEMPLATE, answers=ANSWERS)
    assert names(tmp_path) == []


def test_fault_in_the_template_is_found_before_anything_is_written(tmp_path):
    with pytest.raises(MlgitError, match="'nope' is undefined"):
        make(tmp_path / "p", template=make_template({"a.jinja": "[[ nope ]]"}), answers={})
    assert names(tmp_path) == []


def test_python_files_of_a_template_are_never_imported(tmp_path):
    trap = f"open({str(tmp_path / 'sprung')!r}, 'w')\n"
    traps = ("dvc.py", "yaml.py", "json.py", "sitecustomize.py", "usercustomize.py", "git/__init__.py")
    make(tmp_path / "p", template=make_template(dict.fromkeys(traps, trap)), answers={})
    assert names(tmp_path) == ["p"]


def test_ignored_files_of_a_template_are_committed(tmp_path):
    git(tmp_path, "config", "--global", "core.excludesFile", str(tmp_path / "ignore"))
    (tmp_path / "ignore").write_text("*.md\n.dvcignore\n")
    template = make_template({"README.md": "x", "a.log": "", "dot_gitignore": "*.log\n"})
    make(tmp_path / "p", template=template, answers={})
    assert {"README.md", "a.log", ".dvcignore"} <= set(git(tmp_path / "p", "ls-files").splitlines())


def test_dvc_of_the_running_python_is_used(tmp_path, monkeypatch):
    seen = []
    run = dvc_command.process.run
    monkeypatch.setattr(dvc_command.process, "run", lambda argv, **more: seen.append(argv) or run(argv, **more))
    make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert [argv[:4] for argv in seen if "dvc" in argv] == [[sys.executable, "-P", "-m", "dvc"]]


def dead():
    """The number of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_what_a_killed_process_was_making_is_removed(tmp_path):
    for place in (tmp_path, tmp_path / "p"):
        (place / f".mlgit-new-{machine()}-{dead()}-x/p/.git").mkdir(parents=True)
    make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert names(tmp_path) == ["p"]
    assert not [name for name in names(tmp_path / "p") if name.startswith(".mlgit-new")]


def test_what_others_are_making_is_left(tmp_path):
    gone = dead()
    (tmp_path / "precious").mkdir()
    living = (f".mlgit-new-{machine()}-{os.getpid()}-x", f".mlgit-new-00000000-{gone}-x", ".mlgit-new-notes")
    for name in living:
        (tmp_path / name).mkdir()
    (tmp_path / f".mlgit-new-{machine()}-{gone}-x").symlink_to(tmp_path / "precious")
    make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
    assert set(names(tmp_path)) == {"p", "precious", *living, f".mlgit-new-{machine()}-{gone}-x"}


def test_folder_that_others_are_making_a_project_in_is_not_free(tmp_path):
    (tmp_path / f"p/.mlgit-new-{machine()}-{os.getpid()}-x").mkdir(parents=True)
    with pytest.raises(MlgitError, match="the folder is not empty"):
        make(tmp_path / "p", template=TEMPLATE, answers=ANSWERS)
