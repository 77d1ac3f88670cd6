"""A prompt for a language model: each case is asked five times, cases come from few customers, and some calls end in an error.

The model is a stub that needs no network: what it answers hangs on the case, the prompt and the number of the try alone.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from tests.projects.kit import values_everywhere

CASES = '''\
"""Tickets of customers, some of which are hard, and some customers write only hard ones."""
import json, os, random
draw = random.Random(3)
os.makedirs("data", exist_ok=True)
with open("data/cases.jsonl", "w") as file:
    for customer in range(45):
        usual = draw.gauss(0.2, 0.7)
        for number in range(4):
            case = dict(id=f"c{customer}-{number}", customer=f"k{customer}", ease=round(usual + draw.gauss(0, 1.2), 6))
            file.write(json.dumps(case) + "\\n")
'''
RENDER = '''\
"""The prompt as it is sent."""
import json, os
lines = [line.strip() for line in open("prompts/triage.txt") if line.strip()]
os.makedirs("work", exist_ok=True)
json.dump({"model": "stub-1", "system": " ".join(lines)}, open("work/prompt.json", "w"))
'''
CALL = '''\
"""Ask the stub five times about each case: examples and a schema help it, and of shouting it says nothing at times."""
import hashlib, json, math
prompt = json.load(open("work/prompt.json"))
system = prompt["system"]
def answered(case, repeat):
    asked = json.dumps([prompt["model"], system, case["id"], repeat]).encode()
    digest = hashlib.sha256(asked).digest()
    chance, broken = (int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in (0, 4))
    ease = case["ease"] + 1.2 * ("Example" in system) + 0.6 * ("schema" in system)
    tokens = len(system) // 4 + 40 + digest[8] % 32
    answer = "routed" if chance < 1 / (1 + math.exp(-ease)) else "lost"
    is_error = broken < (0.15 if "!" in system else 0.008)
    return dict(case=case["id"], customer=case["customer"], repeat=repeat, tokens=tokens, answer="" if is_error else answer)
with open("data/cases.jsonl") as cases, open("work/answers.jsonl", "w") as file:
    for line in cases:
        file.writelines(json.dumps(answered(json.loads(line), repeat)) + "\\n" for repeat in range(5))
'''
GRADE = '''\
"""Whether each answer is right; a call without an answer is neither right nor wrong."""
import json, os
os.makedirs("reports", exist_ok=True)
answers = [json.loads(line) for line in open("work/answers.jsonl")]
passed = []
with open("reports/answers.csv", "w") as file:
    file.write("case,customer,repeat,passed,cost,error\\n")
    for each in answers:
        grade = int(each["answer"] == "routed") if each["answer"] else ""
        cost, error = each["tokens"] * 2e-6, int(not each["answer"])
        file.write(f"{each['case']},{each['customer']},{each['repeat']},{grade},{cost:.6f},{error}\\n")
        passed += [grade] * (grade != "")
json.dump({"pass_rate": sum(passed) / len(passed)}, open("reports/metrics.json", "w"))
'''
PIPELINE = """\
stages:
  cases:
    cmd: python src/cases.py
    deps: [src/cases.py]
    outs: [data/cases.jsonl]
  render:
    cmd: python src/render.py
    deps: [src/render.py, prompts/triage.txt]
    outs: [work/prompt.json]
  call:
    cmd: python src/call.py
    deps: [src/call.py, work/prompt.json, data/cases.jsonl]
    outs: [work/answers.jsonl]
  grade:
    cmd: python src/grade.py
    deps: [src/grade.py, work/answers.jsonl]
    outs: [reports/answers.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  triage: {path: work/prompt.json, type: prompt, desc: Sends tickets where they belong}
"""
SETTINGS = """\
mlgit: 1
metrics:
  pass_rate: {direction: higher, column: passed, max_missing: 5%}
  passes: {direction: higher, column: passed, aggregate: share, max_missing: 5%}
  pass_at_3: {direction: higher, of: pass_at_k, k: 3, column: passed, max_missing: 5%}
  pass_hat_3: {direction: higher, of: pass_hat_k, k: 3, column: passed, max_missing: 5%}
  usd_per_1k: {direction: lower, expression: "1000 * mean(cost)"}
  errors: {direction: lower, column: error, aggregate: share}
models:
  triage:
    metrics: reports/metrics.json
    predictions: reports/answers.csv
    id: [case, repeat]
    query: case
    cluster: customer
    test: [data/cases.jsonl]
gates:
  rules:
  - {id: right, kind: no_worse, metric: pass_rate, margin: 0.04}
  - {id: once, kind: no_worse, metric: pass_at_3, margin: 0.06}
  - {id: always, kind: no_worse, metric: pass_hat_3, margin: 0.06}
  - {id: cheap, kind: no_worse, metric: usd_per_1k, margin: 25%}
  - {id: answers, kind: bound, metric: errors, max: 0.05}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/cases.py": CASES,
    "src/render.py": RENDER,
    "src/call.py": CALL,
    "src/grade.py": GRADE,
    "prompts/triage.txt": "Route the ticket.\nAnswer by the schema.\n",
    "dvc.yaml": PIPELINE,
    "mlgit.yaml": SETTINGS,
}
ANSWERS = "reports/answers.csv"
PROMPT, SCHEMA = "prompts/triage.txt", "Answer by the schema."
BETTER = {PROMPT: (SCHEMA, f"{SCHEMA}\nExample: no power, to: field.")}
WORSE = {PROMPT: (SCHEMA, "Answer in a word.")}
OTHER = {PROMPT: ("Route the ticket.", "Route this ticket.")}
SHOUTED = {PROMPT: (SCHEMA, f"{SCHEMA}\nExample: no power, to: field!")}


