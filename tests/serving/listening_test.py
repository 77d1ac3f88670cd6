"""Ports that several processes share, and no other server."""

from __future__ import annotations

import socket
import sys

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import listening
from mlgit.serving.listening import Port


def test_sockets_of_a_port_share_it_and_its_number_is_known():
    port = Port("127.0.0.1", 0)
    with port.new_socket() as first, port.new_socket() as second:
        first.listen()
        second.listen()
        assert first.getsockname() == second.getsockname() == ("127.0.0.1", port.number)
        assert port.url == f"http://127.0.0.1:{port.number}"
    port.close()


def test_host_that_is_not_of_this_machine_is_refused():
    with pytest.raises(MlgitError, match=r"192\.0\.2\.1"):
        Port("192.0.2.1", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
def test_connection_that_waits_is_accepted_and_later_ones_are_not():
    with socket.socket() as listener, socket.socket() as early, socket.socket() as late:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        early.connect(listener.getsockname())
        listening.deafen(listener.fileno())
        late.settimeout(0.3)
        with pytest.raises(TimeoutError):
            late.connect(listener.getsockname())
        accepted, address = listener.accept()
        with accepted:
            assert address == early.getsockname()


@pytest.mark.parametrize(
    ("host", "is_so"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("192.0.2.1", False), ("a.example", False)],
)
def test_only_addresses_of_this_machine_are_loopback(host, is_so):
    assert listening.is_loopback(host) == is_so
