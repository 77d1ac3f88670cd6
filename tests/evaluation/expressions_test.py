"""What an expression may say, and that everything else is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.evaluation.expressions import MOST_CHARACTERS, parse

COST = "sum(amount * (label == 1) * (prediction == 0))"


def test_columns_are_named_once_in_their_order():
    assert parse(COST + " / sum(amount)").columns == ("amount", "label", "prediction")


def test_name_that_is_no_word_is_given_as_a_text():
    assert parse('mean(column("net amount") - fee)').columns == ("net amount", "fee")


def test_column_may_be_called_as_a_function_is():
    assert parse("sum(sum) + mean(max)").columns == ("sum", "max")


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        (COST, 1),
        ("sum(a) / count()", 0),
        ("p95(a) - median(a)", 0),
        ("sum(a) * sum(b)", 2),
        ("-abs(sum(a))", 1),
        ("2 * sum(a) + count(b > 0)", 1),
        ("sum(a) + 1", None),
        ("log(sum(a))", None),
        ("max(mean(a), 0)", 0),
    ],
)
def test_it_is_known_how_a_value_grows_with_rows(text, degree):
    assert parse(text).degree == degree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("amount", "amount is a column"),
        ("sum(amount", "cannot be read"),
        ("sum(amount) + amount", "character 15: amount is a column"),
        ("sum(amount ** 2)", "character 5: not a part of an expression"),
        ("sum(mean(amount))", "mean inside of an aggregate"),
        ("sum(a) > 3", "`>` is for rows"),
        ("sum(a.__class__)", "not a part of an expression"),
        ("sum((lambda: 1)())", "not a part of an expression"),
        ("__import__('os').system('id')", "not a part of an expression"),
        ("sum(__import__('os'))", "no function is called __import__"),
        ("sum([a for a in b])", "not a part of an expression"),
        ("sum(a[0])", "not a part of an expression"),
        ("sum(f'{a}')", "not a part of an expression"),
        ("sum(b'a' == a)", "not a part of an expression"),
        ("sum(1j)", "not a part of an expression"),
        ("sum(None)", "not a part of an expression"),
        ("sum(a if b else c)", "not a part of an expression"),
        ("sum((a := 1))", "not a part of an expression"),
        ("sum(0 < a < 3)", "more than two"),
        ("sum(a == 1 & b == 0)", "more than two"),
        ("sum(a in b)", "more than two"),
        ("sum(a and b)", "`and`, `or` of Python"),
        ("sum(not a)", "`not` of Python"),
        ("sum(a, b)", "sum takes 1, not 2"),
        ("sum(x=a)", "sum takes nothing by name"),
        ("sum(*a)", "not a part of an expression"),
        ("mean(where(a, b))", "where takes 3, not 2"),
        ("mean(min(a))", "min takes 2 to 20, not 1"),
        ("mean(column(a))", "column takes the name as a text"),
        ("mena(a)", "did you mean 'mean'?"),
        ("p100(a)", "no function is called p100"),
        ("p0(a)", "no function is called p0"),
        ("sum(1e999)", "too large"),
        (f"sum({'9' * 400})", "too large"),
        ("sum(a)\0", "cannot be read"),
        ("'text'", "a text is no value of all rows"),
        ("sum(a); sum(b)", "cannot be read"),
        ("~sum(a)", "`~` is for rows"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(text, said):
    with pytest.raises(MlgitError) as raised:
        parse(text, where="monitoring.churn.kpis.loss")
    assert said in raised.value.message
    assert raised.value.message.startswith("monitoring.churn.kpis.loss: ")
    assert raised.value.hint


def outcome(text):
    try:
        return parse(text)
    except MlgitError as error:
        return error


@pytest.mark.parametrize("text", [f"sum({'-' * 900}a)", f"sum({'abs(' * 180}a{')' * 181}", f"{'-' * 60}sum(a)"])
def test_deep_nesting_is_refused(text):
    found = outcome(text)
    assert isinstance(found, MlgitError)
    assert "nested deeper" in found.message or "cannot be read" in found.message


def test_brackets_alone_are_no_depth():
    assert parse(f"sum({'(' * 100}a{')' * 100})").columns == ("a",)


def test_long_text_is_refused_before_it_is_parsed():
    with pytest.raises(MlgitError, match=f"at most {MOST_CHARACTERS}"):
        parse("sum(a) +" * 1000 + "1")


def test_place_counts_characters_and_not_bytes():
    with pytest.raises(MlgitError, match="character 16: "):
        parse('sum("äöüß"==a)+b')


ANYTHING = st.text(alphabet="ab1.'\"()+-*/%<>=!&|~ ,[]{}:\\\nsumxnäлÅ_@", max_size=60)


@given(ANYTHING)
def test_any_text_is_an_expression_or_refused_with_a_hint(text):
    found = outcome(text)
    assert found.hint if isinstance(found, MlgitError) else found.text == text
