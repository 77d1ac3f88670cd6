"""Patterns are those of ECMA-262."""

from __future__ import annotations

import pytest

from mlgit.errors import MlgitError
from tests.validation.kit import check, column, contract, options, places, write


@pytest.mark.parametrize(
    ("pattern", "found", "others"),
    [
        (r"^a.b$", ("axb", "a\U0001f600b"), ("a\nb", "a\rb", "a\u2028b")),
        (r"^a\sb$", ("a b", "a\u00a0b", "a\vb", "a\ufeffb"), ("axb",)),
        (r"^\S+$", ("ab\u200b\U0001f600",), ("a\u00a0b", "a\u3000")),
        (r"^[\S]+$", ("ab\u200b\U0001f600",), ("a\u00a0b", "a\u3000")),
        (r"^[\s\S]{2}$", ("a\u00a0", "\v\n"), ("a",)),
        (r"^[\s.]+$", (".\u3000",), ("a",)),
        (r"^\u00e9\x41\cI\0?$", ("éA\t",), ("uA",)),
        (r"^[^]$", ("\n", "a"), ("ab",)),
        (r"^[a[]+\]$", ("[a]",), ("b]",)),
        (r"^\d\w[\d-]\/\.$", ("1a-/.",), ("٣a-/.",)),
        (r"^a$", ("a",), ("a\n", "A")),
    ],
)
def test_pattern_finds_what_the_standard_says(tmp_path, pattern, found, others):
    cells = [f'"{each}"' for each in (*found, *others)]
    path = write(tmp_path, "n,x\n" + "".join(f"0,{each}\n" for each in cells))
    result = check(path, contract(column("x", "string", **options(pattern=pattern))))
    assert [value for _, value in sorted(places(result, "x.pattern"), key=lambda each: others.index(each[1]))] == list(others)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\Aa\z", r"\A is no escape of ECMA-262, whose texts begin at ^"),
        (r"^a\Z", r"\Z is no escape of ECMA-262, whose texts end at $"),
        (r"^\C$", r"\C is no escape"),
        ("^[[:alpha:]]$", "[[: is no class of ECMA-262"),
        ("[]a]", "[] holds no sign"),
    ],
)
def test_sign_that_engines_read_otherwise_is_refused(pattern, said):
    for more in (
        options(pattern=pattern),
        {"quality": [{"metric": "invalidValues", "arguments": {"pattern": pattern}, "mustBe": 0}]},
    ):
        with pytest.raises(MlgitError) as error:
            contract(column("x", "string", **more))
        assert said in error.value.message
