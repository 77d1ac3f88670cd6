"""Statistics of monitoring beside Evidently, scipy and river: `python -m tests.monitoring.oracle.job PYTHON`.

PYTHON is that of an environment with evidently 0.7.23 (which needs pandas 2), river 0.26 and scipy. Where two mean the same
by a word their values have to agree to 1e-9. Where they do not, DIFFERENT says why, and the job shows what comes of it.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlgit.statistics import adaptive_window, batch_test
from mlgit.statistics.batch_scores import BatchScores, CountTable, against, signed_cells
from mlgit.statistics.distances import population_stability

PEERS = Path(__file__).with_name("peers.py")
TOLERANCE = 1e-9
CASES = 60
SEED = 17
NULLS = ((3, 500), (10, 500), (50, 1_000))
DRAWS = 100
# What has the same name and is not the same.
DIFFERENT = {
    "chi-square of Evidently": (
        "holds the reference for exact, though it is a sample: of two samples that are alike it alarms far more often than in "
        "5 %. mlgit's is Pearson's of a table with two rows, as in every textbook"
    ),
    "PSI of numbers in Evidently": "in bins of both samples, which change with each window; mlgit's are the reference's",
    "Cramér-von Mises where values are equal": "scipy and Evidently give ties middle ranks, mlgit holds cells of a sketch",
    "missing values": "Evidently drops them before each test, so it says nothing of a column that is 90 % missing",
}


def samples(generator: Any) -> dict[str, list[Any]]:
    """What all are asked about: unchanged and changed, small and large, with levels that one side lacks."""
    asked: dict[str, list[Any]] = {"categories": [], "numbers": [], "scores": [], "streams": []}
    for place in range(CASES):
        n_old, n_new = (int(each) for each in generator.integers(200, 2_000, 2))
        levels = int(generator.integers(2, 12))
        shares = generator.dirichlet(np.full(levels, 20.0), 2)
        old, new = (generator.choice(levels, size, p=each) for size, each in ((n_old, shares[0]), (n_new, shares[place % 2])))
        if place % 5 == 0:
            new[:3] = levels  # a level that the reference has not
        asked["categories"].append([[f"l{each}" for each in side.tolist()] for side in (old, new)])
        moved = generator.normal(0.2 * (place % 3), 1.0 + 0.3 * (place % 2), n_new)
        asked["numbers"].append([generator.normal(size=n_old).tolist(), moved.tolist()])
        logarithms = np.maximum(generator.gumbel(3.0, 0.5, size=20 + place), 0.0)
        asked["scores"].append([logarithms.tolist(), np.maximum(generator.gumbel(3.0, 1.5, size=5), 0.0).tolist()])
    for place in range(20):
        rate = np.where(np.arange(6_000) < 3_000, 0.1, 0.1 if place % 4 == 0 else 0.15 + 0.05 * (place % 3))
        asked["streams"].append((generator.random(6_000) < rate).astype(float).tolist())
        asked["streams"].append(np.abs(generator.normal(0, 1 + 5 * (rate - 0.1))).tolist())
    return asked


def counted(reference: list[Any], current: list[Any]) -> tuple[Any, Any]:
    """Counts of the levels of both, in order."""
    levels = sorted({*reference, *current})
    old, new = (np.array([side.count(level) for level in levels]) for side in (reference, current))
    return old, new


def scores_of(logarithms: list[float]) -> Any:
    """Scores by their logarithms, whose tail is one of Gumbel."""
    return np.exp(np.array(logarithms)) - batch_test._AWAY


def of_two(current: Any, pool: Any, *, is_ordered: bool) -> tuple[BatchScores, CountTable]:
    """What mlgit says of one batch beside a pool."""
    table = CountTable(current[None], np.array([0]), np.array([is_ordered]))
    return against(table, pool), table


def differences(asked: dict[str, list[Any]], told: dict[str, list[Any]]) -> Iterator[str]:
    """Where a value of mlgit is not that of the others."""
    for place, ((reference, current), theirs) in enumerate(zip(asked["categories"], told["categories"], strict=True)):
        old, new = counted(reference, current)
        yield from _apart(f"PSI of categories {place}", population_stability(old, new), theirs["psi"])
        mine, table = of_two(new, old, is_ordered=False)
        if new.min() >= 5:  # rarer cells are put together
            yield from _apart(f"chi-squared {place}", mine.chi_squared[0, 0], theirs["chi_squared"])
        yield from _apart(f"cells {place}", signed_cells(table, old)[0], theirs["cells"])
        yield from _apart(f"largest cell {place}", mine.largest_cell[0, 0], np.abs(theirs["cells"]).max())
    for place, ((reference, current), theirs) in enumerate(zip(asked["numbers"], told["numbers"], strict=True)):
        yield from _apart(f"PSI of numbers {place}", population_stability(*theirs["bins"]), theirs["psi"])
        cells = [np.isin(np.sort([*reference, *current]), side).astype(int) for side in (reference, current)]
        mine, _ = of_two(cells[1], cells[0], is_ordered=True)
        for name in ("evidently_cvm", "scipy_cvm"):
            yield from _apart(f"{name} {place}", mine.cramer_von_mises[0, 0], theirs[name])
    for place, ((logarithms, wanted), theirs) in enumerate(zip(asked["scores"], told["scores"], strict=True)):
        tail = batch_test.tail(scores_of(logarithms))
        yield from _apart(f"tail {place}", [tail.pvalue(each) for each in scores_of(wanted).tolist()], theirs["tails"])
        mine = [tail.quantile(each) for each in (0.05, 1 / 365, 1e-6)]
        yield from _apart(f"quantile {place}", mine, scores_of(theirs["quantiles"]))
    for place, (values, theirs) in enumerate(zip(asked["streams"], told["streams"], strict=True)):
        seen = [each.seen for each in adaptive_window.changes(values)]
        if seen != theirs["changes"]:
            yield f"changes of stream {place}: {seen}, of river {theirs['changes']}"


def _apart(what: str, mine: Any, theirs: Any) -> Iterator[str]:
    pairs: Iterable[tuple[float, float]] = zip(np.ravel(mine).tolist(), np.ravel(theirs).tolist(), strict=True)
    if any(not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE) for one, other in pairs):
        yield f"{what}: {mine}, theirs {theirs}"


def unchanged(generator: Any) -> dict[str, list[Any]]:
    """Pairs of samples that are alike: what alarms about them alarms about nothing."""
    pairs = [generator.integers(levels, size=(2, rows)) for levels, rows in NULLS for _ in range(DRAWS)]
    listed = [[[f"l{each}" for each in side.tolist()] for side in pair] for pair in pairs]
    return {"categories": listed, "numbers": [], "scores": [], "streams": []}


def asked_of(python: str, samples_: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What the others say."""
    done = subprocess.run([python, str(PEERS)], input=json.dumps(samples_).encode(), capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-3000:])
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def main() -> int:
    """Compare, and say what differs."""
    python, generator = sys.argv[1], np.random.default_rng(SEED)
    asked = samples(generator)
    found = list(differences(asked, asked_of(python, asked)))
    print("\n".join(found))
    print(f"{sum(map(len, asked.values()))} samples, {len(found)} differences")
    told = asked_of(python, unchanged(generator))["categories"]
    for place, (levels, rows) in enumerate(NULLS):
        alarms = sum(each["evidently_chi_pvalue"] < 0.05 for each in told[place * DRAWS : (place + 1) * DRAWS])
        print(f"two samples alike, {levels} levels, {rows} rows each: Evidently's chi-square alarms in {alarms} of {DRAWS}")
    for name, why in DIFFERENT.items():
        print(f"not compared: {name}: {why}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
