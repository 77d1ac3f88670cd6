"""How far a project is from its template: versions behind, and the files that differ from what it gave."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlgit.adapters.git import git, merging
from mlgit.commands import template_source
from mlgit.commands.template_source import Made
from mlgit.errors import MlgitError
from mlgit.scaffold import kept_form, neighbours, pristine, sources, state, switch, update
from mlgit.scaffold.pristine import PristineRender
from mlgit.scaffold.state import State

_STATES: dict[str, Literal["changed", "deleted", "renamed"]] = {"M": "changed", "T": "changed", "D": "deleted", "R": "renamed"}


@dataclass(frozen=True, slots=True)
class DifferingFile:
    """A file that differs from what the template gave, and how: lines added and removed (None for a binary file)."""

    path: str
    state: Literal["changed", "deleted", "renamed"]
    added: int | None = None
    removed: int | None = None
    renamed_to: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "path": self.path,
            "state": self.state,
            "added": self.added,
            "removed": self.removed,
            "renamed_to": self.renamed_to,
        }


@dataclass(frozen=True, slots=True)
class TemplateStatus:
    """What the project was made from, what there is now, and the files that differ.

    `newest` is '' where the source could not be asked (`problem` says why); `behind` counts versions, and is 1 where the same
    version renders to something else. `changes` are the newer versions and what each changed. `files` is None where what the
    template gave is nowhere.
    """

    recorded: State
    source: str
    newest: str
    behind: int
    changes: tuple[tuple[str, str], ...]
    files: tuple[DifferingFile, ...] | None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """0 current and unchanged, 1 behind or different, 2 where that cannot be said."""
        if self.behind or self.files:
            return 1
        return 2 if self.problem or self.files is None else 0

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "template": self.recorded.template,
            "version": self.recorded.version,
            "source": self.source,
            "newest": self.newest or None,
            "behind": self.behind,
            "changes": [{"version": version, "what": what} for version, what in self.changes],
            "answers": self.recorded.answers,
            "files": None if self.files is None else [each.document() for each in self.files],
            "notes": list(self.notes),
            "problem": self.problem or None,
        }


@dataclass(frozen=True, slots=True)
class _Newest:
    version: str = ""
    behind: int = 0
    changes: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def status() -> TemplateStatus:
    """Compare the project of the current folder with its template as it is now, and with what that gave."""
    made = template_source.find()
    base = _base(made)
    newest = _newest(made)
    notes = [base.note] if base.note else []
    found = switch.pending(made.root)
    if found and found.is_broken_off:
        notes.append(f"{found.journal.what} was broken off: `mlgit template abort` puts back what there was")
    elif found:
        notes.append(f"{found.journal.what} is not committed yet")
    files = tuple(_differing(made, base, merging.entries(made.root, base.tree))) if base.found else None
    known = made.source
    source = {"builtin": "mlgit", "folder": made.recorded.source}.get(known.kind, str(known))
    return TemplateStatus(
        made.recorded, source, newest.version, newest.behind, newest.changes, files, tuple(notes), newest.problem
    )


def changes(paths: Sequence[str] = ()) -> str:
    """What people have changed in the files that the template gave, as a patch, below the named paths only where there are any.

    Raises MlgitError where what the template gave is nowhere.
    """
    made = template_source.find()
    base = _base(made)
    if not base.found:
        raise MlgitError(base.note)
    given = merging.entries(made.root, base.tree)
    differing = _named(made, paths, given, _differing(made, base, given))
    wanted = [*(each.path for each in differing), *(each.renamed_to for each in differing if each.renamed_to)]
    if not wanted:
        return ""
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "-M")
    return git.run(made.root, "--literal-pathspecs", "diff", *options, base.tree, "--", *wanted).text


def _named(made: Made, paths: Sequence[str], given: Iterable[str], differing: Sequence[DifferingFile]) -> list[DifferingFile]:
    """The files that differ at or below one of the paths, by their name in the template or by the one they have now."""
    if not paths:
        return [*differing]
    names: dict[str, tuple[str, ...]] = {path: (path,) for path in given}
    names |= {each.path: (each.path, each.renamed_to) for each in differing if each.renamed_to}
    wanted: set[str] = set()
    for asked in paths:
        at = os.path.relpath(os.path.abspath(asked), made.root)
        found = {
            path for path, known in names.items() if at == "." or any(each == at or each.startswith(f"{at}/") for each in known)
        }
        if not found:
            raise MlgitError(f"{asked}: the template gave no file there", "`mlgit template diff` shows all that differ")
        wanted |= found
    return [each for each in differing if each.path in wanted]


def _base(made: Made) -> PristineRender:
    return pristine.find(made.root, made.recorded, prefix=made.prefix, rendered=lambda: template_source.rendered_anew(made))


def _newest(made: Made) -> _Newest:
    try:
        if made.source.kind == "url":
            return _of_repository(made)
        offer = template_source.offered(made, made.source)
        tree = update.stored(made.root, offer.template, offer.answers)
    except MlgitError as error:
        return _Newest(problem=error.message)
    here, there = made.recorded.version, offer.manifest.version
    newer = [each for each in offer.manifest.changes.items() if _is_newer(each[0], here) and not _is_newer(each[0], there)]
    newer.sort(key=lambda each: template_source.numbers(each[0]), reverse=True)
    behind = max(len(newer), 1) if tree != made.recorded.tree and not _is_newer(here, there) else 0
    return _Newest(there, behind, tuple(newer))


def _is_newer(one: str, other: str) -> bool:
    return template_source.numbers(one) > template_source.numbers(other)


def _of_repository(made: Made) -> _Newest:
    known = sources.versions(made.source)
    tags = [each.tag for each in known]
    if not known:
        newest = sources.read(template_source.newest(made))
        return _Newest(newest.template.manifest.version, int(newest.source.commit != made.recorded.commit))
    at = next((i for i, each in enumerate(known) if made.recorded.commit == each.commit or made.recorded.ref == each.tag), None)
    if at is None:
        return _Newest(tags[0], 1)
    return _Newest(tags[0], at, tuple((tag, "") for tag in tags[:at]))


def _differing(made: Made, base: PristineRender, given: Mapping[str, merging.Entry]) -> list[DifferingFile]:
    (kept,) = kept_form.filtered(made.root, (given,), given)
    tree = _beside_others(made, merging.changed_tree(made.root, base.tree, kept), given)
    options = ("--raw", "--numstat", "--no-ext-diff", "--no-textconv", "-M", "-l0", "-z", "--diff-filter=MDRT")
    fields = iter(git.run(made.root, "diff", *options, tree, "--").text.split("\0"))
    kinds: dict[str, tuple[str, str]] = {}
    counts: dict[str, tuple[int | None, int | None]] = {}
    for field in fields:
        if field.startswith(":"):
            kind, path = field.rpartition(" ")[2][:1], next(fields)
            kinds[path] = (kind, next(fields) if kind == "R" else "")
        elif field:
            added, removed, path = field.split("\t", 2)
            path = path or (next(fields), next(fields))[1]
            counts[path] = (None, None) if added == "-" else (int(added), int(removed))
    found = [
        DifferingFile(path, _STATES[kind], *counts.get(renamed_to or path, (None, None)), renamed_to=renamed_to)
        for path, (kind, renamed_to) in kinds.items()
        if path in given
    ]
    return sorted(found, key=lambda each: each.path)


def _beside_others(made: Made, tree: str, given: Mapping[str, merging.Entry]) -> str:
    """The render with what other projects of the repository have: nothing here is then taken to be renamed to that."""
    listed = git.run(made.root, "ls-files", "-z", "--", f":(top,glob)**/{state.NAME}").text
    if listed.count("\0") < 2 or not git.head(made.root):
        return tree
    others = neighbours.of_others(made.root, merging.entries(made.root, "HEAD"), prefix=made.prefix)
    return merging.changed_tree(made.root, tree, {path: each for path, each in others.items() if path not in given})
