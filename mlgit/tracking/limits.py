"""How much MLflow lets one ask for at once."""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD


def page_size(max_results: Any, most: int = SEARCH_MAX_RESULTS_THRESHOLD) -> int:
    """How many results a page has. Raises MlflowException for what is no such number."""
    if isinstance(max_results, bool) or not isinstance(max_results, int) or not 1 <= max_results <= most:
        told = (
            f"Invalid value {max_results} for parameter 'max_results' supplied. It must be a positive integer, at most {most}"
        )
        raise MlflowException.invalid_parameter_value(told)
    return max_results
