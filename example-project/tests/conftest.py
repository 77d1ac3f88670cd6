"""The raw data and the parameters, read once for all tests."""

import pandas as pd
import pytest

from example_project import load, parameters


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    return load.load()


@pytest.fixture(scope="session")
def given() -> parameters.Parameters:
    return parameters.read()
