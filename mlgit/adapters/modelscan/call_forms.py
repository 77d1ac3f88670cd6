"""In which form a pickle may call what it may look up: the one in which the libraries write it.

A harmless function is not harmless with every argument: some import what a text names, or call another that they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlgit.adapters.modelscan import dtypes
from mlgit.adapters.modelscan.pickle_allowlist import BIT_GENERATORS, CLASSES, STORAGES, TYPES, is_class
from mlgit.adapters.modelscan.pickle_values import Global, Items, MadeObject, Pairs

Arguments = tuple[Any, ...]
_NDARRAYS = {
    Global("numpy", "ndarray"),
    Global("numpy", "matrix"),
    Global("numpy", "memmap"),
    Global("numpy.rec", "recarray"),
}
_MASKED = {Global("numpy.ma", "MaskedArray"), Global("numpy.ma.core", "MaskedArray")}
_OBJECT = Global("builtins", "object")
_PATHS = ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")
# Made by a call of the class itself, with numbers and arrays.
_CALLED_CLASSES = {
    *(Global("sklearn._loss._loss", name) for name in CLASSES["sklearn._loss._loss"]),
    *(Global("sklearn.linear_model._sgd_fast", name) for name in CLASSES["sklearn.linear_model._sgd_fast"]),
    Global("sklearn.tree._tree", "Tree"),
    *(Global("pandas.core.internals.managers", name) for name in CLASSES["pandas.core.internals.managers"]),
    Global("pandas._libs.internals", "BlockPlacement"),
    *(Global("pandas", name) for name in CLASSES["pandas"] if name.endswith("Dtype")),
}


def made_by(maker: Global, arguments: Arguments) -> MadeObject | None:
    """What a call makes; None where it is not called as its library does it."""
    if maker == Global("copyreg", "_reconstructor"):
        return _reconstructed(arguments)
    if maker in _CALLED_CLASSES:
        return MadeObject(maker, arguments)
    check = _FORMS.get((maker.module, maker.name))
    if check is None and maker.name.startswith("__pyx_unpickle_"):
        return _unpickled_by_cython(maker, arguments)
    return MadeObject(maker, arguments) if check and check(arguments) else None


def made_empty(maker: Global, arguments: Arguments) -> MadeObject | None:
    """What `maker.__new__` makes; None where the libraries do not make it in this way."""
    with_arguments = maker == Global("sklearn.impute._iterative", "_ImputerTriplet")
    return MadeObject(maker) if is_class(maker.module, maker.name) and (not arguments or with_arguments) else None


def may_have_state(target: MadeObject, state: Any) -> bool:
    """Whether this is the state that such an object is given; notes what is thereby known of a type of NumPy."""
    maker = target.maker
    if maker == Global("numpy", "dtype"):
        return dtypes.prove(target, state)
    if maker and maker.name == "_reconstruct":
        return dtypes.is_array_state(state)
    if maker and maker.name == "_mareconstruct":
        return isinstance(state, tuple) and len(state) == 7 and dtypes.is_array_state((1, *state[1:5])) and _is_masks(state)
    if maker is None or (maker.module, maker.name) in _WITHOUT_STATE:
        return False
    return _is_attributes(state) or (_takes_tuples(maker) and _is_tuple(state))


def _is_attributes(state: Any) -> bool:
    """Attributes by name. Not `__class__` and its like, which make another object of it, an array's description for one."""
    return isinstance(state, Pairs) and state.is_plain and not any(each.startswith("__") for each in state.values)


def _takes_tuples(maker: Global) -> bool:
    """Whether it has a state of its own kind; from a pair Python itself would set even what is no attribute."""
    return maker.name == "newObj" or maker.name in _WITH_TUPLES.get(maker.module, ())


def _is_tuple(state: Any) -> bool:
    return isinstance(state, tuple) and all(_is_attributes(each) for each in state if isinstance(each, Pairs))


def may_hold_pairs(target: Any) -> bool:
    """Whether entries may be set: a dict, or one of the kinds of dict."""
    if isinstance(target, Pairs):
        return not target.is_closed
    return isinstance(target, MadeObject) and not target.is_closed and target.maker in _DICTS


def may_hold_items(target: Any) -> bool:
    """Whether items may be appended: a list, or a deque."""
    if isinstance(target, Items):
        return target.kind == "list"
    return isinstance(target, MadeObject) and not target.is_closed and target.maker == Global("collections", "deque")


_WITH_TUPLES = {
    **BIT_GENERATORS,
    "numpy.random._pickle": {"__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"},
    "numpy.random.bit_generator": {"SeedSequence"},
    "numpy.random._bit_generator": {"SeedSequence"},
    "pandas": {"Categorical"},
    "pandas.arrays": {"DatetimeArray", "TimedeltaArray", "PeriodArray", "StringArray"},
    "pandas.core.internals.managers": CLASSES["pandas.core.internals.managers"],
}
_DICTS = {
    *(Global("collections", name) for name in ("OrderedDict", "defaultdict", "Counter")),
    Global("sklearn.utils._bunch", "Bunch"),
    *(Global(f"scipy.sparse.{module}", f"dok_{kind}") for module in ("_dok", "dok") for kind in ("matrix", "array")),
}


