"""Random histories of a registry, written as plain Git tags with dates of their own."""

from __future__ import annotations

import random
from pathlib import Path

from mlgit.registry import grammar, tag_message
from mlgit.registry.event import Action, TagName
from mlgit.registry.tag_message import Body
from tests.kit import git

START = 1_700_000_000
VERSIONS = ("v0.0.1", "v1.0.0", "v1.2.0-rc.1+b7", "v1.2.0", "v1.10.0", "v2.0.0-rc.1", "v2.0.0", "v3.0.0")
_ACTIONS: tuple[Action, ...] = ("register", "assign", "unassign", "deregister", "deprecate")


def commits(root: Path, count: int = 6) -> list[str]:
    """Make a repository in `root` with empty commits, older than every tag; returns their ids, oldest first."""
    git(root, "init", "-q")
    identify(root)
    tree, made = git(root, "mktree"), list[str]()
    date = f"{START - 1000} +0000"
    for number in range(count):
        parents = ["-p", made[-1]] if made else []
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        made.append(git(root, "commit-tree", tree, *parents, "-m", str(number), env=dates))
    git(root, "update-ref", "refs/heads/main", made[-1])
    return made


def identify(root: Path) -> None:
    """Tell a repository whose tags are written in it, for tools that read no global configuration of Git."""
    git(root, "config", "user.name", "Ada Example")
    git(root, "config", "user.email", "ada@example.com")


def tag(root: Path, ref: str, target: str, *, when: int, text: str = "By hand\n", force: bool = False) -> None:
    """Write an annotated tag with a text and a date."""
    forced = ["--force"] if force else []
    git(
        *(root, "tag", "-a", *forced, "--cleanup=verbatim", "-F", "-", ref, target),
        stdin=text,
        env={"GIT_COMMITTER_DATE": f"{when} +0200"},
    )


def chained(root: Path, *, after: str = "", event: str = "") -> str:
    """The text of a tag that follows the tag `after`, as mlgit writes it."""
    told = {"previous": f"{after} {git(root, 'rev-parse', f'refs/tags/{after}')}"} if after else {}
    told |= {"event": event} if event else {}
    return tag_message.render(Body("An event", "because", {"mlgit": 1, **told}))


def write(root: Path, seed: int, *, by_mlgit: bool) -> None:
    """A history of two artifacts, a version never at another's commit; chained if by mlgit, else without facts, as by GTO."""
    chance, places, now = random.Random(seed), commits(root), START
    registered: dict[str, dict[str, str]] = {"churn": {}, "models/nlp:seg": {}}
    last, counters, written = dict.fromkeys(registered, ""), dict.fromkeys(registered, 0), set[str]()
    for _ in range(chance.randint(4, 22)):
        now += chance.choice([1, 2, 3600])
        artifact = chance.choice(sorted(registered))
        known = registered[artifact]
        action = chance.choices(_ACTIONS, (5, 6, 2, 1, 1))[0]
        version, commit = _choice(chance, action, known, places)
        if not commit:
            continue
        counters[artifact] += 1
        is_place = action in ("assign", "unassign")
        environment = chance.choice(["prod", "staging"]) if is_place else ""
        counter = counters[artifact] if is_place else None
        ref = grammar.format(TagName(artifact, action, "" if is_place else version, environment, counter))
        if ref in written:
            continue
        text = chained(root, after=last[artifact], event=action) if by_mlgit else "By hand\n"
        tag(root, ref, commit, when=now, text=text)
        written.add(ref)
        last[artifact] = ref
        if action == "register":
            known[version] = commit


def _choice(chance: random.Random, action: Action, known: dict[str, str], places: list[str]) -> tuple[str, str]:
    """A version and its commit that an action can be about; no commit where there is none."""
    if action == "deprecate":
        return "", places[-1]
    if action == "register":
        version = chance.choice(VERSIONS)
        free = [commit for commit in places if commit not in known.values()]
        return version, chance.choice(free) if free and version not in known else ""
    if not known:
        return "", ""
    version = chance.choice(sorted(known))
    return version, known[version]
