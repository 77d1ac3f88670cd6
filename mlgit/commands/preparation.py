"""What to type so that the stages of a project find what they import, wherever mlgit itself lives."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

from mlgit.adapters.system import installation, process, stage_environ

# A new environment needs both; Debian ships Python without the second.
_CAN_MAKE = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
_NAMES = ("python3", "python", "python3.13", "python3.12", "python3.11")
_ACTIVATE = {
    "fish": "source .venv/bin/activate.fish",
    "csh": "source .venv/bin/activate.csh",
    "tcsh": "source .venv/bin/activate.csh",
}


def commands(requirements: str) -> list[str]:
    """The lines that install a file of requirements for a project's stages and call `mlgit run`.

    Into the environment of mlgit where that is the one that stages use and a package may be installed there; else into a
    new one, beside the project's files.
    """
    environ = stage_environ.of_stages(os.environ)
    path = environ.get("PATH", "")
    what = f"install -r {shlex.quote(requirements)}"
    if _is_shared(path):
        beside = shutil.which("pip", path=path)
        if (Path(sysconfig.get_path("purelib")) / "pip").is_dir() or beside:
            is_own = beside is not None and os.path.dirname(beside) == os.path.dirname(shutil.which("python", path=path) or "")
            return [f"pip {what}" if is_own else f"python -m pip {what}", "mlgit run"]
        if shutil.which("uv", path=path) and installation.is_active():
            return [f"uv pip {what}", "mlgit run"]
    activate = _ACTIVATE.get(os.path.basename(environ.get("SHELL", "")), ". .venv/bin/activate")
    run = f"{_called(path)} run"
    if shutil.which("uv", path=path):
        version = ".".join(map(str, sys.version_info[:2]))
        return [f"uv venv --python {version}", activate, f"uv pip {what}", run]
    return [f"{_python(path)} -m venv .venv", activate, f"pip {what}", run]


def _is_shared(path: str) -> bool:
    """Whether stages find the `python` of mlgit's own environment, and packages may be installed there."""
    python = shutil.which("python", path=path)
    if python is None or os.path.realpath(os.path.dirname(python)) != os.path.realpath(os.path.join(sys.prefix, "bin")):
        return False
    is_environment = sys.prefix != sys.base_prefix
    return is_environment or not (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists()


def _called(path: str) -> str:
    """How mlgit is called when another environment is active: activating one takes that of before out of PATH."""
    active = os.environ.get("VIRTUAL_ENV", "")
    folders = [each for each in path.split(os.pathsep) if not active or each.rstrip("/") != f"{active.rstrip('/')}/bin"]
    if shutil.which("mlgit", path=os.pathsep.join(folders)):
        return "mlgit"
    program = os.path.join(sys.prefix, "bin", "mlgit")
    return shlex.quote(program) if os.access(program, os.X_OK) else f"{shlex.quote(sys.executable)} -m mlgit"


def _python(path: str) -> str:
    """A Python that can make an environment, by the name by which it is found."""
    found = [name for name in _NAMES if (program := shutil.which(name, path=path)) and _can_make(program)]
    base = getattr(sys, "_base_executable", sys.executable)
    return found[0] if found else shlex.quote(base) if _can_make(base) else "python3"


def _can_make(program: str) -> bool:
    return process.run([program, "-I", "-c", _CAN_MAKE], cwd=Path("/"), check=False).code == 0
