"""Models in ZIP archives: told apart by what is in them, and looked through by what their library writes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from mlgit.adapters.modelscan import keras_files, npy_files, scans, skops_files, torch_files, zip_layout
from mlgit.adapters.modelscan.verdict import Verdict

LARGEST_MEMBER = 1 << 30


def judge(stream: BinaryIO, size: int, *, trust: frozenset[str] = frozenset()) -> Verdict:
    """The verdict for a ZIP archive of `size` bytes; `trust` are types that a file of skops may make."""
    problem = zip_layout.problem(stream, size)
    if problem:
        return Verdict("zip", [problem])
    try:
        return _judge(stream, trust)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        return Verdict("zip", [f"a broken archive ({scans.brief(error)}), so it cannot be proven safe"])


def _judge(stream: BinaryIO, trust: frozenset[str]) -> Verdict:
    with zipfile.ZipFile(stream) as archive:
        kind = _kind(archive.namelist())
        large = [each.filename for each in archive.infolist() if each.file_size > LARGEST_MEMBER and each.compress_type]
        if large:
            return Verdict(kind, [f"member '{name[:100]}' is too large to be looked at" for name in large[:3]])
        return skops_files.judge(archive, nested=_nested, trust=trust) if kind == "skops" else _JUDGES[kind](archive)


def _kind(names: list[str]) -> str:
    if "schema.json" in names:
        return "skops"
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return "torch"
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    if names and all(name.endswith(".npy") for name in names):
        return "numpy"
    return "unknown"


def _numpy(archive: zipfile.ZipFile) -> Verdict:
    found = Verdict("numpy", loader="numpy.load")
    for member in archive.infolist():
        with archive.open(member) as opened:
            inner = npy_files.judge(opened, member.file_size)  # type: ignore[arg-type]
        found.findings += [f"{member.filename[:100]}: {each}" for each in inner.findings]
        found.loader = max(found.loader, inner.loader)
    del found.findings[scans.MOST_FINDINGS :]
    return found


def _nested(content: bytes) -> list[str]:
    """What is wrong in an archive of arrays within another."""
    inner = judge(io.BytesIO(content), len(content))
    if inner.format != "numpy" or inner.loader != "numpy.load":
        return inner.findings or ["holds more than numbers"]
    return inner.findings


def _unknown(archive: zipfile.ZipFile) -> Verdict:
    return Verdict("unknown", ["an archive of an unknown kind, so it cannot be proven safe"])


_JUDGES: dict[str, Callable[[zipfile.ZipFile], Verdict]] = {
    "torch": torch_files.judge,
    "keras": keras_files.judge,
    "numpy": _numpy,
    "unknown": _unknown,
}
