"""Rows are brought into the model's order, and what breaks a contract is told by row, column and rule, without the value."""

from __future__ import annotations

import math

import pytest

from mlgit.serving import contract_checks
from mlgit.serving.rows import RefusedRequestError, Rows
from tests.kit.late import Late
from tests.serving.model_folders import column
from tests.validation.contracts import contract

np = Late("numpy")
RANGE = {"logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 10}}
AGE, AMOUNT = column("age", "integer", required=True, **RANGE), column("amount", "number")
CITY = column("city", "string", logicalTypeOptions={"pattern": "^[A-Z]", "maxLength": 5})


def inputs(*columns, names=None, **more):
    return contract_checks.compiled(contract(*columns), names=names or [each["name"] for each in columns], **more)


def broken(found, *rows):
    return [(each.row, each.rule) for each in found.violations(list(rows))]


def refusal(found, columns, *rows):
    with pytest.raises(RefusedRequestError) as caught:
        found.aligned(Rows(columns, list(rows)))
    return caught.value


def test_columns_in_the_models_order_are_taken_as_they_are():
    rows = [[1, 2.0], [3, None]]
    assert inputs(AGE, AMOUNT).aligned(Rows(("age", "amount"), rows)) is rows
    assert inputs(AGE, AMOUNT).aligned(Rows(None, rows)) is rows


def test_columns_in_another_order_are_brought_into_it_and_others_dropped():
    found = inputs(AGE, AMOUNT).aligned(Rows(("x", "amount", "age"), [["secret", 2.0, 1]]))
    assert [list(each) for each in found] == [[1, 2.0]]


def test_one_column_is_picked_as_a_row():
    assert [list(each) for each in inputs(AGE).aligned(Rows(("x", "age"), [[5, 1], [6, 2]]))] == [[1], [2]]


def test_missing_column_is_refused_by_name_unless_it_is_not_required():
    caught = refusal(inputs(AGE, AMOUNT), ("amount",), [2.0])
    assert (caught.status, caught.error_code, caught.message) == (400, "INVALID_PARAMETER_VALUE", "missing columns: age")
    assert [list(each) for each in inputs(AGE, AMOUNT).aligned(Rows(("age",), [[1]]))] == [[1, None]]


def test_missing_column_is_refused_where_no_contract_says_otherwise():
    found = contract_checks.compiled(None, names=["a", "b"], takes="numbers")
    assert refusal(found, ("a",), [1.0]).message == "missing columns: b"


def test_column_named_twice_is_refused():
    assert "twice" in refusal(inputs(AGE, AMOUNT), ("age", "amount", "age"), [1, 2.0, 3]).message


@pytest.mark.parametrize("columns", [None, ("age", "amount"), ("amount", "age")])
def test_rows_of_another_length_are_refused(columns):
    assert "row 1" in refusal(inputs(AGE, AMOUNT), columns, [1, 2.0], [1]).message
    with pytest.raises(RefusedRequestError):
        inputs(AGE, AMOUNT).aligned(Rows(columns, np.zeros((2, 3))))


def test_arrays_are_reordered_as_arrays():
    found = inputs(AGE, AMOUNT).aligned(Rows(("amount", "x", "age"), np.array([[1.0, 2.0, 3.0]])))
    assert found.tolist() == [[3.0, 1.0]]


def test_model_without_names_takes_rows_of_one_length():
    found = contract_checks.compiled(None, names=(), width=2, takes="numbers")
    assert found.aligned(Rows(("any", "names"), [[1.0, 2.0]])) == [[1.0, 2.0]]
    assert "expected 2" in refusal(found, None, [1.0]).message
    assert broken(found, [1.0, None], ["x", math.inf]) == [(1, "0.number"), (1, "1.number")]


def test_values_that_keep_the_contract_break_nothing():
    assert broken(inputs(AGE, AMOUNT, CITY), [0, 1e300, "Rome"], [9, None, None], [1.0, -1, "Oslo"]) == []


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        ([None, 1.0, "A"], ["age.required"]),
        ([10, 1.0, "A"], ["age.range"]),
        ([-1, 1.0, "A"], ["age.range"]),
        ([1.5, 1.0, "A"], ["age.type"]),
        ([True, 1.0, "A"], ["age.type"]),
        (["1", 1.0, "A"], ["age.type"]),
        ([1, True, "A"], ["amount.type"]),
        ([1, "1", "A"], ["amount.type"]),
        ([1, math.inf, "A"], ["amount.number"]),
        ([1, math.nan, "A"], []),
        ([1, 10**400, "A"], ["amount.number"]),
        ([1, 1.0, "rome"], ["city.pattern"]),
        ([1, 1.0, "Roma Rome"], ["city.length"]),
        ([1, 1.0, 5], ["city.type", "city.pattern"]),
        ([[], {}, []], ["age.type", "amount.type", "city.type", "city.pattern"]),
        ([1, 1.0, "\ud800"], ["city.pattern"]),
    ],
)
def test_each_value_that_breaks_a_rule_is_told(row, rules):
    assert broken(inputs(AGE, AMOUNT, CITY), [1, 1.0, "A"], row) == [(1, rule) for rule in rules]
    assert broken(inputs(AGE, AMOUNT, CITY), row) == [(0, rule) for rule in rules]


