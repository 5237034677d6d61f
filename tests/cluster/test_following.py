"""What does a server do that does not hold the record?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.actions import (
    ApplySetting,
    Campaign,
    CatchUp,
    Clone,
    FinishFloor,
    Follow,
    Initialise,
    KillServer,
    LetGo,
    Revoke,
    Rewind,
    StartFollowing,
    StartInRecovery,
    Wait,
    preempts,
)
from howdah.cluster.decide import decide
from howdah.cluster.following import reason_not_to_stand, revoke
from howdah.cluster.history import Link
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, PeerSight, ServerState
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Handover, Mode, Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState, HistoryStep
from howdah.cluster.suspicion import Ground
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import (
    CHAIN,
    ENTRIES,
    FACTS_HISTORY,
    FIRST,
    GONE_SIGHT,
    INTENTS,
    N1,
    N2,
    N3,
    N4,
    RECORD,
    SECOND,
    a_directory,
    a_local,
    a_peer,
    a_record,
    a_report,
    a_server,
    a_standby,
    address_of,
    at,
    seen_store,
    some_facts,
)

DIVERGED = (Link(1, 1, Lsn(1500)),)
YIELD_MS = INTENTS.policy.yield_ms


def seeing(record: Record, **changes: Any) -> Observation:
    """n2 with another record in the store."""
    return a_standby(**{"store": seen_store(record), **changes})


def in_recovery(member: Member = N2, **changes: Any) -> Any:
    """A server in recovery that follows nobody."""
    facts = some_facts(member, True, upstream=None, upstream_name="", receiving=False)
    return a_server(member, ServerState.RECOVERY, **{"facts": facts, **changes})


def test_a_streaming_standby_rests() -> None:
    assert decide(a_standby()).action == Wait()
    assert decide(a_standby()).rule == "STANDING BY"


# --- NEVER WITHDRAWN and revocation


def test_a_voter_that_is_asked_for_a_term_revokes_itself() -> None:
    assert decide(a_standby(asked=6)).action == Revoke(6)


def test_a_former_primary_that_does_not_run_is_revoked_too() -> None:
    o = a_standby(
        N1, store=seen_store(a_record(term=6, holder=N2, voters=(N1, N3))), server=a_server(N1, ServerState.GONE)
    )
    assert decide(replace(o, asked=7)).action == Revoke(7)


def test_a_term_not_above_the_record_s_or_below_the_promise_is_not_promised() -> None:
    assert revoke(a_standby(asked=5)) is None
    assert revoke(a_standby(asked=6, local=a_local(N2, promise=7))) is None


def test_asked_again_for_the_same_term_it_reports_again() -> None:
    promised = a_standby(asked=6, local=a_local(N2, promise=6))
    assert decide(promised).action == Revoke(6)
    assert revoke(replace(promised, report=a_report(N2))) is None


def test_a_report_for_another_record_is_made_anew() -> None:
    stale = a_report(N2, basis=a_record(generation=7).basis)
    assert decide(a_standby(asked=6, local=a_local(N2, promise=6), report=stale)).action == Revoke(6)


def test_the_holder_is_not_revoked_while_it_holds_the_record() -> None:
    assert revoke(a_standby(N1, asked=6)) is None


def test_a_server_follows_no_primary_below_its_promise() -> None:
    o = a_standby(local=a_local(N2, promise=6), server=in_recovery())
    assert decide(o).action == Wait()


def test_whoever_promised_follows_again_once_the_holder_has_raised_its_term() -> None:
    raised = a_record(term=6)
    o = seeing(
        raised,
        local=a_local(N2, promise=6),
        asked=6,
        report=a_report(N2),
        peers=(a_peer(N1, promoted_term=6), a_peer(N3)),
        server=in_recovery(),
    )
    assert decide(o).action == Follow(N1, 6, "n2.t6", "n1")


# --- following


def the_leader(member: Member = N3, **changes: Any) -> PeerSight:
    """n3, promoted in term 6, as it tells of itself."""
    told = {"timeline": 3, "history": (*FACTS_HISTORY, HistoryStep(2, Lsn(2000)))}
    promoted = {"primary": True, "promoted_term": 6, "position": at(6, 2100), "follows": ""}
    return a_peer(member, **{**told, **promoted, **changes})


def new_term(**changes: Any) -> Observation:
    """n3 won term 6 and is promoted; n2 still streams from n1."""
    entry = TimelineEntry(3, 6, 2, Lsn(2000), 5)
    record = a_record(term=6, holder=N3, voters=(N1, N2), timelines=(*ENTRIES, entry), serving=False, lease_counter=11)
    base = {"peers": (a_peer(N1, connected=False), the_leader()), "server": in_recovery()}
    return seeing(record, **{**base, **changes})


def test_a_prefix_follows_the_promoted_holder_at_once_under_the_name_of_its_term() -> None:
    assert decide(new_term()).action == Follow(N3, 6, "n2.t6", "n3")


def test_a_holder_that_is_not_promoted_yet_is_not_followed() -> None:
    waiting = new_term(peers=(the_leader(promoted_term=0),))
    assert decide(waiting).action == Wait()


def test_a_holder_is_not_followed_by_a_map_that_says_something_else_of_its_timeline_than_it_does_itself() -> None:
    """The holder corrected the record, and this agent has not read it yet: PREFIX would be judged by a wrong switch."""
    shorter = the_leader(history=(*FACTS_HISTORY, HistoryStep(2, Lsn(1990))))
    assert decide(new_term(peers=(shorter,))).action == Wait()
    assert decide(new_term(peers=(the_leader(timeline=4),))).action == Wait()


def test_another_disk_under_the_holder_s_name_is_not_followed() -> None:
    imposter = the_leader(Member("n3", "another-disk"))
    assert decide(new_term(peers=(imposter,))).action == Wait()


def test_a_server_that_is_no_voter_streams_under_its_bare_name_which_stands_in_no_setting() -> None:
    o = seeing(a_record(voters=(N3,)), server=in_recovery())
    assert decide(o).action == Follow(N1, 5, "n2", "n1")


def test_a_non_voter_is_checked_again_for_each_term_so_that_it_can_be_admitted() -> None:
    bare = a_server(N2, ServerState.RECOVERY, facts=some_facts(N2, True, upstream_name="n2"))
    settled = seeing(a_record(voters=(N3,)), server=bare)
    assert decide(settled).action == Wait()
    assert decide(replace(settled, prefix_term=4)).action == Follow(N1, 5, "n2", "n1")
    assert decide(replace(settled, local=a_local(N2, promise=4))).action == Follow(N1, 5, "n2", "n1")


def test_an_admitted_voter_streams_again_under_the_voter_s_name() -> None:
    bare = a_server(N2, ServerState.RECOVERY, facts=some_facts(N2, True, upstream_name="n2"))
    assert decide(a_standby(server=bare)).action == Follow(N1, 5, "n2.t5", "n1")


def test_a_cascading_standby_streams_from_its_peer_under_its_bare_name() -> None:
    o = seeing(a_record(voters=(N2,)), me=N3, tags=Tags(replicate_from="n2"), local=a_local(N3),
               server=in_recovery(N3), peers=(a_peer(N1), a_peer(N2)))  # fmt: skip
    assert decide(o).action == Follow(N1, 5, "n3", "n2")
    streaming = some_facts(N3, True, upstream=address_of(N2), upstream_name="n3")
    assert decide(replace(o, server=in_recovery(N3, facts=streaming))).action == Wait()


# --- coming back


def test_a_former_primary_rewinds_to_where_it_left_and_keeps_that_as_its_floor() -> None:
    o = new_term(me=N1, local=a_local(N1, won_term=5), server=in_recovery(N1, chain=(CHAIN[0], Link(2, 5, Lsn(2300)))))
    assert decide(replace(o, peers=(the_leader(rewind_ready=True),))).action == Rewind("n3", at(5, 2000))


def test_it_waits_until_the_new_primary_has_checkpointed() -> None:
    assert decide(rewinding(rewind_ready=False)).action == Wait()


def rewinding(rewind_ready: bool = True, others: Any = (), **changes: Any) -> Observation:
    """n2 wrote past the place where n3's timeline left; n3 does not serve yet."""
    leader = the_leader(rewind_ready=rewind_ready, may_vote_now=False)
    return new_term(server=in_recovery(chain=(CHAIN[0], Link(2, 5, Lsn(2300)))), peers=(leader, *others), **changes)


