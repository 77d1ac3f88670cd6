"""Expressions over columns, such as what answers are worth: `sum(amount * (label == 1) * (prediction == 0)) / count()`.

A text is parsed by Python's grammar into parts of a few kinds, and everything else is refused; nothing of it is ever run as
Python or SQL. Inside an aggregate stand columns, numbers, texts, `+ - * / %`, comparisons, `& | ~`, `abs min max log where`,
and `column("net amount")` for a name that is no word; outermost stand aggregates (sum, mean, median, share, count, p1 to p99)
and arithmetic of them. `expression_values` has what they are worth, and what a missing value does.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass

from mlgit.errors import MlgitError, near_miss

MOST_CHARACTERS = 1000
_DEEPEST = 50
_SHOWN = 40

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.USub: "negative",
    ast.UAdd: "positive",
    ast.Invert: "~",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
# How many arguments a function takes, at least and at most.
_FUNCTIONS = {"abs": (1, 1), "log": (1, 1), "min": (2, 20), "max": (2, 20), "where": (3, 3)}
_AGGREGATES = {"sum": (1, 1), "mean": (1, 1), "median": (1, 1), "share": (1, 1), "count": (0, 1)}
_QUANTILE = re.compile(r"p([1-9][0-9]?)")
_OF_AGGREGATES = {"+", "-", "*", "/", "%", "negative", "positive", "abs", "log", "min", "max"}
_WORDS = "sum, mean, median, share, count, p1 to p99"


@dataclass(frozen=True, slots=True)
class ExpressionPart:
    """One operation and what it is done to: `does` is an operator, a function, an aggregate, or a leaf (`column`, `number`,
    `text`, `truth`) whose `value` is its name or content. An aggregate has its number among those of the expression as `value`.
    """

    does: str
    parts: tuple[ExpressionPart, ...] = ()
    value: float | str | bool = 0.0

    @property
    def quantile(self) -> float | None:
        """The share of rows below what this aggregate gives; None for one that is no quantile."""
        if self.does == "median":
            return 0.5
        found = _QUANTILE.fullmatch(self.does)
        return int(found[1]) / 100 if found else None


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: `root` is arithmetic of `aggregates`, and `columns` are the names that it reads, each once."""

    text: str
    root: ExpressionPart
    aggregates: tuple[ExpressionPart, ...]
    columns: tuple[str, ...]

    @property
    def degree(self) -> int | None:
        """How the value grows with the number of rows like these: 1 as a sum does, 0 as a mean; None where by no such law."""
        return _degree(self.root)


