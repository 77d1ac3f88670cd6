"""What format a model's bytes are of, and whether they agree with the name's ending, by which loaders go."""

from __future__ import annotations

import codecs
import json
import re
import urllib.parse
import zipfile
from collections.abc import Callable
from typing import BinaryIO

from mlgit.adapters.modelscan import archives, binaries, joblib_streams, npy_files, pickles, scans
from mlgit.adapters.modelscan.verdict import Verdict

LARGEST_JSON = 256 << 20
_YAML = {".yaml", ".yml"}
_TEXTS = {".txt", ".md", ".csv", ".tsv", ".toml", ".cfg", ".ini", ".vocab", ".merges", ".jsonl", ".jinja", *_YAML}
_PACKED = {".gz", ".bz2", ".xz", ".lzma", ".z"}
_OF_JOBLIB = {".joblib", *_PACKED}
_TAG = re.compile(rb"%TAG[ \t].*|!\S*")
_PICKLES = {".pkl", ".pickle", *_OF_JOBLIB}
_FORMATS: dict[str, set[str]] = {
    **{ending: {"pickle", "joblib"} for ending in _PICKLES},
    **{ending: {"text", "lightgbm-text", "json"} for ending in _TEXTS},
    ".skops": {"skops"},
    ".npy": {"numpy"},
    ".npz": {"numpy"},
    **{ending: {"torch"} for ending in (".pt", ".pth", ".ckpt")},
    ".keras": {"keras"},
    **{ending: {"hdf5"} for ending in (".h5", ".hdf5")},
    ".safetensors": {"safetensors"},
    ".onnx": {"onnx"},
    ".gguf": {"gguf"},
    ".cbm": {"catboost"},
    ".ubj": {"xgboost-ubjson"},
    ".json": {"json", "xgboost-json", "lightgbm-json"},
}
"""What a name's ending promises. Any other ending promises nothing, so its bytes may be read by any loader."""


def judge(stream: BinaryIO, size: int, ending: str, *, trust: frozenset[str] = frozenset()) -> Verdict:
    """The verdict for a file whose name ends so; `trust` are types that a file of skops may make."""
    stream.seek(0)
    head = stream.read(64)
    is_archive = head.startswith(b"PK\x03\x04")
    found = archives.judge(stream, size, trust=trust) if is_archive else _by_content(stream, size, ending, head)
    if not is_archive and zipfile.is_zipfile(stream):
        found.findings.insert(0, "is an archive behind other bytes, so readers differ in what they see")
    promised = _FORMATS.get(ending)
    if promised is not None and found.format not in promised and found.format != "unknown":
        found.findings.append(f"is {found.format} inside, and its name ends in {ending}: loaders go by the one or the other")
    if not found.findings and found.format not in ("pickle", "joblib"):
        found.findings += _as_pickle(stream, size, is_promised=promised is not None)
    return found


def _as_pickle(stream: BinaryIO, size: int, *, is_promised: bool) -> list[str]:
    """What would happen were the bytes of another format unpickled all the same; ordinary ones are no pickle from the start."""
    stream.seek(0)
    scanned = pickles.scan(scans.Bounded(stream, size), is_foreign=True)
    if not scanned.findings or (is_promised and not scanned.calls):
        return []
    return [f"can be read as a pickle too, and {each}" for each in scanned.findings]


def _by_content(stream: BinaryIO, size: int, ending: str, head: bytes) -> Verdict:
    if head.startswith(b"\x80"):
        return _pickle(lambda: _again(stream), size, ending)
    for magic, judge_it in _BY_MAGIC:
        if head.startswith(magic):
            return judge_it(stream, size)
    if joblib_streams.opened(stream, head):
        return _packed(stream, ending, head)
    if head.lstrip()[:1] in (b"{", b"[") and ending not in _PICKLES | _TEXTS:
        return _json(stream, size)
    return _without_magic(stream, size, ending)