def test_a_rewind_that_failed_becomes_a_clone() -> None:
    failed = rewinding(failed=Rewind("n3", at(5, 2000)))
    assert decide(failed).action == Clone("n3", at(5, 2000), keep_aside=False)


def test_a_rewind_waits_while_another_live_voter_can_flush_the_barrier() -> None:
    assert decide(rewinding(others=(a_peer(N1, primary=False, follows="n3"),))).action == Wait()


def test_a_copy_on_a_server_that_was_heard_long_ago_is_no_copy() -> None:
    gone = a_peer(N1, connected=False, primary=False, position=at(5, 9000))
    o = rewinding(others=(gone,))
    (leader, *rest) = o.peers
    unknown = replace(o, peers=(replace(leader, published=replace(leader.published, position=None)), *rest))
    assert decide(unknown).action == Wait()
    assert "no other server" in decide(unknown).why


def test_a_server_of_the_same_timeline_number_of_another_promotion_is_cloned() -> None:
    foreign = (CHAIN[0], Link(2, 4, Lsn(1800)))
    action = decide(a_standby(server=in_recovery(chain=foreign))).action
    assert action == Clone("n1", at(4, 1800), keep_aside=False)


def test_a_server_whose_wal_the_primary_no_longer_has_is_cloned() -> None:
    o = a_standby(peers=(a_peer(N1, lost_slots=("n2",)), a_peer(N3)), server=in_recovery())
    assert decide(o).action == Clone("n1", at(5, 2000), keep_aside=False)


