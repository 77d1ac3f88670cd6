"""A review as the JSON document of `mlgit gate --json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlgit.evaluation.suggest import Suggestion
from mlgit.gate.review import Review


def document(review: Review) -> dict[str, Any]:
    """The verdict, every rule, and what they rest on; numbers that JSON has no word for are null."""
    whole = asdict(review)
    found = {"schema": 1, "verdict": review.verdict, "rules": whole["judged"]}
    found |= {key: whole[key] for key in ("baseline", "rules_from", "labels", "tested", "leakage", "metrics", "turned", "data")}
    found |= {key: whole[key] for key in ("rule_changes", "resamples", "seed", "notes")}
    return {key: _plain(value) for key, value in found.items()}


def suggestions(found: Mapping[str, tuple[Suggestion, ...]]) -> dict[str, Any]:
    """What `mlgit gate suggest` found, by model."""
    return {"schema": 1, "models": {name: [_plain(asdict(each)) for each in rows] for name, rows in found.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
