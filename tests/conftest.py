"""Fences around every test (home, configuration, network), and the fixtures that need one."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import socket
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from mlgit.cli import error_boundary
from mlgit.pipeline.noop import Kept
from tests.kit import FULL, Completed, example
from tests.kit.once import once
from tests.kit.sampling import sample

# A seed per test, so that a failure is the same everywhere; the full run looks further, and anew each time.
settings.register_profile(
    "quick", max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("full", settings.get_profile("quick"), max_examples=2000, derandomize=False)
settings.register_profile("fast", settings.get_profile("quick"), max_examples=15)
settings.load_profile("full" if FULL else "fast" if os.environ.get("MLGIT_TEST_FAST") == "1" else "quick")

# Thousands of processes start here: without files of compiled code, each would spend most of its time on compiling mlgit anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_GIT_CONFIG = """\
[user]
    name = Ada Example
    email = ada@example.com
[init]
    defaultBranch = main
[core]
    fsync = none
[gc]
    auto = 0
[maintenance]
    auto = false
"""


_HOMES = itertools.count()
FAST = os.environ.get("MLGIT_TEST_FAST") == "1"
SAMPLED, SEED = os.environ.get("MLGIT_TEST_SAMPLE") == "1", os.environ.get("MLGIT_TEST_SEED", "")


class _Addresses(types.ModuleType):
    """`rfc3987_syntax` builds a parser for each kind of address as soon as jsonschema imports it, which takes seconds.

    Here it does so when the first address is checked.
    """

    @staticmethod
    def is_valid_syntax(kind: str, address: str) -> bool:
        sys.modules.pop("rfc3987_syntax", None)
        return bool(importlib.import_module("rfc3987_syntax").is_valid_syntax(kind, address))


if "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = _Addresses("rfc3987_syntax")


def _unheard(number: int, frame: object) -> None:
    """Ignore a signal, but let what is started have its default: what is ignored is handed on."""


# The tests may run under nohup, or in the background of a script; what they start shall not be able to tell.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _unheard)
if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Files that are slow as a whole are not even imported for the fast run."""
    if FAST and collection_path.name.endswith("_test.py"):
        return "\npytestmark = pytest.mark.slow" in collection_path.read_text() or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test` leaves to `make test-full` what is marked so, and of slow tests the cases that are not drawn."""
    if not SAMPLED:
        return
    slow = [each.nodeid for each in items if each.get_closest_marker("slow")]
    left = set(slow) - sample(slow, seed=SEED)
    left |= {each.nodeid for each in items if each.get_closest_marker("full")}
    config.hook.pytest_deselected(items=[each for each in items if each.nodeid in left])
    items[:] = [each for each in items if each.nodeid not in left]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    """What a test printed or logged may hold half a character, which no worker of xdist could send."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session", autouse=True)
def _fence_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The fence for fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        _fence_off(patch, tmp_path_factory.mktemp("home"))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers; see `tests.kit.once`."""
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def example_that_ran(shared: Path) -> Path:
    """The example project after `mlgit new` and `mlgit run`, for all workers: to be copied."""
    return once(shared, "example", example.make_and_run) / example.NAME


@pytest.fixture(autouse=True)
def _fence(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's home, configuration or session is seen or touched; each test has a home of its own."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_HOMES))  # `mktemp` looks through all that were made before
    home.mkdir(parents=True)
    _fence_off(monkeypatch, home)


def _fence_off(patch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "gitconfig").write_text(_GIT_CONFIG)
    for name in list(os.environ):
        if name.startswith(("GIT_", "DVC_", "XDG_", "MLGIT_")):
            patch.delenv(name)
    fenced = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_DIRS": str(home / "config-system"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site-cache"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_NO_ANALYTICS": "1",
        "MLGIT_FSYNC": "0",  # nothing made here has to outlast a loss of power
        "CI": "1",  # DVC looks for a newer DVC without it
        "NO_COLOR": "1",
        "SHELL": "/bin/sh",
        "COLUMNS": "100",
    }
    for name, value in fenced.items():
        patch.setenv(name, value)


class UnreachableError(AssertionError):
    """A test reached for the network."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise UnreachableError(f"a test reached for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Completed]]:
    """Run a command line inside this process: `cli(folder, "status", "--json")`; `kept` as `cli.main` finds it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def call(folder: Path, *args: str, kept: Kept | None = None) -> Completed:
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            capsys.readouterr()
            code = error_boundary.run(list(map(str, args)), kept=kept)
            out, err = capsys.readouterr()
        return Completed(code, out, err)

    yield call
    for number, action in before.items():
        signal.signal(number, action)
