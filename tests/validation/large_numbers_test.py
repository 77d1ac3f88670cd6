"""Numbers that floats cannot tell apart, and those near the ends of what can be told: none is taken for another."""

import pytest

from tests.validation.kit import broken, check, column, contract, options, places, write

pytestmark = pytest.mark.slow

EDGE = 2**53


def rows_of(tmp_path, asked, *values):
    """By rule, the rows that break it: the same in CSV and in JSON."""
    path = write(tmp_path, "n,x\n" + "".join(f"{row},{value}\n" for row, value in enumerate(values)))
    objects = write(tmp_path, "".join(f'{{"n": {row}, "x": {value}}}\n' for row, value in enumerate(values)), "raw.jsonl")
    result, again = check(path, contract(asked)), check(objects, contract(asked))
    assert broken(result) == broken(again)
    return {name: sorted(line - 2 for line, _ in places(result, name)) for name in broken(result)}


@pytest.mark.parametrize(
    ("of", "multiples", "others"),
    [
        (2, (2000000000, EDGE, EDGE + 2, 10**37), (2000000001, EDGE - 1, EDGE + 1, 10**37 + 1, 1.5)),
        (0.1, (0.3, 0.7, 123456.7, 1e9), (0.35, 123456.75, 100000000.05)),
        (0.01, (0.07, 1.15, 19.99, 123456789.01), (0.075, 123456789.015, 12345678901.005)),
        (3, (EDGE + 1, 3, 0), (EDGE, 10**20, 1.5)),
        (7, (), (10**38,)),
    ],
)
def test_multiples_are_told_from_their_neighbours(tmp_path, of, multiples, others):
    found = rows_of(tmp_path, column("x", "number", **options(multipleOf=of)), *multiples[:3], *others[:2])
    assert found == {"x.multiple": [len(multiples[:3]) + row for row in range(len(others[:2]))]}
    found = rows_of(tmp_path, column("x", "number", **options(multipleOf=of)), *multiples[3:], *others[2:])
    assert found.get("x.multiple", []) == [len(multiples[3:]) + row for row in range(len(others[2:]))]


@pytest.mark.parametrize(
    ("ends", "inside", "outside"),
    [
        ({"format": "i64"}, (2**63 - 1, -(2**63), 5), (2**63, -(2**63) - 1, 10**44, -(10**44))),
        ({"format": "u64"}, (2**64 - 1, 0), (2**64, -1)),
        ({"format": "i128"}, (2**127 - 1, -(2**127) + 1), (10**39, -(10**39))),
        ({"minimum": 0.5, "maximum": EDGE + 1}, (1, EDGE + 1), (0, EDGE + 2)),
        ({"minimum": -0.5, "maximum": EDGE}, (0, EDGE), (-1, EDGE + 1)),
        ({"exclusiveMinimum": 0.5, "exclusiveMaximum": EDGE + 1}, (1, EDGE), (0, EDGE + 1, 10**50)),
    ],
)
def test_whole_numbers_are_inside_to_the_last_one(tmp_path, ends, inside, outside):
    found = rows_of(tmp_path, column("x", "integer", **options(**ends)), *inside, *outside)
    assert found == {"x.range": [len(inside) + row for row in range(len(outside))]}


def test_numbers_are_inside_to_the_last_whole_one(tmp_path):
    asked = column("x", "number", **options(minimum=0.5, maximum=EDGE))
    assert rows_of(tmp_path, asked, 0.5, EDGE, 0.4, EDGE + 1) == {"x.range": [2, 3]}


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_large_numbers_are_among_those_listed_by_all_their_digits(tmp_path, kind):
    listed = [{"value": each} for each in (EDGE + 1, 5, 10**44)]
    assert rows_of(tmp_path, column("x", kind, enum=listed), EDGE + 1, 5, 10**44, EDGE, EDGE + 2) == {"x.values": [3, 4]}


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize(
    ("values", "twice"),
    [
        ((EDGE, EDGE + 1, 10**44, 10**44 + 1), []),
        ((EDGE + 1, EDGE, EDGE + 1), [0, 2]),
        ((1, "1.0", 2), [0, 1]),
    ],
)
def test_large_numbers_are_one_by_all_their_digits(tmp_path, kind, values, twice):
    assert rows_of(tmp_path, column("x", kind, unique=True), *values) == ({"x.unique": twice} if twice else {})


def test_numbers_that_a_float_cannot_tell_apart_are_told_apart(tmp_path):
    path = write(tmp_path, "n,id\n1,9007199254740993\n2,9007199254740992\n3,0009007199254740992\n")
    result = check(path, contract(column("id", "integer", unique=True, **options(maximum=9007199254740992))))
    assert broken(result) == {"id.range": ("fail", 1), "id.unique": ("fail", 1)}
    assert [place for place, _ in places(result, "id.unique")] == [3, 4]
