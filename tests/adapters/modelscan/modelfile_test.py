"""Models described without loading them: what real libraries write is recognised, and nothing hostile gets through."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import os
import pickle
import pickletools
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.modelscan import archives, joblib_streams, modelfile, pickles, scans
from mlgit.adapters.modelscan.modelfile import describe
from mlgit.adapters.modelscan.pickle_allowlist import is_safe
from mlgit.errors import MlgitError
from tests.kit.late import Late

joblib, skops, scipy = Late("joblib"), Late("skops.io"), Late("scipy.sparse")
linear, ensemble, neighbors, svm = (Late(f"sklearn.{name}") for name in ("linear_model", "ensemble", "neighbors", "svm"))
compose, pipeline, preprocessing, text = (
    Late(f"sklearn.{name}") for name in ("compose", "pipeline", "preprocessing", "feature_extraction.text")
)

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
ESTIMATORS = {
    "Pipeline": lambda: pipeline.make_pipeline(preprocessing.StandardScaler(), linear.LogisticRegression()),
    "RandomForestClassifier": lambda: ensemble.RandomForestClassifier(3, random_state=0),
    "GradientBoostingClassifier": lambda: ensemble.GradientBoostingClassifier(n_estimators=3, random_state=0),
    "HistGradientBoostingClassifier": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3),
    "KNeighborsClassifier": lambda: neighbors.KNeighborsClassifier(algorithm="kd_tree"),
    "SVC": svm.SVC,
    "ColumnTransformer": lambda: compose.ColumnTransformer(
        [
            ("scale", preprocessing.StandardScaler(), [0]),
            ("one", preprocessing.OneHotEncoder(handle_unknown="ignore"), [1]),
        ]
    ),
}


@functools.cache
def fitted(estimator):
    return ESTIMATORS[estimator]().fit(X, Y)


def described(tmp_path, content, name="model.bin"):
    path = tmp_path / name
    path.write_bytes(content)
    return describe(path)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickled_estimator_is_clean(tmp_path, estimator, protocol):
    found = described(tmp_path, pickle.dumps(fitted(estimator), protocol=protocol))
    assert (found.format, found.executes_code, found.findings) == ("pickle", False, ())


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)], ids=str)
def test_joblib_file_is_clean(tmp_path, estimator, compress):
    joblib.dump(fitted(estimator), tmp_path / "model.joblib", compress=compress)
    found = describe(tmp_path / "model.joblib")
    assert (found.format, found.executes_code, found.findings) == ("joblib", False, ())


@pytest.mark.slow  # imports skops
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_skops_agrees_that_nothing_is_untrusted(tmp_path, estimator):
    path = tmp_path / "model.skops"
    skops.dump(fitted(estimator), path)
    untrusted = skops.get_untrusted_types(file=path)
    found = describe(path)
    assert found.format == "skops"
    if not untrusted:
        assert (found.executes_code, found.findings) == (False, ())


def test_text_model_with_sparse_rows_and_words_is_clean(tmp_path):
    model = text.TfidfVectorizer().fit(["one two", "two three"])
    content = pickle.dumps([model, scipy.csr_matrix(X), np.array(["a", None], dtype=object), {"a": {1, 2}}])
    assert not described(tmp_path, content).executes_code
    joblib.dump([np.array(["a", {"b": X}], dtype=object), X, np.float64(3)], tmp_path / "objects.joblib")
    assert describe(tmp_path / "objects.joblib").findings == ()


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def hostile(target):
    """The payload in every wrapping that a loader would unwrap."""
    yield "plain.pkl", pickle.dumps(Payload(target))
    yield "old.pkl", pickle.dumps(Payload(target), protocol=0)
    yield "inside.pkl", pickle.dumps({"model": [linear.LogisticRegression(), Payload(target)]})
    yield "text.txt", pickle.dumps(Payload(target), protocol=0)
    yield "broken.pkl", pickle.dumps(Payload(target))[:-1] + b"\xff"
    yield "behind.pkl", pickle.dumps(1) + pickle.dumps(Payload(target))
    yield "stop.pkl", b"cos\nsystem\n(S'touch " + str(target).encode() + b"'\ntR"
    yield "squeezed.joblib", gzip.compress(pickle.dumps(Payload(target)))
    array = io.BytesIO()
    np.save(array, np.array([Payload(target)], dtype=object))
    yield "array.npy", array.getvalue()
    several = io.BytesIO()
    np.savez(several, a=X, b=np.array([Payload(target)], dtype=object))
    yield "arrays.npz", several.getvalue()
    objects = io.BytesIO()
    joblib.dump([X, np.array([Payload(target)], dtype=object)], objects)
    yield "objects.joblib", objects.getvalue()
    after = io.BytesIO()
    joblib.dump([X, Payload(target)], after)
    yield "after.joblib", after.getvalue()
    torch = io.BytesIO()
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Payload(target)))
    yield "model.pt", torch.getvalue()
    yield "model.safetensors", pickle.dumps(Payload(target))


def test_payload_is_found_in_every_wrapping_and_never_run(tmp_path):
    target = tmp_path / "written"
    for name, content in hostile(target):
        found = described(tmp_path, content, name)
        assert found.executes_code, name
        assert found.findings, name
    assert not target.exists()
    pickle.loads(next(hostile(target))[1])  # the payload works: it is no dud
    assert target.exists()


ESCAPES = {
    "eval": b"cbuiltins\neval\n(S'1'\ntR.",
    "python 2's eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "getattr": b"cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
    "inst": b"(S'echo'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'echo'\no.",
    "name in the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93\x8c\x04echo\x85R.",
    "name by duplicates": b"\x80\x04\x8c\x02os2\x30\x8c\x06system\x93\x8c\x04echo\x85R.",
    "method of a harmless class": b"\x80\x04\x8c\x08builtins\x8c\x0cstr.__class__\x93.",
    "function of NumPy that runs text": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "function of NumPy that imports": b"cnumpy.core\n_ufunc_reconstruct\n(S'os'\nS'system'\ntR.",
    "what was made is called": b"cbuiltins\ndict\n)R(tR.",
    "a class is changed": b"csklearn.pipeline\nPipeline\n}S'predict'\ncbuiltins\nlist\nsb.",
    "submodule": b"cimportlib\nimport_module\n(S'os'\ntR.",
    "subprocess": b"csubprocess\nPopen\n(S'ls'\ntR.",
    "extension registry": b"\x82\x01.",
    "persistent id": b"P1\n.",
    "data of scikit-learn": b"csklearn.datasets\nload_files\n(S'/'\ntR.",
    "class of a test": b"csklearn.tree.tests.test_tree\nFoo\n)R.",
}


@pytest.mark.parametrize("content", ESCAPES.values(), ids=ESCAPES)
def test_way_around_the_list_is_found(tmp_path, content):
    assert described(tmp_path, content, "model.pkl").findings


@pytest.mark.parametrize("cut", [1, 10, 100, -1])
def test_file_that_is_cut_off_cannot_be_proven_safe(tmp_path, cut):
    for content in (pickle.dumps(X.tolist()), _joblib_bytes(), skops.dumps(_model())):
        assert described(tmp_path, content[:cut], "model.pkl").executes_code


def _model():
    return linear.LogisticRegression().fit(X, Y)


def _joblib_bytes():
    stream = io.BytesIO()
    joblib.dump(_model(), stream)
    return stream.getvalue()


@given(st.binary(max_size=300))
def test_any_bytes_are_described(content):
    found = pickles.scan(scans.Bounded(io.BytesIO(content), len(content)))
    assert found.findings or found.is_whole
    modelfile._judge(io.BytesIO(content), len(content), ".pkl")


@given(st.data())
def test_bytes_changed_anywhere_never_hide_what_pickle_would_look_up(data):
    content = bytearray(pickle.dumps([1, "a", Payload("/nowhere"), {"b": 2.5}], protocol=data.draw(st.integers(0, 5))))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    looked_up = []

    class Watcher(pickle.Unpickler):
        def find_class(self, module, name):
            looked_up.append((module, name))
            return lambda *arguments: None

    with suppress(Exception):
        Watcher(io.BytesIO(bytes(content))).load()
    found = pickles.scan(scans.Bounded(io.BytesIO(bytes(content)), len(content)))
    if not all(is_safe(module, name) for module, name in looked_up):
        assert found.findings


def test_every_opcode_that_picklers_write_is_known():
    known = {*pickles._PLAIN, *pickles._CONSTANTS, *pickles._HANDLERS, "STOP"}
    unwritten = {"NEXT_BUFFER", "READONLY_BUFFER", "DUP", "NEWOBJ_EX", "PERSID"}
    assert {opcode.name for opcode in pickletools.opcodes} - known == unwritten


def test_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_MEMBER", 1 << 20)
    monkeypatch.setattr(joblib_streams, "LARGEST_UNPACKED", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\0" * (2 << 20))
    assert "too large" in describe(tmp_path / "bomb.npz").findings[0]
    assert "unpacks to more than 1 MiB" in described(tmp_path, gzip.compress(pickle.dumps(b"\0" * (2 << 20)))).findings[0]


def test_archive_in_which_readers_could_see_different_things(tmp_path):
    with zipfile.ZipFile(tmp_path / "twice.skops", "w") as archive:
        archive.writestr("schema.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("schema.json", "[]")
    assert "two members have one name" in describe(tmp_path / "twice.skops").findings[0]
    both = pickle.dumps([1]) + (tmp_path / "twice.skops").read_bytes()
    assert "behind other bytes" in described(tmp_path, both).findings[0]


def test_unknown_type_in_a_skops_file_is_named(tmp_path):
    skops.dump(preprocessing.FunctionTransformer(os.path.join), tmp_path / "model.skops")
    found = describe(tmp_path / "model.skops")
    assert found.executes_code
    assert any("join" in each for each in found.findings)
    skops.dump(preprocessing.FunctionTransformer(np.log1p), tmp_path / "model.skops")
    assert describe(tmp_path / "model.skops").findings == ()


def _keras(layer):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))
    return stream.getvalue()


def _safetensors(end=8):
    header = json.dumps({"__metadata__": {"a": "b"}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, end]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\0" * 8


ONNX = b"\x08\x07\x12\x04test\x3a\x02\x12\x00\x42\x02\x10\x11"
FORMATS = {
    "safetensors": (_safetensors(), False),
    "safetensors that is cut off": (_safetensors(80), True),
    "onnx": (ONNX, False),
    "unknown": (b"\x01\x02\x03\x04", True),
    "unknown, part of an ONNX model": (ONNX[:-1], True),
    "gguf": (b"GGUF" + (3).to_bytes(4, "little") + bytes(16), False),
    "xgboost-json": (b'{"learner": {}, "version": [2, 0, 0]}', False),
    "lightgbm-json": (b'{"tree_info": [], "feature_names": []}', False),
    "lightgbm-text": (b"tree\nversion=v4\n", False),
    "json": (b'{"weights": [1, 2]}', False),
    "hdf5": (b"\x89HDF\r\n\x1a\n", True),
    "keras": (_keras({"class_name": "Dense", "module": "keras.layers"}), False),
    "keras with code": (_keras({"class_name": "Lambda", "module": "keras.layers"}), True),
    "keras with a class of its own": (_keras({"class_name": "Mine", "module": "mine"}), True),
}


@pytest.mark.parametrize(("name", "case"), FORMATS.items(), ids=FORMATS)
def test_format_is_recognised(tmp_path, name, case):
    content, executes = case
    found = described(tmp_path, content)
    assert found.format == name.split(" ")[0].rstrip(",")
    assert found.executes_code is executes
    assert (found.sha256, found.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_folder_is_described_by_its_files(tmp_path):
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    files = {"model.safetensors": _safetensors(), "config.json": b"{}", "inner/vocab.txt": "Wörter\n".encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    found = describe(folder)
    rows = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    assert (found.format, found.executes_code, found.size) == ("safetensors", False, sum(map(len, files.values())))
    assert found.sha256 == hashlib.sha256(rows.encode()).hexdigest()
    (folder / "inner" / "more.pkl").write_bytes(pickle.dumps(Payload(tmp_path / "written")))
    found = describe(folder)
    assert (found.format, found.executes_code) == ("pickle+safetensors", True)
    assert found.findings[0].startswith("inner/more.pkl: looks up posix.system")


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(MlgitError, match="neither a file nor a folder"):
        describe(tmp_path / "nothing")
