"""What is to be tried, what is being tried and what failed: files below the clone's `.git/mlgit/queue`, and one lock.

`sweeps/ID.json` is a search, `sweeps/ID.ends.jsonl` how its trials ended so far, `trials/NAME.json` a trial that runs now or
that failed. Whoever holds the lock runs what is there, whoever else asked for it; a search that is added meanwhile is found.
What was written half, when a process was killed, is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlgit.adapters.git import git
from mlgit.adapters.system import files, locks, state_files
from mlgit.experiments import sweep as sweeps
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.trial import Trial, TrialFacts, is_name

BUSY = "another `mlgit exp run` is at work in this clone"
_LARGEST = 16 << 20
_PATIENCE = 0.5  # whoever asks whether somebody holds the lock holds it for an instant


def common_folder(git_root: Path) -> Path:
    """Where mlgit keeps what belongs to the clone, whichever of its working trees one stands in."""
    plain = git_root / ".git"
    if plain.is_dir() and not plain.is_symlink():
        return plain / "mlgit"
    return Path(git.line(git_root, "rev-parse", "--path-format=absolute", "--git-common-dir")) / "mlgit"


def running(common: Path) -> AbstractContextManager[None]:
    """Hold the lock of the one who runs trials. Raises MlgitError, saying who holds it."""
    return locks.held(
        common / "queue/run.lock",
        timeout=_PATIENCE,
        busy=BUSY,
        note=f"process {os.getpid()}\n",
    )


def is_running(common: Path) -> bool:
    """Whether somebody runs trials in this clone."""
    return locks.is_shared(common / "queue/run.lock")


def add(common: Path, sweep: Sweep) -> None:
    """Ask for a search."""
    _write(common / "queue/sweeps" / f"{sweep.id}.json", sweep.document())


def asked(common: Path) -> tuple[Sweep, ...]:
    """The searches that are not done, in the order in which they were asked for."""
    found = []
    for path in _listed(common / "queue/sweeps", ".json"):
        sweep = sweeps.read(_read(path))
        if sweep is not None and path.name == f"{sweep.id}.json":
            found.append((_age(path), sweep.id, sweep))
    return tuple(each for _, _, each in sorted(found, key=lambda row: row[:2]))


def is_asked(common: Path, sweep: Sweep) -> bool:
    """Whether a search is still to be done."""
    return (common / "queue/sweeps" / f"{sweep.id}.json").exists()


def done(common: Path, sweep: Sweep) -> None:
    """Take a search away: all of its trials ended, or it was given up. How they ended stays readable."""
    (common / "queue/sweeps" / f"{sweep.id}.json").unlink(missing_ok=True)


def append_end(common: Path, sweep: Sweep, end: TrialEnd) -> None:
    """Write down how a trial of a search ended."""
    path = common / "queue/sweeps" / f"{sweep.id}.ends.jsonl"
    state_files.make_folder(str(path.parent))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, _line(end))
    finally:
        os.close(descriptor)


def ends(common: Path, sweep: Sweep) -> tuple[TrialEnd, ...]:
    """How the trials of a search ended so far, the last word of each number, by number."""
    found: dict[int, TrialEnd] = {}
    for line in _content(common / "queue/sweeps" / f"{sweep.id}.ends.jsonl").splitlines():
        with suppress(ValueError):
            end = sweeps.read_end(json.loads(line))
            if end is not None:
                found[end.number] = end
    return tuple(found[number] for number in sorted(found))


def retry(common: Path, sweep: Sweep, *, recorded: Collection[str]) -> None:
    """Let the trials of a search be tried again that failed, or whose commit is not among those `recorded` any more."""
    kept = [each for each in ends(common, sweep) if each.commit in recorded]
    path = common / "queue/sweeps" / f"{sweep.id}.ends.jsonl"
    if path.exists():
        files.write_atomic(path, b"".join(_line(each) for each in kept))


def forget_ends(common: Path, sweep: Sweep) -> None:
    """Forget how the trials of a search ended: it begins anew."""
    (common / "queue/sweeps" / f"{sweep.id}.ends.jsonl").unlink(missing_ok=True)


def write_trial(common: Path, sweep: Sweep, trial: Trial) -> None:
    """Write down that a trial runs, or that it failed."""
    _write(common / "queue/trials" / f"{trial.name}.json", {**_of_trial(trial), "sweep": sweep.document()})


def drop_trial(common: Path, name: str) -> None:
    """Forget a trial that is recorded in Git now, or is to be tried again."""
    (common / "queue/trials" / f"{name}.json").unlink(missing_ok=True)


def clear_unfinished(common: Path) -> None:
    """Take away what a killed process had begun to write of a trial. Only for who holds the lock: no other writes it."""
    for path in _listed(common / "queue/trials", ".tmp"):
        path.unlink(missing_ok=True)


def load(common: Path) -> tuple[Trial, ...]:
    """The trials that are not in Git: that run now, that failed, and (`killed`) whose process is gone."""
    alive = is_running(common)
    found = []
    for path in _listed(common / "queue/trials", ".json"):
        document = _read(path)
        trial = _trial(document) if isinstance(document, dict) else None
        if trial is not None and path.name == f"{trial.name}.json":
            gone = trial.status == "running" and not alive
            found.append(trial if not gone else _killed(trial))
    return tuple(sorted(found, key=lambda each: (each.facts.started or 0.0, each.name)))


def _line(end: TrialEnd) -> bytes:
    return json.dumps(end.document(), separators=(",", ":"), default=str).encode() + b"\n"


def _killed(trial: Trial) -> Trial:
    return replace(trial, status="killed", message="its process is gone; `mlgit exp run` tries it again")


def _of_trial(trial: Trial) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": trial.name,
        "baseline": trial.baseline,
        "status": trial.status,
        "changes": dict(trial.facts.changes),
        "params": dict(trial.params),
        "number": trial.facts.number,
        "started": trial.facts.started,
        "seconds": trial.facts.seconds,
        "message": trial.message,
        "log": trial.log,
        "folder": trial.folder,
    }


def _trial(document: dict[str, Any]) -> Trial | None:
    sweep = sweeps.read(document.get("sweep"))
    name, status, number = document.get("name"), document.get("status"), document.get("number")
    if sweep is None or not isinstance(name, str) or not is_name(name) or status not in ("running", "failed"):
        return None
    params, changes = (document.get(key) or {} for key in ("params", "changes"))
    started, seconds = (_number(document.get(key)) for key in ("started", "seconds"))
    if not isinstance(params, dict) or not isinstance(changes, dict) or type(number) is not int:
        return None
    facts = TrialFacts(
        changes=changes,
        sweep=sweep.id,
        number=number,
        sampler=sweep.sampler,
        space=sweep.space,
        n_trials=sweep.n_trials,
        seed=sweep.seed,
        objective=sweep.objective,
        direction=sweep.direction,
        started=started,
        seconds=seconds,
    )
    message, log, folder = (str(document.get(key) or "") for key in ("message", "log", "folder"))
    return Trial(name, sweep.baseline, status, params=params, facts=facts, message=message, log=log, folder=folder)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 else None


def _listed(folder: Path, ending: str) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from (folder / name for name in sorted(os.listdir(folder)) if name.endswith(ending))


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _write(path: Path, document: dict[str, Any]) -> None:
    state_files.make_folder(str(path.parent))
    files.write_atomic(path, json.dumps(document, sort_keys=True, default=str) + "\n")


def _read(path: Path) -> Any:
    try:
        return json.loads(_content(path))
    except (ValueError, RecursionError):
        return None


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with open(descriptor, "rb") as stream:
        return stream.read(_LARGEST)
