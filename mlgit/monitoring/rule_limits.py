"""Whether a metric of today keeps a gate rule: by the end of its interval, so that a small window breaks nothing by chance."""

from __future__ import annotations

from typing import Literal

from mlgit.render.text import number
from mlgit.rules import GateRule
from mlgit.statistics.bootstrap import Interval

_WATCHED = {"bound", "no_worse", "same"}


def is_watched(rule: GateRule) -> bool:
    """Whether one window can break a rule: those about slices, and about being better, need two models on the same rows."""
    return rule.kind in _WATCHED


def judge(rule: GateRule, found: Interval, *, baseline: float | None, better: Literal["higher", "lower"]) -> tuple[bool, str]:
    """Whether a rule is broken for sure, and what it allows; `baseline` is the value at release, which counts as exact."""
    if found.value is None:
        return False, ""
    ends = (found.low, found.high)
    if rule.kind == "bound" and rule.use == "point":
        ends = (found.value, found.value)
    least, most = allowed(rule, baseline=baseline, better=better)
    told = " and ".join(
        f"{word} {number(limit)}" for word, limit in (("at least", least), ("at most", most)) if limit is not None
    )
    if ends[0] is None or ends[1] is None:
        return False, f"{told} is asked" if told else ""
    low, high = (ends[rule.use == "upper"],) * 2 if rule.kind == "bound" and rule.use in ("lower", "upper") else ends
    assert low is not None
    assert high is not None
    is_broken = (least is not None and high < least) or (most is not None and low > most)
    return is_broken, f"{told} is asked" if told else f"the rule {rule.id} needs the value at release"


def allowed(rule: GateRule, *, baseline: float | None, better: Literal["higher", "lower"]) -> tuple[float | None, float | None]:
    """The least and the greatest value that a rule allows, None for an open end."""
    if rule.kind == "bound":
        least, most = rule.minimum, rule.maximum
        if rule.max_change is not None and baseline is not None:
            change = rule.max_change.of(baseline)
            least = baseline - change if least is None else max(least, baseline - change)
            most = baseline + change if most is None else min(most, baseline + change)
        return least, most
    if baseline is None or rule.margin is None:
        return None, None
    margin = rule.margin.of(baseline)
    if rule.kind == "same":
        return baseline - margin, baseline + margin
    return (baseline - margin, None) if better == "higher" else (None, baseline + margin)
