"""The grammar of gates: `gates:` of mlgit.yaml, checked and turned into values.

It lies beside `config`, which reads it with the rest of the file; what the rules mean is said in `compare`. Margins are in
the metric's own unit, or `n%` of the baseline; there is no default. A waiver names a reason and a last day.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from mlgit.errors import MlgitError
from mlgit.gate_tables import SCHEMA, Allowed, Effect, End, Fallback, IfChanged, IfRecorded, Kind, View
from mlgit.schema import check

MERGE_BASE = "merge-base"


class Amount(NamedTuple):
    """A margin or change: in the metric's unit, or a share of the baseline."""

    value: float
    is_relative: bool = False

    def of(self, baseline: float) -> float:
        """The amount in the metric's unit."""
        return self.value * abs(baseline) if self.is_relative else self.value


class Slices(NamedTuple):
    """Which parts of the rows to look at; each entry of `by` is columns to cross."""

    by: tuple[tuple[str, ...], ...]
    min_n: int = 30
    correct: Literal["holm", "none"] = "holm"
    if_missing: Effect = "fail"


class GateRule(NamedTuple):
    """One rule; which fields belong to which kind is in the table above.

    `cluster` is None where that of the model counts, '' where rows are independent; `on` is a test set, '' the main one.
    """

    id: str
    kind: Kind
    metric: str = ""
    path: str = ""
    minimum: float | None = None
    maximum: float | None = None
    max_change: Amount | None = None
    use: End = "interval"
    margin: Amount | None = None
    by: float = 0.0
    severity: Literal["fail", "warn"] = "fail"
    if_inconclusive: Effect = "warn"
    if_invalid: Effect = "fail"
    label: str = ""
    slices: Slices | None = None
    schema: Literal["compatible", "same", ""] = ""
    rows: tuple[float, float] | None = None
    psi: float | None = None
    model: str = ""
    if_recorded: IfRecorded = "fail"
    cluster: str | None = None
    allow: Allowed = "compatible"
    view: View = "consumer"
    on: str = ""


class Waiver(NamedTuple):
    """A rule set aside until the end of a day; with `slice`, for those rows only."""

    rule: str
    until: datetime.date
    reason: str
    by: str
    slice: tuple[tuple[str, str], ...] = ()


class BaselineRule(NamedTuple):
    """How the baseline is chosen; `max_age` is in days."""

    ref: str = MERGE_BASE
    fallback: Fallback = "nearest-ancestor"
    max_age: int | None = None
    if_missing: Effect = "warn"


class HeldOut(NamedTuple):
    """What holds when the test set changed, and how many models it may judge before it counts as worn."""

    if_changed: IfChanged = "reevaluate"
    warn_after: int | None = None


class Stats(NamedTuple):
    """How rows are compared; `cluster` is '' where they are independent."""

    alpha: float = 0.05
    resamples: int = 9999
    seed: int = 0
    cluster: str = ""


class LeakageRule(NamedTuple):
    """How many test rows may be in the training data; `is_declared`: somebody has said so."""

    max_rows: int = 0
    severity: Literal["fail", "warn"] = "warn"
    is_declared: bool = False


