"""Which policy an event is held against, and what Git knows beside the tags: mlgit.yaml of the default branch, as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlgit import config as configs
from mlgit.adapters.formats import documents
from mlgit.adapters.git import git, refs, tags
from mlgit.config import Config
from mlgit.registry import compliance, read, state, tag_facts
from mlgit.registry.compliance import Ruling, Witnesses
from mlgit.registry.event import Event
from mlgit.registry.integrity import TagFault
from mlgit.registry.policy import Approval
from mlgit.registry.state import Artifact
from mlgit.render.text import few

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_APPROVAL = re.compile(rb"object ([0-9a-f]+)\ntype tag\ntag ([^\n]*)\ntagger [^\n<]*<([^\n>]*)> ")


def judge(root: Path, artifacts: Iterable[Artifact], *, published: Iterable[tuple[str, str]]) -> list[TagFault]:
    """Promotions of artifacts that do not show what the policy in force asked; `published` are the rows of the log.

    What was taken away or moved counts as it was, for that is another finding, and is held against policy as well: what came
    after it is judged by what was there; where this clone cannot know that, the finding stands and says so.
    """
    known = Policies(root)
    rows = tuple(published)
    found: list[TagFault] = []
    for artifact in artifacts:
        whole, lost = read.as_published(root, artifact, rows)
        hint = f"bring back {few(lost)} first: what came after may rest on it" if lost else ""
        wrong = state.judged(artifact, known.findings, whole=whole)
        found += [each._replace(hint=hint or each.hint) for each in wrong]
    return found


def reviewed_branch(root: Path) -> tuple[str, str]:
    """The branch whose mlgit.yaml decides, with its tip: the default one, as it was pushed where there is a remote.

    Asked anew each time, for a fetch may move it; ('', '') where there is none.
    """
    known = refs.branches(root)
    if known.default is None:
        return "", ""
    pushed = known.commits.get(f"refs/remotes/origin/{known.default}")
    if pushed:
        return f"origin/{known.default}", pushed  # what was pushed, not what lies here
    return known.default, known.commit_of(known.default)


class Policies:
    """The mlgit.yaml that were in force, read once each.

    A promotion names the commit whose file it asked. That counts where the default branch holds the commit, and as long as
    no promotion of the model before it had asked a later one; what names none is held against the file of the next that
    does, else against the newest.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tip = reviewed_branch(root)[1]
        self._is_reviewed: dict[str, bool] = {}
        self._configs: dict[tuple[str, str], Config | None] = {}

    def findings(self, artifact: Artifact) -> list[TagFault]:
        """Promotions of one artifact that do not show what was asked."""
        rulings = self.rulings(artifact)
        return compliance.findings(artifact, rulings=rulings, witnesses=self.witnesses(artifact, rulings))

    def rulings(self, artifact: Artifact) -> dict[str, Ruling]:
        """The ruling for every assignment since mlgit began to write the model's tags, by ref."""
        own = [place for place, event in enumerate(artifact.events) if event.body.facts or event.body.fault]
        events = artifact.events[own[0] :] if own else ()
        prefix = self._prefix(artifact.name)
        commits = self._commits(events)
        found = {}
        for event in events:
            if event.name.action == "assign":
                commit, config = self._in_force(commits[event.ref], event.commit, prefix)
                found[event.ref] = Ruling(config.environment(event.name.environment), commit)
        return found

    def _commits(self, events: Iterable[Event]) -> dict[str, str]:
        """The commit of the default branch whose file an event is held against, '' where there is no such branch."""
        listed = list(events)
        found: dict[str, str] = {}
        newest = ""
        for event in listed:
            commit = tag_facts.read(event).gate.get("config", event.body.facts.get("config"))  # of a promotion, or a rollback
            if isinstance(commit, str) and self._reviewed(commit):
                newest = commit if not newest or git.is_ancestor(self._root, newest, commit) else newest
                found[event.ref] = newest
        following = self._tip
        for event in reversed(listed):
            following = found.setdefault(event.ref, following)
        return found

    def _reviewed(self, commit: str) -> bool:
        if commit not in self._is_reviewed:
            known = bool(self._tip and _COMMIT.fullmatch(commit))
            self._is_reviewed[commit] = known and git.is_ancestor(self._root, commit, self._tip)
        return self._is_reviewed[commit]

    def _in_force(self, commit: str, own: str, prefix: str) -> tuple[str, Config]:
        """Where there is no such file on the default branch, the version's own decides, as in a promotion."""
        for each in (commit, own):
            config = self._config(each, prefix) if each else None
            if config is not None:
                return each, config
        return "", Config()

    def _config(self, commit: str, prefix: str) -> Config | None:
        if (commit, prefix) not in self._configs:
            done = git.run(self._root, "cat-file", "blob", f"{commit}:{prefix}{configs.NAME}", check=False)
            name = f"{commit[:10]}:{prefix}{configs.NAME}"
            parsed = configs.parse(documents.parse_yaml(done.text, name=name), name=name) if done.code == 0 else None
            self._configs[commit, prefix] = parsed
        return self._configs[commit, prefix]

    def _prefix(self, artifact: str) -> str:
        """The folder of the project that an artifact belongs to, '' for the repository's root, else ending with '/'."""
        folder = artifact.rpartition(":")[0]
        parts = [part for part in folder.split("/") if part]
        above = ["".join(f"{part}/" for part in parts[:size]) for size in range(len(parts), 0, -1)]
        for each in above if self._tip else []:
            if git.run(self._root, "cat-file", "-e", f"{self._tip}:{each}.dvc", check=False).code == 0:
                return each
        return ""

    def witnesses(self, artifact: Artifact, rulings: Mapping[str, Ruling]) -> Witnesses:
        """What Git knows of the events that are held against a ruling."""
        asked = [(event, ruling.environment) for event in artifact.events if (ruling := rulings.get(event.ref))]
        approved = [event for event, environment in asked if environment and environment.approvals]
        with_card = [event for event, environment in asked if environment and environment.card != "none"]
        return Witnesses(
            _approvals(self._root, approved),
            _authors(self._root, [event.commit for event in approved]),
            frozenset(event.ref for event in with_card if not self._has_card(event)),
        )

    def _has_card(self, event: Event) -> bool:
        """Whether the card that a promotion names is in its commit; of one that names none, whether there is one."""
        path, blob = tag_facts.read(event).card
        prefix = self._prefix(event.name.artifact)
        if path:
            return _blob(self._root, event.commit, f"{prefix}{path}") == blob
        config = self._config(event.commit, prefix) or Config()
        names = (event.name.artifact, event.name.artifact.removeprefix(prefix), event.name.artifact.rpartition(":")[2])
        return any(_blob(self._root, event.commit, f"{prefix}{config.model(name).card.out}") for name in names)