def _without_magic(stream: BinaryIO, size: int, ending: str) -> Verdict:
    found = binaries.safetensors(stream, size) or binaries.onnx(stream, size)
    if found:
        return found
    if ending in _TEXTS and _is_text(stream):
        return _text(stream, size, ending)
    scanned = _pickle(lambda: _again(stream), size, ending)
    if ending in _PICKLES or not scanned.findings or any(each.startswith(("looks up", "calls")) for each in scanned.findings):
        return scanned
    return Verdict("unknown", ["its format is not known, so it cannot be proven safe"])


def _is_text(stream: BinaryIO) -> bool:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := stream.read(1 << 20):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except ValueError:
        return False
    return True


def _text(stream: BinaryIO, size: int, ending: str) -> Verdict:
    """YAML can name what its unsafe loaders make or call, and a template what its readers run."""
    if ending not in _YAML and ending != ".jinja":
        return Verdict("text", loader="any that reads text")
    if size > LARGEST_JSON:
        return Verdict("text", [f"larger than {LARGEST_JSON >> 20} MiB, so it was not read"])
    content = _again(stream).read()
    if ending == ".jinja":
        reaches = binaries.REACHES_INSIDE.search(content)
        return Verdict("text", ["it reaches for what is inside Python's objects"] if reaches else [], "jinja2")
    tags = {urllib.parse.unquote_to_bytes(each.group()) for each in _TAG.finditer(content)}
    named = sorted(each.decode(errors="replace")[:100] for each in tags if b"python/" in each or each.startswith(b"%"))
    return Verdict("text", [f"names an object of Python: {each}" for each in named[: scans.MOST_FINDINGS]], "yaml.safe_load")


def _again(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return stream


def _pickle(opened: Callable[[], BinaryIO], size: int, ending: str) -> Verdict:
    """Read as joblib does, which is as pickle does but for arrays; and where pickle may be its loader, as pickle does, too."""
    scanned = pickles.scan_file(opened(), size, loader="joblib")
    findings = list(scanned.findings)
    if scanned.has_arrays and not findings and ending not in _OF_JOBLIB:
        found = pickles.scan_file(opened(), size, loader="pickle").findings
        findings = [
            f"only joblib.load passes over the bytes of its arrays; pickle.load reads them, and {each}" for each in found
        ]
    if scanned.has_arrays:
        return Verdict("joblib", findings, "joblib.load")
    is_joblib = any(module.startswith("joblib.") for module, _ in scanned.names)
    return Verdict("joblib" if is_joblib else "pickle", findings, "pickle.load and joblib.load")


def _packed(stream: BinaryIO, ending: str, head: bytes) -> Verdict:
    """joblib compresses the whole pickle; it is unpacked as it is read."""

    def opened() -> BinaryIO:
        found = joblib_streams.opened(stream, head)
        assert found
        return found

    verdict = _pickle(opened, joblib_streams.LARGEST_UNPACKED + 1, ending)
    return Verdict("joblib", verdict.findings, "joblib.load")


def _json(stream: BinaryIO, size: int) -> Verdict:
    if size > LARGEST_JSON:
        return Verdict("json", [f"larger than {LARGEST_JSON >> 20} MiB, so it was not read"])
    stream.seek(0)
    content = stream.read()
    if content.startswith(b"{L"):  # a length follows, in the binary variant
        return Verdict("xgboost-ubjson", loader="xgboost.Booster.load_model")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Verdict("unknown", ["begins as JSON and is none, so it cannot be proven safe"])
    if isinstance(document, dict) and {"learner", "version"} <= document.keys():
        return Verdict("xgboost-json", loader="xgboost.Booster.load_model")
    if isinstance(document, dict) and {"tree_info", "feature_names"} <= document.keys():
        return Verdict("lightgbm-json", loader="json.load")
    return Verdict("json", loader="json.load")


_BY_MAGIC: tuple[tuple[bytes, Callable[[BinaryIO, int], Verdict]], ...] = (
    (b"\x93NUMPY", npy_files.judge),
    (b"GGUF", binaries.gguf),
    (b"CBM1", binaries.catboost),
    (b"tree\nversion=", lambda stream, size: Verdict("lightgbm-text", loader="lightgbm.Booster")),
    (
        b"\x89HDF\r\n\x1a\n",
        lambda stream, size: Verdict("hdf5", ["HDF5 can hold Keras layers with code, and is not looked into"]),
    ),
)
