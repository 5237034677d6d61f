"""Where does an agent wait, because what it knows may be too little?"""

from dataclasses import replace

from howdah.cluster.actions import (
    BeginFirstStart,
    ChangeVoters,
    Clone,
    KillServer,
    Revoke,
    StartInRecovery,
    Wait,
    preempts,
)
from howdah.cluster.beginnings import HEAR_OTHERS_MS, first_start
from howdah.cluster.decide import decide
from howdah.cluster.following import STORE_FIRST_MS, revoke, start_in_recovery
from howdah.cluster.leading import change_voters, standings
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import ServerState, StoreView
from howdah.cluster.record import Mode
from howdah.values.member import Member
from tests.cluster.builders import N2, N3, a_peer, a_primary, a_record, a_standby


def test_the_first_node_hears_the_others_before_it_begins_a_cluster() -> None:
    """Its own empty disk and an empty store say nothing of what lies on theirs."""
    empty = replace(
        a_standby(), me=Member("n1", ""), local=LocalState(), store=StoreView(known=True, reachable=True),
        initial=True, peers=(), uptime_ms=HEAR_OTHERS_MS - 1,
    )  # fmt: skip
    early, late = first_start(empty), first_start(replace(empty, uptime_ms=HEAR_OTHERS_MS))
    assert early is not None and early.action == Wait() and "n2, n3" in early.why
    assert late is not None and late.action == BeginFirstStart()


def test_an_agent_s_own_file_lowers_nobody_s_guarantee() -> None:
    """Until the cluster's settings were read, the file's mode is not the operator's word."""
    held = a_primary()
    wants_async = replace(held, intents=replace(held.intents, mode=Mode.ASYNC))
    told = change_voters(wants_async)
    assert told is not None and isinstance(told.action, ChangeVoters)
    assert change_voters(replace(wants_async, config_known=False)) is None


def test_a_server_that_has_to_be_killed_gets_no_rest() -> None:
    """A kill that failed once is tried again at once, however long other actions would rest."""
    deposed = replace(a_primary(), store=replace(a_primary().store, record=a_record(term=9, holder=N2)))
    again = replace(deposed, failed=KillServer(), backoff_ms=5000)
    assert decide(deposed).action == decide(again).action == KillServer()


def test_a_server_with_other_collations_or_another_major_version_is_no_voter() -> None:
    held = a_primary()
    record = held.store.record
    facts = held.server.facts
    assert record is not None and facts is not None
    held = replace(held, server=replace(held.server, facts=replace(facts, collation="C.UTF-8 2.36", version=180_001)))
    other = a_peer(N2, collation="C.UTF-8 2.28", version=180_003)
    older = a_peer(N3, collation="C.UTF-8 2.36", version=170_009)
    found = {s.member.name: s.reason for s in standings(replace(held, peers=(other, older)), record)}
    assert "collations" in found["n2"] and "major version" in found["n3"]


def test_a_server_that_does_not_start_is_cloned_once_and_not_for_ever() -> None:
    """What keeps a fresh clone from starting is not in the data; more clones would only fill the disk."""
    gone = replace(a_standby(), local=replace(a_standby().local, floor=None))
    stopped = replace(gone.server, state=ServerState.GONE, facts=None, chain=None, failed_starts=10)
    first = start_in_recovery(replace(gone, server=stopped))
    assert first is not None and isinstance(first.action, Clone)
    again = start_in_recovery(replace(gone, server=replace(stopped, clones_in_vain=1)))
    assert again is not None and again.action == StartInRecovery() and "log/postgresql.log" in again.why


def test_an_agent_that_starts_asks_the_store_before_it_starts_its_server() -> None:
    """It may be the holder's, which would then be started twice: in recovery, and again as a primary."""
    stopped = replace(a_standby().server, state=ServerState.GONE, facts=None, chain=None)
    asleep = replace(a_standby(), server=stopped, store=StoreView(), uptime_ms=100)
    early, late = start_in_recovery(asleep), start_in_recovery(replace(asleep, uptime_ms=STORE_FIRST_MS))
    assert early is not None and early.action == Wait()
    assert late is not None and late.action == StartInRecovery()


def test_a_voter_that_is_cloned_anew_while_its_server_runs_still_answers_a_vote() -> None:
    """A clone may take hours, or hang: the election must not wait for it."""
    busy = replace(a_standby(), busy=Clone("n1", None, keep_aside=False), asked=9)
    found = revoke(busy)
    assert found is not None and found.action == Revoke(9)
    assert preempts(found.action, Clone("n1", None, keep_aside=False))
    empty = replace(busy, server=replace(busy.server, state=ServerState.GONE, facts=None, chain=None))
    assert revoke(empty) is None
