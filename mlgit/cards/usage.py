"""How a model's file is loaded, as code that can be run where its format is known."""

from __future__ import annotations

import json

from mlgit.registry.facts import ModelFile
from mlgit.render.text import plain

# By format: what to type, with the file's path as PATH.
_LOADERS = {
    "skops": (
        "from skops.io import get_untrusted_types, load",
        "",
        "types = get_untrusted_types(file=PATH)  # look at them before you trust them",
        "model = load(PATH, trusted=types)",
    ),
    "joblib": ("import joblib", "", "model = joblib.load(PATH)"),
    "pickle": ("import pickle", "from pathlib import Path", "", "model = pickle.loads(Path(PATH).read_bytes())"),
    "onnx": ("import onnxruntime", "", "model = onnxruntime.InferenceSession(PATH)"),
    "safetensors": ("from safetensors.numpy import load_file", "", "weights = load_file(PATH)"),
    "torch": ("import torch", "", "model = torch.load(PATH, weights_only=True)"),
    "keras": ("import keras", "", "model = keras.saving.load_model(PATH)"),
    "xgboost-json": ("import xgboost", "", "model = xgboost.Booster(model_file=PATH)"),
    "xgboost-ubjson": ("import xgboost", "", "model = xgboost.Booster(model_file=PATH)"),
    "lightgbm-text": ("import lightgbm", "", "model = lightgbm.Booster(model_file=PATH)"),
    "catboost": ("from catboost import CatBoost", "", "model = CatBoost().load_model(PATH)"),
    "gguf": ("from llama_cpp import Llama", "", "model = Llama(model_path=PATH)"),
    "numpy": ("import numpy", "", "model = numpy.load(PATH)"),
    "json": ("import json", "from pathlib import Path", "", "model = json.loads(Path(PATH).read_text())"),
}


def code(model: ModelFile) -> list[str]:
    """Lines of Python that load the file, from the project's root; none where it is not known how."""
    if model.format not in _LOADERS or plain(model.path) != model.path:
        return []
    path = json.dumps(model.path, ensure_ascii=False)
    warning = ["# This runs code from the file: only if you trust its makers."] if model.executes_code else []
    return [*warning, *(line.replace("PATH", path) for line in _LOADERS[model.format])]
