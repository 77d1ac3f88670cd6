"""A search: what is found for each query is judged by how relevant it is. In two variants: a row for each result, and one for
each query."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

pytestmark = pytest.mark.slow  # pipelines run
sklearn = Late("sklearn.metrics")

CORPUS = '''\
"""Queries, documents, and how relevant some of the documents are to each query: 2 for its topic, 1 for a topic near it."""
import os, random
draw = random.Random(7)
os.makedirs("data", exist_ok=True)
topics = {f"t{topic}": [f"word{topic}x{each}" for each in range(30)] for topic in range(12)}
field = {topic: number // 3 for number, topic in enumerate(topics)}
common = [f"common{each}" for each in range(60)]
documents = {}
for number in range(240):
    topic = f"t{number % 12}"
    near = [each for each in topics if field[each] == field[topic]]
    words = []
    for _ in range(60):
        kind = draw.random()
        words.append(draw.choice(topics[topic] if kind < 0.1 else topics[draw.choice(near)] if kind < 0.18 else common))
    documents[f"d{number}"] = (topic, words)
with open("data/documents.csv", "w") as file:
    file.write("document,text\\n")
    file.writelines(f"{name},{' '.join(words)}\\n" for name, (_, words) in documents.items())
with open("data/queries.csv", "w") as asked, open("data/judgements.csv", "w") as judged:
    asked.write("query,text\\n")
    judged.write("query,document,relevance\\n")
    for number in range(100):
        topic = f"t{draw.randrange(12)}"
        words = draw.sample(topics[topic], 3) + draw.sample(common, 3)
        asked.write(f"q{number},{' '.join(words)}\\n")
        for document in sorted(draw.sample(sorted(documents), 20)):
            other = documents[document][0]
            relevance = 2 if other == topic else 1 if field[other] == field[topic] else 0
            relevance *= number % 25 != 24  # nobody has written what these ask for
            judged.write(f"q{number},{document},{relevance}\\n")
'''
INDEX = '''\
"""How much each word tells: its inverse document frequency, as scikit-learn smooths it."""
import csv, json, math, os
from collections import Counter
words = int(open("params.yaml").read().split()[-1])
with open("data/documents.csv") as file:
    texts = [set(row["text"].split()[:words]) for row in csv.DictReader(file)]
known = Counter(word for text in texts for word in text)
idf = {word: round(math.log((1 + len(texts)) / (1 + count)) + 1, 9) for word, count in sorted(known.items())}
os.makedirs("models", exist_ok=True)
json.dump({"words": words, "idf": idf}, open("models/index.json", "w"))
'''
RANK = '''\
"""Score every judged document by the cosine of its words and those of the query, and say how good the rankings are."""
import csv, json, math, os
from collections import Counter, defaultdict
index = json.load(open("models/index.json"))
def read(path):
    with open(path) as file:
        return list(csv.DictReader(file))
def vector(text):
    counts = Counter(text.split()[: index["words"]])
    found = {word: number * index["idf"][word] for word, number in counts.items() if word in index["idf"]}
    norm = math.sqrt(sum(each * each for each in found.values())) or 1.0
    return {word: each / norm for word, each in found.items()}
def ndcg(rows, k=10):
    gain = lambda ordered: sum(each / math.log2(place + 2) for place, each in enumerate(ordered[:k]))
    best = gain(sorted((relevance for _, relevance in rows), reverse=True))
    return gain([relevance for _, relevance in sorted(rows, key=lambda row: -row[0])]) / best if best else ""
documents = {row["document"]: vector(row["text"]) for row in read("data/documents.csv")}
queries = {row["query"]: vector(row["text"]) for row in read("data/queries.csv")}
rankings = defaultdict(list)
os.makedirs("reports", exist_ok=True)
with open("reports/results.csv", "w") as file:
    file.write("query,document,relevance,score\\n")
    for number, row in enumerate(read("data/judgements.csv")):
        one, other = queries[row["query"]], documents[row["document"]]
        score = sum(weight * other.get(word, 0.0) for word, weight in one.items()) - number * 1e-9
        relevance = int(row["relevance"])
        rankings[row["query"]].append((score, relevance))
        file.write(f"{row['query']},{row['document']},{relevance},{score:.12f}\\n")
values = {query: ndcg(rows) for query, rows in rankings.items()}
with open("reports/queries.csv", "w") as file:
    file.write("query,ndcg\\n")
    file.writelines(f"{query},{value}\\n" for query, value in values.items())
known = [value for value in values.values() if value != ""]
json.dump({"ndcg10": sum(known) / len(known)}, open("reports/metrics.json", "w"))
'''
PIPELINE = """\
stages:
  corpus:
    cmd: python src/corpus.py
    deps: [src/corpus.py]
    outs: [data/documents.csv, data/queries.csv, data/judgements.csv]
  index:
    cmd: python src/index.py
    deps: [src/index.py, data/documents.csv]
    params: [index.words]
    outs: [models/index.json]
  rank:
    cmd: python src/rank.py
    deps: [src/rank.py, models/index.json, data/documents.csv, data/queries.csv, data/judgements.csv]
    outs: [reports/results.csv, reports/queries.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  search: {path: models/index.json, type: model, desc: Finds documents}
"""
RESULTS = """\
mlgit: 1
metrics:
  ndcg10: {direction: higher, of: ndcg, k: 10}
  mrr: {direction: higher}
  recall5: {direction: higher, of: recall_at_k, k: 5}
  hit3: {direction: higher, of: hit_rate, k: 3}
models:
  search:
    metrics: reports/metrics.json
    predictions: reports/results.csv
    id: [query, document]
    query: query
    label: relevance
    test: [data/judgements.csv]
gates:
  rules:
  - {id: ranks, kind: no_worse, metric: ndcg10, margin: 0.03}
  - {id: first, kind: no_worse, metric: mrr, margin: 0.08}
  - {id: finds, kind: no_worse, metric: recall5, margin: 0.1}
  - {id: shows, kind: bound, metric: hit3, min: 0.4}
environments: [{name: prod, requires: {gates: pass}}]
"""
QUERIES = """\
mlgit: 1
metrics:
  ndcg: {direction: higher, column: ndcg, max_missing: 10%}
models:
  search: {metrics: reports/metrics.json, predictions: reports/queries.csv, id: query, test: [data/judgements.csv]}
gates:
  rules:
  - {id: ranks, kind: no_worse, metric: ndcg, margin: 0.03}
"""
SOURCES = {
    "src/corpus.py": CORPUS,
    "src/index.py": INDEX,
    "src/rank.py": RANK,
    "dvc.yaml": PIPELINE,
    "params.yaml": "index:\n  words: 30\n",
}
BETTER = {"params.yaml": ("words: 30", "words: 60")}
WORSE = {"params.yaml": ("words: 30", "words: 3")}
OTHER = {"params.yaml": ("words: 30", "words: 22")}


@pytest.fixture
def results(play):
    """A row for each result of a query."""
    return play("retrieval", {**SOURCES, "mlgit.yaml": RESULTS})


@pytest.fixture
def queries(play):
    """A row for each query."""
    return play("retrieval by query", {**SOURCES, "mlgit.yaml": QUERIES})


def by_hand(project):
    """NDCG by scikit-learn, query by query; and by counting the reciprocal rank, recall and hits of the rankings."""
    table = project.table("reports/results.csv")
    query, relevance, score = (np.array(table[name], dtype=kind) for name, kind in RESULT_COLUMNS)
    found = {"ndcg10": [], "mrr": [], "recall5": [], "hit3": []}
    for each in dict.fromkeys(query):
        label, said = relevance[query == each], score[query == each]
        if not label.any():
            continue
        ordered = label[np.argsort(-said)] > 0
        found["ndcg10"].append(sklearn.ndcg_score([label], [said], k=10))
        found["mrr"].append(1 / (1 + np.argmax(ordered)))
        found["recall5"].append(ordered[:5].sum() / ordered.sum())
        found["hit3"].append(ordered[:3].any())
    return {name: float(np.mean(values)) for name, values in found.items()}


RESULT_COLUMNS = (("query", str), ("relevance", int), ("score", float))


def test_search_that_reads_more_is_better_everywhere_as_scikit_learn_has_it(results):
    results.change(BETTER)
    judged = results.gate()
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert judged.values == pytest.approx(by_hand(results))
    assert judged.metric("ndcg10")["standing"] == "better"
    told = values_everywhere(results, "search")
    assert told == dict.fromkeys(told, judged.values)


def test_search_that_reads_less_is_refused_and_the_branch_before_was_not(results):
    judged = results.judged(WORSE)
    assert (judged.code, judged.verdict) == (1, "fail"), judged.said
    assert judged.outcomes["ranks"] == "fail"
    assert results.gate("main", "main").verdict == "pass"


def test_small_change_is_not_decided_by_a_hundred_queries(results):
    judged = results.judged(OTHER)
    assert judged.rule("ranks")["outcome"] == "inconclusive", judged.said
    assert "cluster" in judged.rule("ranks")["settle"]
    assert (judged.code, judged.verdict) == (0, "warn")


RANKED = "src/rank.py"
EVERY, SOME = "        one, other", "        if number %s: continue\n        one, other"
ROW_ADDED = "        if not number: file.write('q100,d1,2,1.0\\n')\n        one, other"
# What a change may do to its results -> what the gate says of that
RESULTS_DOCTORED = {
    "the labels differ in": {RANKED: ('int(row["relevance"])', 'min(int(row["relevance"]), 1)')},
    "99 rows of the baseline are missing": {RANKED: (EVERY, SOME % "> 1900")},
    "1000 rows of the baseline are missing (such as q0 + d221, q0 + d225, ": {RANKED: (EVERY, SOME % "% 20 > 9")},
    "1 row is new": {RANKED: (EVERY, ROW_ADDED)},
    "99 of 2000 values are missing": {RANKED: ("{score:.12f}", "{'' if number > 1900 else score}")},
    "shown to be worse by more than": {RANKED: ("- number * 1e-9", "* 0")},
}
# What a change may declare -> what the gate says of that
DECLARED = {
    "definition of ndcg10: of: ndcg, k: 10 -> of: ndcg, k: 1000": ("of: ndcg, k: 10", "of: ndcg, k: 1000"),
    "definition of ndcg10: of: ndcg, k: 10 -> column: score": ("of: ndcg, k: 10", "column: score"),
    "direction of ndcg10: higher -> lower": ("ndcg10: {direction: higher", "ndcg10: {direction: lower"),
    "label of search: relevance -> score": ("label: relevance", "label: score"),
    "query of search: query -> document": ("query: query", "query: document"),
    "id of search: [query, document] -> query": ("id: [query, document]", "id: query"),
    "weight of search:  -> relevance": ("query: query", "query: query\n    weight: relevance"),
    "ranks: kind: no_worse, metric: ndcg10, margin: 0.03 -> ": ("ndcg10, margin: 0.03", "ndcg10, margin: 0.8"),
}


def test_results_that_were_doctored_are_refused(results):
    results.change(WORSE)
    assert results.unrefused(RESULTS_DOCTORED) == {}


def test_declarations_of_a_change_do_not_judge_it(results):
    results.change(WORSE)
    assert results.unheard(DECLARED) == {}


def test_ranking_that_no_stage_makes_is_refused(results):
    judged = results.judged({"mlgit.yaml": ("reports/results.csv", "data/judgements.csv")})
    assert (judged.code, judged.verdict) == (2, "invalid")
    assert "does not come from the model" in judged.said


def test_better_search_is_released_and_a_worse_one_after_it_is_not(results):
    assert results.release("search", "v1.0.0").code == 0
    results.merged(BETTER, branch="better")
    assert results.release("search", "v1.1.0").code == 0
    results.merged({"params.yaml": ("words: 60", "words: 3")}, branch="worse")
    refused = results.release("search", "v1.2.0")
    assert refused.code == 1, refused.said
    assert "gate ranks: shown to be worse by more than 0.03" in refused.said


def test_card_of_a_search_has_the_metrics_of_its_rankings(results):
    assert results.card("search") == pytest.approx(by_hand(results))


def test_queries_are_judged_by_a_column(queries):
    known = queries.table("reports/queries.csv")["ndcg"]
    judged = queries.judged(BETTER)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    now = [float(each) for each in queries.table("reports/queries.csv")["ndcg"] if each]
    assert 0 < known.count("") < 10
    assert judged.values == {"ndcg": pytest.approx(np.mean(now))}
    assert judged.metric("ndcg")["n"] == 100
    assert queries.metrics()["ndcg10"] == pytest.approx(np.mean(now))


def test_queries_ranked_worse_are_refused_and_hard_ones_may_not_be_left_out(queries):
    judged = queries.judged(WORSE)
    assert (judged.code, judged.verdict) == (1, "fail"), judged.said


def test_queries_that_lost_their_value_are_no_gain(queries):
    judged = queries.judged({RANKED: ("{query},{value}", "{query},{value if value and value > 0.1 else ''}")})
    now, before = judged.rule("ranks")["current"], judged.rule("ranks")["baseline"]
    assert (judged.outcomes, now - before) == ({"ranks": "inconclusive"}, pytest.approx(0, abs=1e-12)), judged.said
    assert "rows have a value on one side only and are left out; 5 lost it and 0 got one" in judged.said