def _approvals(root: Path, events: Iterable[Event]) -> dict[str, Approval]:
    """The approvals that events name, as their tag objects are; a signature counts where Git trusts its key."""
    rows = [row for event in events for row in _rows(event.body.facts.get("approvals"))]
    oids = [oid for row in rows if _COMMIT.fullmatch(oid := str(row.get("oid")))]
    found = {}
    for oid, (kind, content) in git.read_objects(root, oids).items():
        header = _APPROVAL.match(content) if kind == "tag" else None
        if header:
            signature = tags.verify(root, oid) if b"\n-----BEGIN " in content else None
            signer = signature.signer if signature and signature.is_good else ""
            of, name, email = (part.decode(errors="replace") for part in header.groups())
            found[oid] = Approval(name, oid, of, email, signer)
    return found


def _rows(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _authors(root: Path, commits: Iterable[str]) -> dict[str, str]:
    """The e-mail addresses of those who made commits."""
    listed = "".join(f"{commit}\n" for commit in dict.fromkeys(commits))
    if not listed:
        return {}
    args = ["log", "--no-walk=unsorted", "--no-show-signature", "--format=%H %aE", "--stdin"]
    done = git.run(root, *args, stdin=listed.encode(), check=False)
    return {commit: email for commit, _, email in (row.partition(" ") for row in done.text.splitlines())}


def _blob(root: Path, commit: str, path: str) -> str:
    return git.run(root, "rev-parse", "--verify", "--quiet", f"{commit}:{path}", check=False).text.strip()
