"""Strict Jinja for text that nobody vetted: no code, no files, no clock, no chance; an undefined name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import CodeType

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mlgit.errors import MlgitError
from mlgit.scaffold.filters import FILTERS
from mlgit.scaffold.manifest import Value

# Filters of Jinja that files of a project have no use for: chance, the insides of values, and ways around the finalizer.
_UNFIT = ("attr", "format", "pprint", "random", "safe", "urlize", "xmlattr")

_OUTSIDE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def fill(source: str, values: Mapping[str, Value], *, name: str) -> str:
    """`source` with `[[ variables ]]`, `[% blocks %]` and `[# comments #]` carried out; line ends become LF.

    Raises MlgitError `NAME: line L: what` for every fault.
    """
    environment = _environment()
    try:
        template = jinja2.Template.from_code(environment, _compile(source, name=name), environment.globals)
        return template.render(dict(values))
    except jinja2.TemplateSyntaxError as error:
        raise MlgitError(f"{name}: line {error.lineno}: {error.message}") from error
    except jinja2.UndefinedError as error:
        known = ", ".join(values) or "none"
        raise MlgitError(f"{name}: line {_line(error, name)}: {error.message}", f"the answers are: {known}") from error
    except MlgitError:
        raise
    except MemoryError as error:
        raise MlgitError(f"{name}: line {_line(error, name)}: makes more than fits into memory") from error
    except Exception as error:  # what a template does wrong in an expression is the template's fault, never mlgit's
        raise MlgitError(f"{name}: line {_line(error, name)}: {str(error) or type(error).__name__}") from error


# One command renders the same text several times: with and without a feature, and a name for each file of a folder.
@lru_cache(maxsize=1024)
def _compile(source: str, *, name: str) -> CodeType:
    environment = _environment()
    tree = environment.parse(source, name=name, filename=name)
    for node in tree.find_all(_OUTSIDE):
        raise MlgitError(f"{name}: line {node.lineno}: a template can neither include nor import", "write the text here")
    return environment.compile(tree, name=name, filename=name)


def _line(error: Exception, name: str) -> int:
    """The template line of an error: the last frame that Jinja filed under the template's name."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _printable(value: object) -> object:
    """Refuse what has no single spelling in a file: true or True? And an object's address differs on every run."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises, and names the variable
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"a value of type {type(value).__name__} has no one spelling: use the filter yaml, toml or python")
    return value


@cache
def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        extensions=(),
        autoescape=False,
    )
    environment.globals = {"range": environment.globals["range"]}
    for name in _UNFIT:
        del environment.filters[name]
    environment.filters.update(FILTERS)
    return environment
