"""Accepts a window that alarmed: what it holds is what the model is to be used for, and later windows are held against it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit.commands import verdict_chains
from mlgit.errors import MlgitError
from mlgit.monitoring import verdict_refs, verdict_sync
from mlgit.monitoring.chain import Acceptance, Chain, ChainEntry, JudgedWindow
from mlgit.monitoring.verdict import VerdictWord
from mlgit.render.text import moment

_LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class AcceptResult:
    """What was accepted, by whom and why; `is_new` is false where somebody had done so before, and nothing was written.

    `is_sent`: the remote has it, where it was to be sent.
    """

    model: str
    environment: str
    verdict: VerdictWord
    acceptance: Acceptance
    is_new: bool
    is_sent: bool = False
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Yes: it is accepted."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {
            "schema": 1,
            "model": self.model,
            "environment": self.environment or None,
            "window": self.acceptance.name,
            "digest": self.acceptance.window,
            "verdict": self.verdict,
            "reason": self.acceptance.reason,
            "by": self.acceptance.author,
            "time": moment(self.acceptance.when),
            "new": self.is_new,
            "sent": self.is_sent,
            "notes": list(self.notes),
        }


def accept(window: str, *, reason: str, name: str | None = None, push: bool = False, remote: str = "origin") -> AcceptResult:
    """Write down that a window (its name or digest) of NAME or NAME#ENVIRONMENT is accepted, and why; `push` sends it.

    Raises MlgitError for a window that was not judged or was quiet, without a reason, and where the remote cannot be asked.
    """
    said = reason.strip()
    if not said:
        raise MlgitError("--reason is empty", "say why this data is what the model is to be used for")
    if len(said) > _LONGEST_REASON:
        raise MlgitError(f"--reason has more than {_LONGEST_REASON} characters", "say it shorter, and link to the rest")
    root = verdict_chains.root_here()
    chain, found = verdict_chains.window_in(verdict_chains.chosen(root, name), window)
    if push:
        chain = verdict_sync.share(root, chain.ref, remote, known=chain).chain
        _, found = verdict_chains.window_in((chain,), window)
    after, acceptance, is_new = _written(root, chain, found, reason=said)
    shared = verdict_sync.share(root, after.ref, remote, known=after) if push else None
    sent, notes = (shared.is_sent, shared.notes) if shared else (False, ())
    return AcceptResult(chain.model, chain.environment, found.verdict.verdict, acceptance, is_new, sent, notes)


def _written(root: Path, chain: Chain, found: JudgedWindow, *, reason: str) -> tuple[Chain, Acceptance, bool]:
    """The chain with the acceptance, which may be an earlier one, and whether it is new."""
    if found.acceptance:
        return chain, found.acceptance, False
    verdict = found.verdict
    if verdict.verdict == "quiet":
        raise MlgitError(
            f"the window '{verdict.window.name}' was quiet: later windows are held against it as it is",
            "`mlgit monitor show` tells which windows alarmed",
        )
    given = Acceptance(verdict.window.digest, verdict.model_digest, verdict.window.name, reason)
    after = verdict_refs.append(root, chain, ChainEntry("accept", acceptance=given))
    written = after.entries[-1].acceptance
    assert written, "it was appended"
    return after, written, True
