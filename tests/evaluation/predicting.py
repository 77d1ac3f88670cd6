"""A real project whose predictions have rows enough to compare: whoever is above what the model learned will leave."""

from __future__ import annotations

from tests.kit import commit, repository, write_tree

ROWS = 400
TRAIN = "mkdir -p models\nsed -n 's/^cut: //p' params.yaml > models/cut.txt\n"
EVALUATE = """\
mkdir -p reports
awk -F, -v cut=$(cat models/cut.txt) 'NR == 1 { print "id,label,prediction,score" }
  NR > 1 { said = ($2 > cut); print $1 "," $3 "," said "," (said ? 0.9 : 0.1) }' data/test.csv > reports/predictions.csv
awk -F, 'NR > 1 { n++; hits += ($2 == $3) } END { printf "{\\"accuracy\\": %.6f, \\"rows\\": %d}", hits / n, n }' \\
  reports/predictions.csv > reports/metrics.json
"""
PIPELINE = """\
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh, data/train.csv]
    params: [cut]
    outs: [models/cut.txt]
  evaluate:
    cmd: sh evaluate.sh
    deps: [evaluate.sh, models/cut.txt, data/test.csv]
    outs: [reports/predictions.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts: {leave: {path: models/cut.txt, type: model}}
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  leave:
   {id: id, metrics: reports/metrics.json, predictions: reports/predictions.csv, train: [data/train.csv], test: [data/test.csv]}
"""
GATES = "gates: {rules: [{id: kept, kind: no_worse, metric: accuracy, margin: 0.05}]}\n"


def table(first, number=ROWS, *, truth=50):
    """Rows with keys from `first` on; those with x above `truth` leave, but for one of ten; just above it, one of four does."""
    rows = ((key, key * 37 % 100) for key in range(first, first + number))
    return "id,x,label\n" + "".join(f"{key},{x},{_leaves(key, x, truth)}\n" for key, x in rows)


def _leaves(key, x, truth):
    return int(key // 100 % 4 == 0) if x == truth + 1 else int((x > truth) != (key % 10 == 0))


FILES = {
    "dvc.yaml": PIPELINE,
    "train.sh": TRAIN,
    "evaluate.sh": EVALUATE,
    "params.yaml": "cut: 50\n",
    "mlgit.yaml": CONFIG + GATES,
    "data/train.csv": table(10_000),
    "data/test.csv": table(0),
}


def made(root, cli, files=None):
    """The project, run and committed on `main`."""
    repository(root, {**FILES, **(files or {})})
    ran(root, cli)
    return root


def ran(root, cli, files=None):
    """Change files, run, and commit."""
    change(root, cli, files or {})
    return commit(root)


def change(root, cli, files):
    """Change files and run."""
    write_tree(root, files)
    done = cli(root, "run")
    assert done.code == 0, done.said