def test_an_empty_directory_is_cloned_once_there_is_a_primary() -> None:
    empty = a_server(N2, ServerState.GONE, directory=DirectoryFacts(DirectoryState.EMPTY))
    assert decide(a_standby(server=empty)).action == Clone("n1", None, keep_aside=False)
    assert decide(a_standby(server=empty, peers=())).action == Wait()


def test_a_broken_directory_waits_until_the_primary_serves_and_is_kept_aside() -> None:
    broken = a_server(N2, ServerState.GONE, directory=a_directory(N2, state=DirectoryState.BROKEN))
    assert decide(a_standby(server=broken)).action == Clone("n1", None, keep_aside=True)
    assert decide(seeing(a_record(serving=False), server=broken)).action == Wait()


@pytest.mark.parametrize("marker", [Marker.CLONING, Marker.REWINDING])
def test_a_half_made_directory_is_never_started_but_cloned_with_its_floor(marker: Marker) -> None:
    half = a_local(N2, marker=marker, floor=at(5, 1900))
    o = a_standby(server=a_server(N2, ServerState.GONE), local=half)
    kept = marker is Marker.CLONING  # perhaps the clone was to keep what it replaces: only the agent that died knew
    assert decide(o).action == Clone("n1", at(5, 1900), keep_aside=kept)
    assert decide(replace(o, server=in_recovery())).action == KillServer()
    assert decide(replace(o, peers=())).action == Wait()


def test_a_server_that_does_not_run_starts_in_recovery_whatever_its_disk_remembers() -> None:
    assert decide(a_standby(server=a_server(N2, ServerState.GONE))).action == StartInRecovery()


