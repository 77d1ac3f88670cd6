"""Stages that mlgit does not run by itself, kept by DVC's own Stage objects: why they would run, and what is recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from mlgit.adapters.dvc.internals import own_errors, sentence
from mlgit.adapters.dvc.remote_errors import without_secrets
from mlgit.errors import MlgitError


class Why(NamedTuple):
    """One reason for DVC to run a stage: what changed, where, and from what to what.

    `new` is the word `missing` for what does not lie there, and `not in cache` for an output that lies there only.
    """

    kind: Literal["new", "cmd", "dep", "param", "out", "always"]
    path: str = ""
    old: Any = None
    new: Any = None


def _recorded_command(stage: Any) -> Any:
    """The command that the lock records of a stage; None where the stage never ran, '' for a .dvc file."""
    from dvc.stage import PipelineStage

    if not isinstance(stage, PipelineStage):
        return ""
    return (stage.dvcfile.lockfile_contents.get("stages") or {}).get(stage.name, {}).get("cmd")


def _why(stage: Any, row: Any, recorded: Any) -> Iterator[Why]:
    """The reasons in a row of what DVC tells of a stage."""
    if row == "always changed":
        yield Why("always")
    elif isinstance(row, str):
        yield Why("cmd", "", _line(recorded), _line(stage.cmd))
    else:
        told = {name: state for key in ("changed deps", "changed outs") for name, state in row.get(key, {}).items()}
        for dep in stage.deps if "changed deps" in row else ():
            if str(dep) in told:
                yield from _of_item("dep", dep, told[str(dep)])
        for out in stage.outs if "changed outs" in row else ():
            if str(out) in told:
                yield from _of_item("out", out, told[str(out)])


def _of_item(kind: Literal["dep", "out"], item: Any, state: Any) -> Iterator[Why]:
    if state not in ("deleted", "modified", "new", "not in cache") and not isinstance(state, Mapping):
        yield Why(kind, item.def_path, "", state)  # an import, of which there is something newer
        return
    old = item.hash_info.value
    if not item.exists:
        yield Why(kind, item.def_path, old if isinstance(old, str) else None, "missing")
    elif item.hash_name == "params":
        before, now = old or {}, item.read_params()
        prefix = "" if item.def_path == item.DEFAULT_PARAMS_FILE else f"{item.def_path}:"
        keys = state if isinstance(state, Mapping) else item.params or now
        yield from (Why("param", f"{prefix}{key}", before.get(key), now.get(key)) for key in keys)
    elif item.changed_checksum():
        yield Why(kind, item.def_path, old, item.get_hash().value)
    else:
        yield Why(kind, item.def_path, old, "not in cache")


def _is_kept(out: Any) -> bool:
    """Whether an output's content is in the cache, by name: nothing is read, or removed, that may be damaged."""
    if not out.is_dir_checksum:
        return bool(out.cache.exists(out.hash_info.value))
    listed = out.get_obj()
    return listed is not None and all(out.cache.exists(digest.value) for _, _, digest in listed)


def _line(command: Any) -> str:
    return command if isinstance(command, str) else "\n".join(command or ())


class _NotFetchedError(Exception):
    pass


class Pulling(Protocol):
    """The remote that is asked for what is missing here."""

    def probe(self) -> None:
        """Raise MlgitError where it does not answer, which DVC takes for "no", unless what is missing may be computed."""

    def refuse(self, what: str) -> None:
        """Raise MlgitError for what could not be fetched, unless it may be computed."""


