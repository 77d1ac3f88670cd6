"""DVC's own memory of hashed files, filled so that a `dvc` command does not read again what mlgit has read.

It is a database of diskcache (sqlite), only ever a cache: where it cannot be written, or is not of the form known here,
nothing is written and nobody is told. Small work is not worth opening it: DVC hashes that as fast.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlgit.adapters.dvc.hashing import Fresh
from mlgit.adapters.system import dir_scan, state_files
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    import sqlite3

_FILES, _BYTES = 100, 4 << 20  # worth a row each where DVC has made the database
_MANY_FILES, _MANY_BYTES = 2000, 64 << 20  # worth making it
_WAIT = 2.0  # seconds for a DVC command that writes to it
_DVC_MAJOR, _SALT = 3, 0
_ROW = """INSERT INTO Cache(key, raw, store_time, expire_time, access_time, tag, mode, filename, value)
VALUES (?, 1, 0, null, 0, null, 1, null, ?) ON CONFLICT(key, raw) DO UPDATE SET value = excluded.value"""
_TABLES = """CREATE TABLE IF NOT EXISTS Settings ( key TEXT NOT NULL UNIQUE, value);
CREATE TABLE IF NOT EXISTS Cache ( rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, expire_time REAL,
 access_time REAL, access_count INTEGER DEFAULT 0, tag BLOB, size INTEGER DEFAULT 0, mode INTEGER DEFAULT 0, filename TEXT,
 value BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS Cache_key_raw ON Cache(key, raw);
INSERT OR IGNORE INTO Settings VALUES ('count', 0), ('size', 0), ('hits', 0), ('misses', 0);"""
_COUNTER = "Settings_count_insert"


def save(root: Path, fresh: list[Fresh], *, site_cache: str = "") -> None:
    """Tell DVC of files that were hashed; `site_cache` is `core.site_cache_dir` of its configuration."""
    files, size = _amount(fresh)
    if files < _FILES and size < _BYTES:
        return
    import getpass
    import sqlite3  # five milliseconds that small work does not pay

    try:
        database = f"{_folder(root, site_cache, getpass.getuser())}/hashes/local/cache.db"
        if not os.path.exists(database):
            if files < _MANY_FILES and size < _MANY_BYTES:
                return
            _make_folder(database)
        connection = sqlite3.connect(database, timeout=_WAIT, isolation_level=None)
        try:
            _write(connection, fresh)
        finally:
            connection.close()
    except (MlgitError, OSError, sqlite3.Error, KeyError):  # KeyError: a user without a name
        return


def is_much(fresh: list[Fresh]) -> bool:
    """Whether these files are so many that telling takes long."""
    return _amount(fresh)[0] >= _MANY_FILES


def _amount(fresh: list[Fresh]) -> tuple[int, int]:
    sizes = (sum(dir_scan.numbers_of(each.stamps)[2::4]) for each in fresh)
    return sum(len(each.names) for each in fresh), sum(sizes)


def _folder(root: Path, site_cache: str, user: str) -> str:
    """Where DVC keeps what it knows of this project (`Repo.site_cache_dir`)."""
    born = f"{root}/.dvc/tmp/btime"
    if not os.path.exists(born):
        state_files.make_folder(os.path.dirname(born))
        os.close(os.open(born, os.O_WRONLY | os.O_CREAT, 0o666))
    token = str((str(root), None, os.path.getmtime(born), user, _DVC_MAJOR, _SALT))
    above = os.environ.get("DVC_SITE_CACHE_DIR") or site_cache or _default_site_cache()
    return f"{above}/repo/{hashlib.md5(token.encode(), usedforsecurity=False).hexdigest()}"


def _default_site_cache() -> str:
    return "/Library/Caches/dvc" if sys.platform == "darwin" else "/var/tmp/dvc"  # noqa: S108 - DVC's choice


def _make_folder(database: str) -> None:
    shared = database.rpartition("/repo/")[0] + "/repo"
    umask = os.umask(0)  # everybody's projects lie side by side there
    try:
        os.makedirs(shared, mode=0o777, exist_ok=True)
    finally:
        os.umask(umask)
    os.makedirs(os.path.dirname(database), exist_ok=True)


def _write(connection: sqlite3.Connection, fresh: list[Fresh]) -> None:
    """All rows in one transaction; diskcache's trigger that counts rows would double its time, so it is set aside."""
    connection.execute("PRAGMA auto_vacuum = 1")
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = 1")
    connection.executescript(_TABLES)
    connection.execute("BEGIN IMMEDIATE")
    counter = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (_COUNTER,)).fetchone()
    if counter:
        connection.execute(f"DROP TRIGGER {_COUNTER}")
    connection.executemany(_ROW, _rows(fresh))
    connection.execute("UPDATE Settings SET value = (SELECT count(*) FROM Cache) WHERE key = 'count'")
    if counter:
        connection.execute(counter[0])
    connection.execute("COMMIT")


def _rows(fresh: list[Fresh]) -> Iterator[tuple[str, str]]:
    md5 = hashlib.md5
    for each in fresh:
        numbers = dir_scan.numbers_of(each.stamps)
        md5s = each.md5s.hex()
        places = range(0, len(md5s), 32)
        for name, mtime, size, inode, at in zip(each.names, numbers[0::4], numbers[2::4], numbers[3::4], places, strict=True):
            # the token of fsspec over inode, time (a float, put together as os.stat does) and size
            seconds = mtime // 1_000_000_000 + 1e-9 * (mtime % 1_000_000_000)
            token = md5(f"([{inode}, {seconds!r}, {size}],)".encode(), usedforsecurity=False).hexdigest()
            checksum = int(token, 16)
            known = f'"hash_info": {{"md5": "{md5s[at : at + 32]}"}}'
            yield each.folder + name, f'{{"version": 1, "checksum": "{checksum}", "size": {size}, {known}}}'
