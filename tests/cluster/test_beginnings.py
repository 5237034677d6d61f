"""The first start, the record lost, and the door."""

from dataclasses import replace
from typing import Any

from howdah.cluster.actions import (
    BeginFirstStart,
    ForcePromotion,
    Initialise,
    KillServer,
    RebuildRecord,
    RecreateRecord,
    StartInRecovery,
    TakeOverFirstStart,
    Wait,
)
from howdah.cluster.beginnings import has_past, missing_for_rebuild, newest_record
from howdah.cluster.decide import decide
from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.values.lsn import Lsn
from howdah.values.member import Member
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
    at,
    seen_store,
)

EMPTY = a_server(N1, ServerState.GONE, directory=DirectoryFacts(DirectoryState.EMPTY))
FIRST = a_record(phase=Phase.INITIALISING, voters=(), k=0, serving=False, timelines=(), system_identifier="")
NEW = Member("n1", "")


def newborn(**changes: Any) -> Observation:
    """n1 before anything exists."""
    base = {
        "me": NEW, "local": LocalState(), "store": seen_store(None), "server": EMPTY, "initial": True,
        "gate_open": False, "served_term": 0, "peers": (a_peer(N2, record=None), a_peer(N3, record=None)),
    }  # fmt: skip
    return a_primary(**{**base, **changes})


# --- first start


def test_the_first_node_begins_where_nothing_exists() -> None:
    assert decide(newborn()).action == BeginFirstStart()


def test_any_other_node_waits_for_it() -> None:
    assert decide(newborn(initial=False)).action == Wait()


def test_before_the_store_has_answered_nothing_begins() -> None:
    assert decide(newborn(store=replace(seen_store(None), known=False, reachable=False))).action == Wait()


def test_a_store_that_lost_its_record_does_not_look_like_a_new_one() -> None:
    assert has_past(newborn(peers=(a_peer(N2),)))
    assert has_past(newborn(peers=(a_peer(N2, connected=False),)))
    assert has_past(newborn(local=a_local(N1)))
    for reachable in (True, False):
        o = newborn(peers=(a_peer(N2),), store=seen_store(None, reachable=reachable))
        assert not isinstance(decide(o).action, BeginFirstStart)


def test_whoever_the_record_names_makes_the_first_directory_also_after_a_crash_midway() -> None:
    begun = newborn(me=N1, store=seen_store(FIRST))
    assert decide(begun).action == Initialise()
    half = replace(
        begun, server=a_server(N1, ServerState.GONE), local=LocalState(member_id="id1", marker=Marker.INITIALISING)
    )
    assert decide(half).action == Initialise()


def test_a_node_that_lost_its_disk_in_the_first_start_takes_over_from_its_former_self() -> None:
    fresh = newborn(store=seen_store(FIRST))
    assert decide(fresh).action == Wait()
    assert decide(newborn(store=seen_store(FIRST, expired=True))).action == TakeOverFirstStart()


def another(**changes: Any) -> Observation:
    base = {"me": Member("n2", ""), "initial": False, "peers": (), "store": seen_store(FIRST, expired=True)}
    return newborn(**{**base, **changes})


def test_a_first_start_that_went_silent_is_taken_over_after_the_lease() -> None:
    assert decide(another()).action == TakeOverFirstStart()
    assert decide(another(store=seen_store(FIRST))).action == Wait()


def test_it_is_not_taken_over_by_a_node_with_data_or_one_that_may_not_lead_or_while_paused() -> None:
    assert not isinstance(decide(another(tags=Tags(priority=0))).action, TakeOverFirstStart)
    assert not isinstance(decide(another(intents=replace(INTENTS, paused=True))).action, TakeOverFirstStart)
    full = a_standby(store=seen_store(a_record(phase=Phase.INITIALISING, lease_counter=11), expired=True))
    assert not isinstance(decide(full).action, TakeOverFirstStart)


