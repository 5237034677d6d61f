"""What does the record's holder do?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.actions import (
    ApplySetting,
    ChangeVoters,
    DropRequest,
    KeepHouse,
    KillServer,
    Promote,
    RaiseTerm,
    ResumeService,
    Revoke,
    Serve,
    StartInRecovery,
    Switchover,
    TakeBack,
    Wait,
)
from howdah.cluster.decide import decide
from howdah.cluster.election import CATCH_UP_LIMIT_MS
from howdah.cluster.history import Link
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.leading import (
    SWITCHOVER_PATIENCE_MS,
    keep_house,
    prepare_voters,
    raise_term,
    serve,
    standings,
    take_back,
    unpromoted_entry,
)
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, PeerSight, ServerState
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Handover, Mode, Phase, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.cluster.voters import Admit, Drop, LowerK, RaiseK, Replace
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import (
    CHAIN,
    ENTRIES,
    INTENTS,
    N1,
    N2,
    N3,
    N4,
    RECORD,
    a_directory,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_report,
    a_server,
    a_walsender,
    at,
    seen_store,
    some_facts,
)

THIRD = TimelineEntry(3, 7, 2, Lsn(2000), 5)
GONE = a_server(N1, ServerState.GONE)
RECOVERY = a_server(
    N1, ServerState.RECOVERY, facts=some_facts(N1, True, upstream=None, upstream_name="", receiving=False)
)
YIELD_MS = INTENTS.policy.yield_ms


def holding(**record: Any) -> Observation:
    """n1 with another record in the store."""
    return a_primary(store=seen_store(a_record(**record)))


def not_serving(**changes: Any) -> Observation:
    return a_primary(**{"gate_open": False, "served_term": 0, "store": seen_store(a_record(serving=False)), **changes})


def test_a_primary_with_nothing_to_do_rests() -> None:
    assert decide(a_primary()).rule == "LEADING"
    assert decide(a_primary()).action == Wait()


# --- A FAILED ELECTION


def test_a_holder_that_learns_of_a_higher_promise_raises_its_own_term_in_place() -> None:
    o = a_primary(peers=(a_peer(N2, promise=7), a_peer(N3, promise=6)))
    assert decide(o).action == RaiseTerm(7)


def test_its_own_promise_counts_too_and_is_raised_before_anything_starts() -> None:
    o = a_primary(local=a_local(N1, promise=7, won_term=5), server=GONE, gate_open=False, served_term=0)
    assert decide(o).action == RaiseTerm(7)


def test_the_promise_of_a_server_that_is_cut_off_is_remembered() -> None:
    assert decide(a_primary(peers=(a_peer(N2, connected=False, promise=9), a_peer(N3)))).action == RaiseTerm(9)


def test_the_promise_of_a_server_that_was_removed_counts_for_nothing() -> None:
    assert raise_term(a_primary(peers=(a_peer(N2), a_peer(N3), a_peer(N4, promise=9)))) is None


def test_a_holder_that_a_peer_knows_to_be_replaced_does_not_raise_its_term() -> None:
    """The store was put back to an old copy that names it, after another one was served from: with a higher term it
    would lead the others back to what it has."""
    later = TimelineEntry(3, 6, 2, Lsn(2000))
    known = a_record(term=6, holder=N2, voters=(N1, N3), timelines=(*RECORD.timelines, later))
    told = raise_term(a_primary(peers=(a_peer(N2, promise=7, record=known), a_peer(N3, promise=7))))
    assert told is not None and told.action == Wait()
    assert "n2 knows n2 as holder of term 6" in told.why
    mere = a_record(lease_counter=99)
    assert decide(a_primary(peers=(a_peer(N2, promise=7, record=mere), a_peer(N3)))).action == RaiseTerm(7)


def test_whoever_gave_the_lease_up_does_not_raise_its_term() -> None:
    assert raise_term(replace(holding(released=True), peers=(a_peer(N2, promise=9),))) is None


# --- taking a release back


def released(**changes: Any) -> Observation:
    record = a_record(released=True, serving=False, handover=Handover("n2", at(5, 2000)))
    base = {"server": GONE, "gate_open": False, "served_term": 0}
    return a_primary(**{**base, "store": seen_store(record, unchanged_ms=2 * YIELD_MS), **changes})


def test_a_release_that_nobody_took_is_taken_back_by_a_new_generation_before_the_server_starts() -> None:
    assert decide(released()).action == TakeBack()


def test_others_have_some_time_to_take_it() -> None:
    early = released(store=replace(released().store, unchanged_ms=2 * YIELD_MS - 1))
    assert decide(early).action == Wait()


def test_a_candidate_that_streams_from_the_stopped_holder_gets_the_time_for_it() -> None:
    facts = some_facts(N1, True, upstream=None, upstream_name="", receiving=False, walsenders=(a_walsender(N2),))
    voted = released(server=a_server(N1, ServerState.RECOVERY, facts=facts), report=a_report(N1, holder_stopped=True))
    assert take_back(voted) is None
    assert take_back(replace(voted, report=None)) is not None
    long = 2 * YIELD_MS + CATCH_UP_LIMIT_MS
    assert take_back(replace(voted, store=replace(voted.store, unchanged_ms=long))) is not None


def test_what_is_not_there_is_not_taken_back() -> None:
    assert take_back(released(server=replace(GONE, directory=DirectoryFacts(DirectoryState.BROKEN)))) is None


def test_nobody_takes_back_while_the_cluster_is_paused() -> None:
    assert take_back(released(intents=replace(INTENTS, paused=True))) is None


def test_an_election_that_wants_the_old_primary_s_word_gets_it_first() -> None:
    assert decide(released(asked=6)).action == Revoke(6)
    assert take_back(released(asked=6)) is None
    promised = released(asked=6, local=a_local(N1, promise=6, won_term=5))
    assert take_back(promised) is not None  # its report is for a generation that then no longer is


# --- promoting and resuming


def test_the_winner_promotes_also_after_a_crash_between_swap_and_promotion() -> None:
    record = a_record(term=7, timelines=(*ENTRIES, THIRD), serving=False)
    won = not_serving(store=seen_store(record), server=RECOVERY)
    assert decide(won).action == Promote(7)
    assert decide(replace(won, server=GONE)).action == StartInRecovery()


def test_a_promotion_that_is_behind_it_is_not_made_again() -> None:
    record = a_record(term=7, timelines=(*ENTRIES, THIRD))
    chain = (*CHAIN, Link(3, 7, Lsn(3000)))
    o = a_primary(store=seen_store(record), server=a_server(N1, ServerState.PRIMARY, chain=chain))
    assert unpromoted_entry(o, record) is None
    down = a_primary(
        store=seen_store(record),
        local=a_local(N1, entries=(*ENTRIES, THIRD)),
        server=a_server(N1, ServerState.GONE, directory=a_directory(N1, timeline=3)),
    )
    assert unpromoted_entry(down, record) is None
    older = replace(down, server=GONE)
    assert unpromoted_entry(older, record) == THIRD
    assert unpromoted_entry(o, a_record(timelines=())) is None


def test_raising_the_term_in_place_asks_for_no_promotion() -> None:
    record = a_record(term=9)
    assert unpromoted_entry(a_primary(store=seen_store(record)), record) is None


@pytest.mark.parametrize("server", [GONE, RECOVERY])
def test_the_holder_resumes_its_own_term(server: Any) -> None:
    assert decide(not_serving(server=server)).action == ResumeService(5)


def test_a_restarted_holder_waits_for_the_store() -> None:
    o = not_serving(server=GONE, store=seen_store(a_record(serving=False), reachable=False))
    assert decide(o).action == Wait()


def test_a_server_whose_directory_is_gone_under_it_is_not_resumed_but_killed() -> None:
    server = a_server(N1, ServerState.RECOVERY, directory=DirectoryFacts(DirectoryState.EMPTY))
    assert decide(not_serving(server=server)).action == KillServer()


def test_a_half_made_directory_is_not_resumed() -> None:
    o = not_serving(server=GONE, local=a_local(N1, marker=Marker.REWINDING))
    assert not isinstance(decide(o).action, ResumeService | Serve)


# --- serving


def test_a_promoted_primary_serves_after_its_barrier() -> None:
    assert decide(not_serving()).action == Serve(5)


def test_every_restart_goes_through_the_barrier_again() -> None:
    assert decide(a_primary(served_term=0)).action == Serve(5)
    assert decide(a_primary(gate_open=False)).action == Serve(5)


def test_nobody_begins_to_serve_while_the_store_is_away() -> None:
    assert decide(not_serving(store=seen_store(a_record(serving=False), reachable=False))).action == Wait()


def test_a_serving_primary_goes_on_while_the_store_is_away() -> None:
    assert serve(a_primary(store=seen_store(reachable=False))) is None


def test_in_quorum_mode_clients_are_let_in_only_once_k_is_at_least_1() -> None:
    lonely = not_serving(
        store=seen_store(a_record(voters=(), k=0, serving=False)), peers=(), streaming_absent_ms=(("n2", 9), ("n3", 9))
    )
    assert decide(lonely).action == Wait()
    assert decide(lonely).rule == "PREPARE VOTERS"


def test_the_first_voters_are_admitted_and_k_is_raised_before_the_barrier() -> None:
    first = not_serving(store=seen_store(a_record(voters=(), k=0, serving=False)))
    assert decide(first).action == ChangeVoters(Admit(N2))
    admitted = not_serving(store=seen_store(a_record(voters=(N2, N3), k=0, serving=False)))
    assert decide(admitted).action == ChangeVoters(RaiseK(1, Mode.QUORUM))


def test_the_operator_s_loosening_is_done_before_the_barrier_which_may_never_pass_otherwise() -> None:
    wants_async = replace(INTENTS, mode=Mode.ASYNC)
    o = not_serving(intents=wants_async, peers=(), streaming_absent_ms=(("n2", 9000), ("n3", 9000)))
    assert decide(o).action == ChangeVoters(LowerK(0, Mode.ASYNC))


def test_a_lost_disk_s_place_passes_before_the_barrier_which_may_never_be_flushed_otherwise() -> None:
    new = Member("n2", "a-new-disk")
    o = not_serving(peers=(a_peer(new),), streaming_absent_ms=(("n2", 0), ("n3", 9000)))
    assert decide(o).action == ChangeVoters(Replace(N2, new))
    assert "take that one's place" in decide(o).why


def test_tightening_waits_until_the_barrier_has_passed() -> None:
    o = not_serving(streaming_absent_ms=(("n2", 0), ("n3", 9000)))
    assert prepare_voters(o) is None
    assert decide(o).action == Serve(5)


def test_a_cluster_that_is_not_established_yet_is_not_served_as_it_is() -> None:
    assert decide(holding(phase=Phase.INITIALISING)).action == Serve(5)


FIVE = replace(INTENTS, nodes=("n1", "n2", "n3", "n4", "n5"))
STREAM = (("n2", 0), ("n3", 0), ("n4", 0))
N5 = Member("n5", "id5")
NOSYNC = Tags(nosync=True)


def five_nodes(*peers: PeerSight, **record: Any) -> Observation:
    """n1 leads five nodes; n2 and n3 vote and stream."""
    known = (N1, N2, N3, N4, N5)
    facts = some_facts(N1, in_recovery=False, slots=tuple(f"howdah_{m.name}" for m in known[1:]))
    return a_primary(
        store=seen_store(a_record(**{"members": known, **record})), intents=FIVE, streaming_absent_ms=STREAM,
        peers=(a_peer(N2), a_peer(N3), *peers), server=a_server(N1, ServerState.PRIMARY, facts=facts),
    )  # fmt: skip


def test_nodes_that_never_vote_are_written_down_and_k_is_not_raised_for_them() -> None:
    o = five_nodes(a_peer(N4, tags=NOSYNC), a_peer(N5, tags=Tags(delay_ms=1)))
    action = decide(o).action
    assert isinstance(action, KeepHouse)
    assert action.voteless == ("n4", "n5")


def test_k_stays_while_who_never_votes_is_away_and_nobody_has_heard_of_it() -> None:
    assert isinstance(decide(five_nodes(voteless=("n4", "n5"))).action, Wait)
    assert decide(five_nodes(voteless=("n5",))).action == ChangeVoters(RaiseK(2, Mode.QUORUM))


def test_k_is_lowered_for_a_changed_tag_only_once_the_record_says_so() -> None:
    peers = (a_peer(N4, tags=NOSYNC), a_peer(N5, tags=NOSYNC))
    assert isinstance(decide(five_nodes(*peers, k=2)).action, KeepHouse)
    written = five_nodes(*peers, k=2, voteless=("n4", "n5"))
    assert decide(written).action == ChangeVoters(LowerK(1, Mode.QUORUM))
    assert isinstance(decide(replace(written, config_known=False)).action, Wait)


def test_a_primary_that_never_votes_itself_changes_nothing_for_k() -> None:
    o = replace(five_nodes(voteless=("n1", "n5")), tags=NOSYNC)
    assert isinstance(decide(o).action, Wait)


# --- who is fit to be a voter


def standing(peer: PeerSight, absent_ms: int = 0, **record: Any) -> Any:
    o = a_primary(
        store=seen_store(a_record(**record)),
        peers=(peer,),
        streaming_absent_ms=((peer.published.member.name, absent_ms),),
    )
    return standings(o, a_record(**record))[0]


def test_a_streaming_standby_that_passed_prefix_is_fit() -> None:
    assert standing(a_peer(N3), voters=(N2,)).fit
    assert not standing(a_peer(N3), absent_ms=1, voters=(N2,)).fit


@pytest.mark.parametrize("mode", list(Mode))
def test_a_standby_whose_history_was_not_checked_for_this_term_is_not_fit(mode: Mode) -> None:
    assert "PREFIX" in standing(a_peer(N3, prefix_term=4), voters=(N2,), mode=mode).reason


@pytest.mark.parametrize(
    "tags", [Tags(priority=0), Tags(nofailover=True), Tags(delay_ms=1), Tags(replicate_from="n2"), Tags(nosync=True)]
)
def test_servers_that_may_never_be_primary_are_no_voters(tags: Tags) -> None:
    assert "tags" in standing(a_peer(N3, tags=tags)).reason


def test_a_server_below_its_floor_or_half_made_is_not_fit() -> None:
    assert "floor" in standing(a_peer(N3, may_vote_now=False)).reason


def test_a_server_whose_replay_lags_too_far_is_not_fit() -> None:
    limit = INTENTS.policy.voter_replay_lag_ms
    assert standing(a_peer(N3, replay_lag_ms=limit)).fit
    assert "lags" in standing(a_peer(N3, replay_lag_ms=limit + 1)).reason


def test_a_server_that_hot_standby_would_refuse_is_not_fit() -> None:
    primary = a_server(N1, ServerState.PRIMARY, facts=some_facts(N1, False, sensitive=(("max_connections", 100),)))
    o = a_primary(server=primary, peers=(a_peer(N3, sensitive=(("max_connections", 99),)),))
    assert "hot standby" in standings(o, RECORD)[0].reason


def test_a_voter_whose_agent_was_not_heard_yet_is_not_dropped_while_it_streams() -> None:
    assert decide(a_primary(peers=(a_peer(N2),))).action == Wait()
    gone = a_primary(peers=(a_peer(N2),), streaming_absent_ms=(("n2", 0), ("n3", 10_000)))
    action = decide(gone).action
    assert isinstance(action, ChangeVoters)
    assert isinstance(action.change, Drop)


def test_a_dead_voter_is_dropped_while_serving() -> None:
    action = decide(a_primary(streaming_absent_ms=(("n2", 0), ("n3", 10_000)))).action
    assert isinstance(action, ChangeVoters)
    assert isinstance(action.change, Drop)
    assert action.change.voter == N3


# --- switchover, settings and slots


def asked_switchover(**request: Any) -> Observation:
    wanted = SwitchoverRequest(**{"id": "1", "to": "n2", **request})
    return a_primary(intents=replace(INTENTS, switchover=wanted), now_wall_ms=100_000)


def test_a_switchover_is_done_when_its_time_has_come() -> None:
    assert decide(asked_switchover(at_wall_ms=100_001)).action == Wait()
    action = decide(asked_switchover(at_wall_ms=100_000)).action
    assert isinstance(action, Switchover)
    assert action.to == "n2"


def test_a_switchover_that_waits_for_its_target_does_not_keep_the_target_from_becoming_a_voter() -> None:
    o = replace(asked_switchover(to="n3", at_wall_ms=99_999), store=seen_store(a_record(voters=(N2,))))
    assert decide(o).action == ChangeVoters(Admit(N3))


def test_a_switchover_that_cannot_begin_waits_a_while_and_is_then_dropped() -> None:
    away = (a_peer(N2, connected=False), a_peer(N3))
    waiting = replace(asked_switchover(at_wall_ms=99_999), peers=away)
    assert decide(waiting).action == Wait()
    assert "cannot begin" in decide(waiting).why
    late = replace(waiting, now_wall_ms=100_000 + SWITCHOVER_PATIENCE_MS)
    assert isinstance(decide(late).action, DropRequest)


def test_a_switchover_that_was_to_be_done_at_once_is_dropped_in_a_later_term() -> None:
    assert isinstance(decide(asked_switchover(term=5)).action, Switchover)
    left = decide(asked_switchover(term=4))
    assert isinstance(left.action, DropRequest)
    assert "term 4" in left.why and "ask again" in left.why
    assert isinstance(decide(asked_switchover(at_wall_ms=99_999, term=0)).action, Switchover)  # planned for a time


def test_a_switchover_to_the_primary_itself_is_done_already() -> None:
    assert isinstance(decide(asked_switchover(to="n1", at_wall_ms=99_999)).action, DropRequest)


def test_settings_that_somebody_changed_are_brought_back() -> None:
    o = a_primary(server=a_server(N1, ServerState.PRIMARY, settings_current=False))
    assert decide(o).action == ApplySetting()


def test_slots_are_made_before_anybody_waits_for_them() -> None:
    o = not_serving(server=a_server(N1, ServerState.PRIMARY, facts=some_facts(N1, False, slots=("howdah_n2",))))
    assert decide(o).action == KeepHouse(("n2", "n3"), RECORD.members)


def test_slots_of_removed_members_go_and_the_record_learns_new_ids() -> None:
    slots = ("howdah_n2", "howdah_n3", "howdah_n9")
    extra = a_primary(server=a_server(N1, ServerState.PRIMARY, facts=some_facts(N1, False, slots=slots)))
    assert isinstance(decide(extra).action, KeepHouse)
    new_disk = Member("n3", "a-new-disk")
    o = a_primary(peers=(a_peer(N2), a_peer(new_disk, may_vote_now=False)))
    proposal = keep_house(o)
    assert proposal is not None
    assert proposal.action == KeepHouse(("n2", "n3"), (N1, N2, new_disk))
