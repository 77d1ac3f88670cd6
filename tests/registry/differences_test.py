"""Where mlgit reads the same tags otherwise than GTO and DVC, on purpose: one table, which says what each makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.registry import publish, read, state
from tests.kit import git
from tests.registry.histories import START, chained, commits, identify, tag

pytestmark = pytest.mark.slow


def _two(root: Path, *, at: int = START) -> list[str]:
    """`churn` with two versions at commits of their own."""
    places = commits(root, 3)
    tag(root, "churn@v1.0.0", places[0], when=at, text=chained(root, event="register"))
    tag(root, "churn@v1.1.0", places[1], when=at + 1, text=chained(root, after="churn@v1.0.0", event="register"))
    return places


def _two_in_prod(root: Path, *, second: int) -> None:
    """The same, put into prod one after the other; the second at `second`, as a clock said."""
    places = _two(root)
    tag(root, "churn#prod#1", places[0], when=START + 10, text=chained(root, after="churn@v1.1.0"))
    tag(root, "churn#prod#2", places[1], when=START + second, text=chained(root, after="churn#prod#1"))


def _shared_commit(root: Path) -> None:
    places = _two(root)
    tag(root, "churn@v2.0.0", places[1], when=START + 5, text=chained(root, after="churn@v1.1.0", event="register"))
    tag(root, "churn#prod#1", places[1], when=START + 6, text=chained(root, after="churn@v2.0.0"))


def _same_second(root: Path) -> None:
    _two_in_prod(root, second=10)


def _slow_clock(root: Path) -> None:
    _two_in_prod(root, second=8)


def _taken_out(root: Path) -> None:
    _two_in_prod(root, second=20)
    tag(root, "churn#prod!#3", "churn@v1.1.0^{}", when=START + 30, text=chained(root, after="churn#prod#2", event="unassign"))


def _withdrawn(root: Path) -> None:
    _two_in_prod(root, second=20)
    tag(root, "churn@v1.1.0!", "churn@v1.1.0^{}", when=START + 30, text=chained(root, after="churn#prod#2", event="deregister"))


def _prod(root: Path) -> str:
    """What mlgit has in prod."""
    found = state.fold(read.load(root)).artifact("churn").current("prod")
    return found.version if found else ""


def _prod_of_gto(root: Path) -> str:
    import gto.api
    from gto.exceptions import GTOException

    try:
        return str(gto.api.show(str(root))["churn"]["stage"]["prod"])
    except GTOException as error:
        return type(error).__name__


def _prod_of_dvc(root: Path) -> str:
    from dvc.repo import Repo

    with Repo.init(str(root)) as repo:
        commit = repo.artifacts.get_rev("churn", stage="prod")
    return next(each.name.version for each in read.load(root) if each.name.version and each.commit == commit)


# What was done to tags, what mlgit has in prod then, who differs, and what that one has there.
_DIFFERENCES: dict[str, tuple[Callable[[Path], None], str, Callable[[Path], str], str]] = {
    "GTO reads nothing at all when a commit has two versions": (_shared_commit, "v2.0.0", _prod_of_gto, "ManyVersions"),
    "GTO goes by time, in one second by chance": (_same_second, "v1.1.0", _prod_of_gto, "v1.0.0"),
    "GTO goes by clocks, mlgit by what follows what": (_slow_clock, "v1.1.0", _prod_of_gto, "v1.0.0"),
    "DVC does not know what was taken out": (_taken_out, "v1.0.0", _prod_of_dvc, "v1.1.0"),
    "DVC does not know what was withdrawn": (_withdrawn, "v1.0.0", _prod_of_dvc, "v1.1.0"),
}


@pytest.mark.parametrize("difference", _DIFFERENCES)
def test_difference_is_as_the_table_says(tmp_path: Path, difference: str) -> None:
    build, ours, other, theirs = _DIFFERENCES[difference]
    build(tmp_path)
    assert (_prod(tmp_path), other(tmp_path)) == (ours, theirs)


@pytest.mark.parametrize("build", [_taken_out, _withdrawn])
def test_gto_and_mlgit_agree_where_only_dvc_differs(tmp_path: Path, build: Callable[[Path], None]) -> None:
    build(tmp_path)
    assert _prod(tmp_path) == _prod_of_gto(tmp_path)


def test_dvc_agrees_while_nothing_is_taken_out_or_withdrawn(tmp_path: Path) -> None:
    _two_in_prod(tmp_path, second=20)
    assert _prod(tmp_path) == _prod_of_gto(tmp_path) == _prod_of_dvc(tmp_path) == "v1.1.0"


def test_gto_numbers_anew_in_a_clone_without_tags_and_mlgit_refuses(tmp_path: Path) -> None:
    import gto.api

    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    _two(origin)
    git(tmp_path, "clone", "--quiet", "--no-tags", "--depth=1", f"file://{origin}", str(clone))
    with pytest.raises(MlgitError, match="lacks 2 tags"):
        publish.require_complete(clone, "origin")
    identify(clone)
    gto.api.register(str(clone), "churn", "HEAD")
    assert "churn@v0.0.1" in git(clone, "tag").split()
