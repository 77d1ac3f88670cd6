"""By how much a version was raised: MAJOR is for what breaks, MINOR for what else is tested, PATCH for the rest."""

from __future__ import annotations

import re
from typing import Literal

Step = Literal["none", "patch", "minor", "major"]
STEPS: tuple[Step, ...] = ("none", "patch", "minor", "major")

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+.].*)?")


def raised(old: str, new: str) -> Step | None:
    """By which step a version was raised, `none` for one that is the same or lower; None where one of both is no number."""
    if old == new:
        return "none"
    before, now = _parts(old), _parts(new)
    if before is None or now is None:
        return None
    if now <= before:
        return "none"
    return STEPS[3 - next(index for index in range(3) if before[index] != now[index])]


def next_version(old: str, step: Step) -> str:
    """The version that is this step further, '' where that cannot be told."""
    parts = _parts(old)
    if parts is None or step == "none":
        return ""
    major, minor, patch = parts
    return {"major": f"{major + 1}.0.0", "minor": f"{major}.{minor + 1}.0", "patch": f"{major}.{minor}.{patch + 1}"}[step]


def _parts(version: str) -> tuple[int, int, int] | None:
    found = _VERSION.fullmatch(version.strip())
    return (int(found[1]), int(found[2] or 0), int(found[3] or 0)) if found else None
