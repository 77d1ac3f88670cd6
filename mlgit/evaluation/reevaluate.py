"""What the model of another commit says of the test data of today: its evaluation, run again in a place of its own.

Code, parameters and model are those of the commit; only the test data is the current one, and only the stages that lie
between it and the predictions run. The workspace, the cache and the lock are not touched. The outcome is kept in mlgit's
own folder, for the next command that asks the same.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mlgit import config
from mlgit.adapters.dvc import worktree
from mlgit.adapters.system import files, state_files
from mlgit.errors import MlgitError
from mlgit.evaluation import stages_to_rerun
from mlgit.evaluation.model_results import by_address
from mlgit.model_settings import Model
from mlgit.pipeline.model import Stage
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import formats, limits, overlap
from mlgit.tables.overlap import TableFile

_MOST_KEPT = 20
_SEAL = "seal"
_MOST_LEARNED = 0.01


def predictions(was: Revision, now: Revision, model: Model, *, pull: bool = False, run: bool = True) -> Path:
    """A file with the predictions of the model of the commit `was` for the test data of `now`.

    `model` is what the current side declares. With `pull`, what is not in the cache comes from the DVC remote; without `run`,
    only an outcome that is kept is given. Raises MlgitError when it cannot be had: the model's bytes are not there, the
    evaluation would train, the model has learned from these rows, a stage failed.
    """
    project = was.project
    before = by_address(was.config.models).get(model.address) or model
    stages = stages_to_rerun.stages(was.pipeline.graph.stages, before, model_path=was.artifact_path(model.name))
    test = _paired(before, model)
    digests = {path: _test_digest(now, path) for path in model.test}
    key = "\n".join([project.prefix, was.commit, before.address, before.predictions, *before.test, *digests.values()])
    name = hashlib.sha256(key.encode()).hexdigest()[:32] + formats.ending(before.predictions)
    kept = project.own_folder / "reevaluated" / name
    if not _is_own(kept):
        if not run:
            raise MlgitError("that was not done here yet", "`mlgit gate` does it")
        _refuse_learned(was, before, now, model)
        try:
            _make(was, before, stages, now, test, digests, kept, pull=pull)
        except OSError as error:
            where = error.filename or str(kept)
            raise MlgitError(
                f"{where}: cannot be read or written: {error.strerror}", "free disk space, or fix its permissions"
            ) from error
    return kept


def _test_digest(revision: Revision, path: str) -> str:
    found = revision.digest(path)
    if found is None:
        raise MlgitError(f"{path}: test data not found", "`mlgit run` makes it, `dvc pull` brings it back")
    return found.md5


def _paired(before: Model, now: Model) -> dict[str, str]:
    """The current test data for each path where the baseline looks for its own."""
    if len(before.test) != len(now.test):
        raise MlgitError(
            f"the test data of {now.name} was {', '.join(before.test)} and is {', '.join(now.test) or 'not declared'}, "
            "so it is not known which stands for which",
            f"name as many paths in {config.NAME}: models.{now.name}.test",
        )
    return dict(zip(before.test, now.test, strict=True))


def _refuse_learned(was: Revision, before: Model, now: Revision, model: Model) -> None:
    """A model knows the answers of rows that it has learned from, so it cannot be judged on them; as after a new split.

    Whole rows are compared. As many as its own test data shares with its training data, and a few more, are no matter. Tables
    too large to be looked at, and other files than tables, are passed over.
    """
    try:
        learned = overlap.known(_tables(was, before.train))
        own, (found, rows) = (
            overlap.shared(learned, _tables(*side)) if learned else (0, 0) for side in ((was, before.test), (now, model.test))
        )
    except MlgitError:
        return
    known, usual = found / max(1, rows), own[0] / max(1, own[1])
    if known > usual + _MOST_LEARNED:
        raise MlgitError(
            f"the model of {was.commit[:7]} has learned from {known:.0%} of the {rows} rows of the current test data, "
            "so it cannot be judged on them",
            "leave rows that were for training out of the test data; a new split needs a model trained on it for comparison",
        )


def _tables(side: Revision, paths: Iterable[str]) -> list[TableFile]:
    """The tables among these paths that are there, and small enough for all of their rows to be compared."""
    inside = [path for path in paths if recorded_paths.is_inside(path) and formats.of(path)]
    sizes = {path: side.contents.size(path) for path in inside}
    return [
        TableFile(path, functools.partial(side.contents.stream, path), size)
        for path, size in sizes.items()
        if size is not None and size <= limits.OVERLAP_BYTES
    ]


def _make(
    was: Revision,
    before: Model,
    stages: tuple[Stage, ...],
    now: Revision,
    test: dict[str, str],
    digests: dict[str, str],
    kept: Path,
    *,
    pull: bool,
) -> None:
    project = was.project
    opened = worktree.opened(
        project.git_root, was.commit, prefix=project.prefix, label="evaluate", beside=project.own_folder / "evaluating"
    )
    with opened as (folder, root):
        _reduce(was, root, stages)
        _bring(was, stages, test, root, folder / "fetched" if pull else None)
        for path, current in test.items():
            _copy(now, current, _below(root, path), digests[current])
        failures = worktree.run(root)
        if failures:
            said = "; ".join(line.strip() for line in failures)
            raise MlgitError(
                f"the model of {was.commit[:7]} could not be evaluated on the current test data: {said}",
                "stages run with the programs that are installed now; the test data may have columns it does not know",
            )
        made = root / before.predictions
        if not made.is_file():
            raise MlgitError(f"{before.predictions}: not a file, so no table of predictions", "let the stage write one table")
        _keep(made, kept)


def _reduce(was: Revision, root: Path, stages: tuple[Stage, ...]) -> None:
    """Leave nothing of the pipeline but these stages: what they read is put in place as files, made by no stage."""
    wanted: dict[str, list[str]] = {}
    for stage in stages:
        wanted.setdefault(stage.file, []).append(stage.name)
    for path in was.files.pipeline_files():
        files.remove(root / path)
        files.remove(root / (path.removesuffix(".yaml") + ".lock"))
    for path, names in wanted.items():
        resolved = was.files.resolve(path, was.files.document(path))
        files.write_atomic(root / path, was.files.dumps(stages_to_rerun.document(resolved, names)))


def _bring(was: Revision, stages: tuple[Stage, ...], test: dict[str, str], root: Path, aside: Path | None) -> None:
    """Put what the stages read and Git does not hold into the worktree, all but the test data."""
    read = dict.fromkeys(
        each for path in stages_to_rerun.inputs(stages) for each in stages_to_rerun.recorded(path, was.recorded)
    )
    for path in read:
        is_test = any(path == each or path.startswith(f"{each}/") for each in test)
        if is_test or not recorded_paths.is_inside(path) or was.files.size(path) is not None or was.files.below(path):
            continue
        lost = f"the model of {was.commit[:7]} cannot be evaluated on the current test data"
        hint = f"`git checkout {was.commit[:7]} && dvc pull {path}` fetches it, or `dvc fetch --all-commits`"
        content, target = was.recorded[path], _below(root, path)
        belonging = was.routes([(path, content.md5)])
        worktree.bring(was.project.dvc_folder, content, path, target, routes=belonging, aside=aside, lost=lost, hint=hint)


def _below(root: Path, path: str) -> Path:
    """Where a path of the commit lies. Raises MlgitError for one that leads out of the worktree."""
    target = root / path
    if not recorded_paths.is_inside(path) or not target.parent.resolve().is_relative_to(root):
        raise MlgitError(f"{path}: not in the project, so the current test data cannot stand in for it")
    return target


def _copy(now: Revision, path: str, target: Path, md5: str) -> None:
    """Put the current content of a path, a file or a folder, into the worktree."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files.remove(target)
    for each in now.contents.files(path):
        inside = target / each.removeprefix(f"{path}/") if each != path else target
        inside.parent.mkdir(parents=True, exist_ok=True)
        stream = now.contents.stream(each)
        if stream is None:
            raise MlgitError(f"{each}: test data not found", "`mlgit run` makes it, `dvc pull` brings it back")
        with stream, open(inside, "wb") as written:
            shutil.copyfileobj(stream, written, 1 << 20)
        if each == path and _md5(inside) != md5:
            raise MlgitError(f"{path}: changed while it was read, or damaged in the cache", "try again, or `dvc checkout` it")


