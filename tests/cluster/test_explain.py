"""`howdah explain`: why the cluster is as it is, in sentences, and what is wrong with it."""

from dataclasses import replace
from typing import Any

from howdah.cluster.actions import Switchover
from howdah.cluster.decide import decide
from howdah.cluster.explain import explain, problems, switchover_sentence
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.observation import Observation
from howdah.cluster.peerstate import NodeState, Tags
from howdah.cluster.record import Handover, Mode
from howdah.values.member import Member
from tests.cluster.builders import (
    INTENTS,
    N1,
    N2,
    N3,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_standby,
    at,
    seen_store,
)


def said(o: Observation) -> str:
    return "\n".join(explain(o, decide(o)))


def holding(**record: Any) -> Observation:
    return a_primary(store=seen_store(a_record(**record)))


def test_a_healthy_cluster_has_no_problems() -> None:
    assert problems(a_primary()) == ()
    assert problems(a_standby()) == ()


def test_it_says_who_leads_and_what_a_commit_waits_for() -> None:
    text = said(a_primary())
    assert "n1 is the primary of term 5 and serves." in text
    assert "once 1 of the voters (n2, n3) has flushed it" in text
    assert "If n1 dies, 2 voters of these must be there" in text
    assert "n2 may become primary; it is streaming." in text


def test_several_voters_have_flushed_and_one_has() -> None:
    assert "once 2 of the voters (n2, n3) have flushed it" in said(holding(k=2))
    none = problems(a_primary(streaming_absent_ms=(("n2", 1), ("n3", 1))))
    assert any("1 of the voters (n2, n3) streams, and none does" in p for p in none)


def test_a_planned_switchover_is_told_with_its_time_and_one_under_way_as_such() -> None:
    noon = 1_777_896_000_000  # 2026-05-04 12:00:00 UTC
    asked = replace(INTENTS, switchover=SwitchoverRequest("r", "n2", noon))
    soon = a_primary(intents=asked, now_wall_ms=noon - 60_000)
    assert "A switchover to n2 is planned for 12:00:00 UTC." in said(soon)
    assert "planned for 2026-05-04 12:00:00 UTC" in switchover_sentence(replace(soon, now_wall_ms=noon - 90_000_000))
    assert "has not begun" in switchover_sentence(replace(soon, now_wall_ms=noon))
    busy = Switchover(SwitchoverRequest("r", "", noon), "n3")
    assert switchover_sentence(a_primary(busy=busy)) == "a switchover to n3 is under way"
    assert switchover_sentence(a_primary()) == ""


def test_it_says_what_async_mode_risks_and_when_nobody_flushes() -> None:
    assert "may lose the last ones" in said(holding(mode=Mode.ASYNC, k=0))
    assert "no client is let in" in said(holding(voters=(), k=0))


def test_it_says_that_the_lead_was_given_up_or_is_not_served_yet() -> None:
    given = a_record(released=True, serving=False, handover=Handover("n2", at(5, 2000)))
    assert "gave the lead of term 5 up, for n2" in said(a_standby(store=seen_store(given)))
    assert "does not serve yet" in said(a_standby(store=seen_store(a_record(serving=False))))


def test_a_holder_that_nobody_hears_is_not_said_to_serve() -> None:
    heard = said(a_standby())
    silent = said(a_standby(peers=(a_peer(N1, connected=False), a_peer(N3))))
    assert "n1 is the primary of term 5 and serves." in heard
    assert "n1 holds term 5, and its agent is not reachable." in silent and "and serves" not in silent


def test_it_says_why_each_standby_cannot_become_primary() -> None:
    assert "its agent is not reachable" in said(a_primary(peers=(a_peer(N2, connected=False),)))
    assert "its tags forbid it" in said(a_primary(peers=(a_peer(N2, tags=Tags(nofailover=True)),)))
    unchecked = replace(holding(voters=(N2,)), peers=(a_peer(N2), a_peer(N3, prefix_term=4)))
    assert "not a voter of term 5, because its history has not been checked" in said(unchecked)
    assert "n3 has not been heard of" in said(a_primary(peers=(a_peer(N2),)))


def test_a_standby_says_whether_it_could_lead_itself() -> None:
    assert "n2 may become primary." in said(a_standby())
    assert "n2 cannot become primary now: it is still below" in said(a_standby(local=a_local(N2, floor=at(5, 3000))))


def test_before_the_store_has_answered_it_says_so() -> None:
    silent = a_standby(store=seen_store(None, known=False, reachable=False))
    assert "The store does not answer" in said(silent)
    assert "the store does not answer" in problems(silent)


def test_each_problem_is_named() -> None:
    assert any("nobody serves writes" in p for p in problems(holding(serving=False)))
    assert any(
        "writes wait until 1 of the voters" in p
        for p in problems(a_primary(streaming_absent_ms=(("n2", 1), ("n3", 1))))
    )
    assert any("must flush a commit: 2 (quorum); asked for: 1" in p for p in problems(holding(k=2)))
    assert any("n2: its agent is not reachable" in p for p in problems(a_primary(peers=(a_peer(N3),))))
    stopped = a_primary(peers=(a_peer(N2, state=NodeState.STOPPED, reason="so"), a_peer(N3)))
    assert "n2 is stopped: so" in problems(stopped)
    waiting = a_primary(peers=(a_peer(N2, pending_restart=("max_connections",)), a_peer(N3)))
    assert any("pending a restart for max_connections" in p for p in problems(waiting))
    assert any("paused" in p for p in problems(a_primary(intents=replace(INTENTS, paused=True))))
    old = a_standby(store=seen_store(a_record(lease_counter=1)))
    assert any("put back to an old copy" in p for p in problems(old))


def test_while_a_lost_disk_is_replaced_it_says_why_writes_wait_and_what_mends_it() -> None:
    new2, new3 = Member("n2", "a-new-disk"), Member("n3", "")
    here = a_primary(peers=(a_peer(new2), a_peer(new3)), streaming_absent_ms=(("n2", 0), ("n3", 9000)))
    wait = "writes wait until 1 of the voters (n2, n3) streams, and none does: "
    lost = "came back without the data directory that was a voter, and the new one takes its place by itself"
    assert f"{wait}n2 and n3 {lost} once it is cloned and has all that n1 has" in problems(here)
    assert "n2 cannot become primary: it is not a voter of term 5, because its data directory is another" in said(here)
    silent = replace(here, peers=(a_peer(new2), a_peer(N3, connected=False)))
    assert f"{wait}n2 {lost} once it is cloned and has all that n1 has; start n3" in problems(silent)
    standby = a_standby(new2, peers=(a_peer(N1), a_peer(new3)))
    assert any(p.startswith(f"{wait}n2 and n3 {lost}") for p in problems(standby))


def test_it_says_that_a_node_sorts_text_in_another_way() -> None:
    here = a_primary()
    assert here.server.facts is not None
    sorted_here = replace(
        here, server=replace(here.server, facts=replace(here.server.facts, collation="libc C.UTF-8 2.36"))
    )
    other = replace(sorted_here, peers=(a_peer(N2, collation="libc C.UTF-8 2.41"), a_peer(N3, collation="")))
    assert [p for p in problems(other) if p.startswith("n2 sorts text by libc C.UTF-8 2.41, n1 by libc C.UTF-8 2.36")]
    assert not any("sorts text" in p for p in problems(sorted_here))