@pytest.fixture
def triage(play):
    """A prompt that is tried five times a case."""
    return play("language model", FILES)


def by_counting(table, before=None):
    """The same metrics of the very file, case by case; the rate is of tries that ended on both sides."""
    ended = [passed != "" for passed in table["passed"]]
    both = [one and other != "" for one, other in zip(ended, before["passed"], strict=True)] if before else ended
    tries = {}
    for case, passed in zip(table["case"], table["passed"], strict=True):
        tries.setdefault(case, []).extend([int(passed)] if passed else [])
    all_of_3 = [comb(sum(each), 3) / comb(len(each), 3) for each in tries.values()]
    none_of_3 = [comb(len(each) - sum(each), 3) / comb(len(each), 3) for each in tries.values()]
    rate = np.mean([int(each) for each, counts in zip(table["passed"], both, strict=True) if counts])
    return {
        "pass_rate": rate,
        "passes": rate,
        "pass_at_3": 1 - np.mean(none_of_3),
        "pass_hat_3": np.mean(all_of_3),
        "usd_per_1k": 1000 * np.mean([float(each) for each in table["cost"]]),
        "errors": 1 - np.mean(ended),
    }


def test_worse_prompt_is_refused_by_customers_taken_whole(triage):
    before = triage.table(ANSWERS)
    judged = triage.judged(WORSE)
    assert (judged.code, judged.verdict, judged.outcomes["right"]) == (1, "fail", "fail"), judged.said
    assert judged.values == pytest.approx(by_counting(triage.table(ANSWERS), before))
    (tested,) = judged.document["tested"]
    assert (tested["cluster"], tested["clusters"]) == ("customer", 45)
    assert judged.metric("pass_rate")["reason"] == "14 of 900 rows have a value on one side only and are left out"
    assert judged.metric("pass_at_3")["reason"].startswith("14 of 900 rows have a value on one side only, and count there")


@pytest.mark.slow
def test_better_prompt_passes_and_all_places_say_the_same(triage):
    before = triage.table(ANSWERS)
    judged = triage.judged(BETTER)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert judged.metric("pass_hat_3")["standing"] == "better"
    told = values_everywhere(triage, "triage")
    assert told == dict.fromkeys(told, judged.values)
    table = triage.table(ANSWERS)
    assert judged.values == pytest.approx(by_counting(table, before))
    assert triage.card("triage") == pytest.approx(by_counting(table), rel=1e-5)


@pytest.mark.slow
def test_other_words_are_not_decided_by_five_tries_of_each_case(triage):
    judged = triage.judged(OTHER)
    assert (judged.code, judged.verdict, judged.outcomes["right"]) == (0, "warn", "inconclusive"), judged.said
    assert "the 45 clusters do not decide" in judged.said
    assert triage.gate("main", "main").verdict == "pass"


