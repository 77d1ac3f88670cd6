"""A port that several processes listen on: the kernel gives each connection to one of them (SO_REUSEPORT)."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from contextlib import suppress
from typing import Any

from mlgit.errors import MlgitError

# of linux/bpf_common.h and asm-generic/socket.h
_RETURN = 0x06
_ATTACH_FILTER = 26


class Port:
    """An address that is held for the sockets of workers; nothing is accepted here."""

    def __init__(self, host: str, number: int, *, options: tuple[str, str] = ("--host", "--port")) -> None:
        """Take the port, 0 for any that is free; `options` name both. Raises MlgitError where that is not possible."""
        try:
            found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            raise MlgitError(f"{options[0]} {host}: not an address of this machine: {error.strerror}") from error
        self._family: int = found[0][0]
        self._address: tuple[Any, ...] = found[0][4]
        try:
            # without SO_REUSEPORT: another server on this port would else share its requests with this one
            with socket.socket(self._family, socket.SOCK_STREAM) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind(self._address)
                alone.listen(1)
            self._held = self._bound()
        except OSError as error:
            is_taken = error.errno == errno.EADDRINUSE
            hint = f"name another with {options[1]}" if is_taken else f"name another with {options[0]} or {options[1]}"
            raise MlgitError(f"{host}:{number}: cannot be listened on: {error.strerror}", hint) from error
        self._address = self._held.getsockname()
        self.number: int = self._address[1]
        self.host = host

    @property
    def url(self) -> str:
        """Where clients on this machine find it."""
        name = self._address[0]
        return f"http://{f'[{name}]' if ':' in name else name}:{self.number}"

    def new_socket(self) -> socket.socket:
        """A socket of this port for one process; it does not listen yet."""
        return self._bound()

    def close(self) -> None:
        """Let go of the port."""
        self._held.close()

    def _bound(self) -> socket.socket:
        made = socket.socket(self._family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if self._family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(self._address)
        return made


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def deafen(descriptor: int) -> None:
    """Let a socket that listens take no more connections, and keep those that wait for it, until it is closed.

    A closed one resets connections that were made and not accepted yet: what was sent on them would be lost. So a filter that
    drops every packet is put before it (SO_ATTACH_FILTER, a program of the one instruction `ret 0`); whoever connects
    meanwhile is told later that nobody is there. Where the system has no such filters the gap stays, of some microseconds.
    """
    import ctypes

    program = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, 0))
    filter_of = struct.pack("HP", 1, ctypes.addressof(program))
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, filter_of)
