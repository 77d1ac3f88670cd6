"""What expressions are worth: held against an interpreter that goes row by row, with None for what is missing."""

from __future__ import annotations

import datetime
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.evaluation import expression_values
from mlgit.evaluation.expressions import parse


def value(text, **columns):
    rows = max(map(len, columns.values()), default=0)
    expression = parse(text)
    return expression_values.value(expression, expression_values.rows_of(expression, columns, rows=rows))


def test_cost_of_what_was_missed():
    found = value(
        "sum(amount * (label == 1) * (prediction == 0))",
        amount=np.array([10.0, 20.0, 30.0, 40.0]),
        label=np.array([1, 1, 0, 1]),
        prediction=np.array([0, 1, 0, 0]),
    )
    assert found == 50


def test_missing_values_are_left_out_of_aggregates():
    amount = np.array([1.0, np.nan, 3.0])
    assert value("sum(amount)", amount=amount) == 4
    assert value("mean(amount)", amount=amount) == 2
    assert value("share(amount > 1)", amount=amount) == 0.5
    assert value("count(amount > 0)", amount=amount) == 2
    assert value("count()", amount=amount) == 3
    assert math.isnan(value("sum(amount)", amount=np.array([np.nan])))


def test_rows_without_a_value_are_counted():
    expression = parse("sum(a) / sum(b)")
    parts = expression_values.rows_of(expression, {"a": [1.0, None, 2.0], "b": [1.0, 1.0, None]}, rows=3)
    assert expression_values.missing_rows(parts) == 2


def test_certain_side_decides_beside_a_missing_one():
    a = np.array([1.0, np.nan, np.nan])
    b = np.array([np.nan, 0.0, 1.0])
    assert value("count((a == 1) & (b == 1))", a=a, b=b) == 0
    assert value("share((a == 1) & (b == 1))", a=a, b=b) == 0  # known of one row only: that with b == 0
    assert value("share((a == 1) | (b == 1))", a=a, b=b) == 1


def test_division_by_nothing_is_missing():
    assert value("mean(a / b)", a=np.array([1.0, 4.0]), b=np.array([0.0, 2.0])) == 2
    assert math.isnan(value("sum(a) / sum(b)", a=np.array([1.0]), b=np.array([0.0])))
    assert value("count(log(a) < 0)", a=np.array([0.0, -1.0, 0.5])) == 1


def test_texts_are_compared_with_texts():
    currency = np.array(["EUR", "USD", None, "EUR"], dtype=object)
    assert value("share(currency == 'EUR')", currency=currency) == pytest.approx(2 / 3)
    assert value("count(currency != 'EUR')", currency=currency) == 1
    assert value("sum(where(currency == 'EUR', 2, 3))", currency=currency) == 7


def test_numbers_that_are_0_and_1_count_as_truth():
    assert value("share(clicked)", clicked=np.array([1, 0, 1, 1])) == 0.75
    assert value("count(clicked)", clicked=np.array([1.0, np.nan, 0.0])) == 1


def test_days_are_compared_as_iso_8601():
    days = np.array([datetime.date(2026, 5, 1), datetime.date(2026, 6, 1)], dtype=object)
    assert value("count(day >= '2026-05-15')", day=days) == 1
    assert value("count(day >= '2026-05-15')", day=days.astype("datetime64[D]")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sum(amuont)", "no column 'amuont', did you mean 'amount'?"),
        ("sum(amount == 'x')", "`==` of a text and a number"),
        ("sum(currency * 2)", "`*` of a text"),
        ("mean(currency)", "mean of texts"),
        ("share(amount)", "share of numbers"),
        ("count(amount)", "count of numbers"),
        ("mean((amount > 0) & amount)", "`&` of what is not true or false"),
        ("mean(where(amount, 1, 2))", "`where` asks for what is true or false"),
        ("mean(where(amount > 0, 'a', 2))", "`where` gives a text or a number"),
        ("mean(mixed)", "holds neither numbers nor texts alone"),
        ("mean(vectors)", "holds neither numbers nor texts alone"),
    ],
)
def test_what_does_not_belong_together_is_refused(text, said):
    columns = {
        "amount": np.array([1.0, 2.0]),
        "currency": np.array(["a", "b"], dtype=object),
        "mixed": np.array([1, "b"], dtype=object),
        "vectors": np.array([[1.0, 2.0], [3.0, 4.0]]),
    }
    expression = parse(text)
    with pytest.raises(MlgitError) as raised:
        expression_values.rows_of(expression, columns, rows=2, where="kpi loss")
    assert said in raised.value.message
    assert raised.value.message.startswith("kpi loss: ")


