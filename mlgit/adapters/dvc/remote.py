"""The project's DVC remotes: objects by md5, sent from a cache and brought into one.

A remote that is a folder is read and written directly, as the cache is; any other goes through DVC. Each answer is one of
three: here, gone, or could not be asked (RemoteUnreachableError), and nothing is taken for gone that was not asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import cloud_store, folder_store, settings
from mlgit.adapters.dvc.cloud_store import DamagedRemoteError
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.internals import DraftedConfiguration
from mlgit.adapters.dvc.object_folder import ObjectFolder
from mlgit.adapters.dvc.remote_errors import Address, RemoteUnreachableError
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.dvc.stores import Store
from mlgit.errors import MlgitError, near_miss

__all__ = [
    "Address",
    "DamagedRemoteError",
    "Remote",
    "RemoteUnreachableError",
    "Routes",
    "Store",
    "bring",
    "configured",
    "connect",
    "put",
]

_RUN = re.compile("[0-9a-f]{64}")
_MANY = 500  # of so many objects, no one is asked for more than its name
_UNSEEN = object()


# The remotes that outputs name as their own; and by md5, which remotes an object belongs to ('': the default). An object
# that is not among them is looked for in all.
Routes = tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Examined:
    """Which of the objects asked for are gone, and what is wrong with those that are there and damaged."""

    gone: tuple[str, ...]
    damaged: Mapping[str, DamagedRemoteError]


class _Unconfigured:
    """A remote that an output names and no configuration knows."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self) -> RemoteUnreachableError:
        return RemoteUnreachableError(
            Address(self._name, ""),
            "outputs name it, and it is in no DVC configuration here",
            f"`mlgit remote add {self._name} URL`, or `mlgit remote list` for those that there are",
            by_asker=True,
        )

    def found(self, md5s: Iterable[str]) -> set[str]:
        raise self._refuse()

    def whole(self, md5s: Iterable[str]) -> set[str]:
        raise self._refuse()

    def examine(self, sizes: Mapping[str, int | None], *, read: bool) -> dict[str, DamagedRemoteError | None]:
        raise self._refuse()

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        raise self._refuse()

    def push(self, md5s: Iterable[str]) -> None:
        raise self._refuse()

    def runs(self, key: str) -> dict[str, bytes]:
        raise self._refuse()

    def make(self) -> None:
        raise self._refuse()

    def trial(self) -> AbstractContextManager[bool]:
        raise self._refuse()


def configured(dvc_folder: Path) -> Address:
    """The project's default remote.

    Raises MlgitError, with the command to type, when there is none, and for one whose objects have versions.
    """
    found = settings.default_remote(dvc_folder)
    if found is None:
        raise MlgitError(
            "no default DVC remote: data travels to and from the workers through it",
            "type `mlgit remote add -d NAME URL` (or `dvc remote default NAME` if there is one)",
        )
    return _address(*found)


def _address(name: str, options: Mapping[str, str]) -> Address:
    if any(options.get(key) == "true" for key in ("version_aware", "worktree")):
        raise MlgitError(
            f"the DVC remote '{name}' keeps versions of files instead of objects by content",
            "use a remote without `version_aware` and `worktree`: `mlgit remote add -d NAME URL`",
        )
    if options["url"].startswith("file://"):
        raise MlgitError(
            f"the DVC remote '{name}' ({options['url']}) is one that DVC takes for a path below the current folder",
            f"name the folder as a path: `dvc remote modify {name} url {options['url'].removeprefix('file://')}`",
        )
    return Address(name, options["url"])


