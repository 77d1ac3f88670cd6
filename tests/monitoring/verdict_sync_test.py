"""Two clones and a bare remote: one verdict a window, in whatever order they come."""

from __future__ import annotations

import threading

import pytest

from mlgit.adapters.git import git as git_adapter
from mlgit.adapters.git import remote_refs
from mlgit.errors import MlgitError
from mlgit.monitoring import verdict_refs, verdict_sync
from tests.kit import FULL, git
from tests.kit.git_server import http_host
from tests.monitoring import chains
from tests.monitoring.chains import REF, acceptance, recompute

pytestmark = pytest.mark.slow  # many processes

ROUNDS = 20 if FULL else 1


@pytest.fixture
def sides(tmp_path):
    return chains.clones(tmp_path)


def share(root, *, judge=recompute):
    return verdict_sync.share(root, REF, "origin", recompute=judge)


def doubled(root):
    """What each verdict's martingale has to be: that of the test's judge."""
    return [each.verdict.martingale for each in verdict_refs.load(root, REF).verdicts]


def on_origin(root):
    return git(root.parent / "origin.git", "for-each-ref", "--format=%(objectname)", REF)


def test_chain_is_sent_and_the_other_clone_has_it(sides):
    one, two = sides
    tip = chains.run(one, [1, 2]).tip
    assert (share(one).is_sent, on_origin(one)) == (True, tip)
    found = share(two)
    assert (found.chain.tip, found.is_sent, found.n_dropped, found.n_rejudged) == (tip, True, 0, 0)
    assert verdict_refs.load(two, REF).tip == tip


def test_nothing_to_share_is_no_fault(sides):
    assert share(sides[0]).chain.entries == ()
    assert on_origin(sides[0]) == ""


def test_same_window_by_two_clones_is_one_commit(sides):
    one, two = sides
    assert chains.run(one, [1]).tip == chains.run(two, [1]).tip
    share(one)
    found = share(two)
    assert (found.is_sent, found.n_dropped, found.n_rejudged, len(found.chain.entries)) == (True, 0, 0, 1)


def test_windows_of_another_clone_come_first_and_own_ones_are_judged_anew(sides):
    one, two = sides
    chains.run(one, [1, 2])
    chains.run(two, [2, 3])
    share(one)
    found = share(two)
    assert (found.n_dropped, found.n_rejudged, found.is_sent) == (1, 1, True)
    assert chains.days(verdict_refs.load(two, REF)) == [1, 2, 3]
    assert doubled(two) == [1.0, 2.0, 4.0]
    assert share(one).chain.tip == found.chain.tip == on_origin(one)


def test_own_acceptance_comes_behind_and_keeps_its_author_and_time(sides):
    one, two = sides
    verdict_refs.append(two, chains.run(two, [1]), acceptance(1))
    before = git(two, "log", "-1", "--format=%an %ae %at %ai", REF)
    chains.run(one, [1, 2])
    share(one)
    found = share(two)
    assert [each.kind for each in found.chain.entries] == ["verdict", "verdict", "accept"]
    assert git(two, "log", "-1", "--format=%an %ae %at %ai", REF) == before
    assert verdict_refs.load(two, REF).acceptances.keys() == {acceptance(1).key}


def test_acceptance_that_the_other_clone_wrote_as_well_is_one(sides):
    one, two = sides
    for root in sides:
        verdict_refs.append(root, chains.run(root, [1]), acceptance(1, reason=root.name))
    share(one)
    found = share(two)
    assert [each.acceptance.reason for each in found.chain.entries if each.acceptance] == ["one"]


def test_acceptance_stands_between_the_same_verdicts_as_before(sides):
    one, two = sides
    verdict_refs.append(two, chains.run(two, [2]), acceptance(2))
    chains.run(two, [3])
    chains.run(one, [1])
    share(one)
    assert [each.kind for each in share(two).chain.entries] == ["verdict", "verdict", "accept", "verdict"]


def test_without_a_judge_nothing_is_moved_where_verdicts_depend_on_others(sides):
    one, two = sides
    chains.run(one, [1])
    before = chains.run(two, [2]).tip
    share(one)
    with pytest.raises(MlgitError, match="1 verdict of this clone came after others") as told:
        share(two, judge=None)
    assert "mlgit monitor run 'churn#prod' --push" in told.value.hint
    assert verdict_refs.tip(two, REF) == before


