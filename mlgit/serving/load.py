"""A release, from its folder into memory: digests first, then what its file may do, then its libraries, its answers last."""

from __future__ import annotations

import hashlib
import io
import json
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from mlgit.adapters.formats import documents
from mlgit.adapters.modelscan import modelfile
from mlgit.adapters.system import files, installation
from mlgit.errors import MlgitError
from mlgit.serving import contract_checks, estimator, forms, function_predictor, release, self_test
from mlgit.serving.inputs import Inputs
from mlgit.serving.loaded import LoadedModel, Predictor
from mlgit.serving.release import Release
from mlgit.serving.rows import RefusedRequestError, Rows
from mlgit.serving.self_test import RecordedRows
from mlgit.validation import parse
from mlgit.validation.contract import Contract

# The libraries whose objects are in a file of skops: of another version, they may answer otherwise.
_LIBRARIES = ("scikit-learn", "skops", "lightgbm", "xgboost", "catboost")
# Where nothing is known to ask, a model is taken for a slow one.
_UNKNOWN = 1.0
_ANEW = "make the release anew: the server follows a tag, or `mlgit package` writes one"


def load(
    folder: Path,
    *,
    trust: frozenset[str] = frozenset(),
    predictor: str = "",
    allow_version_mismatch: bool = False,
    rtol: float = 1e-9,
) -> LoadedModel:
    """The model of a release, ready to answer, and shown to answer its recorded rows as recorded.

    `trust` are types that its file may make although they are on no list of safe ones. `predictor` names what answers instead,
    `MODULE:NAME` of the released commit's code. Raises MlgitError for what is not as the release says, what may run code,
    other libraries than it was made with, and other answers than were recorded.
    """
    given = read(folder)
    contract = _contract(folder, given)
    recorded = _recorded(folder, given)
    if not allow_version_mismatch:
        _refuse_other_libraries(given)
    found: Predictor
    if predictor:
        found, inputs = _of_code(folder, given, predictor, contract, recorded)
        tested = forms.tested(found, release=given, recorded=recorded, rtol=rtol)
    else:
        model = _model(folder, given, trust=trust)
        found, inputs, tested = forms.chosen(model, release=given, contract=contract, recorded=recorded, rtol=rtol)
    untested = "" if tested else _untested(given, found, recorded)
    _check_once(inputs, forms.row_for(found, recorded))
    # code may do anything, and wait for anything: it is asked beside the event loop, however fast it was just now
    seconds = _UNKNOWN if predictor else _seconds(found, recorded)
    return LoadedModel(given, found, inputs, seconds, tested, untested)


def _check_once(inputs: Inputs, row: list[tuple[Any, ...]]) -> None:
    """Have the checks import what they need now, and not while the first request waits, and all others with it."""
    with suppress(RefusedRequestError):
        inputs.violations(inputs.aligned(Rows(None, row or [("0",) * len(inputs.columns)])))


def _untested(given: Release, found: Predictor, recorded: RecordedRows | None) -> str:
    if recorded is None:
        return given.untested or "the release has no rows with recorded answers"
    lacking = [each for each in found.columns or () if each not in recorded.columns]
    return f"its recorded rows lack the column '{lacking[0]}'" if lacking else "its recorded rows have no answers"


def _of_code(
    folder: Path, given: Release, name: str, contract: Contract | None, recorded: RecordedRows | None
) -> tuple[Predictor, Inputs]:
    """What answers by the code of the release, which reads the model's file itself, and its inputs."""
    path = _inside(folder, given.file)
    if modelfile.identify(path)[:2] != (given.md5, given.sha256):
        raise _altered(path, given)
    names = contract_checks.names_of(contract, without=(given.id, given.label)) if contract else ()
    names = names or (recorded.columns if recorded else ())
    found = function_predictor.opened(
        name, code=folder / "code", model=path, columns=names, types=contract_checks.types_of(contract, names)
    )
    return found, contract_checks.compiled(contract, names=found.columns or ())


def read(folder: Path) -> Release:
    """The release of a folder. Raises MlgitError where there is none."""
    return release.read(_json(folder / release.NAME), where=str(folder / release.NAME))


def _json(path: Path) -> Any:
    try:
        return json.loads(files.read_text(path, name=str(path)))
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"{path}: not JSON", _ANEW) from error


