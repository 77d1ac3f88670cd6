"""What the server is installed with in an image: all that it imports and no more, in the versions that it was tested with."""

from __future__ import annotations

# What mlgit imports to answer requests; the rest of PINS is what these ask for in turn, on Linux.
ROOTS = (
    *("click", "pyyaml", "numpy", "pandas", "pyarrow", "scikit-learn", "skops"),
    *("fastapi", "uvicorn[standard]", "orjson", "prometheus-client"),
)
# Name -> version, as constraints.txt has it.
PINS = {
    "annotated-doc": "0.0.7",
    "annotated-types": "0.8.0",
    "anyio": "4.16.0",
    "click": "8.5.1",
    "cloudpickle": "3.1.2",
    "fastapi": "0.165.0",
    "h11": "0.16.0",
    "httptools": "0.9.0",
    "idna": "3.20",
    "joblib": "1.6.0",
    "narwhals": "2.28.0",
    "numpy": "2.4.6",
    "opentelemetry-api": "1.45.2",
    "orjson": "3.13.0",
    "packaging": "26.3",
    "pandas": "3.1.1",
    "prettytable": "3.18.0",
    "prometheus-client": "0.26.0",
    "pyarrow": "26.0.1",
    "pydantic": "2.14.3",
    "pydantic-core": "2.50.4",
    "python-dateutil": "2.9.0.post0",
    "python-dotenv": "1.2.4",
    "pyyaml": "6.0.3",
    "scikit-learn": "1.9.1",
    "scipy": "1.17.1",
    "six": "1.17.0",
    "skops": "0.16.0",
    "starlette": "1.10.0",
    "threadpoolctl": "3.8.0",
    "typing-extensions": "4.16.0",
    "typing-inspection": "0.4.5",
    "uvicorn": "0.54.0",
    "uvloop": "0.23.0",
    "watchfiles": "1.3.0",
    "wcwidth": "0.9.4",
    "websockets": "17.4",
}