def _is_masks(state: Arguments) -> bool:
    return dtypes.is_bytes(state[5])


def _reconstructed(arguments: Arguments) -> MadeObject | None:
    """`copyreg._reconstructor(class, base, state)`, as protocols below 2 make an object of a class."""
    if len(arguments) != 3 or not isinstance(arguments[0], Global):
        return None
    made, base, state = arguments
    is_dict = base == Global("builtins", "dict") and isinstance(state, Pairs)
    if not is_class(made.module, made.name) or not (is_dict or (base == _OBJECT and state is None)):
        return None
    return MadeObject(made)


def _unpickled_by_cython(maker: Global, arguments: Arguments) -> MadeObject | None:
    """`__pyx_unpickle_X(X, checksum, state)`; what it makes is given a further state."""
    name = maker.name.removeprefix("__pyx_unpickle_")
    if len(arguments) != 3 or type(arguments[1]) is not int or not isinstance(arguments[2], tuple | None):
        return None
    if maker.module == "pandas._libs.arrays":
        is_own = isinstance(arguments[0], Global) and arguments[0].module in ("pandas", "pandas.arrays")
    else:
        is_own = arguments[0] == Global(maker.module, name)
    return MadeObject(arguments[0]) if is_own and is_class(arguments[0].module, arguments[0].name) else None


def _types(*expected: type) -> Callable[[Arguments], bool]:
    return lambda given: tuple(map(type, given)) == expected


def _none_or(check: Callable[[Arguments], bool]) -> Callable[[Arguments], bool]:
    return lambda given: not given or check(given)


def _numbers(given: Arguments) -> bool:
    return all(type(each) in (int, float, bool, type(None)) for each in given)


def _plain(given: Arguments) -> bool:
    """Numbers, texts and bytes, or what was made of such."""
    return all(type(each) in (int, float, str, bytes, bool, type(None)) or isinstance(each, MadeObject) for each in given)


def _is_latin(given: Arguments) -> bool:
    return _types(str, str)(given) and given[1] in ("latin1", "latin-1")


def _list_of(given: Arguments) -> bool:
    return len(given) == 1 and isinstance(given[0], Items) and given[0].kind == "list"


def _array(given: Arguments) -> bool:
    return len(given) == 3 and given[0] in _NDARRAYS and given[1] == (0,) and _is_letter(given[2])


def _is_letter(value: Any) -> bool:
    """The letter `b`; protocols below 3 have it as text that is turned into bytes."""
    if isinstance(value, MadeObject):
        return value.maker == Global("_codecs", "encode") and value.arguments[0] == "b"
    return value in (b"b", "b")


def _masked(given: Arguments) -> bool:
    return len(given) == 4 and _is_letter(given[3]) and given[0] in _MASKED and given[1] in _NDARRAYS and given[2] == (0,)


def _scalar(given: Arguments) -> bool:
    return len(given) == 2 and dtypes.is_proven(given[0]) and not given[0].has_objects and dtypes.is_bytes(given[1])


def _buffer(given: Arguments) -> bool:
    if len(given) == 5 and given[3] == "K" and dtypes.is_shape(given[4]):  # the order of the axes follows
        given = (*given[:3], "C")
    if len(given) != 4 or not dtypes.is_proven(given[1]) or given[1].has_objects:
        return False
    return dtypes.is_bytes(given[0]) and dtypes.is_shape(given[2]) and given[3] in ("C", "F")


def _is_bit_generator(value: Any) -> bool:
    if isinstance(value, str):
        return any(value in names for names in BIT_GENERATORS.values())
    found = value.maker if isinstance(value, MadeObject) else value
    if isinstance(value, MadeObject) and found == Global("numpy.random._pickle", "__bit_generator_ctor"):
        return True
    return isinstance(found, Global) and found.name in BIT_GENERATORS.get(found.module, ())


def _random(given: Arguments) -> bool:
    makers = {Global("numpy.random._pickle", "__bit_generator_ctor")}
    return not given or (_is_bit_generator(given[0]) and len(given) <= 2 and all(each in makers for each in given[1:]))


def _tree_of_cython(module: str) -> Callable[[Arguments], bool]:
    return lambda given: len(given) == 1 and isinstance(given[0], Global) and given[0].module == module and _is_own(given[0])


def _is_own(found: Global) -> bool:
    return is_class(found.module, found.name)


def _index(given: Arguments) -> bool:
    modules = ("pandas", "pandas.core.indexes.base", "pandas.core.indexes.range")
    if len(given) != 2 or not isinstance(given[0], Global) or not isinstance(given[1], Pairs) or not given[1].is_plain:
        return False
    return given[0].module in modules and given[0].name.endswith("Index") and _is_own(given[0])