def parse(text: str, *, where: str = "") -> Expression:
    """The expression in a text; `where` is the place that has it. Raises MlgitError for anything that is none, saying at which
    character, and what to write instead.
    """
    reader = _Reader(text, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and literals, which are no matter here
            tree = ast.parse(text, mode="eval") if len(text) <= MOST_CHARACTERS else None
    except SyntaxError as error:
        raise reader.fault(f"cannot be read: {error.msg}", "write it as sum(amount * (label == 1))", error.offset) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise reader.fault("cannot be read", "write it as sum(amount * (label == 1))") from error
    if tree is None:
        raise reader.fault(
            f"{len(text)} characters, at most {MOST_CHARACTERS} are read", "give a stage of the pipeline the sum"
        )
    root = reader.outer(tree.body, 0)
    return Expression(text, root, tuple(reader.aggregates), tuple(dict.fromkeys(reader.columns)))


class _Reader:
    """Turns nodes of Python's grammar into parts, and refuses all others."""

    def __init__(self, text: str, where: str) -> None:
        self._text, self._where = text, where
        self.aggregates: list[ExpressionPart] = []
        self.columns: list[str] = []

    def fault(self, what: str, hint: str, at: int | None = None) -> MlgitError:
        shown = self._text if len(self._text) <= _SHOWN else f"{self._text[: _SHOWN - 3]}..."
        place = f", character {at}" if at else ""
        return MlgitError(f"{f'{self._where}: ' if self._where else ''}{shown!r}{place}: {what}", hint)

    def _of(self, node: ast.expr, what: str, hint: str) -> MlgitError:
        line = self._text.split("\n")[node.lineno - 1 : node.lineno]
        before = sum(len(each) + 1 for each in self._text.split("\n")[: node.lineno - 1])
        inside = len(line[0].encode()[: node.col_offset].decode(errors="ignore")) if line else 0
        return self.fault(what, hint, before + inside + 1)

    def _deeper(self, node: ast.expr, depth: int) -> int:
        if depth >= _DEEPEST:
            raise self._of(node, f"nested deeper than {_DEEPEST} times", "write less of it in one expression")
        return depth + 1

    def outer(self, node: ast.expr, depth: int) -> ExpressionPart:
        """Aggregates and arithmetic of them."""
        inner = self._deeper(node, depth)
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _AGGREGATES or _QUANTILE.fullmatch(name):
                return self._aggregate(node, name, inner)
            case ast.Name(id=name):
                raise self._of(node, f"{name} is a column, and has a value in each row", f"say which of them counts: {_WORDS}")
            case ast.Constant(value=str()):
                raise self._of(node, "a text is no value of all rows", f"outermost stand {_WORDS}, numbers, and arithmetic")
        if (number := self._number(node)) is not None:
            return number
        does, nodes = self._operation(node)
        if does not in _OF_AGGREGATES:
            raise self._of(node, f"`{does}` is for rows, and stands inside of an aggregate", f"outermost stand {_WORDS}")
        return ExpressionPart(does, tuple(self.outer(each, inner) for each in nodes))

    def _aggregate(self, node: ast.Call, name: str, depth: int) -> ExpressionPart:
        self._check_arguments(node, name, *_AGGREGATES.get(name, (1, 1)))
        parts = tuple(self._row(each, depth) for each in node.args)
        found = ExpressionPart(name, parts, float(len(self.aggregates)))
        self.aggregates.append(found)
        return found

    def _row(self, node: ast.expr, depth: int) -> ExpressionPart:
        """What has a value in each row."""
        inner = self._deeper(node, depth)
        match node:
            case ast.Name(id=name):
                self.columns.append(name)
                return ExpressionPart("column", value=name)
            case ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=str(name))], keywords=[]):
                self.columns.append(name)
                return ExpressionPart("column", value=name)
            case ast.Constant(value=str(text)):
                return ExpressionPart("text", value=text)
            case ast.Constant(value=bool(truth)):
                return ExpressionPart("truth", value=truth)
            case ast.Call(func=ast.Name(id=name)) if name in _AGGREGATES or _QUANTILE.fullmatch(name):
                raise self._of(
                    node, f"{name} inside of an aggregate", "an aggregate is of rows; arithmetic of them is outermost"
                )
        if (number := self._number(node)) is not None:
            return number
        does, nodes = self._operation(node)
        return ExpressionPart(does, tuple(self._row(each, inner) for each in nodes))

    def _number(self, node: ast.expr) -> ExpressionPart | None:
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return None
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._of(node, "a number that is too large", "write one below 1e308")
        return ExpressionPart("number", value=number)

    def _operation(self, node: ast.expr) -> tuple[str, list[ast.expr]]:
        """An operator or a function, and the nodes that it is done to."""
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)], [left, right]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)], [operand]
            case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)], [left, right]
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
                self._check_arguments(node, name, *_FUNCTIONS[name])
                return name, node.args
        raise self._unknown(node)

    def _check_arguments(self, node: ast.Call, name: str, least: int, most: int) -> None:
        if node.keywords:
            raise self._of(node, f"{name} takes nothing by name", f"write {name}(...) with what it is of")
        if not least <= len(node.args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self._of(node, f"{name} takes {wanted}, not {len(node.args)}", f"write {_example(name)}")

    def _unknown(self, node: ast.expr) -> MlgitError:
        match node:
            case ast.Compare():
                return self._of(
                    node,
                    "a comparison of more than two, or of a kind that is not known",
                    "compare two with == != < <= > >=, and put each in brackets: (a == 1) & (b == 0)",
                )
            case ast.BoolOp():
                return self._of(node, "`and`, `or` of Python", "write & and |, each side in brackets: (a == 1) & (b == 0)")
            case ast.UnaryOp():
                return self._of(node, "`not` of Python", "write ~(a == 1)")
            case ast.Call(func=ast.Name(id="column")):
                return self._of(node, "column takes the name as a text", 'write column("net amount")')
            case ast.Call(func=ast.Name(id=name)):
                known = [*_FUNCTIONS, *_AGGREGATES]
                return self._of(
                    node, f"no function is called {name}{near_miss(name, known)}", f"there are {', '.join(known)}, p95"
                )
        return self._of(
            node,
            "not a part of an expression",
            "there are columns, numbers, texts, + - * / %, comparisons, & | ~ and functions; `**` is none of them",
        )


def _example(name: str) -> str:
    if name == "where":
        return "where(condition, then, else)"
    return f"{name}(a, b)" if name in ("min", "max") else f"{name}(a)"


def _degree(part: ExpressionPart) -> int | None:
    if part.does in ("sum", "count"):
        return 1
    if part.does == "number" or part.does in _AGGREGATES or part.quantile is not None:
        return 0
    inner = [_degree(each) for each in part.parts]
    known = [each for each in inner if each is not None]
    if len(known) < len(inner):
        return None
    if part.does in ("*", "/"):
        return known[0] + known[1] if part.does == "*" else known[0] - known[1]
    if part.does in ("log", "%"):
        return 0 if not any(known) else None
    return known[0] if len(set(known)) == 1 else None