class Gates(NamedTuple):
    """What `gates:` declares."""

    rules: tuple[GateRule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baseline: BaselineRule = BaselineRule()
    test_set: HeldOut = HeldOut()
    stats: Stats = Stats()
    leakage: LeakageRule = LeakageRule()


# What a kind must have, and may have, beside what every rule may have.
_NEEDS: dict[Kind, set[str]] = {
    "bound": {"metric"},
    "no_worse": {"metric", "margin"},
    "better": {"metric"},
    "same": {"metric", "margin"},
    "no_harm": {"metric", "margin", "slices"},
    "gap": {"metric", "max", "slices"},
    "data": {"path"},
    "contract": {"path"},
}
_TAKES: dict[Kind, set[str]] = {
    "bound": {"min", "max", "max_change", "use"},
    "no_worse": {"if_recorded"},
    "better": {"by"},
    "data": {"schema", "rows", "psi"},
    "contract": {"allow", "view"},
}
_ALWAYS = {"id", "kind", "severity", "if_inconclusive", "if_invalid", "when"}
# Metrics whose intervals need no draws.
_WITHOUT_DRAWS = {"accuracy", "recall", "specificity", "precision", "f1", "roc_auc"}
_ONE_OF: dict[Kind, set[str]] = {"bound": {"min", "max", "max_change"}, "data": {"schema", "rows", "psi"}}


def parse(document: Any, *, name: str = "mlgit.yaml") -> Gates:
    """The gates in what stands under `gates:`. Raises MlgitError naming the first fault and what to write instead."""
    document = with_text_days(document)
    check(document, SCHEMA, name=name, path="gates")
    name = f"{name}: gates"
    rules = tuple(_rule(each, f"{name}.rules[{index}]") for index, each in enumerate(document.get("rules", [])))
    names = [each.id for each in rules]
    for index, each in enumerate(names):
        if each in names[:index]:
            raise MlgitError(f"{name}.rules[{index}].id: '{each}' is there twice", "give every rule a name of its own")
    waivers = tuple(_waiver(each, f"{name}.waivers[{index}]", names) for index, each in enumerate(document.get("waivers", [])))
    declared = {key: document.get(key, {}) for key in ("baseline", "test_set", "stats")}
    stats = _stats(declared["stats"])
    _check_resamples(stats, rules, name=name)
    leakage = LeakageRule(**document["leakage"], is_declared=True) if "leakage" in document else LeakageRule()
    return Gates(rules, waivers, _baseline(declared["baseline"]), HeldOut(**declared["test_set"]), stats, leakage)


def _baseline(declared: Mapping[str, Any]) -> BaselineRule:
    age = {"max_age": int(declared["max_age"].removesuffix("d"))} if "max_age" in declared else {}
    return BaselineRule(**{**declared, **age})


def _check_resamples(stats: Stats, rules: Sequence[GateRule], *, name: str) -> None:
    """Refuse draws that could show nothing, however many rows there are: from B of them no p-value is below 1 / (B + 1).

    How many slices there are is for the rows to say; each entry of `by` has one at least.
    """
    drawn = [each for each in rules if each.metric.rpartition(".")[2] not in _WITHOUT_DRAWS]
    slices = sum(
        len(each.slices.by) for each in drawn if each.slices and each.kind == "no_harm" and each.slices.correct == "holm"
    )
    compared = any(each.kind in ("no_worse", "better", "same", "gap") for each in drawn)
    tests = max(slices, int(compared))
    needed = math.ceil(tests / stats.alpha - 1e-9) - 1
    if stats.resamples < needed:
        told = f"harm in any of {tests} slices or more" if slices > 1 else "anything"
        raise MlgitError(
            f"{name}.stats.resamples: {stats.resamples} draws can never show {told} at alpha {stats.alpha:g}",
            f"write `resamples: {needed}` or more",
        )


def _stats(declared: Mapping[str, Any]) -> Stats:
    return Stats(**{**declared, "cluster": declared.get("cluster") or ""})


def with_text_days(document: Any) -> Any:
    """The same with days as text, for YAML makes a date of an unquoted one."""
    if type(document) is datetime.date:
        return document.isoformat()
    if isinstance(document, Mapping):
        return {key: with_text_days(value) for key, value in document.items()}
    return [with_text_days(each) for each in document] if isinstance(document, list) else document


def _rule(declared: Mapping[str, Any], where: str) -> GateRule:
    kind: Kind = declared["kind"]
    lacking = sorted(_NEEDS[kind] - declared.keys())
    if lacking:
        raise MlgitError(f"{where}: {kind} needs {' and '.join(lacking)}", f"add `{lacking[0]}:`; there is no default")
    allowed = _NEEDS[kind] | _TAKES.get(kind, set())
    allowed |= {"model", "cluster", "on"} if "metric" in allowed else set()
    foreign = sorted(declared.keys() - allowed - _ALWAYS)
    if foreign:
        raise MlgitError(f"{where}.{foreign[0]}: {kind} takes none", f"{kind} takes {', '.join(sorted(allowed))}")
    choices = _ONE_OF.get(kind, set())
    if choices and not choices & declared.keys():
        raise MlgitError(f"{where}: {kind} asks for nothing", f"add {' or '.join(sorted(choices))}")
    if declared.get("min", -math.inf) > declared.get("max", math.inf):
        raise MlgitError(
            f"{where}.min: {declared['min']:g} is above max, {declared['max']:g}", "no value could pass; swap them"
        )
    when = declared.get("when", {})
    if when.keys() - {"label"}:
        raise MlgitError(f"{where}.when: unknown key '{min(when.keys() - {'label'})}'", "the only one is label")
    return GateRule(
        declared["id"],
        kind,
        declared.get("metric", ""),
        declared.get("path", ""),
        declared.get("min"),
        declared.get("max"),
        _amount(declared.get("max_change")),
        declared.get("use", "interval"),
        _amount(declared.get("margin")),
        declared.get("by", 0.0),
        declared.get("severity", "fail"),
        declared.get("if_inconclusive", "warn"),
        declared.get("if_invalid", "fail"),
        when.get("label", ""),
        _slices(declared["slices"]) if "slices" in declared else None,
        declared.get("schema", ""),
        _range(declared["rows"], where) if "rows" in declared else None,
        declared.get("psi"),
        declared.get("model", ""),
        declared.get("if_recorded", "fail"),
        _cluster(declared),
        declared.get("allow", "compatible"),
        declared.get("view", "consumer"),
        declared.get("on", ""),
    )


def _cluster(declared: Mapping[str, Any]) -> str | None:
    """None where it is not said, '' where it is switched off."""
    return (declared["cluster"] or "") if "cluster" in declared else None


def _amount(value: float | str | None) -> Amount | None:
    if value is None:
        return None
    return Amount(float(value[:-1]) / 100, True) if isinstance(value, str) else Amount(float(value))


def _slices(declared: Mapping[str, Any]) -> Slices:
    by = tuple((each,) if isinstance(each, str) else tuple(each) for each in declared["by"])
    return Slices(by, declared.get("min_n", 30), declared.get("correct", "holm"), declared.get("if_missing", "fail"))


def _range(declared: list[str], where: str) -> tuple[float, float]:
    ends = [float(each.rstrip("%")) / 100 for each in declared]
    if len(ends) != 2 or ends[0] > ends[1]:
        raise MlgitError(f"{where}.rows: expected the least and the greatest change", "write `rows: [-5%, 50%]`")
    return ends[0], ends[1]


def _waiver(declared: Mapping[str, Any], where: str, rules: list[str]) -> Waiver:
    if declared["rule"] not in rules:
        raise MlgitError(f"{where}.rule: no rule is called '{declared['rule']}'", f"the rules are {', '.join(rules) or 'none'}")
    try:
        until = datetime.date.fromisoformat(declared["until"])
    except ValueError as error:
        raise MlgitError(f"{where}.until: {declared['until']} is not a date", "write it as 2026-12-31") from error
    part = tuple(sorted((column, str(value)) for column, value in declared.get("slice", {}).items()))
    return Waiver(declared["rule"], until, declared["reason"], declared["by"], part)