def test_arrays_are_judged_as_rows_are():
    found = inputs(AGE, AMOUNT)
    assert found.violations(np.array([[1.0, 2.0], [9.0, math.nan]])) == []
    rows = np.array([[1.5, 2.0], [math.nan, math.inf], [11.0, 1.0]])
    assert [(each.row, each.rule) for each in found.violations(rows)] == broken(found, *rows.tolist())
    assert found.violations(np.array([[1, 2], [3, 2**62]])) == []
    assert [each.rule for each in found.violations(np.array([[True, False]]))] == ["age.type", "amount.type"]


def test_end_beyond_floats_is_kept_to_the_last_digit():
    found = inputs(column("n", "integer", logicalTypeOptions={"maximum": 2**53 + 1}))
    assert broken(found, [2**53 + 1], [2**53 + 2]) == [(1, "n.range")]


def test_warnings_shares_and_rules_of_tables_ask_nothing_of_a_request():
    listed = {"metric": "invalidValues", "arguments": {"validValues": ["a"]}}
    rules = [
        {"id": "w", "mustBe": 0, "severity": "warning", **listed},
        {"id": "s", "mustBeLessThan": 5, "unit": "percent", **listed},
    ]
    found = inputs(column("c", "string", unique=True, quality=[*rules, {"id": "e", "mustBe": 0, **listed}]))
    assert broken(found, ["b"], ["b"]) == [(0, "e"), (1, "e")]


def test_violation_says_what_is_asked_and_holds_no_value():
    [found] = inputs(CITY).violations([["Secret"]])
    assert (found.column, found.rule, found.condition) == ("city", "city.length", "at most 5 characters")
    assert "Secret" not in repr(found)


def test_columns_within_columns_are_looked_into():
    inner = column("zip", "string", required=True, logicalTypeOptions={"maxLength": 2})
    found = inputs(column("at", "object", properties=[inner]), column("tags", "array", items={"logicalType": "integer"}))
    assert broken(found, [{"zip": "12"}, [1, 2]], [{"zip": None}, ["x"]], [{"zip": "123"}, None]) == [
        (1, "at.zip.required"),
        (1, "tags[].type"),
        (2, "at.zip.length"),
    ]


def test_labels_and_named_columns_are_no_inputs():
    absent = {"customProperties": [{"property": "absentAtServing", "value": True}]}
    asked = contract(column("id"), AGE, column("at", "object", properties=[AMOUNT]), column("y", "number", **absent))
    assert contract_checks.names_of(asked, without=("id",)) == ("age", "at")


def test_classified_columns_are_private_and_types_are_known():
    [first, second] = inputs(column("ssn", "string", classification="restricted"), AMOUNT).columns
    assert (first.is_private, first.type, second.is_private) == (True, "string", False)


def test_pattern_that_would_look_forever_elsewhere_ends():
    found = inputs(column("c", "string", logicalTypeOptions={"pattern": "^(a+)+$", "format": "email"}))
    assert broken(found, ["a" * 200_000 + "!"]) == [(0, "c.pattern"), (0, "c.format")]


def test_end_of_a_range_that_is_no_date_is_told():
    from mlgit.errors import MlgitError

    with pytest.raises(MlgitError, match="'soon' is no date"):
        inputs(column("d", "date", logicalTypeOptions={"minimum": "soon"}))


def test_model_of_texts_takes_nothing_else():
    found = contract_checks.compiled(None, names=["text"], takes="texts")
    assert broken(found, ["a"], [None], [5], [["a"]]) == [(1, "text.text"), (2, "text.text"), (3, "text.text")]


def test_no_rows_break_nothing():
    assert inputs(AGE).violations([]) == []
    assert inputs(AGE).violations(np.empty((0, 1))) == []