class BorrowedStages:
    """Stages that mlgit does not run by itself, driven through DVC's own Stage objects.

    The repository is opened at the first call. All calls come from one thread; a stage's commands are run by the caller,
    between `begin` and `finish`. With `pull`, what is missing here comes from the remote, which is asked before DVC asks it.
    """

    def __init__(self, root: Path, *, pull: Pulling | None = None) -> None:
        self._root = root
        self._pull = pull
        self.written: list[str] = []  # files that Git should know of, once the repository is closed
        self._has_runs = False
        self._repo: Any = None
        self._stages: dict[str, Any] = {}

    def _open(self) -> Any:
        if self._repo is None:
            import logging

            from dvc.repo import Repo

            logging.getLogger("dvc").setLevel(logging.CRITICAL)
            with own_errors():
                self._repo = Repo(str(self._root))
        return self._repo

    def _stage(self, address: str) -> Any:
        if address not in self._stages:
            file, _, name = address.rpartition(":")
            if address.endswith(".dvc"):
                file, name = address, ""
            with own_errors():
                path = str(self._root / (file or "dvc.yaml"))
                found = self._open().stage.load_one(path, name or None)
                far = next((out for out in found.outs if out.use_cache and not out.is_in_repo), None)
            if far is not None:  # DVC notices when it has deleted and made it
                raise MlgitError(
                    f"{address}: output '{far}' lies outside the project, where DVC 3 caches nothing",
                    "declare it with `cache: false`",
                )
            self._stages[address] = found
        return self._stages[address]

    def reasons(self, address: str) -> list[Why]:
        """Why DVC would run the stage; empty when it would not."""
        stage = self._stage(address)
        with own_errors(), self._locked():
            recorded = _recorded_command(stage)
            if recorded is None:
                return [Why("new")]
            rows: list[Any] = next(iter(stage.status().values()), [])
            found = [why for row in rows for why in _why(stage, row, recorded)]
        return sorted(found, key=lambda why: ("cmd", "always").index(why.kind) if why.kind in ("cmd", "always") else 2)

    def restore(self, address: str) -> bool:
        """Bring back what is missing of a stage that nothing else is wrong with; whether that made it up to date.

        Tracked data comes from the cache, as what mlgit tracks itself; results only with `pull`, as in DVC.
        """
        stage = self._stage(address)
        if not (self._pull or (stage.is_data_source and not stage.is_import)):
            return False
        with own_errors(), self._locked():
            # What lies there and is only missing in the cache is taken into it, not replaced from there.
            if all(out.exists for out in stage.outs) or stage.changed(allow_missing=True):
                return False
        if self._pull:
            self._pull.probe()
            try:
                with self._fetching(f"{address}: its outputs"):
                    self._repo.pull(address)
            except _NotFetchedError:
                return False
        with own_errors(), self._locked():
            stage.checkout()
            return not stage.changed()

    def lost(self, address: str) -> list[str]:
        """The outputs of a stage, as paths from the root, whose recorded content is neither here nor in the cache."""
        stage = self._stage(address)
        with own_errors(), self._locked():
            found = [out for out in stage.outs if out.use_cache and out.hash_info and not _is_kept(out)]
            found = [out for out in found if not out.exists or out.changed_checksum()]
        return [str(Path(out.fs_path).relative_to(self._root)) for out in found]

    def begin(self, address: str, *, force: bool) -> bool:
        """Do what DVC does before a stage's command; True when nothing is left to run and the stage is recorded."""
        from dvc.stage import PipelineStage

        stage = self._stage(address)
        with own_errors(), self._locked():
            if not isinstance(stage, PipelineStage):
                if stage.reproduce(force=force, interactive=False) is not None:
                    stage.dump(update_pipeline=False)
                return True
            if not stage.frozen:
                stage.remove_outs(ignore_remove=False, force=False)
                if force:
                    return False
                try:
                    self._pull_runs()
                    with self._fetching(f"{address}: an earlier result"):
                        self._repo.stage_cache.restore(stage, pull=self._pull is not None)
                except _NotFetchedError:
                    stage.save_deps()
                    return False
        self.finish(address)
        return True

    def _pull_runs(self) -> None:
        """With `pull`, let DVC bring the remote's run cache, once."""
        if self._pull and not self._has_runs:
            self._pull.probe()
            self._has_runs = True
            with suppress(_NotFetchedError), self._fetching("the run cache"):
                self._repo.stage_cache.pull(None)

    @contextmanager
    def _fetching(self, what: str) -> Iterator[None]:
        """Refuse what ends a transfer: DVC's own errors, those of the system, and those of whatever library a remote needs.

        Raises _NotFetchedError where there is nothing to fetch, or it may be computed.
        """
        from dvc.exceptions import CheckoutError
        from dvc.stage.cache import RunCacheNotFoundError, RunCacheNotSupported

        try:
            yield
        except (CheckoutError, RunCacheNotFoundError, RunCacheNotSupported) as error:
            raise _NotFetchedError from error  # what the remote lacks too, the stage makes
        except Exception as error:
            if self._pull:
                self._pull.refuse(f"{what} could not be fetched: {without_secrets(sentence(error))}")
                raise _NotFetchedError from error
            raise

    def finish(self, address: str) -> None:
        """Let DVC hash, store and ignore the stage's outputs, and file it in the run cache."""
        stage = self._stage(address)
        uncached = any(not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot))
        with own_errors(), self._locked():
            stage.save(run_cache=not uncached)
            stage.commit()

    def document(self, address: str) -> dict[str, Any] | None:
        """The lock entry of a stage of a dvc.yaml; None for a .dvc file, which records itself."""
        from dvc.stage import PipelineStage
        from dvc.stage.serialize import to_single_stage_lockfile

        stage = self._stage(address)
        if not isinstance(stage, PipelineStage):
            return None
        with own_errors():
            return dict(to_single_stage_lockfile(stage))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._repo.lock:
            yield

    def close(self) -> None:
        """Let go of the repository, if one was opened."""
        if self._repo is not None:
            tracked = map(os.path.abspath, self._repo.scm_context.files_to_track)
            self.written = sorted(os.path.relpath(path, self._root) for path in tracked)
            self._repo.close()
            self._repo = None
            self._stages.clear()
