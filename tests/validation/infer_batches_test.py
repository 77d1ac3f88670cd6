"""What comes from the same source as a draft keeps it; what came to harm on the way breaks it, with its cells named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.kit import FULL
from tests.validation.drafts import broken, document, kept, written

Columns = dict[str, list[object]]
# A batch breaks its draft once in 100 times at most: of so many, so many may.
REFERENCES, BATCHES = (60, 5) if FULL else (1, 3)
ROWS = (300, 1000, 5000) if FULL else (300,)


def numbers(random: np.random.Generator, rows: int) -> Columns:
    amounts = np.where(random.random(rows) < 0.4, random.poisson(3, rows), 0)
    return {
        "normal": random.normal(0, 1, rows).round(4).tolist(),
        "near_zero": random.normal(3, 1, rows).round(4).tolist(),
        "far_from_zero": random.normal(100, 5, rows).round(3).tolist(),
        "lognormal": random.lognormal(0, 1, rows).round(5).tolist(),
        "small": random.lognormal(-1.5, 0.5, rows).round(5).tolist(),
        "share": random.random(rows).round(6).tolist(),
        "count": amounts.tolist(),
        "rounded": np.rint(random.normal(3, 1, rows)).astype(int).tolist(),
    }


def texts(random: np.random.Generator, rows: int) -> Columns:
    days = np.datetime64("2024-01-01") + random.integers(0, 700, rows)
    zipf = random.zipf(1.6, rows)
    maybe = [float(each) if random.random() < 0.9 else None for each in random.integers(0, 90, rows)]
    return {
        "id": [f"{each:016x}" for each in random.integers(0, 2**60, rows)],
        "customer_id": random.integers(0, 200_000, rows).tolist(),
        "zipf": [f"w{min(each, 10_000)}" for each in zipf],
        "day": [str(each) for each in days],
        "postcode": [f"{each:05d}" for each in random.integers(1000, 99_999, rows)],
        "text": [f"it was {each}" for each in random.integers(0, 10**9, rows)],
        "maybe": maybe,
        "flag": random.choice(["yes", "no"], rows).tolist(),
        "code": random.integers(1, 7, rows).tolist(),
    }


def rare(random: np.random.Generator, rows: int) -> Columns:
    return {
        "level": random.choice(["a", "b", "c"], rows, p=[0.6, 0.397, 0.003]).tolist(),
        "code": random.choice([-1, 0, 1], rows, p=[0.003, 0.5, 0.497]).tolist(),
        "count": random.poisson(0.05, rows).tolist(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("source", "warns"), [(numbers, False), (texts, False), (rare, True)])
def test_batches_from_the_same_source_keep_the_draft(tmp_path, source, warns, rows):
    random = np.random.default_rng(rows)
    outcomes = []
    for _ in range(REFERENCES):
        draft = document(written(tmp_path / "old.csv", source(random, rows)))
        outcomes += [kept(written(tmp_path / "new.csv", source(random, rows)), draft).outcome for _ in range(BATCHES)]
    failed = len(outcomes) - outcomes.count("pass") - outcomes.count("warn")
    assert failed <= len(outcomes) / 100
    assert warns or outcomes.count("warn") <= len(outcomes) / 100


def _shifted(batch: Columns) -> Columns:
    names = list(batch)
    return dict(zip(names, [batch[each] for each in [*names[1:], names[0]]], strict=True))


def _changed(name: str, change: Callable[[object], object]) -> Callable[[Columns], Columns]:
    return lambda batch: {**batch, name: list(map(change, batch[name]))}


HARMS: dict[str, tuple[Callable[[Columns], Columns], set[str]]] = {
    "columns moved": (_shifted, {"customer_id.type", "day.type", "code.type"}),
    "truncated": (lambda batch: {name: values[:400] for name, values in batch.items()}, {"raw.rowCount"}),
    "dates retyped": (_changed("day", lambda day: f"{str(day)[8:]}/{str(day)[5:7]}/{str(day)[:4]}"), {"day.type"}),
    "numbers retyped": (_changed("code", lambda code: f"{code},0"), {"code.type", "code.invalidValues"}),
    "negative": (_changed("maybe", lambda value: -1 if value is None else value), {"maybe.range"}),
    "levels renamed": (_changed("flag", str.upper), {"flag.invalidValues"}),  # type: ignore[arg-type]
    "duplicated": (lambda batch: {name: values + values for name, values in batch.items()}, {"id.unique"}),
    "half empty": (lambda batch: {**batch, "day": [None] * 500 + batch["day"][500:]}, {"day.required"}),
}


@pytest.mark.parametrize("harm", HARMS)
def test_batch_that_came_to_harm_breaks_the_draft_with_its_cells_named(tmp_path, harm):
    random = np.random.default_rng(1)
    draft = document(written(tmp_path / "old.csv", texts(random, 1000)))
    change, rules = HARMS[harm]
    found = broken(written(tmp_path / "new.csv", change(texts(random, 1000))), draft)
    assert rules <= found.keys()
    assert harm == "columns moved" or found.keys() == rules
