"""The same rows as two versions answered them: those of the log whose request both the champion and one on trial were asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import LoggedRow

_NUMBERS = {int, float, bool}


class Answerer(NamedTuple):
    """A version that answers: `role` is champion, canary or shadow, `digest` that of its model."""

    role: str
    version: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class PairedAnswers:
    """Rows, each with the answers of two versions: first the champion's, then those of the other (`challenger`).

    `scores` are the probabilities of the positive class, None where one of both has none. `columns` are inputs by name. Rows
    that the champion answered alone, in the time from `since` to `until`, are `alone`; those that came more than once under one
    id `repeated`; those that lack a prediction `incomplete`; and pairs of other versions `others`.
    """

    champion: Answerer
    challenger: Answerer
    ids: tuple[str, ...]
    predictions: tuple[tuple[Any, ...], tuple[Any, ...]]
    scores: tuple[tuple[float, ...], tuple[float, ...]] | None
    since: str
    until: str
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    alone: int = 0
    repeated: int = 0
    incomplete: int = 0
    others: int = 0

    @property
    def are_numbers(self) -> bool:
        """Whether predictions are amounts, and no classes."""
        values = [each for side in self.predictions for each in side]
        are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
        return are_numbers and self.scores is None and any(isinstance(each, float) and each % 1 for each in values)


class _Answer(NamedTuple):
    by: Answerer
    ts: str
    prediction: Any
    score: float | None
    inputs: Mapping[str, Any]


_Answers = dict[str, _Answer | None]


def collect(
    rows: Iterable[LoggedRow], *, models: Collection[str], positive: Any = None, wanted: Collection[str] = ()
) -> PairedAnswers | None:
    """The pairs of the two versions that were asked the same last, of the rows of one model (by any of its names).

    `positive` is the label whose probability is the score; without it labels 0 and 1 speak for themselves. `wanted` are
    the inputs to keep. None where no row was answered by two.
    """
    champions: _Answers = {}
    trials: dict[Answerer, _Answers] = {}
    for row in rows:
        request = row.request
        if request.header.model and request.header.model not in models:
            continue
        by = Answerer(request.role, request.version, request.digest)
        header, chances = request.header, row.probabilities
        prediction = likeliest(header, chances) if row.prediction is None else row.prediction
        (score,) = scores(header, [chances], positive=positive)
        answer = _Answer(by, request.ts, prediction, score, _picked(row, wanted))
        known = champions if request.role == "champion" else trials.setdefault(by, {})
        known[row.id] = None if row.id in known else answer  # nobody can say which of two belongs to which
    found = _by_versions(champions, trials)
    if not found:
        return None
    chosen = max(found, key=lambda each: max(one.ts for _, one, _ in found[each]))
    others = sum(len(pairs) for each, pairs in found.items() if each != chosen)
    return _paired(chosen, found[chosen], champions, trials[chosen[1]], others=others)


_Versions = tuple[Answerer, Answerer]
_Pair = tuple[str, _Answer, _Answer]


def _by_versions(champions: _Answers, trials: Mapping[Answerer, _Answers]) -> dict[_Versions, list[_Pair]]:
    found: dict[_Versions, list[_Pair]] = {}
    for by, answers in trials.items():
        for name, answer in answers.items():
            champion = champions.get(name)
            if answer is not None and champion is not None:
                found.setdefault((champion.by, by), []).append((name, champion, answer))
    return found


def _paired(versions: _Versions, pairs: Sequence[_Pair], champions: _Answers, trial: _Answers, *, others: int) -> PairedAnswers:
    pairs = sorted(pairs, key=lambda each: (each[1].ts, each[0]))  # however many processes wrote them
    since, until = pairs[0][1].ts, pairs[-1][1].ts
    whole = [each for each in pairs if each[1].prediction is not None and each[2].prediction is not None]
    has_scores = bool(whole) and all(each.score is not None for _, *both in whole for each in both)
    answered = (each for name, each in champions.items() if each is not None and name not in trial)
    alone = sum(each.by == versions[0] and since <= each.ts <= until for each in answered)
    names = dict.fromkeys(name for _, champion, _ in whole for name in champion.inputs)
    return PairedAnswers(
        *versions,
        tuple(name for name, _, _ in whole),
        (tuple(each.prediction for _, each, _ in whole), tuple(each.prediction for _, _, each in whole)),
        (tuple(_scores(each for _, each, _ in whole)), tuple(_scores(each for _, _, each in whole))) if has_scores else None,
        since,
        until,
        {name: tuple(champion.inputs.get(name) for _, champion, _ in whole) for name in names},
        alone=alone,
        repeated=sum(trial[name] is None or champions.get(name, trial[name]) is None for name in trial),
        incomplete=len(pairs) - len(whole),
        others=others,
    )


def _scores(answers: Iterable[_Answer]) -> Iterator[float]:
    for each in answers:
        assert each.score is not None, "all have one"
        yield each.score


def _picked(row: LoggedRow, wanted: Collection[str]) -> Mapping[str, Any]:
    return {name: value for name, value in row.named.items() if name in wanted} if wanted else {}


def likeliest(header: LogHeader, chances: Any) -> Any:
    """The likeliest class by the probabilities of a row; None where there is not one for each class."""
    classes = header.classes
    return classes[max(range(len(classes)), key=chances.__getitem__)] if _are_chances(chances, classes) else None


def scores(header: LogHeader, chances: Sequence[Any], *, positive: Any = None) -> list[float | None]:
    """The probability of the positive class for each row; None where there is none, or nobody said which it is.

    `positive` is its label; without it labels 0 and 1 speak for themselves.
    """
    classes = header.classes
    wanted = 1 if positive is None and set(classes) == {0, 1} else positive
    if wanted is None or wanted not in classes:
        return [None] * len(chances)
    place = classes.index(wanted)
    return [float(each[place]) if _are_chances(each, classes) else None for each in chances]


def _are_chances(chances: Any, classes: Sequence[Any]) -> bool:
    is_list = isinstance(chances, list | tuple) and len(chances) == len(classes) > 0
    return is_list and {*map(type, chances)} <= _NUMBERS
