"""The tables that check `gates:` of mlgit.yaml; `rules` makes values of what they let pass."""

from __future__ import annotations

from typing import Literal, get_args

from mlgit.schema import Boolean, Either, Integer, Key, ListOf, MapOf, Nothing, Number, Schema, Table, Text

Kind = Literal["bound", "no_worse", "better", "same", "no_harm", "gap", "data", "contract"]
Effect = Literal["pass", "warn", "fail"]
End = Literal["interval", "point", "lower", "upper"]
Allowed = Literal["compatible", "any"]
View = Literal["consumer", "producer"]
IfRecorded = Literal["fail", "warn", "invalid"]
Fallback = Literal["nearest-ancestor", "none"]
IfChanged = Literal["reevaluate", "unpaired", "invalid"]

_AMOUNT = Either((Number(minimum=0), Text(pattern=r"\d+(\.\d+)?%")))
_CHANGE = ListOf(Text(pattern=r"[+-]?\d+(\.\d+)?%"))
_EFFECT = Text(choices=get_args(Effect))

_SLICES = Table(
    (
        Key("by", ListOf(Either((Text(), ListOf(Text())))), "columns, or lists of columns to cross", required=True),
        Key("min_n", Integer(minimum=1), "slices with fewer rows are not judged, default 30"),
        Key("correct", Text(choices=("holm", "none")), "holm (default): heed that many slices are looked at"),
        Key("if_missing", _EFFECT, "what a slice that the current rows lack counts as, default fail"),
    )
)

_RULE = Table(
    (
        Key("id", Text(pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*"), "the rule's name in reports", required=True),
        Key("kind", Text(choices=get_args(Kind)), "what it asks", required=True),
        Key("metric", Text(), "the metric it is about"),
        Key("model", Text(), "the only model it is about; default: every model with this metric"),
        Key("on", Text(), "the test set it is about, a key of `tests:` of the model; default: the main one"),
        Key("path", Text(), "data, contract: the file it is about, as `data:` names it"),
        Key("min", Number(), "bound: the least value that passes"),
        Key("max", Number(), "bound: the greatest value that passes; gap: the widest gap between slices"),
        Key("max_change", _AMOUNT, "bound: the largest change from the baseline"),
        Key(
            "use",
            Text(choices=get_args(End)),
            "bound: its interval (default), the value alone (point), or one end of the interval",
        ),
        Key("margin", _AMOUNT, "no_worse, same, no_harm: how much still passes"),
        Key("by", Number(minimum=0), "better: how much better at least"),
        Key("severity", Text(choices=("fail", "warn")), "what breaking the rule counts as, default fail"),
        Key("if_inconclusive", _EFFECT, "what it counts as when the rows do not decide, default warn"),
        Key(
            "if_recorded",
            Text(choices=get_args(IfRecorded)),
            "no_worse: what a loss beyond the margin counts as that is known from recorded numbers only, default fail",
        ),
        Key("if_invalid", _EFFECT, "what it counts as when there is no comparison, default fail"),
        Key("when", MapOf(Text()), "only then: label is one of the pull request's labels"),
        Key("slices", _SLICES, "no_harm, gap: the parts to look at"),
        Key("schema", Text(choices=("compatible", "same")), "data: compatible: columns may be added, not lost or retyped"),
        Key("rows", _CHANGE, "data: least and greatest change of the number of rows"),
        Key(
            "cluster", Either((Text(), Nothing())), "the column that names the group of a row, null: none; default: the model's"
        ),
        Key(
            "allow",
            Text(choices=get_args(Allowed)),
            "contract: compatible (default): what breaks nobody in the view, or any change",
        ),
        Key("view", Text(choices=get_args(View)), "contract: whom a change must not break, consumer (default) or producer"),
        Key("psi", Number(minimum=0), "data: the largest population stability index of a column"),
    )
)

_WAIVER = Table(
    (
        Key("rule", Text(), "the id of the rule", required=True),
        Key("slice", MapOf(Either((Text(), Number(), Boolean()))), "only for this slice: column -> value"),
        Key("until", Text(pattern=r"\d{4}-\d\d-\d\d"), "the last day it holds", required=True),
        Key("reason", Text(pattern=r"[\s\S]*\S[\s\S]*"), "why it does not hold", required=True),
        Key("by", Text(pattern=r".*\S.*"), "who says so", required=True),
    )
)

_BASELINE = Table(
    (
        Key("ref", Text(pattern=r".*\S.*"), "merge-base (default: where the branch left the default branch), or a revision"),
        Key("fallback", Text(choices=get_args(Fallback)), "nearest-ancestor (default) with results where it has none, or none"),
        Key("max_age", Text(pattern=r"\d+d"), "warn of a baseline that is older than so many days, such as 30d"),
        Key("if_missing", _EFFECT, "what a rule counts as when there is no baseline, default warn"),
    )
)

_TEST_SET = Table(
    (
        Key("if_changed", Text(choices=get_args(IfChanged)), "reevaluate (default): the baseline's model on the new rows"),
        Key("warn_after", Integer(minimum=1), "warn when the same test set has judged so many models"),
    )
)

_STATS = Table(
    (
        Key("alpha", Number(minimum=0.001, maximum=0.2), "the chance of showing what is not so that is accepted, default 0.05"),
        Key("resamples", Integer(minimum=100), "how many draws a bootstrap makes, default 9999"),
        Key("seed", Integer(minimum=0), "where its random numbers begin, default 0"),
        Key("cluster", Either((Text(), Nothing())), "the column of the predictions that names the group of a row"),
    )
)

_LEAKAGE = Table(
    (
        Key("max_rows", Integer(minimum=0), "how many test rows may be in the training data, default 0"),
        Key("severity", Text(choices=("fail", "warn")), "what more of them count as, default warn"),
    )
)

SCHEMA: Schema = Table(
    (
        Key("baseline", _BASELINE, "what a model is compared with"),
        Key("test_set", _TEST_SET, "what holds for the rows that models are compared on"),
        Key("stats", _STATS, "how they are compared"),
        Key("leakage", _LEAKAGE, "test rows in the training data"),
        Key("rules", ListOf(_RULE), "what a model must keep"),
        Key("waivers", ListOf(_WAIVER), "rules set aside for a time"),
    )
)
