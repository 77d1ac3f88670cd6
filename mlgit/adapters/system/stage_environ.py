"""The environment that commands of stages get: the caller's, without what only starting mlgit has put there.

`dvc repro` in the same terminal would hand down the same. What goes is what pyenv and `uvx` put before everything else on
PATH for the program that they start; what comes is mlgit itself, at the end of PATH, where nothing else is called so.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Mapping

from mlgit.adapters.system import installation, state_files


def of_stages(environ: Mapping[str, str]) -> dict[str, str]:
    """What the commands of stages find, when mlgit was called with `environ`."""
    found = dict(environ)
    if not found.get("PATH"):
        return found
    folders = _without_pyenv(found["PATH"].split(os.pathsep), environ)
    if installation.is_tool():
        own = {os.path.join(sys.prefix, "bin"), os.path.join(os.path.realpath(sys.prefix), "bin")}
        folders = [each for each in folders if each.rstrip("/") not in own]
    found["PATH"] = os.pathsep.join(folders)
    return found


def with_mlgit(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` in which commands find a program `mlgit`: this one, at the end of PATH, where there is none."""
    found = dict(environ)
    path = found.get("PATH")
    if path and shutil.which("mlgit", path=path) is None:
        folder = _own_program()
        found["PATH"] = f"{path}{os.pathsep}{folder}" if folder else path
    return found


def _without_pyenv(folders: list[str], environ: Mapping[str, str]) -> list[str]:
    """PATH as it was before a shim of pyenv put the version that holds mlgit, and its own programs, before it.

    A shim exports four variables and puts two folders or more in front: the version's and pyenv's `libexec`, then those of
    plugins.
    """
    root = environ.get("PYENV_ROOT")
    is_shim = root and all(environ.get(f"PYENV_{name}") for name in ("DIR", "HOOK_PATH", "VERSION"))
    if not is_shim or len(folders) <= 2 or os.path.basename(folders[1]) != "libexec":
        return folders
    left = folders[2:]
    while left and left[0].startswith(os.path.join(root or "", "plugins")):
        del left[0]
    return left


def _own_program() -> str:
    """A folder of the user's, with nothing but a program `mlgit` in it that starts this one; '' where none can be written."""
    name = hashlib.sha256(os.fsencode(sys.executable)).hexdigest()[:16]
    above = state_files.home()
    folder = os.path.join(above, "path", name)
    text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m mlgit "$@"\n'.encode()
    try:
        if not above:
            return ""
        program = os.path.join(folder, "mlgit")
        if os.path.isfile(program):
            with open(program, "rb") as stream:
                if stream.read() == text:
                    return folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        state_files.replace(program, text, mode=0o700)
    except OSError:
        return ""
    return folder