def left_over(**changes: Any) -> Observation:
    """n2 has a directory of n1's first start (its own once, or a clone of it), which never served, and runs it."""
    local = a_local(N2, record=FIRST, promise=1)
    base = {"store": seen_store(FIRST, expired=True), "local": local, "peers": ()}
    return a_standby(N2, **{**base, **changes})


def test_a_directory_that_never_served_does_not_keep_its_node_from_beginning_anew() -> None:
    assert decide(left_over()).action == TakeOverFirstStart()
    half = LocalState(member_id="id2", marker=Marker.INITIALISING)
    assert decide(left_over(local=half, server=a_server(N2, ServerState.GONE))).action == TakeOverFirstStart()
    cloning = replace(half, marker=Marker.CLONING)
    refused = left_over(local=cloning, server=a_server(N2, ServerState.GONE))
    assert not isinstance(decide(refused).action, TakeOverFirstStart)
    for known in (RECORD, None):
        assert not isinstance(decide(left_over(local=a_local(N2, record=known))).action, TakeOverFirstStart)


def test_what_it_had_serves_for_the_new_first_start_once_it_is_stopped() -> None:
    mine = seen_store(replace(FIRST, term=2, generation=2, holder=N2))
    assert decide(left_over(store=mine)).action == KillServer()
    assert decide(left_over(store=mine, server=a_server(N2, ServerState.GONE))).action == Initialise()
    made = seen_store(a_record(phase=Phase.INITIALISING, voters=(), k=0, serving=False, holder=N2))
    assert not isinstance(decide(left_over(store=made, server=a_server(N2, ServerState.GONE))).action, Initialise)


def test_a_store_that_was_put_back_to_its_beginning_is_not_taken_over() -> None:
    assert decide(another(peers=(a_peer(N3),))).action == Wait()
    assert not isinstance(decide(another(local=a_local(N2))).action, TakeOverFirstStart)


def test_an_established_cluster_is_never_taken_over() -> None:
    established = replace(FIRST, phase=Phase.ESTABLISHED)
    assert not isinstance(decide(another(store=seen_store(established, expired=True))).action, TakeOverFirstStart)


# --- the record lost


def test_a_serving_holder_with_k_confirmations_writes_the_record_again() -> None:
    assert decide(a_primary(store=seen_store(None), confirmations=1)).action == RecreateRecord()
    assert decide(a_primary(store=seen_store(None), confirmations=0)).action == Wait()


def test_so_it_does_in_the_place_of_an_old_copy() -> None:
    old = seen_store(a_record(term=4, lease_counter=3))
    assert decide(a_primary(store=old, confirmations=1)).action == RecreateRecord()
    assert decide(a_primary(store=old, confirmations=0)).action == Wait()


def test_with_k_0_nobody_confirms_anything() -> None:
    alone = a_primary(store=seen_store(None), local=a_local(N1, record=a_record(k=0, voters=())), confirmations=5)
    assert decide(alone).action == Wait()


def test_a_restarted_holder_does_not_write_its_copy_again() -> None:
    restarted = a_primary(store=seen_store(None), served_term=0, confirmations=2, peers=())
    assert not isinstance(decide(restarted).action, RecreateRecord)


def lost(*peers: Any, **changes: Any) -> Observation:
    """n2 in recovery; the store answers that there is no record."""
    return a_standby(**{"store": seen_store(None), "peers": peers, **changes})


def stopped_holder(**changes: Any) -> Any:
    return a_peer(N1, primary=False, serving_term=0, promoted_term=0, **changes)


def test_with_every_server_here_the_record_is_rebuilt_in_a_term_above_all_promises() -> None:
    assert decide(lost(stopped_holder(), a_peer(N3))).action == RebuildRecord(6)
    assert decide(lost(stopped_holder(), a_peer(N3, promise=8))).action == RebuildRecord(8)


