"""What may two processes of one member do: one after another, or at the same time?"""

from typing import Any

from howdah.cluster.actions import CloseGate, KillServer, StopServer, TakeOverLease, Wait
from howdah.cluster.changes import Change, NotAllowed, RaiseTerm, Release, Renew, apply
from howdah.cluster.changes import TakeOverLease as Taken
from howdah.cluster.decide import decide
from howdah.cluster.following import name_to_stream_under, reason_not_to_stand
from howdah.cluster.incarnation import differ, same_seat
from howdah.cluster.leading import take_over_lease
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.record import Record
from tests.cluster.builders import (
    INTENTS,
    N1,
    N2,
    N3,
    RECORD,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_server,
    a_standby,
    seen_store,
)

FIRST, AGAIN, REBOOTED, COPY = "disk.boot1.aa", "disk.boot1.bb", "disk.boot2.cc", "other.boot1.dd"
TTL_MS = INTENTS.policy.lease_ttl_ms
SILENT_MS = TTL_MS + 2 * INTENTS.policy.yield_ms


def refused(change: Change, record: Record, by: str) -> str:
    found = apply(change, record, by)
    assert isinstance(found, NotAllowed), found
    return found.reason


def made(change: Change, record: Record, by: str) -> Record:
    found = apply(change, record, by)
    assert isinstance(found, Record), found
    return found


def test_an_agent_on_its_own_seat_goes_on_and_one_on_another_seat_does_not() -> None:
    assert same_seat(FIRST, AGAIN)
    assert not same_seat(FIRST, REBOOTED)
    assert not same_seat(FIRST, COPY)
    assert same_seat("", COPY)  # of an earlier version
    assert differ(FIRST, AGAIN)
    assert not differ("", AGAIN)


def test_an_agent_that_was_restarted_in_place_renews_as_the_holder_that_it_was() -> None:
    assert made(Renew(N1, 5), a_record(incarnation=FIRST), AGAIN).lease_counter == 11


def test_a_copy_of_the_holder_s_disk_renews_nothing_and_gives_nothing_up() -> None:
    for by in (COPY, REBOOTED):
        for change in (Renew(N1, 5), RaiseTerm(N1, 5, 7), Release(N1, 5)):
            assert "another agent of n1's name and data" in refused(change, a_record(incarnation=FIRST), by)


def test_a_lease_is_taken_over_from_another_seat_only_unrenewed_and_in_a_higher_term() -> None:
    record = a_record(incarnation=FIRST)
    taken = made(Taken(N1, 5, 6, FIRST, 10), record, REBOOTED)
    assert (taken.term, taken.serving, taken.voters, taken.k) == (6, False, RECORD.voters, RECORD.k)
    assert "renewed meanwhile" in refused(Taken(N1, 5, 6, FIRST, 9), record, REBOOTED)
    assert "renewed meanwhile" in refused(Taken(N1, 5, 6, COPY, 10), record, REBOOTED)
    assert "higher term" in refused(Taken(N1, 5, 5, FIRST, 10), record, REBOOTED)
    assert "holds the record" in refused(Taken(N2, 5, 6, FIRST, 10), record, REBOOTED)


def test_taking_over_a_lease_that_was_given_up_disturbs_no_hand_over() -> None:
    released = a_record(incarnation=FIRST, released=True, serving=False)
    taken = made(Taken(N1, 5, 6, FIRST, 10), released, REBOOTED)
    assert taken.basis == released.basis
    assert taken.released


# --- the holder


def test_a_running_primary_that_sees_another_agent_of_its_name_hold_the_lease_is_killed() -> None:
    o = a_primary(store=seen_store(a_record(incarnation=COPY)), incarnation=FIRST)
    assert decide(o).action == KillServer()
    assert "another agent of n1's name and data" in decide(o).why
    assert not o.is_holder


def test_a_primary_whose_agent_was_restarted_in_place_is_left_alone() -> None:
    o = a_primary(store=seen_store(a_record(incarnation=FIRST)), incarnation=AGAIN)
    assert o.is_holder
    assert not isinstance(decide(o).action, KillServer | CloseGate)


def elsewhere(**changes: Any) -> Observation:
    """n1 after a restart of its machine, a lease and more after its last renewal."""
    store = {"expired": True, "renewal_ago_ms": SILENT_MS} | changes.pop("store", {})
    given: dict[str, Any] = {
        "store": seen_store(a_record(incarnation=FIRST), **store),
        "server": a_server(N1, ServerState.RECOVERY),
        "incarnation": REBOOTED,
        "gate_open": False,
        "served_term": 0,
        "peers": (a_peer(N2, follows=""), a_peer(N3, follows="")),
    }
    return a_primary(**(given | changes))


def test_after_a_restart_of_its_machine_the_holder_takes_its_silent_lease_over_in_a_higher_term() -> None:
    assert decide(elsewhere()).action == TakeOverLease(6)
    promised = (a_peer(N2, follows="", promise=8), a_peer(N3, follows=""))
    assert decide(elsewhere(peers=promised)).action == TakeOverLease(8)


def test_a_lease_that_is_renewed_elsewhere_is_not_taken_over() -> None:
    assert take_over_lease(elsewhere(store={"expired": False})) is None
    assert take_over_lease(elsewhere(store={"renewal_ago_ms": SILENT_MS - 1})) is None  # the voters' turn


def test_a_lease_is_not_taken_over_while_anybody_follows_the_other_one() -> None:
    assert take_over_lease(elsewhere(peers=(a_peer(N2, follows="n1"), a_peer(N3, follows="")))) is None


def test_a_lease_is_not_taken_over_by_an_agent_whose_name_is_not_surely_its_own() -> None:
    assert take_over_lease(elsewhere(unclaimed="its agent may be alive")) is None


def test_a_half_made_directory_takes_no_lease_over() -> None:
    assert take_over_lease(elsewhere(local=a_local(N1, marker=Marker.CLONING))) is None


def test_while_it_waits_it_says_for_what() -> None:
    found = decide(elsewhere(store={"expired": False}))
    assert found.action == Wait()
    assert "until it runs out" in found.why


# --- twins


def test_an_agent_whose_name_another_one_has_kills_its_server_and_ends() -> None:
    for o in (a_primary(twin="taken"), a_standby(twin="taken")):
        assert (decide(o).rule, decide(o).action, decide(o).why) == ("TWIN", KillServer(), "taken")
    assert decide(a_standby(twin="taken", server=a_server(N2, ServerState.GONE))).action == StopServer()


def test_an_agent_that_may_have_a_living_twin_neither_stands_nor_streams_under_a_voter_s_name() -> None:
    o = a_standby(unclaimed="its agent may be alive")
    assert reason_not_to_stand(o, RECORD) == "its agent may be alive"
    assert name_to_stream_under(o, RECORD) == "n2"
    assert name_to_stream_under(a_standby(), RECORD) == "n2.t5"