def test_a_standby_lets_the_older_primary_go_while_the_winner_promotes() -> None:
    won = a_record(term=6, holder=N3, voters=(N1, N2), serving=False)
    from_old = in_recovery(facts=some_facts(N2, True, upstream=address_of(N1), upstream_name="n2.t5"))
    promoting = (a_peer(N1), a_peer(N3, promoted_term=0))
    assert decide(seeing(won, server=from_old, peers=promoting)).action == LetGo(N3, 6)
    promised = a_local(N2, promise=7)
    assert not isinstance(decide(seeing(won, server=from_old, peers=promoting, local=promised)).action, LetGo)
    assert not isinstance(decide(seeing(won, server=in_recovery(), peers=promoting)).action, LetGo)
    of_winner = in_recovery(facts=some_facts(N2, True, upstream=address_of(N3), upstream_name="n2"))
    assert not isinstance(decide(seeing(won, server=of_winner, peers=promoting)).action, LetGo)


def test_a_rewound_server_streams_while_it_starts_since_it_may_be_inconsistent_without() -> None:
    rewound = a_standby(server=a_server(N2, ServerState.GONE), local=a_local(N2, floor=at(5, 2001)))
    assert decide(rewound).action == StartFollowing(N1, 5)
    assert decide(replace(rewound, peers=())).action == StartInRecovery()
    assert preempts(StartFollowing(N1, 5), StartInRecovery())


def test_a_rewound_server_of_another_promotion_of_that_timeline_streams_nothing_into_its_log() -> None:
    other = (FIRST, replace(SECOND, term=4))
    rewound = a_standby(server=a_server(N2, ServerState.GONE), local=a_local(N2, floor=at(5, 2001), entries=other))
    assert decide(rewound).action == StartInRecovery()


def test_a_rewound_server_that_does_not_start_is_cloned_after_the_first_try() -> None:
    stuck = a_standby(server=a_server(N2, ServerState.GONE, failed_starts=1), local=a_local(N2, floor=at(5, 2001)))
    assert decide(stuck).action == Clone("n1", at(5, 2001), keep_aside=True)


def test_a_server_that_never_starts_is_cloned_beside() -> None:
    stuck = a_standby(server=a_server(N2, ServerState.GONE, failed_starts=3))
    assert decide(stuck).action == Clone("n1", None, keep_aside=True)
    assert decide(replace(stuck, store=seen_store(a_record(serving=False)))).action == StartInRecovery()


def test_a_server_that_does_not_start_on_a_full_disk_is_tried_again_and_never_cloned() -> None:
    directory = replace(a_server(N2, ServerState.GONE).directory, full=True)
    stuck = a_standby(server=a_server(N2, ServerState.GONE, failed_starts=3, directory=directory))
    assert decide(stuck).action == StartInRecovery()
    assert "disk is full" in decide(stuck).why


def test_a_clone_under_way_goes_on_only_while_its_source_leads() -> None:
    busy = Clone("n1", None, False)
    assert decide(a_standby(busy=busy)).action == busy
    assert decide(new_term(busy=busy)).action != busy
    assert decide(a_standby(busy=Initialise())).action == Initialise()


def test_past_its_floor_a_server_may_vote_again() -> None:
    assert decide(a_standby(local=a_local(N2, floor=at(5, 2000)))).action == FinishFloor()
    assert decide(a_standby(local=a_local(N2, floor=at(5, 2001)))).action == Wait()


# --- elections


def test_nobody_stands_while_the_primary_leads() -> None:
    assert not isinstance(decide(a_standby()).action, Campaign)


def expired(record: Record = RECORD, **changes: Any) -> Observation:
    peers = (a_peer(N1, connected=False), a_peer(N3))
    return a_standby(**{"store": seen_store(record, expired=True), "server": in_recovery(), "peers": peers, **changes})


def test_an_expired_lease_begins_an_election() -> None:
    assert decide(expired()).action == Campaign(6, Ground.EXPIRED)


