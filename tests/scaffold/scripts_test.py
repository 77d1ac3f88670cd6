"""What a script names as read and written, and the pipeline made of it."""

from __future__ import annotations

import pytest

from mlgit.scaffold import scripts


@pytest.mark.parametrize(
    ("line", "reads", "writes"),
    [
        ("json.dump(m, open('metrics.json', 'w'))", (), ("metrics.json",)),
        ("with open('m.json', mode='w') as f: f.write(x)", (), ("m.json",)),
        ("Path('out/m.json').write_text(x)", (), ("out/m.json",)),
        ("frame.to_csv('p.csv'); pd.read_csv('d.csv')", ("d.csv",), ("p.csv",)),
        ("joblib.dump(model, 'model.pkl'); joblib.load('old.pkl')", ("old.pkl",), ("model.pkl",)),
        ("torch.save(net, os.path.join('models', 'net.pt'))", (), ("models/net.pt",)),
        ("OUT = 'out'\n(Path(OUT) / 'm.json').write_text(x)", (), ("out/m.json",)),
        ("open('a.txt', 'w'); open('a.txt')", (), ("a.txt",)),
    ],
)
def test_files_are_told_by_how_they_are_used(line, reads, writes):
    found = scripts.read("train.py", line)
    assert (found.reads, found.writes) == (reads, writes)


@pytest.mark.parametrize(
    "line", ["print('saved to a.json')", "open(f'{x}.json', 'w')", "open('../a.json', 'w')", "def (", "\0"]
)
def test_what_is_not_written_out_is_not_guessed(line):
    assert scripts.read("train.py", line) is None


def test_pipeline_needs_a_metric_and_what_git_has_is_not_cached():
    script = scripts.Script("train.py", ("d.csv", "gone.csv"), ("model.pkl", "metrics.json"))
    text = scripts.pipeline([script], there={"d.csv"}, tracked={"model.pkl"})
    assert "- model.pkl: {cache: false}" in text
    assert ("- d.csv" in text, "gone.csv" in text) == (True, False)
    assert scripts.pipeline([scripts.Script("train.py", (), ("model.pkl",))], there=(), tracked=()) == ""


def test_steps_come_in_their_usual_order():
    paths = ["src/evaluate.py", "src/train.py", "src/prepare.py", "tests/train.py", "src/other.py"]
    assert scripts.candidates(paths) == (["src/prepare.py", "src/train.py", "src/evaluate.py"], ["src/other.py"])