def connect(dvc_folder: Path, cache: Cache, *, routes: Routes | None = ((), {})) -> Remote | None:
    """The remotes of a project, beside a cache; None where it has no default remote and outputs name none.

    Where `routes` are not known (None), objects may be in any of those that are configured.

    `dvc_folder` has the settings that DVC needs to reach them. Raises MlgitError for one whose objects have versions.
    """
    default, options = settings.remotes(dvc_folder)
    routes = (tuple(options), {}) if routes is None else routes
    own, _ = routes
    names = [name for name in dict.fromkeys([default, *own]) if name in options or name in own]
    if not names:
        return None
    addresses = [_address(name, options[name]) for name in names if name in options]
    stores: dict[str, Store] = {name: _Unconfigured(name) for name in names}
    for address in addresses:
        stores[address.name] = _store(dvc_folder, address, cache)
    return Remote(stores, cache, default=default if default in options else "", routes=routes, addresses=addresses)


def open_store(dvc_folder: Path, cache: Cache, name: str, *, draft: DraftedConfiguration | None = None) -> Store:
    """The remote of this name, by itself; it may be in a `draft` of the configuration only.

    Raises MlgitError where there is none, and for one whose objects have versions.
    """
    _, options = settings.remotes(dvc_folder, draft=(draft.path, draft.content) if draft else None)
    if name not in options:
        raise MlgitError(f"no DVC remote is called '{name}'{near_miss(name, options)}", "`mlgit remote list` lists them")
    return _store(dvc_folder, _address(name, options[name]), cache, config=draft.config if draft else None)


def open_folder(dvc_folder: Path, objects: ObjectFolder, *, below: str, name: str = "") -> Store | None:
    """A folder of a remote, by default the project's, with objects of its own: what DVC collects there does not touch them.

    None where the project has no such remote. Raises MlgitError where none has this name, or its objects have versions.
    """
    default, options = settings.remotes(dvc_folder)
    if name and name not in options:
        raise MlgitError(f"no DVC remote is called '{name}'{near_miss(name, options)}", "`mlgit remote list` lists them")
    chosen = name or default
    if not chosen or chosen not in options:
        return None
    return _store(dvc_folder, _address(chosen, options[chosen]), objects, below=below)


def _store(dvc_folder: Path, address: Address, objects: ObjectFolder, *, config: object = None, below: str = "") -> Store:
    if address.is_folder:
        return folder_store.FolderStore(address, objects, below=below)
    return cloud_store.CloudStore(dvc_folder, address, objects, config=config, below=below)


