"""What GTO says of names and histories is what mlgit says."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.registry import grammar, integrity, read, state
from tests.kit import FULL, git
from tests.registry import histories

_PIECES = ["a", "Z", "0", "01", "-", "_", "/", ".", "..=", "x/y=", "=", ":", "#", "@", "!", " ", "é", "\u0661", "\n"]
_PIECES += ["v1.0.0", "v1.2.3-rc.1", "v0.0.1+b.01", "v01.0.0", "-0a", "deprecated", "created", "prod", "p/q", "#1", "#007", "#"]
_LIKELY = st.tuples(
    st.sampled_from(["a", "a/b", "d/e=a", "..=a", "./x=a-b_c", "a-", "-a", "a=b=c"]),
    st.sampled_from(["@", "#"]),
    st.sampled_from(["v1.0.0", "v1.0.0-rc.1+b", "v01.0.0", "prod", "p/q", "p.q", "deprecated", "created"]),
    st.sampled_from(["", "!"]),
    st.sampled_from(["", "#1", "#007", "#", "#x", " "]),
).map("".join)
# GTO takes a line end after a name, which no ref can hold.
_NAMES = (st.lists(st.sampled_from(_PIECES), max_size=9).map("".join) | _LIKELY).filter(lambda name: not name.endswith("\n"))
_IDENTIFIER = st.from_regex(r"\A(0|[1-9][0-9]{0,2}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]{0,3})\Z")
_SEMVER = st.builds(
    lambda core, pre: "v" + ".".join(map(str, core)) + ("-" + ".".join(pre) if pre else ""),
    st.tuples(*[st.integers(0, 3)] * 3),
    st.lists(_IDENTIFIER, max_size=3),
)


@given(_NAMES)
def test_a_name_means_what_it_means_to_gto(name: str) -> None:
    from gto.tag import parse_name

    theirs = parse_name(name, raise_on_fail=False)
    ours = grammar.parse(name)
    if "action" not in theirs:
        assert ours is None
        return
    assert ours is not None
    told = (theirs["name"], theirs["action"].value, theirs.get("version", ""), theirs.get("stage", ""), theirs.get("counter"))
    assert tuple(ours) == told
    assert parse_name(grammar.format(ours)) == theirs


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    for name in ("churn@v1.0.0#{}", "churn@v{}.0.0", "churn#prod#{}"):
        assert grammar.parse(name.format("9" * 5000)) is None
    with pytest.raises(MlgitError, match="is not a version"):
        grammar.reference(f"churn@v1.{'9' * 5000}.0")


@given(_SEMVER, _SEMVER)
def test_versions_sort_and_grow_as_in_gto(one: str, other: str) -> None:
    from gto.versions import SemVer

    assert (grammar.version_key(one) < grammar.version_key(other)) == (SemVer(one) < SemVer(other))
    for part in grammar.PARTS:
        assert grammar.bump(one, part) == getattr(SemVer(one), f"bump_{part}")().version


def _theirs(root: Path) -> dict[str, Any]:
    import gto.api
    from gto.registry import GitRegistry

    shown = gto.api.show(str(root), deprecated=True, assignments_per_version=-1, versions_per_stage=1)
    with GitRegistry.from_url(str(root)) as registry:
        versions = {
            name: {each.version: (each.commit_hexsha, each.is_active) for each in it.versions}
            for name, it in registry.get_artifacts().items()
        }
    events = gto.api.history(str(root), ascending=True)
    return {
        name: {
            "latest": it["version"],
            "environments": {key: value for key, value in it["stage"].items() if value},
            "active": it["active"],
            "versions": versions[name],
            "history": [event["ref"] for event in events if event["artifact"] == name],
        }
        for name, it in shown.items()
    }


def _ours(artifacts: dict[str, state.Artifact]) -> dict[str, Any]:
    return {
        name: {
            "latest": it.latest.name if it.latest else None,
            "environments": {environment: stack[-1].version for environment, stack in it.environments.items()},
            "active": it.is_active,
            "versions": {each.name: (each.commit, each.is_active) for each in it.versions},
            "history": [event.ref for event in it.events],
        }
        for name, it in artifacts.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("by_mlgit", [True, False], ids=["mlgit", "gto"])
@pytest.mark.parametrize("seed", range(250 if FULL else 6))
def test_a_history_is_folded_as_gto_folds_it_and_has_no_findings(tmp_path: Path, seed: int, by_mlgit: bool) -> None:
    histories.write(tmp_path, seed, by_mlgit=by_mlgit)
    artifacts = dict(state.fold(read.load(tmp_path)).artifacts)
    assert _ours(artifacts) == _theirs(tmp_path)
    assert [found for it in artifacts.values() for found in (*it.faults, *integrity.findings(it.name, it.events))] == []


def _by_gto(root: Path, seed: int) -> None:
    """A history as somebody makes it who types `gto`: what GTO refuses is not done."""
    import gto.api
    from gto.exceptions import GTOException

    chance, places, now = random.Random(seed), histories.commits(root), histories.START
    written: set[str] = set()
    for _ in range(chance.randint(5, 12)):
        name, place = chance.choice(["churn", "models/nlp:seg"]), chance.choice(places)
        stage, minor = chance.choice(["prod", "staging"]), chance.random() < 0.5
        calls: list[Callable[[], object]] = [
            partial(gto.api.register, str(root), name, place, bump_minor=minor),
            partial(gto.api.assign, str(root), name, stage, ref=place),
            partial(gto.api.unassign, str(root), name, ref=place, stage=stage),
            partial(gto.api.deregister, str(root), name, ref=place),
            partial(gto.api.deprecate, str(root), name),
        ]
        with suppress(GTOException):
            chance.choices(calls, (5, 6, 2, 1, 1))[0]()
        for ref in sorted(set(git(root, "tag").split()) - written, key=lambda ref: "#" in ref):
            now += chance.choice([1, 2, 3600])
            _date(root, ref, now)
            written.add(ref)


def _date(root: Path, ref: str, when: int) -> None:
    """Give a tag a time of its own, for GTO writes them all in this second."""
    dated = re.sub(r"(?m)^(tagger .*>) \d+ ", rf"\g<1> {when} ", git(root, "cat-file", "tag", ref), count=1)
    git(root, "update-ref", f"refs/tags/{ref}", git(root, "mktag", stdin=f"{dated}\n"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(250 if FULL else 6))
def test_what_gto_writes_is_read_as_gto_reads_it(tmp_path: Path, seed: int) -> None:
    _by_gto(tmp_path, seed)
    assert git(tmp_path, "tag")
    assert _ours(dict(state.fold(read.load(tmp_path)).artifacts)) == _theirs(tmp_path)