def test_whole_numbers_that_no_float_holds_are_refused():
    with pytest.raises(MlgitError, match="holds neither"):
        value("sum(a)", a=np.array([10**400], dtype=object))


# The same grammar as Python sees it, and an interpreter that goes row by row.
NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "c", "2", "0.5", "0"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})"),
        inner.map(lambda each: f"(-{each})"),
        st.tuples(st.sampled_from(["abs", "log"]), inner).map(lambda each: f"{each[0]}({each[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda each: f"{each[0]}({each[1]}, {each[2]})"),
        st.tuples(inner, inner, inner).map(lambda each: f"where({each[0]} > 0, {each[1]}, {each[2]})"),
    ),
    max_leaves=8,
)
TRUTHS = st.recursive(
    st.one_of(
        st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), NUMBERS).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
        st.tuples(st.just("t"), st.sampled_from(["==", "!=", "<"]), st.sampled_from(["'x'", "'y'", "t"])).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("&|"), inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})"),
        inner.map(lambda each: f"(~{each})"),
    ),
    max_leaves=4,
)
AGGREGATES = st.one_of(
    st.tuples(st.sampled_from(["sum", "mean", "median", "p10", "p95"]), NUMBERS).map(lambda each: f"{each[0]}({each[1]})"),
    st.tuples(st.sampled_from(["share", "count", "mean"]), TRUTHS).map(lambda each: f"{each[0]}({each[1]})"),
    st.just("count()"),
)
OUTER = st.recursive(
    AGGREGATES,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})"),
    max_leaves=3,
)
CELLS = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([0.5, -1.25, 1e300]))
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, st.sampled_from([None, "x", "y", "z"])), min_size=1, max_size=8)


def finite(number):
    return number if isinstance(number, bool) or (number is not None and math.isfinite(number)) else None


class Reference:
    """Each operation on one row; None is what is missing."""

    def __init__(self, row):
        self.row = row

    def of(self, part):
        if part.does == "column":
            return self.row[part.value]
        if part.does in ("number", "text", "truth"):
            return part.value
        inner = [self.of(each) for each in part.parts]
        if part.does == "&":
            return False if False in inner else None if None in inner else True
        if part.does == "|":
            return True if True in inner else None if None in inner else False
        if part.does == "where":
            return None if inner[0] is None else inner[1] if inner[0] else inner[2]
        if None in inner:
            return None
        try:
            return finite(self.done(part.does, inner))
        except (ZeroDivisionError, ValueError, OverflowError):
            return None

    def done(self, does, inner):
        one, other = inner[0], inner[-1]
        match does:
            case "+":
                return float(one) + float(other)
            case "-":
                return float(one) - float(other)
            case "*":
                return float(one) * float(other)
            case "/":
                return float(one) / float(other)
            case "%":
                return float(one) % float(other)
            case "negative":
                return -float(one)
            case "abs":
                return abs(one)
            case "log":
                return math.log(one)
            case "min":
                return min(inner)
            case "max":
                return max(inner)
            case "~":
                return not one
        return {
            "==": one == other,
            "!=": one != other,
            "<": one < other,
            "<=": one <= other,
            ">": one > other,
            ">=": one >= other,
        }[does]


def quantile(ordered, share):
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def aggregate(part, rows):
    if not part.parts:
        return len(rows)
    known = [float(each) for row in rows if (each := Reference(row).of(part.parts[0])) is not None]
    if part.does == "count":
        return sum(known)
    if not known:
        return None
    if part.quantile is not None:
        return quantile(sorted(known), part.quantile)
    return finite(math.fsum(known) if part.does == "sum" else math.fsum(known) / len(known))


def whole(part, rows):
    if part.parts and part.does in "+-*/":
        inner = [whole(each, rows) for each in part.parts]
        if None in inner:
            return None
        try:
            return finite(Reference({}).done(part.does, inner))
        except (ZeroDivisionError, OverflowError):
            return None
    return aggregate(part, rows)


@given(OUTER, ROWS)
def test_numpy_and_row_by_row_agree(text, rows):
    expression = parse(text)
    named = [dict(zip("abct", row, strict=True)) for row in rows]
    columns = {name: np.array([row[name] for row in named], dtype=object) for name in "abct"}
    parts = expression_values.rows_of(expression, columns, rows=len(rows))
    found, expected = expression_values.value(expression, parts), whole(expression.root, named)
    sizes = [abs(each) for one in parts for each in one.values.tolist() if each == each]
    if max(sizes, default=0) > 1e15:  # sums of such numbers hang on their order
        return
    assert math.isnan(found) if expected is None else found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_reference_is_right_about_a_known_case():
    part = parse("median(a)").root
    assert aggregate(part, [{"a": 1}, {"a": 5}, {"a": 2}]) == statistics.median([1, 5, 2])
