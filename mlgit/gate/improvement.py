"""Whether a model that was trained anew is worth a pull request: the gates let it pass, and something is shown to be better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlgit.gate.review import Review
from mlgit.render.text import few


@dataclass(frozen=True, slots=True)
class Gain:
    """The answer and its reason, in a sentence. `is_known`: there was something to compare."""

    is_there: bool
    reason: str
    is_known: bool = True


def gain(review: Review) -> Gain:
    """What a review says about the worth of a change that nobody asked for.

    Rules of the kind `better` decide where there are any that apply; else one metric has to be shown to be better. First
    results are worth it: there is nothing to lose.
    """
    if review.verdict == "fail":
        return Gain(False, f"gates failed: {_few(each.id for each in review.judged if each.effect == 'fail')}")
    if review.tested and all(each.how == "first" for each in review.tested):
        return Gain(True, "these are the first results")
    if review.verdict == "invalid":
        told = _few(each.reason for each in review.judged if each.outcome == "invalid")
        return Gain(False, f"nothing was compared: {told or 'no gate rule is declared'}", is_known=False)
    asked = [each for each in review.judged if each.kind == "better" and each.outcome != "first"]
    not_shown = [each.id for each in asked if each.outcome != "pass" or each.delta == 0]  # the same predictions pass, too
    if asked:
        return Gain(
            not not_shown, f"not shown: {_few(not_shown)}" if not_shown else f"shown: {_few(each.id for each in asked)}"
        )
    better = [each.metric for each in review.metrics if each.standing == "better"]
    if better:
        return Gain(True, f"shown to be better: {_few(better)}")
    return Gain(False, "no metric is shown to be better")


def _few(words: Iterable[str]) -> str:
    return few(dict.fromkeys(words))
