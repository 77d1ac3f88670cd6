"""One comment for a pull request, written anew by each run: found by its marker and its author, never by chance.

The author counts because anybody can write the marker. Of one commit, an older run never replaces what a newer one said; of
two commits, the one that is the head of the pull request now has the word, whatever the numbers of the runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlgit.adapters.forge.forge import Comment, Forge
from mlgit.adapters.forge.http import HttpError, UnclearError
from mlgit.errors import MlgitError
from mlgit.report import marker
from mlgit.report.marker import Marker

_ROUNDS = 5

What = Literal["created", "updated", "unchanged", "left", "nothing to say"]
Body = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of the comment; `deleted` counts the extra copies that were taken away."""

    what: What
    comment: int = 0
    deleted: int = 0
    reason: str = ""


def upsert(forge: Forge, pull: int, *, mark: Marker, body: Body, login: str, is_worth_it: bool = True) -> Posted:
    """See that the pull request has one comment of this key, and that it says what `body` gives.

    `body` is called with the comment's text so far ('' for a new one) and returns one that begins with `mark`. Without
    `is_worth_it` no first comment is written. Raises HttpError when the forge refuses.
    """
    created = deleted = 0
    for _ in range(_ROUNDS):
        own = _own(forge.comments(pull), mark, login)
        if not own:
            if created:  # somebody took it away in the same moment
                return Posted("created", created, deleted)
            if not is_worth_it:
                return Posted("nothing to say", reason="nothing changed, and there is no comment yet")
            created = _create(forge, pull, _checked(forge, body(""), mark))
            continue  # another run may have written one in the same moment
        kept, extra = own[0], own[1:]
        newest = _newest(own, mark.head)
        is_newer = newest is not None and _run(newest) > mark.run
        if newest is None and (head := forge.pull(pull).head_commit) != mark.head:
            raise HttpError(f"the head of #{pull} is {head[:10]} by now, not {mark.head[:10]}", "its own run will report")
        said = newest.body if newest and is_newer else _checked(forge, body(kept.body), mark)
        is_same = _as_kept(said) == _as_kept(kept.body)
        if not is_same and not _update(forge, pull, kept.id, said):
            continue  # somebody took it away in the same moment
        for each in extra:
            _delete(forge, pull, each.id)
            deleted += 1
        if newest and is_newer:
            return Posted("left", kept.id, deleted, _why_left(newest, mark))
        if created == kept.id:
            return Posted("created", kept.id, deleted)
        return Posted("unchanged" if is_same else "updated", kept.id, deleted)
    raise HttpError("the comment could not be written: the forge does not show what it says it took", "try again later")


def _own(comments: list[Comment], mark: Marker, login: str) -> list[Comment]:
    """The comments of this key that we wrote ourselves, oldest first."""
    found = [each for each in comments if each.author.lower() == login.lower()]
    return [each for each in found if (parsed := marker.parse(each.body)) and parsed.key == mark.key]


def _newest(own: list[Comment], head: str) -> Comment | None:
    """The one of the newest run that reported on this commit, or did not say on which."""
    there = [each for each in own if (found := marker.parse(each.body)) and found.head in (head, "")]
    return max(there, key=_run, default=None)


def _why_left(newest: Comment, mark: Marker) -> str:
    told = "run {}.{}".format(*_run(newest))
    if mark.number:
        return f"{told} is newer and has reported already"
    return f"{told} has reported on {mark.head[:10]} already, and a report made by hand has no number to be newer by"


def _run(comment: Comment) -> tuple[int, int]:
    found = marker.parse(comment.body)
    return found.run if found else (-1, 0)


def _create(forge: Forge, pull: int, body: str) -> int:
    try:
        return forge.create_comment(pull, body).id
    except UnclearError:  # it may be there all the same: look again
        return 0


def _update(forge: Forge, pull: int, comment: int, body: str) -> bool:
    """Whether the comment was still there."""
    try:
        forge.update_comment(pull, comment, body)
    except HttpError as error:
        if error.status != 404:
            raise
        return False
    return True


def _as_kept(body: str) -> str:
    """A forge may keep other ends of lines than it was sent, and none at the end of the text."""
    return body.replace("\r\n", "\n").rstrip()


def _delete(forge: Forge, pull: int, comment: int) -> None:
    try:
        forge.delete_comment(pull, comment)
    except HttpError as error:
        if error.status != 404:  # another run was quicker
            raise


def _checked(forge: Forge, body: str, mark: Marker) -> str:
    """The body, if it can be found again and is not too long: a defect else, for rendering keeps the limits."""
    if marker.parse(body) != mark or len(body) > forge.longest_comment:
        raise MlgitError(f"a comment of {len(body)} characters that does not begin with its marker, or is too long")
    return body
