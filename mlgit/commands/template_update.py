"""Brings a project to another version of its template, or to other features, by merging; and takes that back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.git import git
from mlgit.commands import template_source
from mlgit.commands.template_source import Made
from mlgit.errors import MlgitError
from mlgit.scaffold import adopt, answers, pristine, sources, state, switch, update
from mlgit.scaffold.answers import Ask
from mlgit.scaffold.merge import FileChange
from mlgit.scaffold.pristine import PristineRender
from mlgit.scaffold.state import State
from mlgit.scaffold.update import MergePlan

_UPDATE, _ADOPTION, _ADDING, _REMOVING = "the update", "the adoption", "adding", "removing"


@dataclass(frozen=True, slots=True)
class TemplateUpdate:
    """What was done, or with `dry_run` would be: versions, what became of each file of the template, and what to know.

    `diff` is what would change, as a patch; only told for a dry run that asks for it.
    """

    what: str
    before: State
    after: State
    changes: tuple[FileChange, ...] = ()
    notes: tuple[str, ...] = ()
    dry_run: bool = False
    diff: str = ""

    @property
    def conflicts(self) -> tuple[FileChange, ...]:
        return tuple(each for each in self.changes if each.outcome == "conflict")

    @property
    def is_current(self) -> bool:
        """Whether there was nothing to do."""
        return self.before == self.after

    @property
    def subject(self) -> str:
        """What a commit of it may be called."""
        if self.what == _UPDATE and self.before.version == self.after.version:
            return f"Render the template {self.after.template} anew"
        if self.what == _UPDATE:
            return f"Update to version {self.after.version} of the template {self.after.template}"
        if self.what == _ADOPTION:
            return f"Adopt the template {self.after.template} {self.after.version}"
        verb, _, feature = self.what.partition(" ")
        return f"{'Add' if verb == _ADDING else 'Remove'} the feature {feature} of the template {self.after.template}"

    @property
    def exit_code(self) -> int:
        return 1 if self.conflicts else 0

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "template": self.after.template,
            "from": self.before.version,
            "to": self.after.version,
            "answers": self.after.answers,
            "dry_run": self.dry_run,
            "files": [each.document() for each in self.changes],
            "notes": list(self.notes),
            **({"diff": self.diff} if self.diff else {}),
        }


def update_project(
    *,
    to: str = "",
    source: str = "",
    assignments: Sequence[str] = (),
    ask: Ask | None = None,
    dry_run: bool = False,
    with_diff: bool = False,
) -> TemplateUpdate:
    """Merge what a version of the template (the newest, unless `to` names one) renders to into the project.

    `source` is where the template is now, if it has moved. Raises MlgitError, before anything is touched, for a working tree
    that is not clean, a template that cannot be had, and an older version that was not asked for.
    """

    def prepared(made: Made, _: PristineRender) -> tuple[State, str]:
        place = template_source.newest(made, wanted=to, moved=source)
        offer = template_source.offered(made, place, assignments=assignments, ask=ask)
        template_source.check_version(made, offer.manifest, wanted=to)
        tree = update.stored(made.root, offer.template, offer.answers)
        return template_source.state_of(made, offer, tree=tree), tree

    return _carry_out(prepared, what=_UPDATE, dry_run=dry_run, with_diff=with_diff)


def adopt_template(
    folder: Path | str = ".",
    *,
    template: str,
    assignments: Sequence[str] = (),
    ask: Ask | None = None,
    dry_run: bool = False,
) -> TemplateUpdate:
    """Merge what a template renders to into a repository that was there: what it lacks is added, what differs is a conflict.

    Raises MlgitError where a template is recorded already, and in a folder below the top of the repository, because workflows
    belong at its top.
    """
    place = adopt.find(Path(folder))
    if (place.folder / state.NAME).exists():
        raise MlgitError(
            f"{place.prefix}{state.NAME}: a template is recorded already", "`mlgit template update`, or remove the file"
        )
    if place.prefix:
        raise MlgitError(
            f"{place.prefix}: a template fills the top of a repository", "`mlgit init DIR` without -t brings workflows"
        )
    root = place.git_root
    with switch.alone(root):
        head = update.head_of(root, must_be_clean=not dry_run)
        offer = template_source.first_offer(place.folder, sources.parse(template), assignments=assignments, ask=ask)
        tree = update.stored(root, offer.template, offer.answers)
        made = Made(root, "", State(offer.manifest.name, offer.manifest.version, tree, offer.answers))
        after = template_source.state_of(made, offer, tree=tree)
        base = PristineRender(git.write_tree(root, {}), pristine.NOWHERE)
        beside = {} if (place.folder / ".dvc").is_dir() else dvc_command.initial_files()
        plan = update.plan(root, head, base=base, theirs=tree, recorded=after, prefix="", beside=beside)
        if not dry_run:
            _apply(root, plan, after, what=f"{_ADOPTION} of {after.template}", prefix="")
        return TemplateUpdate(_ADOPTION, replace(after, version="", tree=""), after, plan.changes, dry_run=dry_run)


def add_feature(feature: str, *, dry_run: bool = False, with_diff: bool = False) -> TemplateUpdate:
    """Bring a feature of the template into the project, at the version that the project has.

    Raises MlgitError for a feature that there is not, that is there, or that needs another one.
    """
    return _change_features(feature, is_wanted=True, dry_run=dry_run, with_diff=with_diff)


def remove_feature(feature: str, *, dry_run: bool = False, with_diff: bool = False) -> TemplateUpdate:
    """Take a feature of the template out of the project; what people have changed in its files is a conflict.

    Raises MlgitError for one that is not there, and where another one needs it.
    """
    return _change_features(feature, is_wanted=False, dry_run=dry_run, with_diff=with_diff)


def abort_update() -> switch.Journal:
    """Put back what there was before an update that is not committed; what that began with."""
    root = template_source.repository()
    with switch.alone(root) as broken_off:
        return broken_off or switch.abort(root)


def _change_features(feature: str, *, is_wanted: bool, dry_run: bool, with_diff: bool) -> TemplateUpdate:
    what = f"{_ADDING if is_wanted else _REMOVING} {feature}"

    def prepared(made: Made, base: PristineRender) -> tuple[State, str]:
        offer = template_source.with_feature(made, feature)
        question = next(each for each in offer.manifest.questions if feature in each.choices)
        chosen = made.recorded.answers.get(question.name, ())
        chosen = chosen if isinstance(chosen, tuple) else ()
        if (feature in chosen) == is_wanted:
            raise MlgitError(_unchanged(feature, chosen))
        names = [*chosen, feature] if is_wanted else [each for each in chosen if each != feature]
        then = {question.name: answers.checked(question, names, name=what)}
        if not base.found:
            raise MlgitError(base.note, "`mlgit template update` first, which records it anew")
        before, after = (
            update.stored(made.root, offer.template, {**offer.answers, **each}) for each in ({question.name: chosen}, then)
        )
        tree = update.delta(made.root, before=before, after=after, onto=made.recorded.tree, what=what)
        return replace(made.recorded, tree=tree, answers={**made.recorded.answers, **then}), tree

    return _carry_out(prepared, what=what, dry_run=dry_run, with_diff=with_diff)


def _unchanged(feature: str, chosen: tuple[str, ...]) -> str:
    if feature in chosen:
        return f"the project has the feature '{feature}' already"
    return f"the project does not have the feature '{feature}'; it has: {', '.join(chosen) or 'none'}"


def _carry_out(
    prepared: Callable[[Made, PristineRender], tuple[State, str]], *, what: str, dry_run: bool, with_diff: bool
) -> TemplateUpdate:
    """Merge the render that `prepared` gives, with the state to be recorded, upon the base of the project."""
    root = template_source.repository()
    with switch.alone(root):
        made = template_source.find(root)
        prefix = made.prefix
        found = switch.pending(root)
        if found:
            raise MlgitError(f"{found.journal.what} is not committed yet", "commit it, or take it back: `mlgit template abort`")
        head = update.head_of(root, must_be_clean=not dry_run)
        base = pristine.find(root, made.recorded, prefix=prefix, rendered=lambda: template_source.rendered_anew(made))
        after, tree = prepared(made, base)
        if after == made.recorded:
            return TemplateUpdate(what, made.recorded, after, dry_run=dry_run)
        theirs = pristine.placed(root, tree, after, prefix=prefix)
        plan = update.plan(root, head, base=base, theirs=theirs, recorded=after, prefix=prefix)
        notes = (base.note,) if base.note else ()
        diff = update.patch(root, plan) if with_diff else ""
        if not dry_run:
            told = f"{what} of {after.template}" + (f" to {after.version}" if after.version != made.recorded.version else "")
            _apply(root, plan, after, what=told, prefix=prefix)
        return TemplateUpdate(what, made.recorded, after, plan.changes, notes, dry_run, diff)


def _apply(root: Path, plan: MergePlan, after: State, *, what: str, prefix: str) -> None:
    """Carry out what is planned, and keep the render that it leads to."""
    switch.switch(root, plan, what=what, after=update.keep(root, after, prefix=prefix))
