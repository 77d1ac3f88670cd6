"""What Git says about a version's commit and tags: who, when, merged or not, and how good signatures are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlgit.adapters.git import git, refs, tags
from mlgit.registry.audit import AuditedApproval, Code, Trust
from mlgit.registry.event import Event
from mlgit.registry.grammar import APPROVALS

# Git's letters for signatures (git-log(1), %G?): U and E are good ones, or not to be checked, by keys not trusted here.
_TRUST: dict[str, Trust] = {"G": "good", "B": "bad", "N": "none", "U": "unknown", "E": "unknown"}
_FORMAT = "%H%x00%an%x00%ae%x00%at%x00%G?%x00%s"


def code(git_root: Path, commit: str) -> Code:
    """The commit: author, subject, signature, and whether the default branch holds it."""
    row = git.line(git_root, "log", "-1", "--no-show-signature", f"--format={_FORMAT}", commit, "--")
    oid, author, email, time, letter, subject = row.split("\0", 5)
    branch = refs.default_branch(git_root)
    return Code(
        oid,
        author,
        email,
        int(time),
        subject,
        branch or "",
        _is_merged(git_root, oid, branch) if branch else None,
        _TRUST.get(letter, "bad"),
    )


def _is_merged(git_root: Path, commit: str, branch: str) -> bool | None:
    done = git.run(git_root, "merge-base", "--is-ancestor", commit, branch, check=False)
    if done.code == 1 and git.line(git_root, "rev-parse", "--is-shallow-repository") == "true":
        return None
    return {0: True, 1: False}.get(done.code)


def trust(git_root: Path, events: Iterable[Event]) -> dict[str, Trust]:
    """How good the signatures of tags are, by ref; only signed ones are looked at, each by one process."""
    return {each.ref: of_tag(git_root, each.oid) if each.is_signed else "none" for each in events}


def of_tag(git_root: Path, oid: str) -> Trust:
    """How good the signature of a tag object is."""
    found = tags.verify(git_root, oid)
    if found.is_good:
        return "good"
    bad = any(word in found.detail.lower() for word in ("bad", "incorrect", "failed", "invalid", "malformed"))
    return "bad" if bad else "unknown"


def approvals(git_root: Path, version: Event) -> tuple[AuditedApproval, ...]:
    """Who approved the version with this registration: tags on its tag object. Those on another object do not count."""
    name = version.name
    folder = f"refs/tags/{APPROVALS}{name.artifact.replace(':', '=')}/{name.version}/"
    fields = ("refname:lstrip=2", "objectname", "object", "taggername", "taggeremail", "taggerdate:raw", "contents:signature")
    layout = "%00".join(f"%({each})" for each in fields) + "%00%00"
    rows = git.run(git_root, "for-each-ref", f"--format={layout}", folder).text.split("\0\0\n")
    found = [row.split("\0", len(fields) - 1) for row in rows if row.count("\0") >= len(fields) - 1]
    return tuple(_approval(git_root, row) for row in found if row[2] == version.oid)


def _approval(git_root: Path, row: list[str]) -> AuditedApproval:
    ref, oid, _, by, email, date, signature = row
    time = date.partition(" ")[0]
    trust = of_tag(git_root, oid) if signature.strip() else "none"
    return AuditedApproval(by, email.strip("<>"), int(time) if time.isdigit() else 0, trust, ref)


def commits_naming(git_root: Path, commits: Iterable[str], words: Iterable[str]) -> set[str]:
    """Those commits in which a dvc.lock or .dvc file names one of these words (digests)."""
    asked = list(dict.fromkeys(commits))
    if not asked:
        return set()
    patterns = [part for word in words for part in ("-e", word)]
    done = git.run(git_root, "grep", "-l", "-z", "-F", *patterns, *asked, "--", "*dvc.lock", "*.dvc", check=False)
    return {row.partition(":")[0] for row in done.text.split("\0") if row}
