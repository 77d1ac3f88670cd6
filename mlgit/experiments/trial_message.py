"""The message of a trial's commit: DVC's first line, and what mlgit knows in one trailer that DVC passes over."""

from __future__ import annotations

import json
from typing import Any

from mlgit.experiments.trial import TrialFacts

TRAILER = "Mlgit-Trial"
_FIRST = "dvc: commit experiment "
_LONGEST = 1 << 20


def write(digest: str, facts: TrialFacts) -> str:
    """The message for a trial whose outcome has this digest (DVC takes a SHA-256 of the lock)."""
    document = {
        "schema": 1,
        "changes": dict(facts.changes),
        "sweep": facts.sweep,
        "number": facts.number,
        "sampler": facts.sampler,
        "space": list(facts.space),
        "n_trials": facts.n_trials,
        "seed": facts.seed,
        "objective": facts.objective,
        "direction": facts.direction,
        "started": facts.started,
        "seconds": facts.seconds,
        "stages": dict(facts.stages),
    }
    return f"{_FIRST}{digest}\n\n{TRAILER}: {json.dumps(document, sort_keys=True, separators=(',', ':'))}\n"


def read(message: str) -> TrialFacts:
    """What a message says of a trial; nothing for one that DVC or somebody else wrote, or that is no longer whole."""
    start = f"{TRAILER}: "
    line = next((each for each in reversed(message.splitlines()) if each.startswith(start)), "")
    if not line or len(line) > _LONGEST:
        return TrialFacts()
    try:
        found = json.loads(line.removeprefix(start))
    except (ValueError, RecursionError):
        return TrialFacts()
    return _facts(found) if isinstance(found, dict) and found.get("schema") == 1 else TrialFacts()


def _facts(found: dict[str, Any]) -> TrialFacts:
    return TrialFacts(
        changes=_mapping(found.get("changes")),
        sweep=_text(found.get("sweep")),
        number=_whole(found.get("number")) or 0,
        sampler=_text(found.get("sampler")),
        space=tuple(each for each in _list(found.get("space")) if isinstance(each, str)),
        n_trials=_whole(found.get("n_trials")),
        seed=_whole(found.get("seed")),
        objective=_text(found.get("objective")),
        direction=_text(found.get("direction")),
        started=_number(found.get("started")),
        seconds=_number(found.get("seconds")),
        stages={key: each for key, each in _mapping(found.get("stages")).items() if _whole(each) is not None},
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 else None
