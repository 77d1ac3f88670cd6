"""Which chain of verdicts a word means, seen from the current folder, and which window of it."""

from __future__ import annotations

from pathlib import Path

from mlgit.commands import places
from mlgit.errors import MlgitError, near_miss
from mlgit.monitoring import chain, verdict_refs
from mlgit.monitoring.chain import Chain, JudgedWindow
from mlgit.registry import grammar, read
from mlgit.render.text import few

_SHORTEST_DIGEST = 6


def root_here() -> Path:
    """The repository that holds the current folder; bare ones, too."""
    return read.root_of(Path.cwd())


def chosen(root: Path, word: str | None) -> tuple[Chain, ...]:
    """The chains of NAME or NAME#ENVIRONMENT, all of the repository without a word, in the order of their names.

    Raises MlgitError where nothing was judged.
    """
    known = {ref: place for ref in verdict_refs.names(root) if (place := chain.place_of(ref))}
    if word is None:
        found = list(known)
        if not found:
            raise MlgitError(
                "no window was judged yet in this repository",
                "`mlgit monitor run NAME` judges one; `mlgit pull` brings the verdicts of others",
            )
    else:
        wanted = grammar.reference(word)
        if wanted.version:
            raise MlgitError(
                f"'{word}': verdicts are about what an environment has", f"name one: `{wanted.artifact}#ENVIRONMENT`"
            )
        models = {model for model, _ in known.values()}
        name = places.full_name(root, models, wanted.artifact)
        found = [ref for ref, place in known.items() if place[0] == name and wanted.environment in ("", place[1])]
        if not found:
            raise _nothing(name, wanted.environment, dict.fromkeys(known.values()))
    return tuple(verdict_refs.load(root, ref) for ref in found)


def _nothing(name: str, environment: str, known: dict[tuple[str, str], None]) -> MlgitError:
    what = chain.label(name, environment)
    others = [each for model, each in known if model == name]
    if others:
        told = f"no window of '{name}' was judged in '{environment}', but in {few(others)}"
    else:
        told = f"no window of '{name}' was judged yet" + near_miss(name, {model for model, _ in known})
    return MlgitError(told, f"`mlgit monitor run '{what}'` judges one; `mlgit pull` brings the verdicts of others")


def window_of(found: Chain, word: str) -> JudgedWindow | None:
    """The window with this name, or with a digest that begins so; the latest, where several versions met it."""
    digest = word.removeprefix("sha256:")
    named = [each for each in found.timeline if each.verdict.window.name == word]
    if not named and len(digest) >= _SHORTEST_DIGEST:
        named = [each for each in found.timeline if each.verdict.window.digest.removeprefix("sha256:").startswith(digest)]
    return named[-1] if named else None


def window_in(chains: tuple[Chain, ...], word: str) -> tuple[Chain, JudgedWindow]:
    """The one chain that has a window, and the window. Raises MlgitError where none has, and where several have."""
    found = [(each, window) for each in chains if (window := window_of(each, word))]
    if not found:
        names = [each.verdict.window.name for one in chains for each in one.timeline]
        raise MlgitError(f"no window '{word}' was judged{near_miss(word, names)}", "`mlgit monitor show` lists them")
    if len(found) > 1:
        named = [chain.label(each.model, each.environment) for each, _ in found]
        raise MlgitError(f"a window '{word}' was judged for {few(named)}", f"name one of them, as '{named[0]}'")
    return found[0]