def _block(given: Arguments) -> bool:
    return len(given) == 3 and isinstance(given[0], MadeObject) and isinstance(given[1], MadeObject) and type(given[2]) is int


def _factory(given: Arguments) -> bool:
    if len(given) != 1:
        return not given
    known = {**TYPES, "collections": CLASSES["collections"]}
    return given[0] is None or (isinstance(given[0], Global) and given[0].name in known.get(given[0].module, ()))


def _is_storage(value: Any) -> bool:
    return isinstance(value, MadeObject) and value.maker is None


def _is_hooks(value: Any) -> bool:
    """The hooks of a tensor are functions, so there are none in what is shown to be safe."""
    return isinstance(value, MadeObject) and value.maker == Global("collections", "OrderedDict") and value.state is None


def _tensor(given: Arguments) -> bool:
    """`_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; `_v3` has a type of numbers behind them."""
    if len(given) not in (6, 7) or not _is_storage(given[0]) or type(given[1]) is not int or type(given[4]) is not bool:
        return False
    is_last = len(given) == 6 or (isinstance(given[6], Global) and given[6].module == "torch")
    return dtypes.is_shape(given[2]) and dtypes.is_shape(given[3]) and _is_hooks(given[5]) and is_last


def _parameter(given: Arguments) -> bool:
    return len(given) == 3 and isinstance(given[0], MadeObject) and type(given[1]) is bool and _is_hooks(given[2])


def is_storage_id(value: Any) -> bool:
    """Whether a persistent id is one of PyTorch: what it keeps, under which number, for which device, how many."""
    if not isinstance(value, tuple) or len(value) != 5 or value[0] != "storage" or not isinstance(value[1], Global):
        return False
    kind = value[1]
    is_kind = (kind.module == "torch" and kind.name.removesuffix("Storage") in STORAGES) or kind == Global(
        "torch.storage", "UntypedStorage"
    )
    is_place = type(value[3]) is str and value[3].split(":")[0] in ("cpu", "cuda", "mps", "xpu")
    return is_kind and type(value[2]) is str and value[2].isdecimal() and is_place and type(value[4]) is int


_FORMS: dict[tuple[str, str], Callable[[Arguments], bool]] = {
    ("_codecs", "encode"): _is_latin,
    ("builtins", "bytes"): _none_or(lambda given: False),
    ("builtins", "bytearray"): _none_or(lambda given: _is_latin(given) or (len(given) == 1 and dtypes.is_bytes(given[0]))),
    ("builtins", "set"): _none_or(_list_of),
    ("builtins", "frozenset"): _none_or(_list_of),
    ("builtins", "complex"): _types(float, float),
    ("builtins", "slice"): lambda given: len(given) == 3 and _plain(given),
    ("builtins", "range"): _types(int, int, int),
    ("collections", "OrderedDict"): lambda given: not given or _list_of(given),
    ("collections", "Counter"): lambda given: not given or (len(given) == 1 and isinstance(given[0], Pairs)),
    ("collections", "defaultdict"): _factory,
    ("collections", "deque"): lambda given: not given or (given[0] == () and _numbers(given[1:])) or _list_of(given[:1]),
    **{("datetime", name): _plain for name in ("date", "datetime", "time", "timedelta", "timezone")},
    ("decimal", "Decimal"): _types(str),
    ("fractions", "Fraction"): _plain,
    **{(module, name): _plain for module in ("pathlib", "pathlib._local") for name in _PATHS},
    ("uuid", "SafeUUID"): _numbers,
    ("numpy", "dtype"): dtypes.is_call,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _buffer for core in ("core", "_core")},
    ("numpy.ma.core", "_mareconstruct"): _masked,
    **{("numpy.random._pickle", f"__{kind}_ctor"): _random for kind in ("randomstate", "generator", "bit_generator")},
    **{
        (f"sklearn.{module}", "newObj"): _tree_of_cython(f"sklearn.{module}")
        for module in ("metrics._dist_metrics", "neighbors._dist_metrics", "neighbors._kd_tree", "neighbors._ball_tree")
    },
    ("pandas._libs.internals", "_unpickle_block"): _block,
    ("pandas.core.indexes.base", "_new_Index"): _index,
    ("pandas.core.indexes.datetimes", "_new_DatetimeIndex"): _index,
    ("torch", "Size"): lambda given: len(given) == 1 and dtypes.is_shape(given[0]),
    ("torch", "device"): lambda given: given[:1] in (("cpu",), ("cuda",), ("mps",)) and _numbers(given[1:]),
    ("torch._utils", "_rebuild_tensor_v2"): lambda given: len(given) == 6 and _tensor(given),
    ("torch._utils", "_rebuild_tensor_v3"): lambda given: len(given) == 7 and _tensor(given),
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
_WITHOUT_STATE = {
    key
    for key in _FORMS
    if key[0] not in ("collections", "numpy.random._pickle", "numpy")
    and key[1] not in ("newObj", "_reconstruct", "_mareconstruct")
}
