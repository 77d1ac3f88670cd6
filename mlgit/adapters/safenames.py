"""The allow-list: names that a serialized model may mention, because looking them up and calling them runs no foreign code.

A list of what is forbidden would always be incomplete, so everything else counts as able to run code. Classes are let in
by package, for calling one only makes an object; of functions only those by name that libraries themselves write into
their files. Dotted names are never on the list: they reach from a harmless class to its methods.
"""

from __future__ import annotations

import re

_EXACT = {
    "builtins": {
        *("set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bool", "str", "bytes", "bytearray"),
        *("slice", "range", "object"),
    },
    "collections": {"OrderedDict", "defaultdict", "Counter", "deque"},
    "copyreg": {"_reconstructor", "__newobj__"},
    "_codecs": {"encode"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "uuid": {"UUID"},
    "pathlib": {"PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath"},
    "numpy.random._pickle": {"__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"},
    "numpy.ma.core": {"_mareconstruct", "MaskedArray"},
    "joblib.numpy_pickle": {"NumpyArrayWrapper"},
    "sklearn.feature_selection._univariate_selection": {"f_classif", "f_regression", "chi2", "f_oneway"},
    "sklearn.feature_selection._mutual_info": {"mutual_info_classif", "mutual_info_regression"},
    "sklearn.utils._bunch": {"Bunch"},
    "sklearn.utils._metadata_requests": {"MetadataRequest", "MethodMetadataRequest", "MethodMapping", "MetadataRouter"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.series": {"Series"},
    "pandas.core.internals.managers": {"BlockManager", "SingleBlockManager"},
    "pandas._libs.internals": {"_unpickle_block", "BlockPlacement"},
    "pandas.core.indexes.base": {"_new_Index", "Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_tensor"},
    "torch": {
        f"{kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    },
}
_NUMPY_NAMES = {"dtype", "ndarray", "bool", "bool_", "str_", "bytes_", "void", "datetime64", "timedelta64", "matrix"}
_NUMPY_CORE = {"_reconstruct", "scalar", "_frombuffer"}
_NUMPY_NUMBERS = re.compile(r"(?:u?int|float|complex)(?:8|16|32|64|128|256)?_?|longdouble|intc|intp|longlong|ulonglong")
_NUMPY_RANDOM = re.compile(r"numpy\.random\.(?:_mt19937|_pcg64|_philox|_sfc64|_generator|mtrand|bit_generator)")
_SPARSE = re.compile(r"scipy\.sparse(?:\._?(?:csr|csc|coo|bsr|dia|dok|lil))")
_SPARSE_NAMES = re.compile(r"(?:csr|csc|coo|bsr|dia|dok|lil)_(?:matrix|array)")
_ESTIMATORS = re.compile(
    r"sklearn\.(?:base|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis|dummy"
    r"|ensemble|feature_extraction|feature_selection|gaussian_process|impute|isotonic|kernel_approximation|kernel_ridge"
    r"|linear_model|manifold|mixture|model_selection|multiclass|multioutput|naive_bayes|neighbors|neural_network|pipeline"
    r"|preprocessing|random_projection|semi_supervised|svm|tree|_loss|metrics\._dist_metrics)(?:\._?[a-z0-9_]+)*"
    r"|(?:xgboost|lightgbm)\.(?:sklearn|core|basic)"
)
_CLASS = re.compile(r"_?[A-Z][A-Za-z0-9]*")
_COMPILED = re.compile(r"newObj|__pyx_unpickle_[A-Z][A-Za-z0-9]*")


def is_safe(module: str, name: str) -> bool:
    """Whether a pickle may look up and call `module.name`."""
    if name in _EXACT.get(module, ()):
        return True
    if module in ("numpy", "numpy.dtypes"):
        return (
            name in _NUMPY_NAMES or bool(_NUMPY_NUMBERS.fullmatch(name)) or (module != "numpy" and bool(_CLASS.fullmatch(name)))
        )
    if module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"):
        return name in _NUMPY_CORE
    if _NUMPY_RANDOM.fullmatch(module):
        return bool(_CLASS.fullmatch(name) or _COMPILED.fullmatch(name))
    if _SPARSE.fullmatch(module):
        return bool(_SPARSE_NAMES.fullmatch(name))
    if _ESTIMATORS.fullmatch(module) and "tests" not in module:
        return bool(_CLASS.fullmatch(name) or _COMPILED.fullmatch(name))
    return False


def is_function_of_numbers(module: str, name: str) -> bool:
    """Whether this is a universal function: safe to hold, where holding does not mean calling."""
    return module in ("numpy", "scipy.special") and name in _UNIVERSAL


_UNIVERSAL = {
    *("abs", "absolute", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "square", "cbrt", "reciprocal"),
    *("sin", "cos", "tan", "tanh", "sign", "floor", "ceil", "rint", "negative", "maximum", "minimum", "add", "multiply"),
    *("expit", "logit"),
}