def test_without_a_judge_the_same_verdicts_give_way(sides):
    one, two = sides
    chains.run(one, [1, 2])
    chains.run(two, [2])
    share(one)
    assert share(two, judge=None).n_dropped == 1


def test_window_that_cannot_be_judged_anew_is_told(sides):
    one, two = sides
    chains.run(one, [1])
    chains.run(two, [2])
    share(one)
    found = share(two, judge=lambda upon, entries: ())
    assert found.notes == ("1 window could not be judged anew behind what is published, and will be judged by the next run",)
    assert chains.days(found.chain) == [1]


def test_judge_has_the_counts_of_what_it_judges(sides):
    one, two = sides
    chains.run(one, [1])
    chains.run(two, [2])
    share(one)
    seen = []
    share(two, judge=lambda upon, entries: seen.extend(entries) or recompute(upon, entries))
    assert [each.counts.rows for each in seen] == [11]


def test_remote_that_was_rewritten_is_told_and_nothing_is_forced(sides):
    one, two = sides
    chains.run(one, [1, 2])
    share(one)
    tip = git_adapter.write_commit(
        two, git_adapter.write_tree(two, {}), message="x", signature=f"{verdict_refs.AUTHOR} 1 +0000"
    )
    git(two, "push", "--quiet", "--force", "origin", f"{tip}:{REF}")
    with pytest.raises(MlgitError, match="was rewritten: verdicts that were published") as told:
        share(one)
    assert "git log" in told.value.hint
    assert (on_origin(one), chains.days(verdict_refs.load(one, REF))) == (tip, [1, 2])


def test_remote_that_lost_the_end_of_the_chain_gets_it_again(sides):
    one, _ = sides
    chains.run(one, [1, 2])
    share(one)
    git(one.parent / "origin.git", "update-ref", REF, f"{REF}^")
    assert (share(one).is_sent, on_origin(one)) == (True, verdict_refs.tip(one, REF))
    git(one.parent / "origin.git", "update-ref", "-d", REF)
    assert (share(one).is_sent, on_origin(one)) == (True, verdict_refs.tip(one, REF))


def test_garbage_of_a_remote_is_refused_before_anything_moves(sides):
    one, two = sides
    tip = git_adapter.write_commit(
        two, git_adapter.write_tree(two, {"x": ("100644", b"x")}), message="x", signature=f"{verdict_refs.AUTHOR} 1 +0000"
    )
    git(two, "push", "--quiet", "origin", f"{tip}:{REF}")
    before = chains.run(one, [1]).tip
    with pytest.raises(MlgitError, match=rf"{REF} at {tip[:10]} is not what mlgit writes"):
        share(one)
    assert verdict_refs.tip(one, REF) == before


def test_host_that_takes_no_such_refs_is_told_and_the_chain_stays(sides):
    one, _ = sides
    hook = one.parent / "origin.git/hooks/pre-receive"
    hook.write_text(
        "#!/bin/sh\nwhile read a b ref; do case $ref in refs/mlgit/*) echo 'no refs/mlgit here'; exit 1;; esac; done\n"
    )
    hook.chmod(0o755)
    chains.run(one, [1])
    found = share(one)
    (told,) = found.notes
    assert (found.is_sent, "does not take" in told, "no refs/mlgit here" in told) == (False, True, True)
    assert chains.days(verdict_refs.load(one, REF)) == [1]


def test_host_that_hides_such_refs_is_told(sides):
    one, _ = sides
    git(one.parent / "origin.git", "config", "transfer.hideRefs", "refs/mlgit")
    chains.run(one, [1])
    found = share(one)
    assert (found.is_sent, "does not take" in found.notes[0]) == (False, True)


def test_remote_that_does_not_answer_is_told(sides):
    one, _ = sides
    git(one, "remote", "set-url", "origin", str(one.parent / "gone.git"))
    with pytest.raises(MlgitError, match="does not answer"):
        share(one)


def test_chain_that_is_known_is_taken_where_it_still_is_so(sides):
    one, _ = sides
    old = chains.run(one, [1])
    found = verdict_sync.share(one, REF, "origin", known=old)
    assert found.chain is old
    chains.run(one, [2])
    assert chains.days(verdict_sync.share(one, REF, "origin", known=old).chain) == [1, 2]


