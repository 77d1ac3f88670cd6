"""What is recorded of a stage, worked out from values: its lock entry, and whether the run cache may know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from mlgit.errors import MlgitError
from mlgit.pipeline import lock
from mlgit.pipeline.model import Digest, Entry, Item, Output, Stage
from mlgit.pipeline.params import ordered
from mlgit.pipeline.status import Observed, reasons


class Locks(Protocol):
    """Where entries are written down."""

    def put(self, stage: Stage, entry: Entry) -> None:
        """Take over a finished stage's entry."""

    def put_text(self, stage: Stage, text: str) -> None:
        """Take over the text of a stage's entry, as it stands in the lock."""

    def flush(self, *, last: bool = False) -> None:
        """Write everything taken over; after the `last` time it outlasts a loss of power."""


class Ignores(Protocol):
    """Where outputs get their .gitignore lines."""

    def expect(self, outputs: list[str]) -> None:
        """Prepare for the outputs of a run, in running order."""

    def add(self, output: str) -> None:
        """Take over a finished output."""

    def flush(self) -> None:
        """Put everything taken over on disk."""


class OutputChecks(Protocol):
    """Who says which outputs may be deleted, and recorded."""

    def expect(self, stages: Iterable[Stage]) -> Mapping[str, MlgitError]:
        """Look at the outputs of a plan: why a stage may not run, by address. Raises MlgitError for what never may."""

    def refuse(self, stage: Stage) -> None:
        """Raise MlgitError for a stage whose outputs may not be deleted now."""

    def refuse_made(self, stage: Stage) -> None:
        """Raise MlgitError for a stage whose outputs, now that they are there, may not be recorded."""


class OutputStorage(Protocol):
    """Where outputs are stored, and linked to what is stored."""

    def refuse_unlinkable(self, stage: Stage, recorded: Entry | None) -> None:
        """Raise MlgitError for an output that could not be linked afterwards."""

    def store(self, out: Output, digest: Digest | None, *, restored: bool) -> None:
        """Store an output; `restored`: it was to be restored, and lay there as it is to be."""


class TrackedData(Protocol):
    """Who takes data that people changed into the cache and into their `.dvc` files."""

    def add(self, targets: Sequence[str]) -> object:
        """Track paths as they lie there now. Raises MlgitError, before anything is touched, for what cannot be tracked so."""

    def close(self) -> None:
        """Keep what was learnt."""


def entry(stage: Stage, seen: Observed) -> Entry:
    """The lock entry for the stage as the workspace is now: items in DVC's order, by path as written.

    All dependencies and outputs have to be there.
    """
    # DVC records one spelling of a file only: of `./my.yaml` and `my.yaml` the last, as they are sorted.
    params = {each.recorded: seen.params[each.path] or {} for each in sorted(stage.params, key=lambda each: each.path)}
    return Entry(
        cmd=stage.cmd,
        deps=_items(seen.deps, [dep.path for dep in stage.deps]),
        params=ordered(params),
        outs=_items(seen.outs, [out.path for out in stage.outs]),
    )


def run_key(stage: Stage, seen: Observed) -> str:
    """The key in the run cache for what the stage makes of the inputs that it sees."""
    unmade = {out.path: Digest("", 0) for out in stage.outs}
    return lock.run_cache_key(entry(stage, Observed(seen.deps, seen.params, unmade)))


def _items(digests: Mapping[str, Digest | None], paths: list[str]) -> tuple[Item, ...]:
    found = []
    for path in sorted(paths):
        digest = digests[path]
        assert digest is not None, path
        found.append(Item(path, digest))
    return tuple(found)


def may_restore(stage: Stage, seen: Observed) -> bool:
    """Whether a result may be taken from the run cache: not for a stage of which the lock cannot name all parameters."""
    files = {each.recorded for each in stage.params}
    return _is_filed(stage, seen) and len(files) == len(stage.params)


def _is_filed(stage: Stage, seen: Observed) -> bool:
    """Whether DVC would look for this stage in the run cache at all."""
    if not all(seen.params[each.path] for each in stage.params):
        return False  # a parameter file without a value
    if stage.is_callback or stage.always_changed or not stage.cmd:
        return False
    return bool(stage.outs) and bool(stage.deps or stage.params) and not any(out.persist for out in stage.outs)


def may_save_run(stage: Stage, seen: Observed) -> bool:
    """Whether DVC would file this stage in the run cache: not when an output other than a metric or plot is uncached."""
    return _is_filed(stage, seen) and all(out.cache or out.kind != "out" for out in stage.outs)


def only_lost(recorded: Entry | None, seen: Observed) -> bool:
    """Whether every output is as recorded or not there at all: with --pull DVC fetches what is lost, `persist` or not."""
    known = {item.path: item.digest for item in recorded.outs} if recorded else {}
    return all(digest is None or digest == known.get(path) for path, digest in seen.outs.items())


def inputs_unchanged(stage: Stage, recorded: Entry | None, seen: Observed) -> bool:
    """Whether command, dependencies and parameters are as recorded, and every output has recorded content."""
    if recorded is None:
        return False
    known = {item.path for item in recorded.outs}
    if not all(out.path in known for out in stage.outs):
        return False
    return not any(reason.kind in ("new", "cmd", "dep", "param", "always") for reason in reasons(stage, recorded, seen))


def missing(stage: Stage, out: Output) -> MlgitError:
    """What to say of an output that is not there when a stage is to be recorded: a frozen one was not run."""
    if stage.frozen:
        what = f"stage '{stage.address}' is frozen, so it was not run, and its output '{out.path}' is missing"
        back = f"`dvc checkout {out.target}` brings it back, or `dvc pull {out.target}` where the cache lacks it"
        return MlgitError(what, f"{back}; `dvc unfreeze {stage.address}` lets it run again")
    what = f"stage '{stage.address}' did not make its output '{out.path}'"
    return MlgitError(what, f"see its command, or take the output out of {stage.file}")
