"""Stage `train`: ridge regression, and how good it is on rows it has not seen."""

import json
from pathlib import Path

import numpy as np
import yaml


def fit(rows: np.ndarray, *, alpha: float) -> dict[str, list[float]]:
    """The model: means and scales of the features, and one weight for each after the intercept."""
    features, target = rows[:, :-1], rows[:, -1]
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scaled = (features - mean) / scale
    penalty = alpha * np.eye(scaled.shape[1])
    weights = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ (target - target.mean()))
    found = {"mean": mean, "scale": scale, "weights": np.concatenate([[target.mean()], weights])}
    return {name: [float(f"{each:.10g}") for each in numbers] for name, numbers in found.items()}


def predict(model: dict[str, list[float]], features: np.ndarray) -> np.ndarray:
    """What the model says of these rows."""
    intercept, *weights = model["weights"]
    return intercept + (features - model["mean"]) / model["scale"] @ np.array(weights)


def measure(predicted: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The metrics, rounded to what is the same on every machine."""
    error = predicted - target
    r2 = 1 - (error**2).sum() / ((target - target.mean()) ** 2).sum()
    return {"mae": round(float(np.abs(error).mean()), 6), "r2": round(float(r2), 6)}


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train"]
    train = np.loadtxt("data/train.csv", delimiter=",", skiprows=1)
    test = np.loadtxt("data/test.csv", delimiter=",", skiprows=1)
    model = fit(train, alpha=params["alpha"])
    metrics = measure(predict(model, test[:, :-1]), test[:, -1])
    for path, content in (("model.json", model), ("metrics.json", metrics)):
        Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