def test_a_term_that_only_wal_or_a_map_remembers_is_not_won_again() -> None:
    written = a_peer(N3, position=at(7, 0x9000))
    assert decide(lost(stopped_holder(), written)).action == RebuildRecord(8)
    mapped = a_local(N2, entries=(*RECORD.timelines, TimelineEntry(9, 8, 2, Lsn(0x9000), 5)))
    assert decide(lost(stopped_holder(), a_peer(N3), local=mapped)).action == RebuildRecord(9)


def test_while_the_holder_still_serves_it_is_left_to_write_the_record_again() -> None:
    decision = decide(lost(a_peer(N1), a_peer(N3)))
    assert decision.action == Wait()
    assert "still serves" in decision.why


def test_with_a_server_missing_nobody_is_promoted() -> None:
    assert decide(lost(stopped_holder())).action == Wait()
    assert decide(lost(stopped_holder(), a_peer(N3, connected=False))).action == Wait()


def test_a_server_with_a_new_disk_is_not_the_one_that_was_a_member() -> None:
    new_disk = a_peer(Member("n3", "a-new-disk"))
    decision = decide(lost(stopped_holder(), new_disk))
    assert decision.action == Wait()
    assert "another data directory" in decision.why


def test_a_server_with_an_incomplete_directory_can_only_be_given_up_and_that_is_said() -> None:
    half = a_peer(N3, position=None, incomplete="rewinding")
    decision = decide(lost(stopped_holder(), half))
    assert decision.action == Wait()
    assert "the data directory of n3 is incomplete (rewinding)" in decision.why
    assert "Stop n3. Or decide with `howdah failover --accept-data-loss`" in decision.why
    assert decide(lost(stopped_holder(), a_peer(N3, connected=False), door=("n3",))).action == RebuildRecord(6, ("n3",))
    own = lost(stopped_holder(), a_peer(N3), local=a_local(N2, marker=Marker.REWINDING))
    assert "n2 is incomplete" in missing_for_rebuild(own)


def test_whoever_was_ever_a_member_has_to_be_here() -> None:
    gone = Member("n9", "id9")
    wider = a_record(members=(N1, N2, N3, gone))
    o = lost(stopped_holder(record=wider), a_peer(N3))
    assert "n9" in missing_for_rebuild(replace(o, local=a_local(N2, record=wider)))


def test_the_newest_copy_says_who_is_needed() -> None:
    newer = a_record(lease_counter=99)
    assert newest_record(lost(a_peer(N1, record=newer))) == newer
    assert newest_record(lost(a_peer(N1, record=None), local=a_local(N2, record=None))) is None


def test_servers_start_in_recovery_and_wait_and_a_paused_cluster_stays_as_it_is() -> None:
    assert decide(lost(server=a_server(N2, ServerState.GONE))).action == StartInRecovery()
    paused = lost(stopped_holder(), a_peer(N3), intents=replace(INTENTS, paused=True))
    assert decide(paused).action == Wait()


# --- the door


def at_the_door(record: Record = RECORD, expired: bool = True, **changes: Any) -> Observation:
    return a_standby(**{"store": seen_store(record, expired=expired), "door": ("n1",), **changes})


def test_the_door_waits_the_lease_out() -> None:
    assert decide(at_the_door()).action == ForcePromotion(RECORD.basis, ("n1",))
    assert decide(at_the_door(expired=False)).action == Wait()
    released = a_record(released=True)
    assert decide(at_the_door(released, expired=False)).action == ForcePromotion(released.basis, ("n1",))


def test_a_holder_that_was_not_given_up_is_followed_and_not_forced_out() -> None:
    """The door was opened for a record that is no more: meanwhile somebody leads."""
    assert not isinstance(decide(at_the_door(door=())).action, ForcePromotion)
    assert decide(at_the_door(expired=False, door=())).rule != "THE DOOR"


def test_the_holder_itself_has_no_use_for_the_door() -> None:
    assert not isinstance(decide(a_primary(door=("n2",))).action, ForcePromotion)
