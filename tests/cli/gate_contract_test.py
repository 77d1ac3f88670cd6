"""Gate rules of kind contract: rules and contract of the base judge the data, and nothing passes that was not looked at."""

from __future__ import annotations

import pytest

from tests.gate.reviews import judged, only
from tests.kit import commit, git, write_tree
from tests.kit.contract_projects import CONFIG, CONTRACT, FILE, LOOSER, PATH, TIGHTER, project, table

pytestmark = pytest.mark.slow  # a repository each

RULE = "gates: {rules: [{id: contract, kind: contract, path: data/raw.csv%s}]}\n"


def started(folder, *, more="", **given):
    root = project(folder, **{"config": CONFIG + RULE % more, **given})
    git(root, "checkout", "--quiet", "-b", "change")
    return root


@pytest.mark.parametrize(
    ("contract", "more", "outcome"),
    [
        (CONTRACT, "", "pass"),
        (LOOSER, "", "fail"),
        (LOOSER, ", view: producer", "pass"),
        (LOOSER, ", allow: any", "pass"),
        (LOOSER, ", severity: warn", "warn"),
        (TIGHTER, "", "pass"),
        (TIGHTER, ", view: producer", "fail"),
        (CONTRACT + "color: red\n", ", allow: any", "invalid"),
        (CONTRACT.replace("maximum: 120", "maximum: 50"), "", "fail"),  # tighter than the data that is there
    ],
)
def test_change_of_a_contract_is_judged_in_the_view_of_the_rule(tmp_path, cli, contract, more, outcome):
    root = started(tmp_path / "project", more=more)
    write_tree(root, {FILE: contract})
    found = judged(root, cli)
    assert (only(found)["outcome"], only(found)["path"]) == (outcome, PATH)
    assert found["code"] == {"pass": 0, "warn": 0, "fail": 1, "invalid": 2}[outcome]


def test_nobody_loosens_a_contract_and_breaks_it_in_one_change(tmp_path, cli):
    root = started(tmp_path / "project", more=", allow: any")
    write_tree(root, {FILE: LOOSER, PATH: table(oldest=140)})
    found = only(judged(root, cli))
    assert found["outcome"] == "fail"
    assert "the data breaks" in found["reason"]
    assert "0 to 120 (1 row, line 51: 140)" in found["reason"]


@pytest.mark.parametrize("rules", [RULE % ", severity: warn", "gates: {rules: []}\n", ""])
def test_rules_that_the_change_itself_brings_do_not_judge_it(tmp_path, cli, rules):
    root = started(tmp_path / "project")
    write_tree(root, {"mlgit.yaml": CONFIG + rules, PATH: table(oldest=140)})
    commit(root)
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == ("fail", 1)


def test_a_contract_taken_away_or_put_elsewhere_does_not_pass(tmp_path, cli):
    root = started(tmp_path / "project")
    write_tree(root, {"mlgit.yaml": "mlgit: 1\n" + RULE % ""})
    assert only(judged(root, cli))["outcome"] == "fail"
    write_tree(root, {"mlgit.yaml": CONFIG.replace(FILE, "schemas/b.odcs.yaml") + RULE % "", "schemas/b.odcs.yaml": LOOSER})
    found = judged(root, cli)
    assert only(found)["outcome"] == "fail"
    assert [each["id"] for each in found["rule_changes"]] == ["contract of data/raw.csv"]


def test_where_no_side_has_a_contract_the_rule_is_invalid(tmp_path, cli):
    root = started(tmp_path / "project", config="mlgit: 1\n" + RULE % "", contract=None)
    found = judged(root, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)


def test_a_contract_that_is_new_is_the_first_if_the_data_keeps_it(tmp_path, cli):
    root = started(tmp_path / "project", config="mlgit: 1\n" + RULE % "", contract=None)
    write_tree(root, {"mlgit.yaml": CONFIG + RULE % "", FILE: CONTRACT})
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == ("first", 0)
    write_tree(root, {PATH: table(oldest=140)})
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == ("fail", 1)


