"""Looks through pickles without loading them: an imitation of the unpickler that makes no object and imports nothing.

It follows the stack and the memo, so it knows each name that would be looked up, however it was put together, and what
would be called. Only what picklers and libraries write counts as safe: each call, each state and each frame in its exact
form. Whatever else the unpickler would do cannot be shown to be safe.
"""

from __future__ import annotations

import _compat_pickle
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

from mlgit.adapters.modelscan import call_forms, joblib_wrappers
from mlgit.adapters.modelscan.pickle_allowlist import is_safe
from mlgit.adapters.modelscan.pickle_values import Global, Items, MadeObject, Pairs
from mlgit.adapters.modelscan.scans import Bounded, Scan, StoppedError, brief

MOST_OPCODES = 10_000_000

Loader = Literal["pickle", "joblib", "torch"]
"""Whose unpickler is imitated: joblib's passes over the bytes of arrays, PyTorch's knows persistent ids."""


_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_MARK = object()


def scan(stream: Bounded, *, loader: Loader = "pickle", is_foreign: bool = False) -> Scan:
    """Follow one pickle from where the stream stands to its end; `is_whole` says that it got there.

    `is_foreign`: these are the bytes of another format, so that the unpickler ends with an error is what one expects.
    """
    machine = _Machine(stream, Scan(is_foreign=is_foreign), loader=loader)
    machine.run()
    return machine.scan


def scan_file(stream: BinaryIO, size: int, *, loader: Loader = "pickle") -> Scan:
    """Follow the pickle in a file of `size` bytes; bytes behind its end are a finding."""
    bounded = Bounded(stream, size)
    found = scan(bounded, loader=loader)
    if found.is_whole and bounded.read(1) and not (found.has_arrays and loader == "pickle"):
        found.note("more bytes follow the end of the pickle, so it cannot be proven safe")
    return found


