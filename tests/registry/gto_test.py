"""What GTO says of names and histories is what mlgit says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.registry import chain, grammar, read, state
from tests.kit import FULL
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
            name: {each.version: each.is_active for each in it.versions} for name, it in registry.get_artifacts().items()
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
            "versions": {each.name: each.is_active for each in it.versions},
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
    assert [found for it in artifacts.values() for found in (*it.faults, *chain.findings(it.name, it.events))] == []