def _md5(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _keep(made: Path, kept: Path) -> None:
    """Move the predictions to where they are looked for, and let go of the oldest ones."""
    state_files.make_folder(str(kept.parent))
    waiting = kept.with_name(f".{kept.name}.{os.urandom(8).hex()}.tmp")
    try:
        shutil.copyfile(made, waiting)
        os.replace(waiting, kept)
    finally:
        waiting.unlink(missing_ok=True)
    state_files.write(f"{kept}.{_SEAL}", _told(kept))
    with suppress(FileNotFoundError):  # another process lets go of the same
        rows = [each for each in kept.parent.iterdir() if each.suffix != f".{_SEAL}"]
        rows.sort(key=lambda each: each.lstat().st_mtime_ns, reverse=True)
        for each in rows[_MOST_KEPT:]:
            files.remove(each)
            files.remove(each.with_name(f"{each.name}.{_SEAL}"))


def _is_own(kept: Path) -> bool:
    """Whether predictions lie there that this user's mlgit has kept: a clone could bring better ones."""
    said = state_files.read(f"{kept}.{_SEAL}")
    return said is not None and kept.is_file() and said.startswith(b"%d " % kept.stat().st_size) and said == _told(kept)


def _told(path: Path) -> bytes:
    with open(path, "rb") as stream:
        return b"%d %s" % (os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").digest())
