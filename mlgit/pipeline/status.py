"""What a stage looks like now against what the lock records: the reasons why it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from mlgit.pipeline.model import NOTHING, Digest, Entry, Stage
from mlgit.pipeline.params import same

ReasonKind = Literal["new", "cmd", "dep", "param", "out", "always"]


class Reason(NamedTuple):
    """One reason: what changed, where, and from what to what (parameter values, digests, commands)."""

    kind: ReasonKind
    path: str = ""
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        match self.kind:
            case "new":
                return "never run"
            case "always":
                return "always runs"
            case "cmd":
                return "cmd changed"
            case "param":
                return f"param {self.path}: {_shown(self.old)} → {_shown(self.new)}"
            case _:
                return f"{self.kind} {self._change()}: {self.path}"

    def _change(self) -> str:
        if self.new == MISSING:
            return "missing"
        if self.new == NOT_IN_CACHE:
            return "not in cache"
        return "new" if self.old is None else "changed"


MISSING = "missing"
NOT_IN_CACHE = "not in cache"


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Observed(NamedTuple):
    """The workspace as a stage sees it, keyed by paths as written in the stage.

    A path that is not there has no digest; `uncached` are outputs whose recorded content the cache has lost.
    """

    deps: Mapping[str, Digest | None] = NOTHING
    params: Mapping[str, Mapping[str, Any] | None] = NOTHING
    outs: Mapping[str, Digest | None] = NOTHING
    uncached: frozenset[str] = frozenset()


def reasons(stage: Stage, entry: Entry | None, seen: Observed) -> tuple[Reason, ...]:
    """Why the stage is stale; empty when it is up to date.

    A frozen stage does not look at its dependencies. Equality of content is equality of md5, as in DVC.
    """
    if stage.is_idle:
        return ()
    if entry is None:
        return (Reason("new"),)
    found: list[Reason] = []
    if stage.cmd and entry.cmd != stage.cmd:
        found.append(Reason("cmd", old=_line(entry.cmd), new=_line(stage.cmd)))
    if not stage.frozen:
        if stage.always_changed or stage.is_callback:
            found.append(Reason("always"))
        found += _dependencies(stage, entry, seen)
        found += _parameters(stage, entry, seen)
    found += _outputs(stage, entry, seen)
    return tuple(found)


def _line(cmd: Any) -> str:
    return cmd if isinstance(cmd, str) else "\n".join(cmd)


def _dependencies(stage: Stage, entry: Entry, seen: Observed) -> list[Reason]:
    recorded = {item.path: item.digest.md5 for item in entry.deps}
    found = []
    for dep in stage.deps:
        now, old = seen.deps.get(dep.path), recorded.get(dep.path)
        if now is None:
            found.append(Reason("dep", dep.path, old, MISSING))
        elif now.md5 != old:
            found.append(Reason("dep", dep.path, old, now.md5))
    return found


def _parameters(stage: Stage, entry: Entry, seen: Observed) -> list[Reason]:
    found = []
    for params in stage.params:
        now = seen.params.get(params.path)
        old = entry.params.get(params.recorded) or {}
        if now is None:
            found.append(Reason("dep", params.path, None, MISSING))
            continue
        for key in params.keys or dict.fromkeys([*now, *old]):
            before, after = old.get(key), now.get(key)
            if (key in old) != (key in now) or not same(after, before):
                leaves = _leaves(key, before, after)
                found += [Reason("param", _named(params.path, leaf), was, is_) for leaf, was, is_ in leaves]
    return found


def _leaves(key: str, before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """The values that differ, by dotted name, when a whole section is a parameter."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return [(key, before, after)]
    found = []
    for name in dict.fromkeys([*after, *before]):
        was, is_ = before.get(name), after.get(name)
        if (name in before) != (name in after) or not same(is_, was):
            found += _leaves(f"{key}.{name}", was, is_)
    return found or [(key, before, after)]


def _named(file: str, key: str) -> str:
    return key if file == "params.yaml" else f"{file}:{key}"


def _outputs(stage: Stage, entry: Entry, seen: Observed) -> list[Reason]:
    recorded = {item.path: item.digest.md5 for item in entry.outs}
    found = []
    for out in stage.outs:
        now, old = seen.outs.get(out.path), recorded.get(out.path)
        if now is None:
            found.append(Reason("out", out.path, old, MISSING))
        elif now.md5 != old:
            found.append(Reason("out", out.path, old, now.md5))
        elif out.path in seen.uncached:
            found.append(Reason("out", out.path, old, NOT_IN_CACHE))
    return found
