"""Looks through pickles without loading them: an imitation of the unpickler that makes no object and imports nothing.

It follows the stack and the memo, so it knows each name that would be looked up, however it was put together, and what
would be called. What cannot be followed to the end counts as able to run code.
"""

from __future__ import annotations

import _compat_pickle
import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from mlgit.adapters.pickled import Global, Made, itemsize
from mlgit.adapters.safenames import is_safe

MOST_OPCODES = 10_000_000
MOST_FINDINGS = 20
LONGEST_LINE = 1 << 24


@dataclass(slots=True)
class Scan:
    """What was found: the names looked up, and why loading may run code (empty: it cannot)."""

    names: set[tuple[str, str]] = field(default_factory=set)
    findings: dict[str, None] = field(default_factory=dict)
    is_whole: bool = False

    def note(self, finding: str) -> None:
        """Keep a finding; of very many only the first."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings[finding] = None


class Bounded:
    """A stream of `size` bytes from where it stands: what a file claims to hold more than it has is never allocated."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, count: int = -1) -> bytes:
        """At most `count` bytes."""
        content = self._stream.read(self._left if count < 0 else min(count, self._left))
        self._left -= len(content)
        return content

    def readline(self) -> bytes:
        """A line; a very long one is cut off, for no name or number is so long."""
        content = self._stream.readline(min(self._left, LONGEST_LINE))
        self._left -= len(content)
        return content


_UNKNOWN = object()
_MARK = object()


def scan(stream: Bounded, *, persistent: bool = False) -> Scan:
    """Follow one pickle from where the stream stands to its end; `is_whole` says that it got there.

    `persistent`: the loader knows what to do with persistent ids, as PyTorch's does.
    """
    machine = _Machine(stream, Scan(), persistent=persistent)
    machine.run()
    return machine.scan


