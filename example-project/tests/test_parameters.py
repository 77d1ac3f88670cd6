"""params.yaml: a mistake in it stops a stage."""

import pytest

from example_project import parameters

TEXT = """\
seed: 1
split: {test_size: 0.5}
train: {C: 2, max_iter: 10}
evaluate: {threshold: 0.5}
"""


def test_parameters_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    assert parameters.read(path).train == parameters.Train(C=2, max_iter=10)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("C: 2", "c: 2"),
        ("C: 2", "C: 1e-3"),
        ("C: 2", "C: true"),
        ("seed: 1", "seed: 1.5"),
        ("seed: 1\n", ""),
        ("train: {C: 2, max_iter: 10}\n", ""),
    ],
)
def test_mistake_is_refused(tmp_path, old, new):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ValueError, match="expected"):
        parameters.read(path)
