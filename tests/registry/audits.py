"""Events and evidence as tests of the audit write them, by hand."""

from __future__ import annotations

from dataclasses import replace

from mlgit.registry.audit import AuditedApproval, AuditQuestion, Code, Evidence, Holding, Leak
from mlgit.registry.event import Event, TagName
from mlgit.registry.facts import DataFile, Facts, ModelFile, Step
from mlgit.registry.tag_facts import read
from mlgit.registry.tag_message import Body, render

COMMIT = "c" * 40
BEGAN = 1_700_000_000
NASTY = "a|b`c`<script>\x1b[31m\n@everyone ![x](https://example.com) *b* $x$"


def event(
    action="register", version="", environment="", *, time=1_700_000_000, commit=COMMIT, reason="", counter=None, **facts
):
    """An event of churn."""
    name = TagName("churn", action, version, environment, counter)
    ref = f"churn@{version}" if version else f"churn#{environment}#{counter}"
    text = render(Body("Registering artifact churn", reason, {"mlgit": 1, **facts} if facts else {}))
    return Event(name, ref, "0" * 40, commit, time, "Ada Example", "ada@example.com", text, target=commit, zone="+0200")


MODEL = ModelFile("models/churn.skops", "a" * 32, 1234, "b" * 64, "skops", False)
TRAIN = DataFile("data/train.csv", "1" * 32, 5000, role="train", rows=15)
TEST = DataFile("data/test.csv", "2" * 32, 2000, role="test", rows=5)
RAW = DataFile("data/raw", f"{'3' * 32}.dir", 7000, 3, "source")
FACTS = Facts(
    "churn",
    COMMIT,
    MODEL,
    "model",
    "Who will leave",
    ("tabular",),
    (TRAIN, TEST, RAW),
    {"auc": 0.9143, "loss": 0.25},
    {"train": {"depth": 3}, "names": ["a", "b"]},
    (Step("train", "python train.py", {"data/train.csv": "1" * 32}, {"models/churn.skops": "a" * 32}, {"train.depth": 3}),),
    environment={"requirements.txt": "d" * 64},
)
GATE = {
    "result": "fail",
    "baseline": "churn@v1.1.0",
    "rules": [{"id": "beat-baseline", "metric": "auc", "result": "fail", "value": 0.9143, "baseline": 0.92}],
    "not_met": ["approvals"],
}
REGISTERED = event(
    version="v1.2.0",
    reason="Recall is up",
    model={"path": MODEL.path, "md5": MODEL.md5, "sha256": MODEL.sha256, "size": 1234},
    data=[{"path": TRAIN.path, "md5": TRAIN.md5, "size": 5000, "role": "train"}],
    metrics={"auc": {"value": 0.9143, "ci95": [0.9071, 0.9214], "n": 5, "split": "test"}},
    card={"path": "cards/churn.md", "blob": "e" * 40},
)
OVERRIDDEN = {"gate": GATE, "override": {"reason": "Customer waits"}}
ASSIGNED = event("assign", environment="prod", counter=1, time=BEGAN + 100, reason="Ship it", **OVERRIDDEN)
REPLACED = event("assign", environment="prod", counter=2, time=1_700_000_200, commit="f" * 40)
EVIDENCE = Evidence(
    AuditQuestion("churn#prod"),
    REGISTERED,
    read(REGISTERED),
    FACTS,
    Code(COMMIT, "Ada Example", "ada@example.com", 1_699_999_999, "Train it", "main", True),
    {MODEL.path: "cache", TRAIN.path: "remote", TEST.path: "cache", RAW.path: "cache"},
    (Holding("prod", ASSIGNED, REPLACED, "Customer waits"),),
    (AuditedApproval("Grace Example", "grace@example.com", 1_700_000_050, "good", "mlgit/approvals/churn/v1.2.0/grace"),),
    {ASSIGNED.ref: "good"},
    later=(ASSIGNED,),
    leak=Leak(0, 5),
    card="e" * 40,
)


def of(evidence=EVIDENCE, **changes):
    """Evidence with some of it changed; `facts` and `code` take mappings of changes."""
    for name in ("facts", "code"):
        if isinstance(changes.get(name), dict):
            changes[name] = replace(getattr(evidence, name), **changes[name])
    return replace(evidence, **changes)
