"""What the prediction log says of a request, as a value: to be shown, watched, and traced to where the answer came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlgit.serving.log_header import KIND, SCHEMA, LogHeader


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request with its answer. `header` is that of its file; where there is none, it knows version and digest only.

    `inputs` are rows in the order of `header.columns`, None where the request was refused; `outputs` are by method.
    `violations` are mappings with `row`, `column` and `rule`.
    """

    header: LogHeader
    id: str
    ts: str
    role: str
    version: str
    digest: str
    inputs: Sequence[Sequence[Any]] | None
    outputs: Mapping[str, Any] | None
    ms: float
    code: int
    violations: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """The request as JSON, with what the header of its file adds."""
        return {
            "id": self.id,
            "ts": self.ts,
            "model": self.header.model,
            "version": self.version,
            "commit": self.header.commit,
            "digest": self.digest,
            "contract": self.header.contract or None,
            "role": self.role,
            "code": self.code,
            "ms": self.ms,
            "columns": list(self.header.columns),
            "hashed": list(self.header.hashed),
            "classes": list(self.header.classes),
            "inputs": self.inputs,
            "outputs": self.outputs,
            "violations": list(self.violations),
        }


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """One row of a request: what monitoring counts, labels join (by `id`), and a packed log holds.

    `id` is the request's, with the number of the row behind it where there are several. `values` are in the order of
    `request.header.columns`; `prediction` and `probabilities` are None where the model was not asked for them.
    """

    request: LoggedRequest
    id: str
    row: int
    values: Sequence[Any]
    prediction: Any = None
    probabilities: Sequence[float] | None = None

    @property
    def named(self) -> dict[str, Any]:
        """The values by column; where the log names none, by number."""
        return dict(zip(names(self.request.header, len(self.values)), self.values, strict=False))


def names(header: LogHeader, width: int) -> tuple[str, ...]:
    """What the values of a row are called: a model that knows no names has numbers."""
    return header.columns or tuple(map(str, range(width)))


def rows_of(request: LoggedRequest) -> Iterator[LoggedRow]:
    """The rows of a request that was answered; none of one that was refused."""
    inputs, outputs = request.inputs or (), request.outputs or {}
    predictions, probabilities = outputs.get("predict"), outputs.get("predict_proba")
    for number, values in enumerate(inputs):
        yield LoggedRow(
            request,
            request.id if len(inputs) == 1 else f"{request.id}/{number}",
            number,
            values,
            _at(predictions, number),
            _at(probabilities, number),
        )


def _at(answers: Any, number: int) -> Any:
    return answers[number] if isinstance(answers, list) and number < len(answers) else None


def header_of(document: Any) -> LogHeader | None:
    """The header that a parsed first line is; None for anything else."""
    if not isinstance(document, Mapping) or document.get("kind") != KIND or document.get("schema") != SCHEMA:
        return None
    texts = [document.get(name) for name in ("model", "version", "commit", "digest")]
    lists = [document.get(name, []) for name in ("columns", "types", "hashed", "outputs")]
    classes = document.get("classes", [])
    if not all(isinstance(each, str) for each in texts) or not all(isinstance(each, list) for each in (*lists, classes)):
        return None
    contract = document.get("contract")
    model, version, commit, digest = map(str, texts)
    columns, types, hashed, outputs = (tuple(map(str, each)) for each in lists)
    contract = contract if isinstance(contract, str) else ""
    return LogHeader(model, version, commit, digest, contract, columns, types, hashed, outputs, tuple(classes))


def request_of(document: Any, *, header: LogHeader | None) -> LoggedRequest | None:
    """The request that a parsed line is, in a file with this header; None for what no server writes.

    A header of another version, as where files were joined, says nothing of it.
    """
    if not isinstance(document, dict):
        return None
    get = document.get
    request_id, ts, role, version, digest = get("id"), get("ts"), get("role"), get("version"), get("digest")
    if not (isinstance(request_id, str) and isinstance(ts, str) and isinstance(role, str)):
        return None
    inputs, outputs, ms, code = get("inputs"), get("outputs"), get("ms", 0.0), get("code", 0)
    if not (isinstance(version, str) and isinstance(digest, str) and isinstance(ms, int | float) and isinstance(code, int)):
        return None
    if inputs is not None and not (isinstance(inputs, list) and all(isinstance(row, list) for row in inputs)):
        return None
    if outputs is not None and not isinstance(outputs, dict):
        return None
    if header is None or header.version != version or header.digest != digest:
        header = LogHeader("", version, "", digest)
    broken = get("violations")
    told = tuple(each for each in broken if isinstance(each, Mapping)) if isinstance(broken, list) else ()
    return LoggedRequest(header, request_id, ts, role, version, digest, inputs, outputs, ms, code, told)