def test_the_term_asked_for_is_not_below_any_promise() -> None:
    assert decide(expired(peers=(a_peer(N3, promise=9),))).action == Campaign(9, Ground.EXPIRED)


def test_enough_voters_that_see_the_primary_gone_begin_one_before_that() -> None:
    seen = a_standby(sight=GONE_SIGHT, peers=(a_peer(N1, connected=False), a_peer(N3, suspects_term=5)))
    assert decide(seen).action == Campaign(6, Ground.SUSPECTED)
    alone = replace(seen, peers=(a_peer(N1, connected=False), a_peer(N3)))
    assert not isinstance(decide(alone).action, Campaign)
    stale = replace(seen, peers=(a_peer(N1), a_peer(N3, connected=False, suspects_term=5)))
    assert not isinstance(decide(stale).action, Campaign)
    older = replace(seen, peers=(a_peer(N1), a_peer(N3, suspects_term=4)))
    assert not isinstance(decide(older).action, Campaign)


def test_a_loser_leaves_the_winner_some_time() -> None:
    assert decide(expired(yielded_ms=YIELD_MS - 1)).action == Wait()
    assert decide(expired(yielded_ms=YIELD_MS)).action == Campaign(6, Ground.EXPIRED)


def test_in_async_mode_only_the_lease_begins_an_election() -> None:
    record = a_record(mode=Mode.ASYNC, k=0, voters=())
    gone = expired(record, sight=GONE_SIGHT, store=seen_store(record))
    assert not isinstance(decide(gone).action, Campaign)
    assert isinstance(decide(expired(record)).action, Campaign)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tags": Tags(priority=0)}, "tags"),
        ({"tags": Tags(nofailover=True)}, "tags"),
        ({"intents": replace(INTENTS, paused=True)}, "paused"),
        ({"intents": replace(INTENTS, policy=replace(INTENTS.policy, start_delay_ms=10**9))}, "start_delay"),
        ({"local": a_local(N2, marker=Marker.REWINDING)}, "incomplete"),
        ({"server": in_recovery(chain=None)}, "no map"),
        ({"local": a_local(N2, floor=at(5, 2001))}, "FLOOR"),
        ({"me": N4, "local": a_local(N4)}, "not a voter"),
    ],
)
def test_whoever_cannot_be_primary_does_not_stand_and_says_why(changes: dict[str, Any], why: str) -> None:
    o = expired(**changes)
    assert why in reason_not_to_stand(o, RECORD)
    assert not isinstance(decide(o).action, Campaign)


def test_a_new_disk_under_a_voter_s_name_does_not_stand() -> None:
    new_disk = Member("n2", "a-new-disk")
    o = expired(me=new_disk, local=a_local(new_disk), server=in_recovery(new_disk, directory=a_directory(new_disk)))
    assert not isinstance(decide(o).action, Campaign)


def test_a_cluster_that_was_never_established_elects_nobody() -> None:
    o = expired(a_record(phase=Phase.INITIALISING))
    assert not isinstance(decide(o).action, Campaign)


def test_a_hand_over_is_taken_by_its_target_at_once_and_by_others_only_later() -> None:
    handed = a_record(released=True, serving=False, handover=Handover("n3", at(5, 2000)))
    early = a_standby(store=seen_store(handed, unchanged_ms=YIELD_MS - 1), server=in_recovery())
    assert not isinstance(decide(early).action, Campaign)
    late = replace(early, store=seen_store(handed, unchanged_ms=YIELD_MS))
    assert decide(late).action == Campaign(6, Ground.RELEASED)
    to_me = replace(handed, handover=Handover("n2", at(5, 2000)))
    assert decide(replace(early, store=seen_store(to_me))).action == Campaign(6, Ground.RELEASED)


def test_in_quorum_mode_a_plain_release_elects_only_voters() -> None:
    record = a_record(released=True, serving=False, voters=(N3,))
    assert "not a voter" in reason_not_to_stand(a_standby(store=seen_store(record)), record)