class Remote:
    """Where objects are kept for others, beside a cache. An md5 that ends in `.dir` stands for a list and all files in it.

    Objects go to the remote that their output names, if it names one, and to the default otherwise. `addresses` are those
    of all remotes that are used, the default's first.
    All verbs raise RemoteUnreachableError where a remote does not answer that has to be asked.
    """

    def __init__(
        self, stores: Mapping[str, Store], cache: Cache, *, default: str, routes: Routes, addresses: Iterable[Address]
    ) -> None:
        self._stores = stores
        self._here = cache
        self._default = default
        self._names, by_md5 = routes
        self._routes = {md5: tuple(name or default for name in names) for md5, names in by_md5.items()}
        self.addresses = tuple(addresses)

    def assign(self, md5: str, name: str) -> None:
        """An object belongs to the remote of this name ('': the default), perhaps beside others."""
        if self._names:
            self._routes[md5] = tuple(dict.fromkeys([*self._routes.get(md5, ()), name or self._default]))

    def asked_for(self, md5: str) -> list[str]:
        """The names, in quotes, of the remotes that are asked for an object."""
        return [f"'{name}'" for name in self._places(md5)]

    def refuse_unconfigured(self) -> None:
        """Raise RemoteUnreachableError where outputs name a remote that is not configured."""
        for store in self._stores.values():
            if isinstance(store, _Unconfigured):
                store.found([cloud_store.NOBODYS])

    def establish(self) -> None:
        """Make the folders of remotes that are one: a machine on which one is missing then has not mounted it."""
        for store in self._stores.values():
            store.make()

    def probe(self) -> None:
        """Ask each for what no remote has: raises RemoteUnreachableError where one does not answer."""
        for store in self._stores.values():
            store.found([cloud_store.NOBODYS])

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is missing there of the objects that the cache has; the lists of folders come after their files."""
        wanted = list(dict.fromkeys(md5s))
        lists = {md5: self._homes(md5) for md5 in wanted if md5.endswith(".dir")}
        self._send(self._with_parts(lists) | {md5: self._homes(md5) for md5 in wanted if md5 not in lists})
        self._send(lists)

    def lacking(self, md5s: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those of the objects, with all files in folders whose lists are here, that a remote lacks, or has in part.

        Each with the names of those remotes, in which it is to be. A folder that was not made yet has nothing.
        """
        wanted = list(dict.fromkeys(md5s))
        lists = {md5: self._homes(md5) for md5 in wanted if md5.endswith(".dir")}
        homes = self._with_parts(lists) | {md5: self._homes(md5) for md5 in wanted}
        new = {each.name for each in self.addresses if each.is_folder and not os.path.lexists(each.url)}
        found: dict[str, tuple[str, ...]] = {}
        for name, store in self._stores.items():
            own = [md5 for md5, names in homes.items() if name in names]
            there = store.whole(own) if own and name not in new else set()
            found |= {md5: (*found.get(md5, ()), name) for md5 in own if md5 not in there}
        return found

    def send(self, lacking: Mapping[str, tuple[str, ...]]) -> None:
        """Send objects to the remotes named with them, the lists of folders after all files."""
        self._send({md5: names for md5, names in lacking.items() if not md5.endswith(".dir")})
        self._send({md5: names for md5, names in lacking.items() if md5.endswith(".dir")})

    def _homes(self, md5: str) -> tuple[str, ...]:
        """The names of the remotes that an object is to be in."""
        return self._routes.get(md5) or ((self._default,) if self._default else self._names)

    def _send(self, homes: Mapping[str, tuple[str, ...]]) -> None:
        for name, store in self._stores.items():
            store.push([md5 for md5, names in homes.items() if name in names])

    def fetch(self, md5s: Iterable[str], *, without: Collection[str] = ()) -> None:
        """Bring objects into the cache, as far as the remotes have them: first the lists of folders, which name their files.

        Those named in `without` are not asked. Raises DamagedRemoteError, with all others brought.
        """
        wanted = list(dict.fromkeys(md5s))
        lists = {md5: self._places(md5) for md5 in wanted if md5.endswith(".dir")}
        self._in_turn(lists, _bring, self._here_of, without=without)
        files = self._with_parts(lists) | {md5: self._places(md5) for md5 in wanted if md5 not in lists}
        self._in_turn(files, _bring, self._here_of, without=without)

    def examine(self, sizes: Mapping[str, int | None], *, read: bool = False) -> Examined:
        """Look for objects, given with their sizes in bytes as far as known, where they belong.

        What the storage says of size and md5 is looked at; with `read`, the bytes are. Only the lists of folders are brought.
        """
        lists = {md5: self._places(md5) for md5 in sizes if md5.endswith(".dir")}
        broken: dict[str, DamagedRemoteError] = {}
        try:
            self._in_turn({md5: names for md5, names in lists.items() if not self._here.has(md5)}, _bring, self._here_of)
        except DamagedRemoteError as error:
            broken[error.md5] = error
        parts = {md5: _with_files(self._here, md5) for md5 in sizes if not self._is_unlisted(md5)}
        places = self._with_parts(lists) | {md5: self._places(md5) for md5 in parts}
        found: dict[str, DamagedRemoteError | None] = {}

        def ask(store: Store, lacking: list[str]) -> None:
            if len(lacking) > _MANY and not read:
                found.update(dict.fromkeys(store.found(lacking)))
            else:
                found.update(store.examine({md5: sizes.get(md5) for md5 in lacking if md5 not in lists}, read=read))
                found.update(store.examine({md5: None for md5 in lacking if md5 in lists}, read=read))

        self._in_turn(places, ask, lambda md5s: {md5 for md5 in md5s if found.get(md5, _UNSEEN) is None})
        wrong = {md5: next(filter(None, (found.get(each) for each in names)), None) for md5, names in parts.items()} | broken
        lost = {md5 for md5 in sizes if md5 not in parts or not found.keys() >= set(parts[md5])} - broken.keys()
        return Examined(tuple(lost), {md5: error for md5, error in wrong.items() if error and md5 not in lost})

    def runs(self, key: str, *, without: Collection[str] = ()) -> dict[str, bytes]:
        """The results that the default remote's run cache has for a key: name -> text; what is named otherwise is none."""
        if not self._default or self._default in without:
            return {}
        return {name: text for name, text in self._stores[self._default].runs(key).items() if _RUN.fullmatch(name)}

    def _places(self, md5: str) -> tuple[str, ...]:
        """The names of the remotes that may have an object."""
        return tuple(name for name in self._routes.get(md5) or self._stores if name in self._stores)

    def _with_parts(self, folders: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The files in these folders, each with the names that stand with its folders."""
        found: dict[str, tuple[str, ...]] = {}
        for md5, names in folders.items():
            for each in _with_files(self._here, md5)[:-1]:
                known = found.get(each, ())
                found[each] = names if not known or known == names else tuple(dict.fromkeys([*known, *names]))
        return found

    def _in_turn(
        self,
        places: Mapping[str, tuple[str, ...]],
        ask: Callable[[Store, list[str]], None],
        found: Callable[[Iterable[str]], set[str]],
        *,
        without: Collection[str] = (),
    ) -> None:
        """Ask for each object where it may be, one place after the other until it is found.

        Raises the first trouble with a remote that an object was not found in, and nowhere else.
        """
        troubles: list[tuple[RemoteUnreachableError, list[str]]] = []
        lacking = list(places)
        for turn in range(max(map(len, places.values()), default=0)):
            for name, store in self._stores.items():
                group = [md5 for md5 in lacking if places[md5][turn : turn + 1] == (name,)]
                if group and name not in without:
                    try:
                        ask(store, group)
                    except RemoteUnreachableError as error:
                        troubles.append((error, group))
            here = found(lacking)
            lacking = [md5 for md5 in lacking if md5 not in here]
        for trouble, group in troubles:
            if not set(lacking).isdisjoint(group):
                raise trouble

    def _here_of(self, md5s: Iterable[str]) -> set[str]:
        return {md5 for md5 in md5s if os.path.exists(self._here.path(md5))}

    def _is_unlisted(self, md5: str) -> bool:
        """Whether it is a folder whose files nobody can name: its list did not come, or is none."""
        return md5.endswith(".dir") and self._here.members(md5) is None


def _bring(store: Store, md5s: list[str]) -> None:
    store.fetch(md5s)


def _with_files(cache: Cache, md5: str) -> list[str]:
    if not md5.endswith(".dir"):
        return [md5]
    return [*dict.fromkeys(member.md5 for member in cache.members(md5) or ()), md5]


def put(cache: Cache, md5: str, content: bytes) -> None:
    """Place an object whose bytes came from elsewhere.

    Raises MlgitError for bytes that are not what the name says.
    """
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise MlgitError(f"object {md5}: arrived damaged", "run again")
    if not os.path.exists(cache.path(md5)):
        folder_store.place(cache.path(md5), lambda temporary: Path(temporary).write_bytes(content))


def bring(remote: Remote, cache: Cache, contents: Iterable[Content]) -> list[Content]:
    """Fetch what the cache lacks of these contents, in one go; returns those that are nowhere."""
    lacking = [content for content in contents if not cache.has_all(content.md5)]
    if lacking:
        remote.fetch(content.md5 for content in lacking)
    return [content for content in lacking if not cache.has_all(content.md5)]
