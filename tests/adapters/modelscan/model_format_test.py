"""Tricks that make a model file look harmless: the real loaders show that they work, and none is called clean."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import yaml

from mlgit.adapters.modelscan.modelfile import describe
from mlgit.adapters.modelscan.sklearn_names import CLASSES
from tests.kit import FULL, tricks
from tests.kit.late import Late
from tests.kit.tricks import NONE, after_an_array, called, named, number, several

pytestmark = pytest.mark.slow  # files of many libraries

joblib, skops, linear, sklearn = Late("joblib"), Late("skops.io"), Late("sklearn.linear_model"), Late("sklearn.utils")

RECONSTRUCTED = called(named("copyreg", "_reconstructor"), tricks.WRAPPER, named("builtins", "object"), tricks.NONE)
NEW = called(named("copyreg", "__newobj__"), tricks.WRAPPER)
CONSTRUCTED = called(tricks.WRAPPER, *[tricks.NONE] * 4)
ITEMS = tricks.dtype("S1", size=9, alignment=1)
JOBLIB, PICKLE, NUMPY = "joblib.load", "pickle.load", "numpy.load(allow_pickle=True)"
SKOPS = "skops.io.load, trusting what it asks for"

# Trick, name of the file, loader, and how the file is made.
RUN_HERE = [
    ("array described in a frame", "m.joblib", JOBLIB, tricks.in_a_frame),
    ("array described by copyreg._reconstructor", "m.joblib", JOBLIB, after_an_array(RECONSTRUCTED)),
    ("array described by copyreg.__newobj__", "m.joblib", JOBLIB, after_an_array(NEW)),
    ("type that is a bare letter", "m.joblib", JOBLIB, after_an_array(tricks.MADE, tricks.dtype("d"), before=b"N.N", count=1)),
    ("type whose state has another size", "m.joblib", JOBLIB, after_an_array(tricks.MADE, ITEMS, before=b"xNNN", count=1)),
    ("padding set by the constructor", "m.joblib", JOBLIB, after_an_array(CONSTRUCTED, before=b"\x04", count=1)),
    ("shape set again by a text of NumPy", "m.joblib", JOBLIB, tricks.text_as_key),
    ("object that is made a description by its state", "m.joblib", JOBLIB, tricks.class_changed),
    ("array described within Python objects", "m.joblib", JOBLIB, tricks.array_in_objects),
    ("instructions in an array", "m.pkl", PICKLE, tricks.in_array_bytes),
    ("instructions in what aligns an array", "m.pkl", PICKLE, tricks.in_padding),
    ("magic of CatBoost", "m.pkl", PICKLE, tricks.catboost_and_pickle),
    ("magic of CatBoost, ending without meaning", "m.bin", PICKLE, tricks.catboost_and_pickle),
    ("safetensors that is a pickle", "m.pkl", PICKLE, tricks.safetensors_and_pickle),
    ("safetensors that is a pickle, named as it is", "m.safetensors", PICKLE, tricks.safetensors_and_pickle),
    ("Python objects by another word", "m.npy", NUMPY, tricks.array_of_objects),
    ("type of a key that is a function", "m.skops", SKOPS, tricks.skops_key),
]
LOADING = """
import json, os, pickle, sys, warnings
import joblib, numpy, skops.io
from skops.io import get_untrusted_types as asked
warnings.simplefilter("ignore")
loaders = {
    "joblib.load": joblib.load,
    "pickle.load": lambda path: pickle.load(open(path, "rb")),
    "numpy.load(allow_pickle=True)": lambda path: numpy.load(path, allow_pickle=True),
    "skops.io.load, trusting what it asks for": lambda path: skops.io.load(path, trusted=asked(file=path)),
}
for path, loader in json.load(sys.stdin):
    if os.fork() == 0:
        try:
            loaders[loader](path)
        finally:
            os._exit(0)
    os.wait()