def _inside(folder: Path, name: str) -> Path:
    """A file of the release. Raises MlgitError for a name that leads out of its folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise MlgitError(f"{folder / release.NAME}: '{name}' is no file of the release", _ANEW)
    return folder / path


def _contract(folder: Path, given: Release) -> Contract | None:
    if not given.contract:
        return None
    path = _inside(folder, given.contract)
    text = files.read_text(path, name=str(path))
    if given.contract_sha256 and hashlib.sha256(text.encode()).hexdigest() != given.contract_sha256:
        raise MlgitError(f"{path}: not the contract of {given.model} {given.version}: its digest differs", _ANEW)
    return parse.parse(documents.parse_yaml(text, name=str(path)), name=str(path))


def _recorded(folder: Path, given: Release) -> RecordedRows | None:
    if not given.self_test:
        return None
    path = _inside(folder, given.self_test)
    return self_test.read(_json(path), where=str(path))


def _refuse_other_libraries(given: Release) -> None:
    for name in _LIBRARIES:
        wanted, found = given.requires.get(name, ""), installation.version_of(name)
        if wanted and found != wanted:
            there = f"here it is {found}" if found else "it is not installed here"
            raise MlgitError(
                f"{given.model} {given.version} was made with {name} {wanted}, and {there}",
                f"install {name}=={wanted} beside mlgit, or accept that answers may differ: --allow-version-mismatch",
            )


def _model(folder: Path, given: Release, *, trust: frozenset[str]) -> Any:
    """What the model's file holds, read from the very bytes that were looked at."""
    path = _inside(folder, given.file)
    if path.is_dir():
        raise MlgitError(f"{given.file}: a folder, and no file of skops", _predictor_hint())
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror or error}", _ANEW) from error
    digests = (hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest())
    if digests != (given.md5, given.sha256):
        raise _altered(path, given)
    allowed = _allowed(content, given, trust=trust)
    import skops.io

    from_skops = set(skops.io.get_untrusted_types(data=content))
    if refused := sorted(from_skops - allowed):
        raise _untrusted(given, refused)
    try:
        with estimator.quiet():
            return skops.io.loads(content, trusted=sorted(from_skops))
    except Exception as error:
        raise MlgitError(
            f"{given.file}: skops cannot read it: {type(error).__name__}: {str(error)[:300]}",
            "install the versions of its libraries that the release was made with",
        ) from error


def _allowed(content: bytes, given: Release, *, trust: frozenset[str]) -> set[str]:
    """The types of the file that may be made. Raises MlgitError for others, and for a file that may run code otherwise."""
    seen = modelfile.made_types(io.BytesIO(content), size=len(content), name=given.file, trust=trust)
    if seen.format != "skops":
        raise MlgitError(f"{given.file}: {seen.format}, and only models of skops are loaded", _predictor_hint())
    if seen.findings and len(seen.findings) == len(seen.unknown):
        raise _untrusted(given, list(seen.unknown))
    if seen.findings:
        raise MlgitError(
            f"{given.file}: loading it may run code: {'; '.join(seen.findings[:3])}",
            "do not serve it, or, where you know why it is so, let the project's code read it: --predictor MODULE:FUNCTION",
        )
    return set(seen.types)


def _altered(path: Path, given: Release) -> MlgitError:
    return MlgitError(f"{path}: not the model of {given.model} {given.version}: its digest differs", _ANEW)


def _untrusted(given: Release, refused: list[str]) -> MlgitError:
    return MlgitError(
        f"{given.file}: it makes what is on no list of safe types: {', '.join(refused[:10])}",
        "if you trust their code: " + " ".join(f"--trust {each}" for each in refused),
    )


def _predictor_hint() -> str:
    return "write it with skops.io.dump, or serve it with --predictor MODULE:FUNCTION, which reads it"


def _seconds(found: Predictor, recorded: RecordedRows | None) -> float:
    """What one call with one row takes, the best of some."""
    row = forms.row_for(found, recorded)
    if not row:
        return _UNKNOWN
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        try:
            found.predict(row, method=found.methods[-1])
        except Exception:  # of values that nobody recorded
            return _UNKNOWN
        best = min(best, time.perf_counter() - start)
        if best > 0.1:
            break
    return best
