"""Chains of verdicts, without data behind them: windows of one day each, and a judge that looks at what was judged before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from mlgit.monitoring import chain, verdict_refs
from mlgit.monitoring.chain import Acceptance, ChainEntry
from mlgit.monitoring.sketch import ColumnCounts, WindowCounts
from mlgit.monitoring.verdict import ColumnDrift, MonitoredMetric, MonitorVerdict, SmallestShift, WindowName
from tests.kit import git
from tests.kit.late import Module

np = Module("numpy")

MODEL, ENVIRONMENT = "churn", "prod"
DIGEST = "sha256:" + "a" * 64
REF = chain.ref_of(MODEL, ENVIRONMENT)


def day(number):
    """The name of a window."""
    return (date(2026, 5, 1) + timedelta(days=number)).isoformat()


def window(number, *, digest="", rows=500):
    """The window of a day, by its number."""
    name = day(number)
    return WindowName(name, digest or f"sha256:{number:064x}", rows, f"{name}T00:00:00Z", f"{name}T23:59:59Z")


def verdict(number, *, word="quiet", digest="", martingale=1.0, model_digest=DIGEST, version="v1.0.0", timed=True):
    """The verdict about a day."""
    about = window(number, digest=digest)
    about = about if timed else replace(about, since="", until="")
    alarms = word in ("watch", "page")
    return MonitorVerdict(
        MODEL,
        ENVIRONMENT,
        version,
        model_digest,
        about,
        word,
        severity="feature drift" if alarms else "",
        pvalue=0.001 if alarms else 0.4,
        alpha=0.05,
        method="rank",
        n_batches=40,
        martingale=martingale,
        columns=(
            ColumnDrift("amount", 4.5 if alarms else 0.5, 0.001 if alarms else 0.5, "mean +0.31 sd", "", 0.5),
            ColumnDrift("country", 0.4, None, "", "new level 'EUR', 14 rows"),
        ),
        contract="pass",
        metrics=(MonitoredMetric("accuracy", 0.9, 0.85, 0.94, n=500, baseline=0.91),),
        smallest_shift=SmallestShift(0.2, 0.03),
        blind_to=("a changed relation of inputs and truth",),
        reason="amount moved" if alarms else "nothing moved",
    )


def counts(number):
    """Counts of a window with a number, a category and a vector."""
    of_amount = ColumnCounts(np.array([[3, number, 7]]), np.array([1]), np.array([2.5]), np.array([9.25]))
    of_country = ColumnCounts(np.array([[10, 1]]), np.array([0]))
    of_vector = ColumnCounts(np.array([[11]]), np.array([0]), np.array([[0.5, 1.5]]), np.array([[1.0, 2.0]]))
    found = {"amount": of_amount, "country": of_country, "emb": of_vector}
    return WindowCounts(11, found, {"country": (("EUR", 14),)}, ("age",))


def entry(number, **how):
    """The entry of a day's verdict."""
    return chain.of_verdict(verdict(number, **how), counts(number))


def acceptance(number, *, reason="a new office", model_digest=DIGEST):
    """The entry of an acceptance of a day."""
    about = window(number)
    return ChainEntry("accept", acceptance=Acceptance(about.digest, model_digest, about.name, reason))


def judged(upon, numbers):
    """What a runner would append for these days: a martingale that doubles with each verdict of the chain."""
    found = upon
    for number in numbers:
        if found.find(DIGEST, window(number).digest) is None:
            made = entry(number, martingale=float(2 ** len(found.verdicts)))
            found = found.with_entry(made)
            yield made


def run(root, numbers):
    """Append verdicts about these days, as far as there are none; the chain then."""
    found = verdict_refs.load(root, REF)
    for each in judged(found, numbers):
        found = verdict_refs.append(root, found, each)
    return found


def recompute(upon, entries):
    """Judge anew behind another chain, as `share` asks."""
    return judged(upon, [int(each.verdict.window.digest.removeprefix("sha256:"), 16) for each in entries])


def days(found):
    """The numbers of the days of a chain, in the order of their verdicts."""
    return [int(each.verdict.window.digest.removeprefix("sha256:"), 16) for each in found.verdicts]


def clones(top, *, names=("one", "two")):
    """A bare repository, and clones of it."""
    git(top, "init", "--quiet", "--bare", "origin.git")
    for name in names:
        git(top, "clone", "--quiet", "origin.git", name)
    return [top / name for name in names]