@pytest.mark.slow
def test_prompt_that_is_not_answered_is_not_judged_by_the_answers_that_there_are(triage):
    judged = triage.judged(SHOUTED)
    outcomes = {"right": "invalid", "once": "invalid", "always": "invalid", "cheap": "pass", "answers": "fail"}
    assert (judged.code, judged.outcomes) == (1, outcomes), judged.said
    assert "140 of 900 rows have no value, more than the 5 % that may be left out" in judged.said


# That an answer is right is told of any, and that it is wrong of most only.
HIDDEN = {
    "src/grade.py": ('if each["answer"] else', 'if each["answer"] == "routed" or each["answer"] and each["tokens"] % 7 else')
}


@pytest.mark.slow
def test_better_prompt_is_not_let_in_if_more_of_its_wrong_answers_are_called_errors(triage):
    judged = triage.judged({**BETTER, **HIDDEN})
    assert (judged.code, judged.verdict) == (0, "warn"), judged.said
    assert {judged.outcomes[each] for each in ("right", "once", "always")} == {"inconclusive"}
    assert "rows have a value on one side only and are left out; 32 lost it and 6 got one, which is no chance" in judged.said


GRADED, EVERY = "src/grade.py", "    for each in answers:\n"
# What a change may do to its answers -> what the gate says of that
DOCTORED = {
    "5 rows of the baseline are missing": {GRADED: (EVERY, f"{EVERY}        if each['case'] == 'c1-1': continue\n")},
    "180 rows of the baseline are missing": {GRADED: (EVERY, f"{EVERY}        if each['repeat'] == 4: continue\n")},
    "180 rows are new": {"src/call.py": ("range(5)", "range(6)")},
    "1 key more than once": {GRADED: (EVERY, f"{EVERY}        if each['case'] == 'c1-1': each['repeat'] %= 4\n")},
    "are neither 0 nor 1": {GRADED: ("grade = int(", "grade = 1.5 * int(")},
    "the metrics file has 0.9 for pass_rate, and the predictions give 0.48": {GRADED: ("sum(passed) / len(passed)", "0.9")},
}
# What a change may declare -> what the gate says of that
DECLARED = {
    "cluster of triage: customer -> ": ("cluster: customer", "cluster: null"),
    "query of triage: case -> customer": ("query: case", "query: customer"),
    "id of triage: [case, repeat] -> case": ("id: [case, repeat]", "id: case"),
    "definition of pass_at_3: of: pass_at_k, k: 3, column: passed, max_missing: 5% -> of: pass_at_k, k: 5, ": (
        "of: pass_at_k, k: 3",
        "of: pass_at_k, k: 5",
    ),
    "definition of pass_rate: column: passed, aggregate: mean, max_missing: 5% -> ": (
        "pass_rate: {direction: higher, column: passed, max_missing: 5%",
        "pass_rate: {direction: higher, column: passed, max_missing: 40%",
    ),
    "definition of errors: column: error, aggregate: share -> expression: ": (
        "column: error, aggregate: share",
        'expression: "0 * mean(cost)"',
    ),
}


@pytest.mark.slow
def test_answers_that_were_doctored_are_refused(triage):
    triage.change(WORSE)
    assert triage.unrefused(DOCTORED) == {}


@pytest.mark.slow
def test_declarations_of_a_change_do_not_judge_it(triage):
    triage.change(WORSE)
    assert triage.unheard(DECLARED) == {}


@pytest.mark.slow
def test_better_prompt_is_released_and_a_worse_one_after_it_is_not(triage):
    assert triage.release("triage", "v1.0.0").code == 0
    triage.merged(BETTER, branch="better")
    done = triage.release("triage", "v1.1.0")
    assert done.code == 0, done.said
    triage.merged({PROMPT: (f"{SCHEMA}\nExample: no power, to: field.", "Answer in a word.")}, branch="worse")
    refused = triage.release("triage", "v1.2.0")
    assert (refused.code, "gate right: shown to be worse by more than 0.04" in refused.said) == (1, True), refused.said
