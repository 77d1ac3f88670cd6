"""A template in two versions and a project of it, with a file for each pair of what a user and a template may do to one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlgit.commands.new import new
from tests.kit import commit, git
from tests.scaffold.kit import write_template

USERS = ("untouched", "elsewhere", "same", "deleted", "renamed", "moved", "mode", "link", "binary")
TEMPLATES = ("unchanged", "changed", "deleted", "renamed", "added")


def content(name, **changed):
    """Twelve lines that no other file has, some of them replaced: line_2="mine"."""
    lines = {f"line_{i}": f"{name} has {i * i} of {i}" for i in range(12)}
    return "".join(f"{line}\n" for line in (lines | changed).values())


def cells():
    """(user, template) of every file."""
    return [(user, template) for user in USERS for template in TEMPLATES]


def name_of(user, template):
    return f"{user}-{template}.txt"


def write_versions(folder: Path) -> tuple[Path, Path]:
    """The template `demo` in its versions 1.0.0 and 1.1.0, as two folders."""
    first, second = {}, {}
    for user, template in cells():
        name = name_of(user, template)
        if template != "added":
            first[name] = content(name)
        if template == "renamed":
            second[f"template-{name}"] = content(name)
        elif template != "deleted":
            second[name] = content(name, **({"line_2": "theirs"} if template == "changed" else {}))
    one = write_template(folder / "one", first, version="1.0.0")
    other = write_template(folder / "two", second, version="1.1.0")
    return one, other


def make_project(folder: Path, template: Path) -> Path:
    """A project of the template, in which a user has worked; everything is committed."""
    new(folder, template=str(template))
    for user, what in cells():
        _work(folder, user, what)
    (folder / "own.txt").write_text("the user's own\n")
    commit(folder, "Work")
    return folder


def _work(folder: Path, user: str, template: str) -> None:
    name = name_of(user, template)
    path = folder / name
    if template == "added":
        _add_before(path, name, user)
    elif user == "elsewhere":
        path.write_text(content(name, line_10="mine"))
    elif user == "same":
        path.write_text(content(name, line_2="mine"))
    elif user == "deleted":
        path.unlink()
    elif user == "renamed":
        path.rename(folder / f"my-{name}")
    elif user == "moved":
        (folder / "moved").mkdir(exist_ok=True)
        path.rename(folder / "moved" / name)
    elif user == "mode":
        os.chmod(path, 0o755)
    elif user == "link":
        path.unlink()
        path.symlink_to("own.txt")
    elif user == "binary":
        path.write_bytes(content(name).encode() + b"\0\1\2")


def _add_before(path: Path, name: str, user: str) -> None:
    """What a user has in the place of a file that the template will add."""
    if user == "elsewhere":
        path.write_text(content(name, line_10="mine"))
    elif user == "same":
        path.write_text(content(name))
    elif user == "mode":
        path.write_text(content(name))
        os.chmod(path, 0o755)
    elif user == "link":
        path.symlink_to("own.txt")
    elif user == "binary":
        path.write_bytes(content(name).encode() + b"\0\1\2")


def squash(project: Path) -> Path:
    """One commit instead of the history; the pristine render stays."""
    tree = git(project, "rev-parse", "HEAD^{tree}").strip()
    lone = git(project, "commit-tree", tree, "-m", "All of it").strip()
    git(project, "reset", "--quiet", "--hard", lone)
    return project


def rebase(project: Path) -> Path:
    """Every commit made anew upon another beginning."""
    git(project, "checkout", "--quiet", "--orphan", "other")
    git(project, "rm", "-rq", "--cached", ".")
    (project / "LICENSE").write_text("a licence\n")
    git(project, "add", "LICENSE")
    git(project, "commit", "--quiet", "-m", "Begin")
    git(project, "clean", "-fdq")
    git(project, "rebase", "--quiet", "--onto", "other", "--root", "main")
    return project


def clone(project: Path, *options: str) -> Path:
    """A clone of what a remote has: the branches, and the ref that `mlgit push` sends."""
    remote = project.with_name(f"{project.name}.git")
    git(project, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(project, "push", "--quiet", str(remote), "main", "refs/mlgit/template")
    target = project.with_name(f"{project.name}-clone")
    git(project.parent, "clone", "--quiet", *options, remote.as_uri(), str(target))
    return target


def shallow(project: Path) -> Path:
    return clone(project, "--depth=1")


def fork(project: Path) -> Path:
    """A clone of a copy that has the branches only; where it was copied from is the remote `upstream`."""
    clone(project)
    remote = project.with_name(f"{project.name}.git")
    copy = project.with_name(f"{project.name}-fork.git")
    git(project.parent, "clone", "--quiet", "--bare", "--single-branch", remote.as_uri(), str(copy))
    target = project.with_name(f"{project.name}-forked")
    git(project.parent, "clone", "--quiet", copy.as_uri(), str(target))
    git(target, "remote", "add", "upstream", remote.as_uri())
    return target


def alone(project: Path) -> Path:
    """A clone that nothing can be asked of any more: the render is to be found in the history."""
    target = project.with_name(f"{project.name}-alone")
    git(project.parent, "clone", "--quiet", project.as_uri(), str(target))
    git(target, "remote", "remove", "origin")
    return target


def same(project: Path) -> Path:
    return project


HISTORIES = {each.__name__: each for each in (same, squash, rebase, shallow, fork, alone)}


def lose(template: Path) -> None:
    """The template that made the project is gone."""
    shutil.rmtree(template)