def test_a_server_that_is_no_voter_stands_when_the_holder_that_gave_up_can_vote_for_all() -> None:
    record = a_record(released=True, serving=False, voters=(N3,))
    holder = a_peer(N1, primary=False, promoted_term=0)
    gone = a_peer(N3, connected=False)
    o = a_standby(store=seen_store(record), server=in_recovery(), peers=(holder, gone))
    assert decide(o).action == Campaign(6, Ground.RELEASED)
    for peers in ((holder, a_peer(N3)), (a_peer(N1, connected=False), gone), (gone,)):
        assert "not a voter" in reason_not_to_stand(replace(o, peers=peers), record)
    new_disk = (a_peer(Member("n1", "another"), primary=False, promoted_term=0), gone)
    assert "not a voter" in reason_not_to_stand(replace(o, peers=new_disk), record)
    held = replace(record, released=False)
    assert "not a voter" in reason_not_to_stand(replace(o, store=seen_store(held, expired=True)), held)


def test_a_voter_that_is_here_and_cannot_lead_does_not_keep_others_from_it() -> None:
    record = a_record(released=True, serving=False, voters=(N3,))
    holder = a_peer(N1, primary=False, promoted_term=0)
    o = a_standby(store=seen_store(record), server=in_recovery(), peers=(holder, a_peer(N3, may_vote_now=False)))
    assert decide(o).action == Campaign(6, Ground.RELEASED)


# --- catching up with the best


def outvoted(best: Member = N3, peer: Any = None, **changes: Any) -> Observation:
    base = {"report": a_report(N2, 1900), "outvoted": (best, at(5, 2000)), "yielded_ms": 0, "server": in_recovery(),
            "local": a_local(N2, promise=6), "peers": (peer or a_peer(best),)}  # fmt: skip
    return a_standby(**{**base, **changes})


def test_a_candidate_streams_what_is_missing_from_the_best_that_may_not_lead() -> None:
    assert decide(outvoted(peer=a_peer(N3, tags=Tags(nofailover=True)))).action == CatchUp(N3, at(5, 2000))


def test_or_from_the_stopped_old_primary() -> None:
    assert decide(outvoted(N1, a_peer(N1, promoted_term=0, primary=False))).action == CatchUp(N1, at(5, 2000))


def test_the_best_that_may_lead_gets_its_time_first() -> None:
    assert decide(outvoted()).action == Wait()
    assert decide(outvoted(yielded_ms=YIELD_MS)).action == CatchUp(N3, at(5, 2000))


def test_nothing_is_streamed_for_a_vote_on_another_record_or_from_another_disk() -> None:
    fit = a_peer(N3, tags=Tags(nofailover=True))
    stale = a_report(N2, 1900, basis=a_record(generation=9).basis)
    assert not isinstance(decide(outvoted(peer=fit, report=stale)).action, CatchUp)
    assert not isinstance(decide(outvoted(peer=fit, report=a_report(N2, 2000))).action, CatchUp)
    other = a_peer(Member("n3", "another"), tags=Tags(nofailover=True))
    assert not isinstance(decide(outvoted(peer=other)).action, CatchUp)


# --- the record went back, orders, settings


@pytest.mark.parametrize(
    "record",
    [a_record(term=4), a_record(lease_counter=9), a_record(holder=N3, voters=(N1, N2)), a_record(generation=0, term=9)],
)
def test_a_record_that_says_less_than_is_known_freezes_promotion(record: Record) -> None:
    o = expired(record)
    assert (decide(o).rule, decide(o).action) == ("RECORD WENT BACK", Wait())


def test_a_won_term_that_the_store_does_not_know_freezes_promotion() -> None:
    assert decide(expired(local=a_local(N2, won_term=6))).action == Wait()


def test_a_change_of_settings_reaches_standbys() -> None:
    o = a_standby(server=a_server(N2, ServerState.RECOVERY, settings_current=False))
    assert decide(o).action == ApplySetting()
