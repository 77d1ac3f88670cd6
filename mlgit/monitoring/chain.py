"""The chain of verdicts about a model in an environment: what was judged, what was accepted, what the next may build on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from mlgit import errors
from mlgit.monitoring.sketch import WindowCounts
from mlgit.monitoring.verdict import MonitorVerdict
from mlgit.registry import grammar

SPACE = "refs/mlgit/monitor/"
EntryKind = Literal["verdict", "accept"]
# What names a verdict: the digests of the model and of the window.
Key = tuple[str, str]

_NAME = re.compile(r"(?P<artifact>[^@]+)@(?P<environment>[^@]*)")


def ref_of(model: str, environment: str) -> str:
    """The ref with the verdicts about what an environment has of a model.

    As in tags, '=' stands for a colon; in an environment it stands for a slash, for below `churn@prod` there can be no more.
    """
    grammar.check_name(model)
    if environment:
        grammar.check_environment(environment)
    return f"{SPACE}{model.replace(':', '=')}@{environment.replace('/', '=')}"


def place_of(ref: str) -> tuple[str, str] | None:
    """The model and environment of a ref, None for one that is no chain of verdicts."""
    found = _NAME.fullmatch(ref.removeprefix(SPACE))
    if found is None or not ref.startswith(SPACE):
        return None
    model, environment = found["artifact"].replace("=", ":"), found["environment"].replace("=", "/")
    try:
        return (model, environment) if ref_of(model, environment) == ref else None
    except errors.MlgitError:
        return None


def label(model: str, environment: str) -> str:
    """What a user types for a model in an environment."""
    return f"{model}#{environment}" if environment else model


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A person's word that a window, though it alarmed, is what the model is to be used for: by its digest, and its name.

    It is about one model: what alarms for the next one is judged anew. `author` is `NAME <EMAIL>`, `when` seconds since 1970.
    """

    window: str
    model_digest: str
    name: str
    reason: str
    author: str = ""
    when: int = 0

    @property
    def key(self) -> Key:
        """Which verdict it is about."""
        return self.model_digest, self.window


@dataclass(frozen=True, slots=True, eq=False)
class ChainEntry:
    """One commit of the chain: a verdict with the counts of its window, or an acceptance.

    `counts` are None until they are read, for they are large: `counts_id` is the blob that holds them, '' for none.
    `signature` says whose commit it is, and when: `NAME <EMAIL> SECONDS ZONE`.
    """

    kind: EntryKind
    verdict: MonitorVerdict | None = None
    counts: WindowCounts | None = None
    acceptance: Acceptance | None = None
    commit: str = ""
    when: int = 0
    signature: str = ""
    counts_id: str = ""

    @property
    def key(self) -> Key:
        """The model and the window that it is about."""
        if self.acceptance:
            return self.acceptance.key
        assert self.verdict, "an entry is one of both"
        return self.verdict.model_digest, self.verdict.window.digest


def of_verdict(verdict: MonitorVerdict, counts: WindowCounts | None = None) -> ChainEntry:
    """The entry of a verdict that is to be written."""
    return ChainEntry("verdict", verdict, counts)


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """A verdict as it stands on the timeline, with who accepted the window, if somebody did."""

    verdict: MonitorVerdict
    acceptance: Acceptance | None = None
    commit: str = ""

    @property
    def is_admitted(self) -> bool:
        """Whether the window belongs to what later windows are held against."""
        return self.verdict.verdict == "quiet" or self.acceptance is not None

    @property
    def exit_code(self) -> int:
        """That of the verdict; yes where it was accepted."""
        return errors.EXIT_YES if self.acceptance else self.verdict.exit_code


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """All entries of a ref, the oldest first; `tip` is the commit it points to, '' where nothing was judged yet."""

    ref: str
    model: str
    environment: str
    tip: str = ""
    entries: tuple[ChainEntry, ...] = ()
    # By key, so that thousands of windows are looked up at once.
    _verdicts: Mapping[Key, ChainEntry] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        found: dict[Key, ChainEntry] = {}
        for each in self.entries:
            if each.verdict:
                found.setdefault(each.key, each)  # the first one counts: a second is no news
        object.__setattr__(self, "_verdicts", found)

    def find(self, model_digest: str, window: str) -> ChainEntry | None:
        """The verdict of a model about a window, by their digests."""
        return self._verdicts.get((model_digest, window))

    @property
    def verdicts(self) -> tuple[ChainEntry, ...]:
        """All verdicts in the order in which they were given, those that others superseded among them."""
        return tuple(self._verdicts.values())

    @property
    def acceptances(self) -> dict[Key, Acceptance]:
        """What was accepted, by the key of the verdict; the first word counts."""
        found: dict[Key, Acceptance] = {}
        for each in self.entries:
            if each.acceptance and each.key in self._verdicts:
                found.setdefault(each.key, each.acceptance)
        return found

    @property
    def current(self) -> tuple[ChainEntry, ...]:
        """The verdicts that stand: of windows with one name, which later rows have changed, the last that was judged.

        In the order of their windows' times; one without a time stays behind the one that was judged before it.
        """
        last = {(each.verdict.model_digest, each.verdict.window.name): each for each in self.verdicts if each.verdict}
        found: list[tuple[float, ChainEntry]] = []
        latest = -math.inf
        for each in self.verdicts:
            assert each.verdict, "verdicts have one"
            when = moment(each.verdict.window.until)
            latest = latest if when is None else when
            if last[each.key[0], each.verdict.window.name] is each:
                found.append((latest, each))
        return tuple(each for _, each in sorted(found, key=lambda row: row[0]))

    @property
    def timeline(self) -> tuple[JudgedWindow, ...]:
        """The verdicts that stand, with what was accepted."""
        accepted = self.acceptances
        return tuple(JudgedWindow(each.verdict, accepted.get(each.key), each.commit) for each in self.current if each.verdict)

    @property
    def latest(self) -> JudgedWindow | None:
        """What stands at the end of the timeline."""
        found = self.timeline
        return found[-1] if found else None

    def admitted(self, model_digest: str) -> tuple[ChainEntry, ...]:
        """The windows that a growing reference of a model holds: those that were quiet, and those that people accepted."""
        accepted = self.acceptances
        return tuple(
            each
            for each in self.current
            if each.verdict
            and each.verdict.model_digest == model_digest
            and (each.verdict.verdict == "quiet" or each.key in accepted)
        )

    def with_entry(self, entry: ChainEntry) -> Chain:
        """The chain with one more entry, whose commit is the tip."""
        return replace(self, tip=entry.commit, entries=(*self.entries, entry))

    def since(self, commit: str) -> Iterator[ChainEntry]:
        """The entries behind a commit of the chain, all of them for ''."""
        behind = not commit
        for each in self.entries:
            if behind:
                yield each
            behind = behind or each.commit == commit


def empty(ref: str) -> Chain:
    """A chain in which nothing was judged yet."""
    model, environment = place_of(ref) or (ref, "")
    return Chain(ref, model, environment)


def moment(text: str) -> int | None:
    """Seconds since 1970 of a time in ISO 8601, in UTC unless it says otherwise; None for any other text."""
    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
