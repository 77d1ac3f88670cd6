"""Words and numbers in one line, whatever a repository holds."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.render.text import count, few, number, plain, seconds, signed, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日 \t.", "plain é 日 \t."),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r", "a\\nb\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
    ],
)
def test_plain_shows_control_characters(text, shown):
    assert plain(text) == shown


@given(st.text(st.characters(), max_size=30))
def test_plain_is_one_line_that_any_terminal_can_print(text):
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert not [char for char in shown if char != "\t" and unicodedata.category(char)[0] == "C"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1 + 0.2, "0.3"),
        (3, "3"),
        (3.0, "3"),
        (123456789, "123456789"),
        (1e-9, "1e-09"),
        (float("nan"), "nan"),
        (True, "True"),
        ("x", "x"),
    ],
)
def test_number_has_six_digits_at_most(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, "+0.5"), (-0.5, "-0.5"), (0, "0"), (-0.0, "0"), (float("nan"), "nan"), (2, "+2")]
)
def test_signed_shows_the_direction(value, shown):
    assert signed(value) == shown


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (1024, "1 KiB"),
        (1_023_999, "0.977 MiB"),
        (5 << 30, "5 GiB"),
        (3 << 50, "3072 TiB"),
    ],
)
def test_size_is_in_powers_of_1024(n_bytes, shown):
    assert size(n_bytes) == shown


@given(st.integers(0, 1 << 62))
def test_size_is_never_written_with_an_exponent(n_bytes):
    assert re.fullmatch(r"\d+(\.\d+)? (B|[KMGT]iB)", size(n_bytes))


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0.004, "0.00 s"),
        (0.42, "0.42 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7450, "2 h 04 min"),
    ],
)
def test_seconds_are_said_as_people_do(duration, shown):
    assert seconds(duration) == shown


def test_count_uses_the_plural():
    assert [count(how_many, "stage") for how_many in (0, 1, 2)] == ["0 stages", "1 stage", "2 stages"]
    assert [count(2, noun) for noun in ("query", "day", "y")] == ["2 queries", "2 days", "2 ys"]


@pytest.mark.parametrize(
    ("names", "options", "shown"),
    [
        ([], {}, ""),
        (["a", "b"], {}, "a, b"),
        (list("abcdef"), {}, "a, b, c, d, e, f"),
        (list("abcdefgh"), {}, "a, b, c, d, e, f and 2 more"),
        (list("abc"), {"most": 2}, "a, b and 1 more"),
        (["a"], {"total": 4}, "a and 3 more"),
    ],
)
def test_few_says_how_many_names_are_left_out(names, options, shown):
    assert few(iter(names), **options) == shown
