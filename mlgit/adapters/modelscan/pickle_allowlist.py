"""The allow-list: names that a serialized model may mention, because looking them up runs no foreign code.

A list of what is forbidden would always be incomplete, so everything else counts as able to run code. Each name stands with
the module that libraries themselves write in front of it, for a module also holds what it imports. Dotted names are never on
the list: they reach from a harmless class to its methods. What may be called, and how, is in `call_forms`.
"""

from __future__ import annotations

from mlgit.adapters.modelscan.sklearn_names import CLASSES as _SKLEARN

_SCORES = """accuracy_score average_precision_score balanced_accuracy_score brier_score_loss cohen_kappa_score
d2_absolute_error_score explained_variance_score f1_score fbeta_score jaccard_score log_loss matthews_corrcoef max_error
mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error
mean_squared_log_error median_absolute_error precision_score r2_score recall_score roc_auc_score root_mean_squared_error
top_k_accuracy_score"""
_UFUNCS = """abs absolute exp expm1 exp2 log log1p log2 log10 sqrt square cbrt reciprocal sin cos tan tanh sign floor ceil rint
negative maximum minimum add multiply expit logit"""
_SPARSE = {
    f"scipy.sparse.{module}": {f"{kind}_matrix", f"{kind}_array"}
    for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
    for module in (f"_{kind}", kind)
}

TYPES = {
    "builtins": {
        *("set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bool", "str", "bytes", "bytearray"),
        *("slice", "range", "object", "Ellipsis", "NotImplemented"),
    },
    "numpy": {
        *("ndarray", "matrix", "memmap", "record", "dtype", "generic", "number", "integer", "floating", "inexact"),
        *("bool", "bool_", "str_", "bytes_", "void", "object_", "datetime64", "timedelta64", "longdouble", "clongdouble"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intc", "intp", "longlong", "ulonglong"),
        *("float16", "float32", "float64", "float128", "complex64", "complex128", "complex256", "float_", "int_"),
    },
    "numpy.rec": {"recarray"},
    "numpy.ma": {"MaskedArray"},
    "numpy.ma.core": {"MaskedArray"},
}
"""Types of data, which functions that restore data are told to make."""

BIT_GENERATORS = {
    "numpy.random._mt19937": {"MT19937"},
    "numpy.random._pcg64": {"PCG64", "PCG64DXSM"},
    "numpy.random._philox": {"Philox"},
    "numpy.random._sfc64": {"SFC64"},
}

CLASSES = {
    **_SKLEARN,
    **_SPARSE,
    **BIT_GENERATORS,
    "builtins": {"object"},
    "collections": {"OrderedDict", "defaultdict", "Counter", "deque"},
    "joblib.numpy_pickle": {"NumpyArrayWrapper"},
    "numpy.random.bit_generator": {"SeedSequence"},
    "numpy.random._bit_generator": {"SeedSequence"},
    "numpy.random.mtrand": {"RandomState"},
    "numpy.random._generator": {"Generator"},
    "uuid": {"UUID", "SafeUUID"},
    "scipy.interpolate._bsplines": {"BSpline"},
    "pandas": {
        *("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "CategoricalIndex", "IntervalIndex"),
        *("Categorical", "CategoricalDtype", "StringDtype", "DatetimeTZDtype", "PeriodDtype", "BooleanDtype"),
        *(f"{sign}Int{bits}Dtype" for sign in ("", "U") for bits in (8, 16, 32, 64)),
        *("Float32Dtype", "Float64Dtype"),
    },
    "pandas.arrays": {
        "DatetimeArray",
        "TimedeltaArray",
        "PeriodArray",
        "IntegerArray",
        "FloatingArray",
        "StringArray",
        "BooleanArray",
    },
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.series": {"Series"},
    "pandas.core.internals.managers": {"BlockManager", "SingleBlockManager"},
    "pandas._libs.internals": {"BlockPlacement"},
    "pandas.core.indexes.base": {"Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
    "xgboost.core": {"Booster"},
    "xgboost.sklearn": {
        *("XGBModel", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"),
    },
    "lightgbm.basic": {"Booster"},
    "lightgbm.sklearn": {"LGBMModel", "LGBMClassifier", "LGBMRegressor", "LGBMRanker", "_LGBMLabelEncoder"},
}
"""Classes that may be made empty and given their state."""

FUNCTIONS = {
    "numpy": set(_UFUNCS.split()),
    "scipy.special": set(_UFUNCS.split()),
    "scipy.special._ufuncs": {"expit", "logit"},
    "scipy._lib.array_api_compat.numpy._aliases": {"asarray"},
    "sklearn.cluster._kmeans": {"_kmeans_single_lloyd", "_kmeans_single_elkan"},
    "sklearn.feature_selection._univariate_selection": {"f_classif", "f_regression", "chi2", "f_oneway"},
    "sklearn.feature_selection._mutual_info": {"mutual_info_classif", "mutual_info_regression"},
    "sklearn.metrics._classification": set(_SCORES.split()),
    "sklearn.metrics._ranking": set(_SCORES.split()),
    "sklearn.metrics._regression": set(_SCORES.split()),
}
"""Functions of numbers, which may be held but are never called while loading."""

_CALLED = {
    "copyreg": {"_reconstructor"},
    "_codecs": {"encode"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "pathlib": {"PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath"},
    "pathlib._local": {"PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath"},
    **{f"numpy.{core}.multiarray": {"_reconstruct", "scalar"} for core in ("core", "_core")},
    **{f"numpy.{core}.numeric": {"_frombuffer"} for core in ("core", "_core")},
    "numpy.random._pickle": {"__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"},
    "numpy.random.bit_generator": {"__pyx_unpickle_SeedSequence"},
    "numpy.random._bit_generator": {"__pyx_unpickle_SeedSequence"},
    "numpy.ma.core": {"_mareconstruct"},
    "sklearn._loss._loss": {f"__pyx_unpickle_{name}" for name in _SKLEARN["sklearn._loss._loss"]},
    "sklearn.linear_model._sgd_fast": {f"__pyx_unpickle_{name}" for name in _SKLEARN["sklearn.linear_model._sgd_fast"]},
    **{
        f"sklearn.{module}": {"newObj"}
        for module in ("metrics._dist_metrics", "neighbors._dist_metrics", "neighbors._kd_tree", "neighbors._ball_tree")
    },
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas._libs.arrays": {"__pyx_unpickle_NDArrayBacked"},
    "pandas.core.indexes.base": {"_new_Index"},
    "pandas.core.indexes.datetimes": {"_new_DatetimeIndex"},
    "torch": {"Size", "device"},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"},
}

STORAGES = {
    *("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "ComplexFloat", "ComplexDouble"),
}
_TORCH_TYPES = """float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128
float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz"""
_TORCH = {
    "torch": {*(f"{kind}Storage" for kind in STORAGES), *_TORCH_TYPES.split()},
    "torch.storage": {"UntypedStorage"},
}

_ALL = (TYPES, CLASSES, FUNCTIONS, _CALLED, _TORCH)


def is_safe(module: str, name: str) -> bool:
    """Whether a pickle may look up `module.name`."""
    if module == "numpy.dtypes":
        return name.endswith("DType") and name.isidentifier()
    return any(name in each.get(module, ()) for each in _ALL)


def is_class(module: str, name: str) -> bool:
    """Whether this may be made empty and given its state."""
    return name in CLASSES.get(module, ())


def is_function_of_numbers(module: str, name: str) -> bool:
    """Whether this may be held, where holding does not mean calling."""
    return name in FUNCTIONS.get(module, ())
