"""Texts read as numbers: each is judged as if it were cast by itself, and those that are none hide nothing."""

import pytest

from tests.kit import FULL
from tests.validation.kit import broken, check, column, contract, found, options, places, write

pytestmark = pytest.mark.slow

NUMBERS = (
    *(
        "1",
        "-2",
        " 7 ",
        "+3",
        "007",
        "1.0",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1e-3",
        "-0",
        "inf",
        "-Infinity",
        "1e400",
        "9" * 30,
        "0.1",
        "4",
    ),
    *("", "NA", "nan", "NaN", "NAN", "+nan", "null", "1_000", "1__0", "0x10", "x", "1,5", "1 2", "true", "2026-01-01", "٣"),
)


@pytest.mark.parametrize("text", NUMBERS if FULL else NUMBERS[::4])
def test_texts_are_judged_as_numbers_as_if_each_were_cast(tmp_path, text):
    lines = ["n,a,b,c", *(f'{row},"{text if row == 2 else row}","{text if row == 2 else row}",x' for row in range(5))]
    path = write(tmp_path, "\n".join(lines) + "\n")
    more = {"quality": [{"metric": "nullValues", "mustBe": 0}], "required": True, **options(minimum=1, maximum=3, multipleOf=2)}
    asked = [column("a", "integer", **more), column("b", "number", **more), column("c", "string", required=True)]
    # a rule that looks at texts, and is never broken: the columns that it names are read as such
    words = {
        "type": "library",
        "metric": "missingValues",
        "arguments": {"missingValues": ["none of them"]},
        "mustBeLessThan": 99,
    }
    cast = [each | {"quality": [*more["quality"], words]} if "quality" in each else each for each in asked]
    assert broken(check(path, contract(*asked))) == broken(check(path, contract(*cast)))


def test_no_number_among_texts_far_down_hides_the_others(tmp_path):
    lines = ["n,x", *(f"{row},{'x' if row == 39_999 else row % 7}" for row in range(40_000))]
    asked = contract(column("n", "integer", **options(maximum=39_997)), column("x", "integer", **options(maximum=5)))
    result = check(write(tmp_path, "\n".join(lines)), asked)
    assert broken(result) == {"n.range": ("fail", 2), "x.type": ("fail", 1), "x.range": ("fail", 5714)}
    assert places(result, "x.type") == [(40_001, "x")]


def test_underscores_between_digits_are_no_part_of_a_number_in_any_part(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "1.csv").write_text("a_1,b\n1,x_1\n")
    (folder / "2.csv").write_text("a_1,b\n1_0,x\n")
    assert broken(check(folder, contract(column("a_1", "integer"), column("b")))) == {"a_1.type": ("fail", 1)}


@pytest.mark.parametrize(
    ("kind", "text"), [("integer", "200.5"), ("integer", "1_000"), ("integer", "inf"), ("number", "1_000"), ("number", "NAN")]
)
def test_cell_that_is_no_number_is_told_by_the_type_alone(tmp_path, kind, text):
    lines = ["n,x", *(f"{row},{row}" for row in range(9)), f"9,{text}"]
    asked = contract(column("x", kind, **options(maximum=100, multipleOf=1)))
    assert broken(check(write(tmp_path, "\n".join(lines)), asked)) == {"x.type": ("fail", 1)}


def test_fraction_is_no_double_of_the_whole_number_beside_it(tmp_path):
    result = check(write(tmp_path, "n,x\n1,2\n2,1.5\n3,1.5\n4,2.0\n5,x\n"), contract(column("x", "integer", unique=True)))
    assert broken(result)["x.unique"] == ("fail", 2)
    assert places(result, "x.unique") == [(2, "2"), (3, "1.5"), (4, "1.5"), (5, "2.0")]


@pytest.mark.parametrize(
    ("texts", "twice"),
    [
        (("1", "2", "03"), 0),
        (("1", "01", "1.0", "2"), 1),
        (("0", "-0", "5"), 1),
        (("1.5", "2"), 0),
        (("9007199254740992", "9007199254740993"), 0),
        (("9007199254740993", "9007199254740993.0"), 1),
        (("1" * 30, "1" * 29 + "2"), 0),
        (("1", "", "", "1_0", "10"), 0),
        (("inf", "1", "1"), 1),
        ((), 0),
    ],
)
def test_whole_numbers_are_unique_by_their_value_however_long(tmp_path, texts, twice):
    path = write(tmp_path, "\n".join(["n,x", *(f"{row},{text}" for row, text in enumerate(texts))]) + "\n")
    assert found(check(path, contract(column("x", "integer", unique=True))), "x.unique").rows == twice
