"""Why a stage is stale, as JSON: the same rows for `status` and `run`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlgit.pipeline.status import Reason


def reason_row(reason: Reason) -> dict[str, Any]:
    """A reason as JSON."""
    return {"kind": reason.kind, "path": reason.path, "old": _told(reason.old), "new": _told(reason.new)}


def _told(value: Any) -> Any:
    """A value with what JSON has no word for (nan, inf) as text."""
    if isinstance(value, Mapping):
        return {str(key): _told(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_told(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