@pytest.mark.parametrize("data", [None, "", "id\n"])
def test_data_that_is_gone_or_no_table_does_not_pass(tmp_path, cli, data):
    root = started(tmp_path / "project")
    if data is None:
        (root / PATH).unlink()
    else:
        write_tree(root, {PATH: data})
    assert only(judged(root, cli))["outcome"] in ("invalid", "fail")
    assert judged(root, cli)["code"] in (1, 2)


def tracked(root, cli):
    git(root, "rm", "--quiet", "--cached", PATH)
    assert cli(root, "add", PATH).code == 0
    commit(root)


def test_data_of_a_commit_is_read_from_the_cache_and_not_judged_without_it(tmp_path, cli):
    root = started(tmp_path / "project")
    tracked(root, cli)
    (root / PATH).unlink()
    assert only(judged(root, cli, "main", "HEAD"))["outcome"] == "pass"
    (object_,) = (each for each in (root / ".dvc" / "cache").rglob("*") if each.is_file())
    object_.chmod(0o644)
    object_.write_text(table(oldest=140))  # damaged
    found = judged(root, cli, "main", "HEAD")
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    object_.unlink()
    found = judged(root, cli, "main", "HEAD")
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert "not in the cache" in only(found)["reason"]


def test_folder_of_parts_in_git_is_judged_as_a_commit_has_it(tmp_path, cli):
    config = CONFIG.replace("data/raw.csv", "data/parts") + RULE.replace("data/raw.csv", "data/parts/") % ""
    root = project(tmp_path / "project", config=config)
    write_tree(root, {"data/parts/a.csv": table(), "data/parts/_more.txt": "x"})
    commit(root)
    git(root, "checkout", "--quiet", "-b", "change")
    write_tree(root, {"data/parts/b.csv": "id,age,plan\n60,200,alpha\n"})
    commit(root)
    write_tree(root, {"data/parts/b.csv": ""})
    found = judged(root, cli, "main", "HEAD")
    assert (only(found)["outcome"], found["code"]) == ("fail", 1)


def test_values_of_classified_columns_are_in_no_reason(tmp_path, cli):
    root = started(tmp_path / "project")
    data = table().replace("50,90,beta", "50,90,gamma")
    write_tree(root, {PATH: data, FILE: CONTRACT.replace("[alpha, beta]", "[alpha, omega]")})
    done = cli(root, "gate")
    assert done.code == 1
    assert "plan" in done.out
    assert not any(word in done.out + done.err for word in ("alpha", "beta", "gamma", "omega"))
    assert not any(word in str(judged(root, cli)["rules"]) for word in ("alpha", "beta", "gamma", "omega"))


