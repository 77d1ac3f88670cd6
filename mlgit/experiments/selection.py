"""What is to be said of a trial that was picked from many: how it was found, and what its gain is worth once that is heeded.

It goes with the commit that a trial becomes, in a trailer of its message, and from there into reviews and cards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mlgit.render.text import count, few, fixed, level_of, number, signed, span

TRAILER = "Mlgit-Selection"
_LONGEST = 1 << 16
_MOST_SPACE = 8
_SAMPLED = {"grid": "every setting of", "random": "drawn at random from", "tpe": "sought by TPE in"}
_DIRECTIONS = ("higher", "lower")


@dataclass(frozen=True, slots=True)
class Selection:
    """A trial that was picked from `n_trials` of one baseline (a commit), itself among them; its `rank` is by the objective.

    `value` and `before` are the objective of the trial and of the baseline. Where both have predictions of the same rows,
    `low` and `high` are the ends of the paired interval of the difference, as of one change, at `confidence_level` by
    `method`. `n_compared` trials have predictions of these `n_rows` rows: `low_of_all` and `high_of_all` hold for all of them
    at once, `pvalue` is the chance that the best of so many looks as good where none is better than the baseline, and
    `optimism` by how much picking the best makes it look better on average. `why_not` says why there is none of it.
    """

    trial: str
    baseline: str
    n_trials: int
    rank: int | None = None
    sampler: str = ""
    space: tuple[str, ...] = ()
    seed: int | None = None
    objective: str = ""
    direction: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    before: float | None = None
    low: float | None = None
    high: float | None = None
    confidence_level: float | None = None
    method: str = ""
    n_compared: int = 0
    n_rows: int = 0
    low_of_all: float | None = None
    high_of_all: float | None = None
    pvalue: float | None = None
    optimism: float | None = None
    why_not: str = ""

    @property
    def difference(self) -> float | None:
        """The objective of the trial less that of the baseline."""
        return None if self.value is None or self.before is None else self.value - self.before

    @property
    def is_by_rows(self) -> bool:
        """Whether it is known what the picking has to do with the difference."""
        return self.low_of_all is not None

    def document(self) -> dict[str, Any]:
        """The selection as JSON, as it stands in the trailer."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"schema": 1, **found, "space": list(self.space), "changes": dict(self.changes)}


def trailer(selection: Selection) -> str:
    """The line of a commit's message that says it."""
    return f"{TRAILER}: {json.dumps(selection.document(), sort_keys=True, separators=(',', ':'))}"


def read(message: str) -> Selection | None:
    """The selection that a commit's message tells of; None for one that tells of none, or is no longer whole."""
    start = f"{TRAILER}: "
    line = next((each for each in reversed(message.splitlines()) if each.startswith(start)), "")
    if not line or len(line) > _LONGEST:
        return None
    try:
        found = json.loads(line.removeprefix(start))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("schema") != 1:
        return None
    return _selection(found)


def _selection(found: dict[str, Any]) -> Selection | None:
    texts: dict[str, Any] = {key: found.get(key) if isinstance(found.get(key), str) else "" for key in _TEXTS}
    numbers: dict[str, Any] = {key: _finite(found.get(key)) for key in _NUMBERS}
    wholes: dict[str, Any] = {key: _whole(found.get(key)) for key in _WHOLES}
    if not texts["trial"] or not texts["baseline"] or (wholes["n_trials"] or 0) < 1:
        return None
    counted: dict[str, Any] = {key: max(wholes.pop(key) or 0, 0) for key in ("n_trials", "n_compared", "n_rows")}
    space, changes = found.get("space"), found.get("changes")
    return Selection(
        **texts,
        **numbers,
        **wholes,
        **counted,
        space=tuple(each for each in space if isinstance(each, str)) if isinstance(space, list) else (),
        changes=changes if isinstance(changes, dict) else {},
    )


_TEXTS = ("trial", "baseline", "sampler", "objective", "direction", "method", "why_not")
_NUMBERS = (
    *("value", "before", "low", "high", "confidence_level", "low_of_all", "high_of_all"),
    *("pvalue", "optimism"),
)
_WHOLES = ("n_trials", "rank", "seed", "n_compared", "n_rows")


def _finite(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if is_number and math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def told(selection: Selection) -> tuple[str, ...]:
    """What a reader has to know, in sentences: where the trial is from, what it gains, and what picking has to do with it."""
    found = [_origin(selection), _gain(selection), _picking(selection)]
    return tuple(each for each in found if each)


def _origin(of: Selection) -> str:
    picked = f"Trial {of.trial}"
    if of.n_trials > 1:
        picked += f", {_place(of)} of {of.n_trials:,} trials" + (f" by {of.objective}" if of.objective else "")
    if of.objective and of.direction in _DIRECTIONS and of.n_trials > 1:
        picked += f" ({of.direction} is better)"
    if of.space:
        shown = few(of.space, most=_MOST_SPACE)
        picked += f", {_SAMPLED.get(of.sampler, 'searched in')} {shown}"
        picked += f", seed {of.seed}" if of.seed is not None and of.sampler != "grid" else ""
    return f"{picked}."


def _place(of: Selection) -> str:
    if of.rank is None or not of.objective:
        return "one"
    return "the best" if of.rank == 1 else f"number {of.rank}"


def _gain(of: Selection) -> str:
    if of.value is None:
        return ""
    if of.before is None or of.difference is None:
        return f"{of.objective} is {number(of.value)}; the baseline has none."
    text = f"{of.objective} is {number(of.value)}, that of the baseline {number(of.before)}"
    if of.low is None or of.high is None or of.confidence_level is None:
        return f"{text}: {signed(of.difference)}, of recorded numbers, without an interval."
    low, high, by = span(of.low, of.high, of.difference)
    paired = f"{level_of(of.confidence_level)}, paired on {count(of.n_rows, 'row')}"
    return f"{text}: {_signed(by)} [{_signed(low)}, {_signed(high)}] ({paired})."


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"


def _picking(of: Selection) -> str:
    if of.n_trials < 2:
        return ""
    if of.low_of_all is None or of.high_of_all is None or of.difference is None or of.confidence_level is None:
        why = f": {of.why_not}" if of.why_not else ""
        return (
            f"Recorded numbers, picked from {of.n_trials:,}: the best of many looks better than it is, and by how much is not "
            f"known{why}."
        )
    low, high, by = span(of.low_of_all, of.high_of_all, of.difference)
    compared = f"all {of.n_compared:,}" if of.n_compared == of.n_trials else f"the {of.n_compared:,} that have these rows"
    text = f"Heeding that it was picked: [{_signed(low)}, {_signed(high)}] holds for {compared} at once"
    if of.pvalue is not None:
        text += f"; were none better than the baseline, the best of them would look as good with chance {_chance(of.pvalue)}"
    if of.optimism is not None and of.rank == 1:
        text += f"; picking the best makes it look better by {fixed(of.optimism, _digits(by))} on average"
    return f"{text}."


def _digits(text: str) -> int:
    return len(text.partition(".")[2])


def _chance(pvalue: float) -> str:
    return "below 0.001" if pvalue < 0.001 else f"{pvalue:.2g}"
