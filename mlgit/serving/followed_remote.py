"""The Git remote whose tags a server follows: asked for a bounded time, and gone without while it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlgit.adapters.git import remote_tags, tags
from mlgit.adapters.git.remote_tags import There
from mlgit.errors import MlgitError

# How long it may take to name its tags, and to give those that are missing here, in seconds.
ASKING = 20.0
FETCHING = 120.0


class FollowedRemote:
    """A remote by name ('' for origin, or the only one), or None for none. What it does not do is told to `note`, once."""

    def __init__(self, root: Path, name: str | None, note: Callable[[str], None], *, patience: float = ASKING) -> None:
        self._root = root
        self._name = name
        self._note = note
        self._patience = patience
        self._trouble = ""
        self._ahead: list[There | None] = []

    def ask_ahead(self) -> There | None:
        """The same as `ask`, whose next call then gives the same: a server that begins waits once for one that is silent."""
        self._ahead = [self.ask()]
        return self._ahead[0]

    def ask(self) -> There | None:
        """What it has; None where there is none, and where it does not answer."""
        if self._ahead:
            return self._ahead.pop()
        name = self._chosen()
        if not name:
            return None
        try:
            found = remote_tags.look(self._root, name, patience=self._patience)
        except MlgitError as error:
            self._trouble_is(f"{error.message}; going on with the tags that are here")
            return None
        if self._trouble:
            self._note(f"the remote '{name}' answers again")
            self._trouble = ""
        return found

    def bring(self, there: There, is_wanted: Callable[[str], bool]) -> bool:
        """Fetch the wanted tags that are missing here, and the log; whether all of it is here now. No tag is overwritten."""
        for is_last in (False, True):
            missing = [name for name in there.tags.keys() - tags.names(self._root).keys() if is_wanted(name)]
            try:
                remote_tags.catch_up(self._root, there, sorted(missing), patience=FETCHING)
                mine = tags.object_of(self._root, tags.LOG)
                if remote_tags.compare_log(self._root, there, mine=mine, patience=FETCHING) == "ahead":
                    tags.move_log(self._root, there.log, before=mine)
                return True
            except MlgitError as error:
                if is_last:  # the first time another server of this clone may have been faster
                    self._trouble_is(f"{error.message}; going on with the tags that are here")
        return False

    def _chosen(self) -> str:
        if self._name != "":
            return self._name or ""
        known = remote_tags.remotes(self._root)
        self._name = "origin" if "origin" in known else known[0] if len(known) == 1 else None
        if known and not self._name:
            self._note(f"of the remotes {', '.join(known)} none is 'origin': name one with --remote to follow its tags")
        return self._name or ""

    def _trouble_is(self, text: str) -> None:
        if text != self._trouble:
            self._note(text)
        self._trouble = text