def test_query_that_meets_a_classified_value_does_not_tell_it(tmp_path, cli):
    quality = "    quality: [{type: sql, id: odd, query: 'SELECT sum(CAST(plan AS INTEGER)) FROM raw', mustBe: 0}]\n"
    root = started(tmp_path / "project", contract=CONTRACT + quality)
    found = judged(root, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert "odd" in only(found)["reason"]
    assert "alpha" not in str(found["rules"])


@pytest.mark.parametrize("renamed", [False, True])
def test_a_change_that_declassifies_a_column_does_not_read_it(tmp_path, cli, renamed):
    root = started(tmp_path / "project", data=table().replace("alpha", "4711").replace("beta", "4711"))
    name = "tariff" if renamed else "plan"
    open_ = f"{{name: plan, physicalName: {name}, logicalType: integer, logicalTypeOptions: {{maximum: 0}}}}"
    read = f"    quality: [{{type: sql, id: most, query: 'SELECT max({name}) FROM raw', mustBe: 0}}]\n"
    closed = "{name: plan, logicalType: string, classification: restricted, enum: [alpha, beta]}"
    write_tree(root, {FILE: CONTRACT.replace(closed, open_) + read, PATH: (root / PATH).read_text().replace("plan", name)})
    for args in (["gate"], ["gate", "--json"], ["diff"], ["diff", "--format", "md"], ["diff", "--json"]):
        done = cli(root, *args)
        assert name in done.out
        assert "4711" not in done.out + done.err, args


@pytest.mark.parametrize("declared", [True, False])
def test_a_column_that_is_called_otherwise_in_data_and_contract_stays_classified(tmp_path, cli, declared):
    root = started(tmp_path / "project", data=table().replace("alpha", "4711").replace("beta", "4711"))
    open_ = "      - {name: tariff, logicalType: integer, logicalTypeOptions: {maximum: 0}}\n" if declared else ""
    read = "    quality: [{type: sql, id: most, query: 'SELECT max(tariff::INTEGER) FROM raw', mustBe: 0}]\n"
    kept = CONTRACT[: CONTRACT.index("      - {name: plan")] + open_ + read
    write_tree(root, {FILE: kept, PATH: (root / PATH).read_text().replace("plan", "tariff")})
    for args in (["gate"], ["gate", "--json"], ["diff"], ["diff", "--format", "md"], ["diff", "--json"]):
        done = cli(root, *args)
        assert "most" in done.out
        assert "4711" not in done.out + done.err, args


def test_a_column_that_a_change_takes_out_of_the_contract_is_not_read_by_its_queries(tmp_path, cli):
    root = started(tmp_path / "project", data=table().replace("alpha", "4711").replace("beta", "4711"))
    taken = CONTRACT[: CONTRACT.index("      - {name: plan")]
    read = "    quality: [{type: sql, id: most, query: 'SELECT max(plan::INTEGER) FROM raw', mustBe: 0}]\n"
    write_tree(root, {FILE: taken + read})
    assert "4711" not in cli(root, "gate").out + cli(root, "diff").out


def test_a_change_that_classifies_a_column_shows_it_no_more(tmp_path, cli):
    root = started(tmp_path / "project")
    write_tree(root, {FILE: CONTRACT.replace("{name: age,", "{name: age, classification: pii,"), PATH: table(oldest=140)})
    done = cli(root, "gate")
    assert done.code == 1
    assert "140" not in done.out + done.err


@pytest.mark.parametrize("path", ["data/copy.csv", "data/other.csv"])
def test_data_that_is_put_elsewhere_shows_no_more_than_before(tmp_path, cli, path):
    """Who changes a project names any bytes of its cache, whether he may see them or not."""
    other = "data/other.csv: schemas/o.odcs.yaml"
    config = f"mlgit: 1\ndata: {{{PATH}: {FILE}, {other}}}\n" + RULE.replace(PATH, path) % ""
    root = project(tmp_path / "project", config=config, data=table().replace("alpha", "4711"))
    open_ = "{name: plan, logicalType: integer, logicalTypeOptions: {maximum: 0}}"
    closed = "{name: plan, logicalType: string, classification: restricted, enum: [alpha, beta]}"
    write_tree(root, {"schemas/o.odcs.yaml": CONTRACT.replace(closed, "{name: plan}"), "data/other.csv": table(oldest=5)})
    commit(root)
    git(root, "checkout", "--quiet", "-b", "change")
    mapped = config.replace(f"{other}}}", f"{other}, {path}: schemas/o.odcs.yaml}}") if "copy" in path else config
    texts = {"mlgit.yaml": mapped, "schemas/o.odcs.yaml": CONTRACT.replace(closed, open_)}
    write_tree(root, {**texts, path: (root / PATH).read_text()})
    for args in (["gate", "main"], ["diff", "main"]):
        done = cli(root, *args)
        assert "plan" in done.out
        assert "4711" not in done.out + done.err, args


def test_data_that_is_a_link_out_of_the_repository_is_not_looked_at(tmp_path, cli):
    root = started(tmp_path / "project")
    (tmp_path / "other.csv").write_text(table(oldest=4711))
    (root / PATH).unlink()
    (root / PATH).symlink_to(tmp_path / "other.csv")
    found = judged(root, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert "4711" not in str(found)