"""


def test_trick_works_on_the_real_loader_and_is_never_called_clean(tmp_path):
    waiting, table = [], []
    for at, (trick, name, loader, build) in enumerate(RUN_HERE):
        path = tmp_path / str(at) / name
        path.parent.mkdir()
        path.write_bytes(build(path.with_name("ran")))
        table.append((trick, path, describe(path)))
        waiting.append((str(path), loader))
    assert not list(tmp_path.glob("*/ran"))  # looking at them runs nothing
    subprocess.run([sys.executable, "-c", LOADING], input=json.dumps(waiting), text=True, check=True, capture_output=True)
    ran = {trick: path.with_name("ran").exists() for trick, path, _ in table}
    assert ran == dict.fromkeys(ran, True)
    assert {trick: found.findings for trick, _, found in table if not found.executes_code} == {}
    assert {found.loader for _, _, found in table} == {""}


def _node(module, name, **more):
    return {"module": module, "class_name": name, "config": {}, "registered_name": None} | more


NODES = {
    "module that begins with keras": _node("keras_evil.layers", "Dense"),
    "module below one of keras": _node("keras.layers.evil", "Dense"),
    "Lambda": _node("keras.layers", "Lambda"),
    "Lambda without a module": {"class_name": "Lambda", "config": {}},
    "saved model of TensorFlow": _node("keras.layers", "TFSMLayer"),
    "another library's module": _node("keras.layers", "TorchModuleWrapper"),
    "download": _node("keras.utils", "get_file"),
    "safe mode turned off": _node("keras.config", "enable_unsafe_deserialization"),
    "function of Python": _node("builtins", "function", config="exec", registered_name="exec"),
    "class of one's own by its registered name": _node("keras.layers", "Dense", registered_name="mine>Dense"),
    "source of a function": {"class_name": "__lambda__", "config": {"value": "Zm9v"}},
    "loop over a function": _node("keras.src.ops.core", "Map"),
    "class hidden in a value": _node("keras.layers", "Dense", config={"a": [{"b": _node("os", "system")}]}),
    "file read as a vocabulary": _node("keras.layers", "StringLookup", config={"vocabulary": "/etc/passwd"}),
    "class that is no text": _node("keras.layers", ["Dense"]),
}


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_layer_of_keras_that_is_not_on_the_list_is_found(tmp_path, node):
    (tmp_path / "m.keras").write_bytes(tricks.keras(node))
    found = describe(tmp_path / "m.keras")
    assert (found.format, found.executes_code) == ("keras", True)


ARCHIVES = {
    "names that differ in case": (
        "m.pt",
        lambda target: _torch(target, "archive/data.pkl", "archive/DATA.PKL"),
    ),
    "decoy in another folder": ("m.pt", lambda target: _torch(target, "decoy/data.pkl", "archive/data.pkl")),
    "another ending within": ("m.pt", lambda target: _torch(target, "archive/data.pkl", "archive/data/0.p")),
    "folder too much": ("m.pt", lambda target: _torch(target, "archive/data.pkl", "archive/x/data.pkl")),
    "pickle among the arrays": ("m.npz", lambda target: tricks.archive({"a.npy": b"\x80\x02" + tricks.touch(target) + b"N."})),
    "weights that are a pickle": (
        "m.keras",
        lambda target: tricks.archive({"config.json": b"{}", "metadata.json": b"{}", "model.weights.npz": b"\x80\x02N."}),
    ),
    "archive in an archive": ("m.npz", lambda target: tricks.archive({"a.npy": tricks.archive({"a.pkl": b"N."})})),
    "path out of the archive": ("m.npz", lambda target: tricks.archive({"../a.npy": _npy()})),
    "empty name": ("m.npz", lambda target: tricks.archive_of_one(b"", _npy())),
    "empty folder": ("m.npz", lambda target: tricks.archive_of_one(b"/", b"")),
}


def _torch(target, decoy, real):
    return tricks.torch(target, decoy=decoy, real=real)


def _npy():
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    return stream.getvalue()


@pytest.mark.parametrize(("name", "build"), ARCHIVES.values(), ids=ARCHIVES)
def test_archive_with_other_members_than_its_library_writes_is_found(tmp_path, name, build):
    (tmp_path / name).write_bytes(build(tmp_path / "ran"))
    assert describe(tmp_path / name).executes_code


def _changed(content, magic, offset, value):
    """The bytes at an offset from where a record begins, changed."""
    at = content.index(magic) + offset
    return content[:at] + value + content[at + len(value) :]


HONEST = tricks.archive({"a.npy": _npy(), "b.npy": _npy()})
LAYOUTS = {
    "own name differs": _changed(HONEST, b"PK\x03\x04", 30, b"x"),
    "own flag: encrypted": _changed(HONEST, b"PK\x03\x04", 6, b"\1"),
    "flag of the directory": _changed(HONEST, b"PK\x01\x02", 8, b"\1"),
    "own method": _changed(HONEST, b"PK\x03\x04", 8, b"\x08"),
    "own sum": _changed(HONEST, b"PK\x03\x04", 14, b"\0\0\0\0"),
    "own size": _changed(HONEST, b"PK\x03\x04", 22, b"\1"),
    "sums": _changed(_changed(HONEST, b"PK\x03\x04", 14, b"\0\0\0\0"), b"PK\x01\x02", 16, b"\0\0\0\0"),
    "bytes in front": b"PK\x03\x04" + HONEST,
    "bytes behind": HONEST + b"\0",
    "comment": _changed(HONEST, b"PK\x05\x06", 20, b"\1") + b"x",
    "count of members": _changed(HONEST, b"PK\x05\x06", 10, b"\1"),
    "member skipped by the directory": _changed(HONEST, b"PK\x05\x06", 8, b"\1\0\1\0"),
    "no text for a name": _changed(_changed(HONEST, b"PK\x03\x04", 30, b"\xff"), b"PK\x01\x02", 46, b"\xff"),
}


@pytest.mark.parametrize("content", LAYOUTS.values(), ids=LAYOUTS)
def test_archive_that_says_two_things_is_found(tmp_path, content):
    (tmp_path / "m.npz").write_bytes(HONEST)
    assert not describe(tmp_path / "m.npz").executes_code
    (tmp_path / "m.npz").write_bytes(content)
    assert describe(tmp_path / "m.npz").executes_code


def _schema(**changes):
    content = skops.dumps(linear.LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["schema.json"] = json.dumps(json.loads(members["schema.json"]) | changes).encode()
    return tricks.archive(members)


CHILD = tricks.node("JsonNode", "builtins", "str", content="1", is_json=True)
SCHEMAS = {
    "operator": tricks.node("OperatorFuncNode", "operator", "methodcaller", attrs=CHILD),
    "method": tricks.node("MethodNode", "builtins", "dict", content={"func": "pop", "obj": CHILD}),
    "partial": tricks.node("PartialNode", "builtins", "dict", content={}),
    "object met before": tricks.node("CachedNode", "builtins", "dict"),
    "loader that is none": tricks.node("Evil", "builtins", "dict", content={}),
    "class as a loss": tricks.node("LossNode", "sklearn.pipeline", "Pipeline", content=CHILD, __reduce__={"args": CHILD}),
    "class as a dict": tricks.node("DictNode", "sklearn.pipeline", "Pipeline", content={}, key_types=CHILD),
    "function as a type": tricks.node("TypeNode", "posix", "system"),
    "function": tricks.node("FunctionNode", "os.path", "join"),
    "call with arguments": tricks.node("ConstructorFromReduceNode", "subprocess", "Popen", content=CHILD),
    "file that is not there": tricks.node("NdArrayNode", "numpy", "ndarray", type="numpy", file="x.npy"),
    "entry too many": tricks.node("TypeNode", "builtins", "str", more=CHILD),
    "generator": tricks.node("RandomGeneratorNode", "numpy.random._generator", "Generator", content={}),
    "two objects of one number": tricks.node("ListNode", "builtins", "list", content=[CHILD, CHILD | {"content": "2"}]),
    "no tree": {"__loader__": {}},
}


@pytest.mark.parametrize("root", SCHEMAS.values(), ids=SCHEMAS)
def test_node_that_skops_does_not_write_is_found(tmp_path, root):
    (tmp_path / "m.skops").write_bytes(tricks.skops(root))
    assert describe(tmp_path / "m.skops").executes_code


@pytest.mark.parametrize("protocol", [-1, 0, 3, True, "2", None])
def test_protocol_that_skops_does_not_write_is_found(tmp_path, protocol):
    (tmp_path / "m.skops").write_bytes(_schema())
    assert not describe(tmp_path / "m.skops").executes_code
    (tmp_path / "m.skops").write_bytes(_schema(protocol=protocol))
    assert describe(tmp_path / "m.skops").executes_code


def _header(header):
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header


def _gguf(template):
    key = b"tokenizer.chat_template"
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(template)) + template.encode()
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry


FRAME_OF_PANDAS = named("pandas", "DataFrame")
FRAME = b"\x80\x02" + FRAME_OF_PANDAS + tricks.EMPTY + b"\x81"
_FIELDS = b"}(" + tricks.text("a") + several(tricks.dtype("u1"), number(0)) + b"uq\0"
_STATE = several(number(3), tricks.text("|"), NONE, several(tricks.text("a")), _FIELDS, number(1), number(1), number(0))
RECORD_KEPT = called(named("numpy", "dtype"), tricks.text("V1"), tricks.FALSE, tricks.TRUE) + _STATE + b"b"

OTHERS = {
    "pickle named as something else": ("m.skops", pickle.dumps([1])),
    "pickle named as a model of PyTorch": ("m.pt", pickle.dumps({}, 2)),
    "skops named as a pickle": ("m.pkl", tricks.skops(CHILD)),
    "array named as a pickle": ("m.pkl", _npy()),
    "two packed streams": ("m.joblib", gzip.compress(pickle.dumps(1)) + gzip.compress(pickle.dumps(2))),
    "bytes behind what is packed": ("m.joblib", gzip.compress(pickle.dumps(1)) + b"x"),
    "text that imports a codec": (
        "m.pkl",
        b"\x80\x02" + called(named("_codecs", "encode"), tricks.text("a"), tricks.text("b")) + b".",
    ),
    "name with an escape": ("m.pkl", b"c\\x6fs\nsystem\n."),
    "module with a space": ("m.pkl", b"ccopyreg _reconstructor\n_x\n."),
    "class that a module imports": ("m.pkl", b"csklearn.ensemble._forest\nParallel\n."),
    "method of an instance": ("m.pkl", b"(isklearn.pipeline\nPipeline\n."),
    "function given an attribute": ("m.pkl", named("numpy", "log1p") + b"N}(X\1\0\0\0aNu\x86b."),
    "attribute of a module": ("m.pkl", b"}F1.0\n" + named("numpy", "__builtins__") + b"."),
    "item set in an array": ("m.pkl", b"\x80\x02" + tricks.dtype("f8") + b"K\0K\0s."),
    "state given twice": ("m.pkl", b"\x80\x02" + named("sklearn.pipeline", "Pipeline") + b")\x81}b}b."),
    "class among the attributes": (
        "m.pkl",
        FRAME + tricks.dictionary(_typ=tricks.text("x"), __class__=FRAME_OF_PANDAS) + b"b.",
    ),
    "attributes that are no plain dict": ("m.pkl", FRAME + called(named("collections", "OrderedDict")) + b"b."),
    "fields of a type set once more": ("m.pkl", b"\x80\x02" + RECORD_KEPT + b"0h\0" + tricks.text("a") + b"Ns."),
    "object kept to be changed": ("m.pkl", b"\x80\x02" + named("builtins", "list") + b"N\x85R."),
    "template that reaches into Python": ("m.gguf", _gguf("{{ x.__class__ }}")),
    "array that goes on": ("m.npy", _npy() + b"x"),
    "key too many": ("m.npy", _header(b"{'descr': '<i8', 'fortran_order': False, 'shape': (0,), 'x': 1}")),
    "memory-mapped by a call": ("m.pkl", b"\x80\x02" + called(named("numpy", "memmap"), tricks.text("/nowhere")) + b"."),
    "frame beyond the end": ("m.pkl", b"\x80\x04\x95" + struct.pack("<Q", 2) + b"N." + b"N"),
    "frame in a frame": ("m.pkl", b"\x80\x04\x95" + struct.pack("<Q", 11) + b"\x95" + struct.pack("<Q", 2) + b"N."),
}


@pytest.mark.parametrize(("name", "content"), OTHERS.values(), ids=OTHERS)
def test_what_no_library_writes_is_found(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = describe(tmp_path / name)
    assert (found.executes_code, found.loader) == (True, "")


def test_template_of_conversations_is_clean(tmp_path):
    (tmp_path / "m.gguf").write_bytes(_gguf("{% for each in messages | selectattr('role') %}{{ each['content'] }}{% endfor %}"))
    assert describe(tmp_path / "m.gguf").findings == ()


YAMLS = (
    b"a: !!python/object/apply:os.getpid []",
    b"a: !!%70ython/object/apply:os.getpid []",
    b"a: !<tag:yaml.org,2002:python/object/apply:os.getpid> []",
    b"a: {b: 1,c: !!python/object/apply:os.getpid []}",
    b"# c\r%TAG !e! tag:yaml.org,2002:pyt\r---\ra: !e!hon/object/apply:os.getpid []",
    b"\xef\xbb\xbf%TAG !e! tag:yaml.org,2002:pyt\n---\na: !e!hon/object/apply:os.getpid []",
)


@pytest.mark.parametrize("content", YAMLS)
def test_yaml_that_makes_an_object_of_python_is_found(tmp_path, content):
    assert str(os.getpid()) in str(yaml.unsafe_load(content))
    (tmp_path / "m.yaml").write_bytes(content)
    assert describe(tmp_path / "m.yaml").executes_code


def test_texts_beside_a_model_are_clean(tmp_path):
    texts = {"LICENSE": "MIT License\n", ".gitattributes": "*.bin filter=lfs\n", "a.jsonl": '{"a": 1}\n{"a": 2}\n'}
    texts |= {
        "chat_template.jinja": "{% for each in messages %}{{ each.role }}{% endfor %}",
        "a.yaml": "a: hello! x/y\nb: !!str 1\n",
    }
    for name, content in texts.items():
        (tmp_path / name).write_text(content)
    assert describe(tmp_path).findings == ()
    (tmp_path / "chat_template.jinja").write_text("{{ x.__class__ }}")
    assert describe(tmp_path).executes_code


def test_array_with_its_axes_in_another_order_is_clean(tmp_path):
    for protocol in range(6):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps([np.zeros((2, 3, 4)).transpose(1, 0, 2), ...], protocol))
        assert describe(tmp_path / "m.pkl").findings == ()


def test_every_estimator_of_scikit_learn_is_on_the_list():
    assert [each for _, each in sklearn.all_estimators() if each.__name__ not in CLASSES.get(each.__module__, ())] == []


def test_verdict_names_the_loader_it_holds_for(tmp_path):
    joblib.dump(np.arange(3), tmp_path / "m.joblib")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "m.npy").write_bytes(_npy())
    loaders = {path.name: describe(path).loader for path in sorted(tmp_path.iterdir())}
    assert loaders == {"m.joblib": "joblib.load", "m.npy": "numpy.load", "m.pkl": "pickle.load and joblib.load"}


def _written():
    stream = io.BytesIO()
    model = linear.LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    joblib.dump([model, np.array(["a", None], dtype=object)], stream)
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.arange(3))
    yield ".pkl", pickle.dumps(model)
    yield ".joblib", stream.getvalue()
    yield ".gz", gzip.compress(pickle.dumps(model))
    yield ".skops", skops.dumps(model)
    yield ".npz", packed.getvalue()
    yield ".npy", _npy()
    yield ".keras", tricks.keras(_node("keras.layers", "Dense"))
    yield ".safetensors", tricks.safetensors_and_pickle("/nowhere")


def test_no_change_of_bytes_ends_in_a_defect(tmp_path):
    drawn = random.Random(0)  # the same changes each time
    for ending, content in _written():
        path = tmp_path / f"m{ending}"
        for _ in range(2000 if FULL else 60):
            changed = bytearray(content[: drawn.choice((len(content), drawn.randrange(len(content))))])
            for _ in range(min(len(changed), drawn.choice((0, 1, 2, 8)))):
                changed[drawn.randrange(len(changed))] = drawn.randrange(256)
            path.write_bytes(changed)
            found = describe(path)
            assert found.executes_code is bool(found.findings)
            assert found.executes_code or found.loader
