"""Verdicts to and from a Git remote: one a window, however many runners judge it, and never another's overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from mlgit.adapters.git import git, remote_refs, remote_tags
from mlgit.adapters.system import backoff
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, verdict_refs
from mlgit.monitoring.chain import Chain, ChainEntry
from mlgit.monitoring.verdict_refs import ChainMovedError
from mlgit.render.text import count

PATIENCE = 60.0
# Where a remote's chain was when it was last met: what was published once cannot vanish unseen.
_PUBLISHED = "refs/mlgit/published/"

# Own verdicts that the remote lacks, judged anew behind the chain that it has, in their order; those that cannot be are left
# out. They bear their counts.
Recompute = Callable[[Chain, tuple[ChainEntry, ...]], Iterable[ChainEntry]]


@dataclass(frozen=True, slots=True)
class SharedChain:
    """A chain after it met its remote.

    `is_sent`: the remote has all of it. `n_dropped` own verdicts gave way to those of others about the same windows,
    `n_rejudged` were judged anew, for others came before them. `notes` say what the remote refused.
    """

    chain: Chain
    remote: str
    is_sent: bool = False
    n_dropped: int = 0
    n_rejudged: int = 0
    attempts: int = 1
    notes: tuple[str, ...] = ()


def share(
    root: Path,
    ref: str,
    remote: str,
    *,
    recompute: Recompute | None = None,
    patience: float = PATIENCE,
    known: Chain | None = None,
) -> SharedChain:
    """Bring what a remote has of a chain, put what is only here behind it, and send that; tried again where others are faster.

    `known` is the chain as it was read or written last: it is not read again where it still is so.
    A remote that takes no such refs is no error: the notes say so, and the chain stays in this clone.
    Raises MlgitError when the remote does not answer, was rewritten, or holds what mlgit has not written; and without
    `recompute` where own verdicts have to be judged anew.
    """
    dropped, rejudged = 0, 0
    notes: tuple[str, ...] = ()
    for attempt in backoff.turns(patience):
        there = _bring(root, ref, remote)
        is_known = known is not None and known.ref == ref and known.tip == verdict_refs.tip(root, ref)
        mine = known if known is not None and is_known else verdict_refs.load(root, ref)
        try:
            level = _levelled(root, mine, there, recompute=recompute)
        except ChainMovedError:
            continue
        dropped, rejudged = dropped + level.n_dropped, rejudged + level.n_rejudged
        notes, known = (*notes, *level.notes), level.chain
        found = replace(level, remote=remote, n_dropped=dropped, n_rejudged=rejudged, attempts=attempt, notes=notes)
        if level.chain.tip != there:
            pushed = remote_refs.send(root, remote, ref, level.chain.tip)
            if pushed.outcome == "overtaken":
                continue
            if pushed.outcome != "done":
                return replace(found, notes=(*notes, _refusal(remote, ref, pushed.said)))
        _remember(root, ref, remote, level.chain.tip)
        return replace(found, is_sent=True)
    raise MlgitError(f"others were faster at {ref} of '{remote}' {attempt} times in {patience:g} s", "try again")


def meet(root: Path, remote: str, there: Mapping[str, str]) -> None:
    """Bring chains that went apart together, where nothing has to be judged anew for it: others stay as they are.

    `there` are the refs of the remote, with their object ids.
    """
    for ref in verdict_refs.names(root):
        mine = verdict_refs.tip(root, ref)
        if ref in there and there[ref] != mine:
            with suppress(MlgitError):  # whoever looks at the chain is told
                _levelled(root, verdict_refs.load(root, ref), _bring(root, ref, remote), recompute=None)


def _bring(root: Path, ref: str, remote: str) -> str:
    """Where the remote's chain is, with its commits here. Raises MlgitError where it is no more what it was."""
    last = verdict_refs.tip(root, _mark(ref, remote))
    there = remote_refs.bring(root, remote, ref, known={verdict_refs.tip(root, ref), last})
    if there and last and not git.is_ancestor(root, last, there) and not git.is_ancestor(root, there, last):
        raise MlgitError(
            f"{ref} of '{remote}' was rewritten: verdicts that were published are no more part of it",
            f"find out why: `git log {there[:10]}` shows theirs, `git log {last[:10]}` what was there. To go on with theirs "
            f"and keep yours as evidence: `git update-ref {ref}-kept {ref}`, then `git update-ref {ref} {there[:10]}` and "
            f"`git update-ref -d {_mark(ref, remote)}`",
        )
    return there


def _levelled(root: Path, mine: Chain, there: str, *, recompute: Recompute | None) -> SharedChain:
    """The chain of this clone once it continues the remote's; the ref has been moved to it."""
    if not there or there == mine.tip or (mine.tip and git.is_ancestor(root, there, mine.tip)):
        return SharedChain(mine, "")
    theirs = verdict_refs.load(root, mine.ref, commit=there)
    shared = {each.commit for each in theirs.entries}
    own = [each for each in mine.entries if each.commit not in shared]
    lacking = [each for each in own if not _has(theirs, each)]
    found, rejudged, lost = theirs, 0, 0
    for is_verdict, group in groupby(lacking, key=lambda each: each.verdict is not None):
        entries = tuple(group)
        if is_verdict:
            asked = entries
            entries = tuple(_judged_anew(root, found, asked, recompute=recompute))
            rejudged += len(entries)
            lost += len({each.key for each in asked} - {each.key for each in entries})
        for each in entries:
            found = verdict_refs.write(root, found, each) if not _has(found, each) else found
    verdict_refs.move(root, found, expected=mine.tip)
    told = f"{count(lost, 'window')} could not be judged anew behind what is published, and will be judged by the next run"
    dropped = len(own) - len(lacking)
    return SharedChain(found, "", n_dropped=dropped, n_rejudged=rejudged, notes=(told,) if lost else ())


def _has(there: Chain, entry: ChainEntry) -> bool:
    return entry.key in there.acceptances if entry.acceptance else there.find(*entry.key) is not None


def _judged_anew(
    root: Path, upon: Chain, entries: tuple[ChainEntry, ...], *, recompute: Recompute | None
) -> Iterator[ChainEntry]:
    if recompute is None:
        raise MlgitError(
            f"{upon.ref}: {count(len(entries), 'verdict')} of this clone came after others that are published meanwhile, and "
            "depend on them",
            f"`mlgit monitor run '{chain.label(upon.model, upon.environment)}' --push` judges them anew",
        )
    yield from recompute(upon, verdict_refs.counted(root, entries))


def _remember(root: Path, ref: str, remote: str, oid: str) -> None:
    if oid and remote in remote_tags.remotes(root):
        with suppress(MlgitError):  # less is noticed then, and nothing is lost
            git.update_ref(root, _mark(ref, remote), oid, reason="mlgit monitor")


def _mark(ref: str, remote: str) -> str:
    return f"{_PUBLISHED}{remote}/{ref.removeprefix(chain.SPACE)}"


def _refusal(remote: str, ref: str, said: str) -> str:
    told = f" ({said})" if said else ""
    return f"'{remote}' does not take {ref}{told}: verdicts stay in this clone, and other runners do not know of them"
