"""The folders of releases that servers of one project share: each appears as a whole, and goes when no server uses it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlgit.adapters.system import files, locks, state_files
from mlgit.errors import MlgitError

_PATIENCE = 60.0
_IN_USE = ".used"
_LOCK = "lock"


class ReleaseStore:
    """Folders by name, below one folder of this machine.

    A server holds a lock on each that it uses, as long as it lives: others leave those alone, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: dict[str, int] = {}

    def place(self, name: str, *, is_whole: Callable[[Path], bool], write: Callable[[Path], object]) -> Path:
        """The folder of this name, which this server uses from now on: as it is, else written anew.

        `write` is given a place where nothing lies. Raises MlgitError as it does, and where nothing can be written.
        """
        with self._alone():
            self._use(name)
        place = self._folder / name
        if place.is_dir() and is_whole(place):
            return place
        work = f"{name}.{secrets.token_hex(6)}"
        with self._alone():
            self._use(work)
            (self._folder / work).mkdir(mode=0o700)
        try:
            write(self._folder / work / "new")
            with self._alone():
                if place.is_dir() and is_whole(place):  # another server was faster, and may be reading it
                    return place
                if os.path.lexists(place):
                    os.rename(place, self._folder / work / "old")
                os.rename(self._folder / work / "new", place)
        except OSError as error:
            raise MlgitError(f"{place}: cannot be written: {error.strerror}") from error
        finally:
            with self._alone():
                self._drop(work)
        return place

    def keep(self, places: Iterable[Path]) -> None:
        """Give up all folders but these, and remove what no server uses any more."""
        wanted = {place.name for place in places}
        with self._alone():
            for name in self._used.keys() - wanted:
                os.close(self._used.pop(name))
            names = {entry.name.removesuffix(_IN_USE) for entry in os.scandir(self._folder)} - {_LOCK}
            for name in names - self._used.keys():
                if not locks.is_shared(self._folder / f"{name}{_IN_USE}"):
                    self._remove(name)

    def close(self) -> None:
        """Give up all folders; they stay, for the next server."""
        while self._used:
            os.close(self._used.popitem()[1])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        state_files.make_folder(str(self._folder))
        with suppress(OSError):
            self._folder.chmod(0o700)  # rows of test data lie in it
        with locks.held(self._folder / _LOCK, timeout=_PATIENCE, busy=f"{self._folder}: another server is at it"):
            yield

    def _use(self, name: str) -> None:
        if name not in self._used:
            self._used[name] = locks.share(self._folder / f"{name}{_IN_USE}")

    def _drop(self, name: str) -> None:
        os.close(self._used.pop(name))
        self._remove(name)

    def _remove(self, name: str) -> None:
        with suppress(OSError):  # the next one tries again
            files.remove(self._folder / name)
            files.remove(self._folder / f"{name}{_IN_USE}")