class _Machine:
    """The unpickler's stack, memo and marks, with stand-ins for objects."""

    def __init__(self, stream: Bounded, found: Scan, *, persistent: bool, depth: int = 0) -> None:
        self.scan = found
        self._stream = stream
        self._persistent = persistent
        self._depth = depth
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._protocol = 0

    def run(self) -> None:
        """Follow the opcodes; whatever goes wrong on the way is a finding."""
        try:
            for number, (opcode, argument, _) in enumerate(pickletools.genops(self._stream)):  # type: ignore[arg-type]
                if number > MOST_OPCODES:
                    self.scan.note("the pickle is too long to be proven safe")
                    return
                if opcode.name == "STOP":
                    self.scan.is_whole = True
                    return
                self._step(opcode.name, argument)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError, MemoryError, EOFError) as error:
            self.scan.note(f"the pickle cannot be followed to its end ({brief(error)}), so it cannot be proven safe")

    def _step(self, name: str, argument: Any) -> None:
        if name in _PLAIN:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        else:
            handler = _HANDLERS.get(name)
            if handler is None:
                raise ValueError(f"opcode {name}")
            handler(self, argument)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("stack underflow")
        return value

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        found = self._stack[at + 1 :]
        del self._stack[at:]
        return found

    def protocol(self, argument: Any) -> None:
        self._protocol = argument

    def nothing(self, argument: Any) -> None:
        """A frame's length, and the like."""

    def mark(self, argument: Any) -> None:
        self._stack.append(_MARK)

    def pop(self, argument: Any) -> None:
        self._stack.pop()

    def pop_mark(self, argument: Any) -> None:
        self._to_mark()

    def duplicate(self, argument: Any) -> None:
        self._stack.append(self._stack[-1])

    def put(self, argument: Any) -> None:
        self._memo[int(argument)] = self._stack[-1]

    def memoize(self, argument: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, argument: Any) -> None:
        self._stack.append(self._memo[int(argument)])

    def tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    def tuple_to_mark(self, argument: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def list_to_mark(self, argument: Any) -> None:
        self._stack.append(self._to_mark())

    def dict_to_mark(self, argument: Any) -> None:
        self._stack.append(_pairs(self._to_mark()))

    def frozenset_to_mark(self, argument: Any) -> None:
        self._to_mark()
        self._stack.append(_UNKNOWN)

    def append(self, argument: Any) -> None:
        self._pop()
        self._check_changed()

    def extend(self, argument: Any) -> None:
        self._to_mark()
        self._check_changed()

    def set_item(self, argument: Any) -> None:
        value, key = self._pop(), self._pop()
        self._update(_pairs([key, value]))

    def set_items(self, argument: Any) -> None:
        self._update(_pairs(self._to_mark()))

    def _update(self, values: dict[str, Any]) -> None:
        self._check_changed()
        if isinstance(self._stack[-1], dict):
            self._stack[-1].update(values)

    def _check_changed(self) -> None:
        if isinstance(self._stack[-1], Global):
            self.scan.note(f"changes {_shown(self._stack[-1])} itself")

    def global_(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._look_up(module, name)

    def stack_global(self, argument: Any) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise TypeError("a name that is no text")
        self._look_up(module, name)

    def _look_up(self, module: str, name: str) -> None:
        if self._protocol < 3:  # names of Python 2, as the unpickler translates them
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        found = Global(module, name)
        self.scan.names.add((module, name))
        if not is_safe(module, name):
            self.scan.note(f"looks up {_shown(found)}")
        self._stack.append(found)

    def instance(self, argument: Any) -> None:
        arguments = tuple(self._to_mark())
        self.global_(argument)
        self._call(self._pop(), arguments)

    def object_(self, argument: Any) -> None:
        found = self._to_mark()
        self._call(found[0], tuple(found[1:]))

    def reduce(self, argument: Any) -> None:
        arguments, maker = self._pop(), self._pop()
        self._call(maker, arguments)

    def new_with_keywords(self, argument: Any) -> None:
        _, arguments, maker = self._pop(), self._pop(), self._pop()
        self._call(maker, arguments)

    def _call(self, maker: Any, arguments: Any) -> None:
        if not isinstance(maker, Global):
            self.scan.note("calls something that it made itself")
        self._stack.append(Made(maker, arguments))

    def build(self, argument: Any) -> None:
        state, target = self._pop(), self._stack[-1]
        self._check_changed()
        if isinstance(target, Made):
            target.state = state
            if target.maker == Global("joblib.numpy_pickle", "NumpyArrayWrapper"):
                self._pass_array(state)

    def _pass_array(self, state: Any) -> None:
        """Go past the bytes of an array, which joblib writes right behind its description."""
        wrapped = state if isinstance(state, dict) else {}
        kind, shape = wrapped.get("dtype"), wrapped.get("shape")
        size = itemsize(kind)
        if not isinstance(shape, tuple) or not all(type(each) is int and each >= 0 for each in shape) or size is None:
            raise ValueError("an array that is not described as joblib does it")
        if size == 0:  # Python objects, in a pickle of their own
            self._nested()
            return
        if wrapped.get("numpy_array_alignment_bytes") is not None:
            self._skip(int.from_bytes(self._stream.read(1), "little"))
        self._skip(math.prod(shape) * size)

    def _nested(self) -> None:
        if self._depth > 20:
            raise ValueError("it is nested too deeply")
        inner = _Machine(self._stream, self.scan, persistent=False, depth=self._depth + 1)
        inner.run()
        if not self.scan.is_whole:
            raise ValueError("an array of objects is broken")
        self.scan.is_whole = False

    def _skip(self, count: int) -> None:
        while count:
            passed = len(self._stream.read(min(count, 1 << 20)))
            if not passed:
                raise EOFError("the file is cut off in an array")
            count -= passed

    def persistent_id(self, argument: Any) -> None:
        self._pop()
        self.persistent_text(argument)

    def persistent_text(self, argument: Any) -> None:
        if not self._persistent:
            self.scan.note("asks its loader for an object by a persistent id")
        self._stack.append(_UNKNOWN)

    def extension(self, argument: Any) -> None:
        self.scan.note(f"uses number {argument} of the extension registry")
        self._stack.append(_UNKNOWN)


def _pairs(values: list[Any]) -> dict[str, Any]:
    """Those of alternating keys and values whose key is a text."""
    return {key: value for key, value in zip(values[::2], values[1::2], strict=True) if isinstance(key, str)}


def _shown(found: Global) -> str:
    return f"{found.module}.{found.name}"[:200]


def brief(error: BaseException) -> str:
    """The first words of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


_PLAIN = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("FLOAT", "BINFLOAT"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": lambda: _UNKNOWN,
}
_HANDLERS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.protocol,
    "FRAME": _Machine.nothing,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.duplicate,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": _Machine.tuple_to_mark,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "LIST": _Machine.list_to_mark,
    "DICT": _Machine.dict_to_mark,
    "FROZENSET": _Machine.frozenset_to_mark,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "ADDITEMS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "INST": _Machine.instance,
    "OBJ": _Machine.object_,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "NEWOBJ_EX": _Machine.new_with_keywords,
    "BUILD": _Machine.build,
    "PERSID": _Machine.persistent_text,
    "BINPERSID": _Machine.persistent_id,
    "EXT1": _Machine.extension,
    "EXT2": _Machine.extension,
    "EXT4": _Machine.extension,
}
