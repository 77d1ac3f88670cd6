"""Verdicts as commits on `refs/mlgit/monitor/NAME@ENV`, one a window: read all at once, and written so that nothing is lost.

The commit of a verdict holds `verdict.json` and `counts.json`, and bears no clock but the data's own: two runners that judge
one window on one parent make the same commit. That of an acceptance holds `accept.json`, and is by a person, at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system.process import ProcessError
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, chain_codec
from mlgit.monitoring.chain import Chain, ChainEntry
from mlgit.render.text import plain

AUTHOR = "mlgit <monitor@mlgit.invalid>"
VERDICT, COUNTS, ACCEPT = "verdict.json", "counts.json", "accept.json"
_FILE = "100644"
# What a hostile commit may not go beyond: bytes of a file, and commits. Windows of an hour fill these in 50 years.
_LARGEST = {"": 1 << 20, VERDICT: 4 << 20, COUNTS: 64 << 20, ACCEPT: 1 << 20}
_MOST = 500_000
_LARGEST_CHAIN = 1 << 30
_LAST_TIME = 253_402_300_799
_PERSON = re.compile(rb"^author (?P<author>.*) (?P<when>-?[0-9]{1,18}) [+-][0-9]{4}$", re.MULTILINE)


class ChainMovedError(MlgitError):
    """Another command in this clone wrote to the chain first."""


class _Row(NamedTuple):
    """A commit with the blobs that it holds, '' for one that is not there."""

    commit: str
    verdict: str
    counts: str
    accept: str


def names(root: Path) -> list[str]:
    """The refs of all chains of a repository; what has another name is none."""
    listed = git.run(root, "for-each-ref", "--format=%(refname)", chain.SPACE).text.splitlines()
    return [ref for ref in listed if chain.place_of(ref)]


def tip(root: Path, ref: str) -> str:
    """The commit that a ref points to, '' for none."""
    return git.run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", ref, check=False).text.strip()


def load(root: Path, ref: str, *, commit: str = "") -> Chain:
    """The chain of a ref as it is now, or as it is at a commit. Counts are not read: see `counted`.

    Raises MlgitError, with the commit, where somebody put there what mlgit has not written.
    """
    found = commit or tip(root, ref)
    if not found:
        return chain.empty(ref)
    rows = _rows(root, ref, _commits(root, ref, found))
    wanted = [oid for row in rows for oid in (row.commit, row.verdict, row.accept) if oid]
    objects = {oid: content for oid, (_, content) in git.read_objects(root, wanted).items()}
    return replace(chain.empty(ref), tip=found, entries=tuple(_entry(ref, row, objects) for row in rows))


def counted(root: Path, entries: Iterable[ChainEntry]) -> tuple[ChainEntry, ...]:
    """Entries with the counts of their windows, all read at once. Raises MlgitError for what are none."""
    given = tuple(entries)
    contents = git.read_objects(root, [each.counts_id for each in given if each.counts_id and each.counts is None])
    return tuple(_with_counts(each, contents) for each in given)


def append(root: Path, upon: Chain, entry: ChainEntry, *, not_before: int = 0) -> Chain:
    """Write an entry behind the chain as it was read, and take the ref on to it; the chain with it.

    A window without a time of its own is dated `not_before` (as the tag of its version is), and after the entry before it.
    Raises ChainMovedError where the ref is no more where it was: what is judged depends on what was judged before.
    """
    found = write(root, upon, entry, not_before=not_before)
    move(root, found, expected=upon.tip)
    return found


def write(root: Path, upon: Chain, entry: ChainEntry, *, not_before: int = 0) -> Chain:
    """Write the objects of an entry, and move nothing: the chain with it.

    An acceptance is by the person that Git knows, now, unless it bears a signature.
    """
    before = upon.entries[-1].when if upon.entries else 0
    if entry.verdict:
        until = chain.moment(entry.verdict.window.until)
        when = max(not_before, before + 1) if until is None else max(until, before)
        signature = f"{AUTHOR} {min(max(when, 0), _LAST_TIME)} +0000"
    else:
        signature = entry.signature or git.committer(root)
    files = _files(entry)
    counts_id = git.write_blobs(root, [files[COUNTS][1]])[0] if COUNTS in files else ""
    parents = [upon.tip] if upon.tip else []
    tree = git.write_tree(root, files)
    commit = git.write_commit(root, tree, message=_message(upon, entry), signature=signature, parents=parents)
    author, seconds, _ = signature.rsplit(" ", 2)
    acceptance = replace(entry.acceptance, author=author, when=int(seconds)) if entry.acceptance else None
    return upon.with_entry(
        replace(entry, acceptance=acceptance, commit=commit, when=int(seconds), signature=signature, counts_id=counts_id)
    )


def move(root: Path, to: Chain, *, expected: str) -> None:
    """Take the ref on to the tip of a chain from where it was. Raises ChainMovedError where it is no more there."""
    try:
        git.update_ref(root, to.ref, to.tip, reason="mlgit monitor", expected=expected)
    except ProcessError as error:
        now = tip(root, to.ref)
        if now == to.tip:
            return  # another command judged the same, and made the same commit
        if now == expected:
            raise _locked(root, to.ref, error) from error
        raise ChainMovedError(f"{to.ref}: another command in this clone wrote to it", "try again") from error


def _locked(root: Path, ref: str, error: ProcessError) -> MlgitError:
    """What to do about a lock that a killed process left behind; else what Git said, as where a folder cannot be written."""
    lock = git.line(root, "rev-parse", "--path-format=absolute", "--git-path", f"{ref}.lock")
    if not Path(lock).exists():
        return error
    return MlgitError(
        f"{ref} cannot be written: {lock} is there",
        f"a Git command at work holds it for a moment, and one that was killed leaves it behind: then `rm '{lock}'`",
    )


def _files(entry: ChainEntry) -> dict[str, tuple[str, bytes]]:
    if entry.acceptance:
        return {ACCEPT: (_FILE, chain_codec.encode_acceptance(entry.acceptance))}
    assert entry.verdict, "an entry is one of both"
    found = {VERDICT: (_FILE, chain_codec.encode_verdict(entry.verdict))}
    if entry.counts:
        found[COUNTS] = (_FILE, chain_codec.encode_counts(entry.counts))
    return found


def _message(upon: Chain, entry: ChainEntry) -> str:
    """What `git log` shows: names of windows are values of data, so nothing in them is obeyed."""
    if entry.acceptance:
        return f"Accept {_shown(entry.acceptance.name)}\n\n{_shown(entry.acceptance.reason)}"
    verdict = entry.verdict
    assert verdict, "an entry is one of both"
    word = verdict.verdict.replace("_", " ")
    subject = f"{upon.model}@{_shown(verdict.version)} {_shown(verdict.window.name)}: {word}"
    return f"{subject}\n\n{_shown(verdict.reason)}" if verdict.reason else subject


def _shown(text: str) -> str:
    return plain(text[:500]).replace("\t", " ")


def _commits(root: Path, ref: str, found: str) -> list[str]:
    """The commits of a chain, the oldest first."""
    asked = ("rev-list", "--parents", f"--max-count={_MOST + 1}", "--end-of-options", f"{found}^{{commit}}")
    done = git.run(root, *asked, check=False)
    if done.code:
        raise _foreign(ref, found, "it leads to no commit of this clone")
    rows = [row.split() for row in done.text.splitlines()]
    if len(rows) > _MOST:
        raise _foreign(ref, found, f"more than {_MOST} commits")
    merged = next((row[0] for row in rows if len(row) > 2), "")
    if merged:
        raise _foreign(ref, merged, "a merge, and verdicts follow each other one by one")
    return [row[0] for row in reversed(rows)]


def _rows(root: Path, ref: str, commits: Sequence[str]) -> list[_Row]:
    """What each commit holds, by id. Raises MlgitError for what is too large, before it is read."""
    places = ("", VERDICT, COUNTS, ACCEPT)
    asked = "".join(f"{commit}:{name}\n" if name else f"{commit}\n" for commit in commits for name in places)
    format_of_rows = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    listed = git.run(root, "cat-file", format_of_rows, "--buffer", stdin=asked.encode()).text.splitlines()
    rows: list[_Row] = []
    sizes: dict[str, int] = {}
    for number, commit in enumerate(commits):
        answers = [row.split() for row in listed[len(places) * number : len(places) * (number + 1)]]
        found = []
        for name, answer in zip(places, answers, strict=True):
            is_there = len(answer) == 3 and answer[1] == ("blob" if name else "commit")
            if is_there and int(answer[2]) > _LARGEST[name]:
                raise _foreign(ref, commit, f"{name or 'its message'} is larger than {_LARGEST[name] >> 20} MiB")
            found.append(answer[0] if is_there else "")
            sizes |= {answer[0]: int(answer[2])} if is_there and name != COUNTS else {}
        rows.append(_Row(*found))
    if sum(sizes.values()) > _LARGEST_CHAIN:
        raise _foreign(ref, commits[-1], f"all verdicts together are larger than {_LARGEST_CHAIN >> 30} GiB")
    return rows


def _entry(ref: str, row: _Row, objects: dict[str, bytes]) -> ChainEntry:
    where = f"{ref} at {row.commit[:10]}"
    person = _PERSON.search(objects.get(row.commit, b"").partition(b"\n\n")[0])
    if person is None:
        raise _foreign(ref, row.commit, "it does not say who wrote it and when")
    signature = person[0].removeprefix(b"author ").decode(errors="replace")
    when = int(person["when"])
    if row.verdict:
        verdict = chain_codec.decode_verdict(objects[row.verdict], where=f"{where}: {VERDICT}")
        return ChainEntry("verdict", verdict, None, None, row.commit, when, signature, row.counts)
    if row.accept:
        author = person["author"].decode(errors="replace")
        place = f"{where}: {ACCEPT}"
        found = chain_codec.decode_acceptance(objects[row.accept], where=place, author=author, when=when)
        return ChainEntry("accept", None, None, found, row.commit, when, signature)
    raise _foreign(ref, row.commit, f"it holds neither {VERDICT} nor {ACCEPT}")


def _with_counts(entry: ChainEntry, contents: dict[str, tuple[str, bytes]]) -> ChainEntry:
    if entry.counts is not None or not entry.counts_id:
        return entry
    where = f"{COUNTS} at {entry.commit[:10]}"
    if entry.counts_id not in contents:
        raise MlgitError(f"{where}: not in this clone", "`git fetch` brings it")
    return replace(entry, counts=chain_codec.decode_counts(contents[entry.counts_id][1], where=where))


def _foreign(ref: str, commit: str, what: str) -> MlgitError:
    return MlgitError(
        f"{ref} at {commit[:10]} is not what mlgit writes: {what}",
        f"`git log {ref}` tells who wrote it; `git update-ref {ref} {commit[:10]}^` takes it away here, and all behind it",
    )
