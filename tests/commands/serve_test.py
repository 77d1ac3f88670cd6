"""What a server refuses to begin with, as a notebook would call it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mlgit.commands.serve import ServeOptions, serve, serve_folder
from mlgit.errors import MlgitError
from mlgit.serving.addresses import Addresses
from tests.kit.repositories import repository

ANY = Addresses(port=0, admin_port=0)


def unready(url, admin_url, supervisor):
    raise AssertionError("it serves")


def refused(folder: Path, options: ServeOptions) -> MlgitError:
    with pytest.raises(MlgitError) as error:
        serve_folder(folder, options=options, ready=unready)
    return error.value


@pytest.fixture
def release(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.json").write_text("{}")
    return tmp_path


def test_folder_without_a_release_is_refused(tmp_path):
    assert "no release.json" in refused(tmp_path, ServeOptions(ANY)).message


def test_model_that_was_never_registered_is_refused(tmp_path, monkeypatch):
    folder = repository(tmp_path / "project", {"dvc.yaml": "stages: {}\n"})
    monkeypatch.chdir(folder)
    with pytest.raises(MlgitError, match="no version is registered"):
        serve("churn", options=ServeOptions(ANY), ready=unready)


def test_address_that_others_reach_needs_a_token_or_a_word(release):
    error = refused(release, ServeOptions(Addresses("0.0.0.0", 0, "127.0.0.1", 0)))
    assert "no token is asked for" in error.message
    assert "--token-file" in error.hint


@pytest.mark.parametrize("text", ["", "short", "a" * 20 + " b", "é" * 20])
def test_token_that_is_none_is_refused(release, text):
    (release / "token").write_text(text)
    assert "at least 16 visible characters" in refused(release, ServeOptions(ANY, token_file=str(release / "token"))).message


def test_token_file_that_is_not_there_is_refused(release):
    assert "cannot be read" in refused(release, ServeOptions(ANY, token_file="nowhere")).message


def test_log_key_that_is_none_is_refused(release):
    (release / "key").write_text("secret")
    assert "64 hexadecimal digits" in refused(release, ServeOptions(ANY, log_key="key")).message


def test_port_that_another_server_has_is_refused(release):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        error = refused(release, ServeOptions(Addresses(port=other.getsockname()[1])))
    assert "cannot be listened on" in error.message


def test_port_that_another_server_shares_with_its_workers_is_refused(release):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        error = refused(release, ServeOptions(Addresses(port=other.getsockname()[1])))
    assert "cannot be listened on" in error.message


@pytest.mark.slow  # a worker starts
def test_release_that_is_none_is_refused_by_the_worker(release):
    assert "not a release of schema 1" in refused(release, ServeOptions(ANY)).message