def test_remote_can_be_an_address(sides):
    one, _ = sides
    chains.run(one, [1])
    assert verdict_sync.share(one, REF, str(one.parent / "origin.git"), recompute=recompute).is_sent


@pytest.mark.parametrize("how", ["--depth=1", "--filter=blob:none"])
def test_clone_that_lacks_history_or_files_has_the_whole_chain(sides, how):
    one, _ = sides
    top = one.parent
    git(top / "origin.git", "config", "uploadpack.allowFilter", "true")
    for number in (1, 2):
        git(one, "commit", "--quiet", "--allow-empty", "-m", str(number))
    git(one, "push", "--quiet", "origin", "HEAD:main")
    chains.run(one, [1, 2, 3])
    share(one)
    git(top, "clone", "--quiet", "--branch", "main", how, f"file://{top}/origin.git", "lacking")
    tip = remote_refs.bring(top / "lacking", "origin", REF)
    assert "?" not in git(top / "lacking", "rev-list", "--objects", "--missing=print", tip)
    assert chains.days(share(top / "lacking").chain) == [1, 2, 3]
    chains.run(top / "lacking", [4])
    assert share(top / "lacking").is_sent
    assert chains.days(share(one).chain) == [1, 2, 3, 4]


def test_push_that_meets_another_in_the_server_is_tried_again_behind_it(sides):
    one, two = sides
    chains.run(one, [1])
    chains.run(two, [2])
    hook = one / ".git/hooks/pre-push"  # between what Git has seen there and what it sends
    hook.write_text(f"#!/bin/sh\nrm .git/hooks/pre-push\nenv -u GIT_DIR git -C '{two}' push --quiet origin {REF}\n")
    hook.chmod(0o755)
    found = share(one)
    assert (found.is_sent, found.attempts, found.n_rejudged, found.notes) == (True, 2, 1, ())
    assert (chains.days(found.chain), doubled(one), on_origin(one)) == ([2, 1], [1.0, 2.0], found.chain.tip)


@pytest.fixture(params=["file", "http"])
def racers(request, tmp_path):
    """Three clones of one remote, which is a folder or a host."""
    roots = chains.clones(tmp_path, names=["a", "b", "c"])
    if request.param == "file":
        yield roots
        return
    git(tmp_path / "origin.git", "config", "http.receivepack", "true")
    with http_host(tmp_path) as address:
        for root in roots:
            git(root, "remote", "set-url", "origin", f"{address}/origin.git")
        yield roots


@pytest.mark.parametrize("number", range(ROUNDS))
def test_runners_that_race_leave_one_verdict_a_window(racers, number):
    roots = racers
    barrier = threading.Barrier(len(roots))
    faults = []

    def work(root, order):
        try:
            barrier.wait()
            for day in order:
                chains.run(root, [day])
                assert share(root).is_sent
        except Exception as error:
            faults.append(error)

    orders = [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]]
    threads = [threading.Thread(target=work, args=pair) for pair in zip(roots, orders, strict=True)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    for root in roots:
        share(root)
    assert len({verdict_refs.tip(root, REF) for root in roots} | {on_origin(roots[0])}) == 1
    found = verdict_refs.load(roots[0], REF)
    assert sorted(chains.days(found)) == [1, 2, 3, 4]
    assert len(found.entries) == 4
    assert doubled(roots[0]) == [1.0, 2.0, 4.0, 8.0]


def test_two_commands_in_one_clone_leave_one_verdict_a_window(sides):
    one, _ = sides
    barrier = threading.Barrier(2)
    faults = []

    def work(days):
        barrier.wait()
        for day in days:
            for _ in range(20):
                try:
                    chains.run(one, [day])
                    break
                except verdict_refs.ChainMovedError:
                    continue
                except MlgitError as error:
                    if "lock" not in error.message:
                        faults.append(error)

    threads = [threading.Thread(target=work, args=(days,)) for days in ([1, 2, 3, 4], [2, 1, 4, 3])]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    found = verdict_refs.load(one, REF)
    assert (sorted(chains.days(found)), len(found.entries)) == ([1, 2, 3, 4], 4)