class _Machine:
    """The unpickler's stack, memo and marks, with stand-ins for objects."""

    def __init__(self, stream: Bounded, found: Scan, *, loader: Loader, depth: int = 0) -> None:
        self.scan = found
        self.loader = loader
        self.stream = stream
        self._depth = depth
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._protocol = 0
        self._frame_ends_at: int | None = None  # in bytes that are left then

    def run(self) -> None:
        """Follow the opcodes; whatever goes wrong on the way is a finding.

        But not where plain pickle takes the bytes of an array for opcodes: its certain end with an error is harmless there.
        """
        try:
            self._follow()
        except StoppedError as error:
            if not (self.scan.is_foreign or (self.scan.has_arrays and self.loader == "pickle")):
                self.scan.note(f"the pickle cannot be followed to its end ({brief(error)}), so it cannot be proven safe")
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError, MemoryError, EOFError) as error:
            self.scan.note(f"the pickle cannot be followed to its end ({brief(error)}), so it cannot be proven safe")

    def _follow(self) -> None:
        for number in range(MOST_OPCODES):
            opcode = _OPCODES.get(self.stream.read(1).decode("latin-1"))
            if opcode is None:
                raise StoppedError("no opcode" if self.stream.left else "cut off")
            if opcode.name == "PROTO" and number and not self.scan.has_arrays:
                raise ValueError("the protocol changes on the way")
            if opcode.name == "PERSID":  # PyTorch writes the other kind, and no other loader here knows any
                raise StoppedError("a persistent id")
            argument = None
            if opcode.name in ("GLOBAL", "INST"):
                argument = self._name()
            elif opcode.arg is not None:
                argument = opcode.arg.reader(self.stream)  # type: ignore[arg-type]
            if self._frame_ends_at is not None and self.stream.left < self._frame_ends_at:
                raise ValueError("a frame ends within an instruction")
            if self.stream.left == self._frame_ends_at:
                self._frame_ends_at = None
            if opcode.name == "STOP":
                self._stop()
                return
            self._step(opcode.name, argument)
        raise ValueError("it is too long")

    def _stop(self) -> None:
        if self._frame_ends_at is not None:
            raise ValueError("a frame goes on behind the end")
        self._pop()
        self.scan.is_whole = True

    def _name(self) -> tuple[str, str]:
        """Two lines, taken as they are."""
        module, name = (self.stream.readline().removesuffix(b"\n").decode() for _ in range(2))
        return module, name

    def _step(self, name: str, argument: Any) -> None:
        if name in _PLAIN:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        else:
            handler = _HANDLERS.get(name)
            if handler is None:
                raise ValueError(f"{name}, which no pickler writes")
            handler(self, argument)

    def _top(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise StoppedError("the stack is empty")
        return self._stack[-1]

    def _pop(self) -> Any:
        value = self._top()
        del self._stack[-1]
        return value

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while at >= 0 and self._stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise StoppedError("no mark")
        found = self._stack[at + 1 :]
        del self._stack[at:]
        return found

    def protocol(self, argument: Any) -> None:
        if argument > 5:
            raise StoppedError(f"protocol {argument}")
        self._protocol = argument

    def frame(self, argument: Any) -> None:
        if self._frame_ends_at is not None or not 0 < argument <= self.stream.left:
            raise ValueError("a frame that no pickler writes")
        self._frame_ends_at = self.stream.left - argument

    def mark(self, argument: Any) -> None:
        self._stack.append(_MARK)

    def pop(self, argument: Any) -> None:
        if not self._stack:
            raise StoppedError("the stack is empty")
        self._stack.pop()

    def pop_mark(self, argument: Any) -> None:
        self._to_mark()

    def put(self, argument: Any) -> None:
        self._memo[int(argument)] = self._top()

    def memoize(self, argument: Any) -> None:
        self._memo[len(self._memo)] = self._top()

    def get(self, argument: Any) -> None:
        if int(argument) not in self._memo:
            raise StoppedError("nothing was kept under this number")
        found = self._memo[int(argument)]
        if self.loader == "joblib" and joblib_wrappers.is_wrapper(found):
            raise ValueError("the description of an array is used again")
        self._stack.append(found)

    def tuple_of(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    def tuple_to_mark(self, argument: Any) -> None:
        self._stack.append(tuple(self._to_mark()))

    def list_to_mark(self, argument: Any) -> None:
        self._stack.append(Items("list", not self._to_mark()))

    def frozenset_to_mark(self, argument: Any) -> None:
        self._stack.append(Items("frozenset", not self._to_mark()))

    def dict_to_mark(self, argument: Any) -> None:
        made = Pairs()
        made.update(self._to_mark())
        self._stack.append(made)

    def append(self, argument: Any) -> None:
        self._pop()
        self._check(call_forms.may_hold_items(self._top()), "appends to")

    def extend(self, argument: Any) -> None:
        self._to_mark()
        self._check(call_forms.may_hold_items(self._top()), "appends to")

    def add(self, argument: Any) -> None:
        self._to_mark()
        target = self._top()
        self._check(isinstance(target, Items) and target.kind == "set", "adds to")

    def set_item(self, argument: Any) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def set_items(self, argument: Any) -> None:
        self._update(self._to_mark())

    def _update(self, values: list[Any]) -> None:
        target = self._top()
        self._check(call_forms.may_hold_pairs(target), "sets entries of")
        if isinstance(target, Pairs):
            target.update(values)

    def _check(self, is_well: bool, what: str) -> None:
        """Note what is done to the object on top in another form than libraries do it."""
        if not is_well:
            self.scan.note(f"{what} {_shown(self._top())} in a way in which no library writes it")

    def global_(self, argument: Any) -> None:
        self._look_up(*argument)

    def stack_global(self, argument: Any) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise StoppedError("a name that is not text")
        self._look_up(module, name)

    def _look_up(self, module: str, name: str) -> None:
        if self._protocol < 3:  # names of Python 2, as the unpickler translates them
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        found = Global(module, name)
        self.scan.names.add((module, name))
        if not is_safe(module, name):
            self.scan.note(f"looks up {found}")
        self._stack.append(found)

    def reduce(self, argument: Any) -> None:
        arguments, maker = self._pop(), self._pop()
        self._call(maker, arguments, call_forms.made_by)

    def new(self, argument: Any) -> None:
        arguments, maker = self._pop(), self._pop()
        self._call(maker, arguments, call_forms.made_empty)

    def _call(self, maker: Any, arguments: Any, form: Callable[[Global, tuple[Any, ...]], MadeObject | None]) -> None:
        made = None
        if not isinstance(maker, Global):
            self.scan.calls = True
            self.scan.note("calls something that it made itself")
        elif not isinstance(arguments, tuple):
            raise TypeError("arguments that are not a tuple")
        else:
            made = form(maker, arguments)
            self.scan.calls |= made is None
            if made is None and is_safe(maker.module, maker.name):
                self.scan.note(f"calls {maker} in a way in which no library writes it")
        self._stack.append(made or MadeObject(Global("", "?"), is_closed=True))

    def old_instance(self, argument: Any) -> None:
        """An object of Python 2, which may be any call."""
        arguments = self._to_mark()
        if argument is not None:
            self._look_up(*argument)
        self.scan.calls |= argument is not None or bool(arguments)
        raise ValueError("an object of Python 2")

    def build(self, argument: Any) -> None:
        state, target = self._pop(), self._top()
        is_well = isinstance(target, MadeObject) and not target.is_closed
        if joblib_wrappers.is_wrapper(target):
            self._array(target, state if is_well else None)
            return
        self._check(is_well and call_forms.may_have_state(target, state), "gives a state to")
        if isinstance(target, MadeObject):
            target.state, target.is_closed = state, True

    def _array(self, target: MadeObject, state: Any) -> None:
        """Go past an array, whose bytes joblib writes right behind its description; plain pickle reads them as opcodes."""
        array = joblib_wrappers.read(state)
        if self._frame_ends_at is not None:
            raise ValueError("an array within a frame")
        target.is_closed = True
        self.scan.has_arrays = True
        if self.loader != "joblib":
            return
        self._stack[-1] = MadeObject(Global("numpy", "ndarray"), is_closed=True)
        if array.has_objects:
            self._nested()
            return
        if array.is_padded:
            joblib_wrappers.pass_padding(self.stream)
        self.stream.skip(array.n_bytes)

    def _nested(self) -> None:
        """An array of Python objects is a pickle of its own, which joblib gives to plain pickle."""
        if self._depth > 20:
            raise ValueError("it is nested too deeply")
        inner = _Machine(self.stream, self.scan, loader="pickle", depth=self._depth + 1)
        inner.run()
        if not self.scan.is_whole:
            raise ValueError("an array of objects is broken")
        self.scan.is_whole = False

    def persistent_id(self, argument: Any) -> None:
        if not (self.loader == "torch" and call_forms.is_storage_id(self._pop())):
            self.scan.note("asks its loader for an object by a persistent id")
        self._stack.append(MadeObject(None, is_closed=True))

    def extension(self, argument: Any) -> None:
        self.scan.note(f"uses number {argument} of the extension registry")
        self._stack.append(MadeObject(Global("", "?"), is_closed=True))


def _shown(found: Any) -> str:
    if isinstance(found, Global):
        return str(found)
    return str(found.maker) if isinstance(found, MadeObject) and found.maker else "an object"


_PLAIN = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("FLOAT", "BINFLOAT"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": lambda: Items("list"),
    "EMPTY_DICT": Pairs,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": lambda: Items("set"),
}
_HANDLERS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.protocol,
    "FRAME": _Machine.frame,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
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
    "ADDITEMS": _Machine.add,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new,
    "INST": _Machine.old_instance,
    "OBJ": _Machine.old_instance,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent_id,
    "EXT1": _Machine.extension,
    "EXT2": _Machine.extension,
    "EXT4": _Machine.extension,
}
