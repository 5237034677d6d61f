"""What may a standby do on the word of its peers while it cannot reach the store itself?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.actions import Follow, Revoke, Wait
from howdah.cluster.decide import decide
from howdah.cluster.hearsay import on_hearsay, worth_hearing
from howdah.cluster.history import Link
from howdah.cluster.observation import Observation, ServerState, StoreView, went_back
from howdah.cluster.record import Phase, Record, TimelineEntry
from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import Lsn
from tests.cluster.builders import (
    ENTRIES,
    FACTS_HISTORY,
    GONE_SIGHT,
    N1,
    N2,
    N3,
    RECORD,
    a_local,
    a_peer,
    a_record,
    a_report,
    a_server,
    a_standby,
    address_of,
    some_facts,
)

THIRD = TimelineEntry(3, 6, 2, Lsn(2000))
WON = a_record(term=6, holder=N3, voters=(N1, N2), timelines=(*ENTRIES, THIRD), lease_counter=20)
"""n3 has won term 6 since n2 last read the store."""


def cut_off(heard: Record | None = WON, record: Record | None = RECORD, **changes: Any) -> Observation:
    """n2 was revoked for term 6, cannot reach the store, and hears n3 say what it read there."""
    facts = some_facts(N2, True, upstream=None, upstream_name="", receiving=False)
    history = (*FACTS_HISTORY, HistoryStep(2, Lsn(2000)))
    winner = a_peer(N3, primary=True, promoted_term=6, serving_term=6, timeline=3, history=history, record=WON)
    parts: dict[str, Any] = {
        "store": StoreView(known=record is not None, reachable=False, record=record, heard=heard, expired=True),
        "local": a_local(N2, promise=6),
        "server": a_server(N2, ServerState.RECOVERY, facts=facts),
        "peers": (a_peer(N1, connected=False), winner),
        "prefix_term": 5,
    }
    return a_standby(**(parts | changes))


def follows_n3() -> Any:
    """n2's server once it follows the new primary as its voter."""
    return a_server(
        N2, ServerState.RECOVERY, facts=some_facts(N2, True, upstream=address_of(N3), upstream_name="n2.t6")
    )


def test_a_voter_that_cannot_reach_the_store_follows_the_primary_that_its_peers_read_there() -> None:
    decision = decide(cut_off())
    assert (decision.rule, decision.action) == ("HEARSAY", Follow(N3, 6, "n2.t6", "n3"))
    assert "as the others read in the store, which this node cannot reach" in decision.why


def test_so_does_one_whose_agent_was_started_anew_without_the_store() -> None:
    assert decide(cut_off(record=None)).action == Follow(N3, 6, "n2.t6", "n3")


def test_once_it_follows_it_rests_and_says_by_whose_word() -> None:
    local = a_local(N2, promise=6, entries=WON.timelines, record=WON)
    decision = decide(cut_off(server=follows_n3(), local=local, prefix_term=6))
    assert (decision.rule, decision.action) == ("HEARSAY", Wait())
    assert "the others read there that n3 holds term 6" in decision.why


def test_a_store_that_answers_is_always_the_later_word() -> None:
    seen = cut_off()
    assert on_hearsay(replace(seen, store=replace(seen.store, reachable=True))) is None


def test_what_peers_say_never_makes_an_election() -> None:
    """An expired lease and a primary that is seen gone were those of the record before."""
    seen = on_hearsay(cut_off(sight=GONE_SIGHT))
    assert seen is not None
    assert not seen.store.expired
    assert not seen.sight.stream_broken
    decision = decide(cut_off(sight=GONE_SIGHT, peers=(a_peer(N1, connected=False), a_peer(N3, connected=False))))
    assert (decision.rule, decision.action) == ("HEARSAY", Wait())


def test_what_peers_say_proves_no_ownership() -> None:
    assert on_hearsay(cut_off(heard=replace(WON, holder=N2, voters=(N1, N3)))) is None
    assert on_hearsay(cut_off(server=a_server(N2, ServerState.PRIMARY))) is None
    assert on_hearsay(cut_off(server=a_server(N2, ServerState.GONE))) is None


@pytest.mark.parametrize(
    "heard",
    [
        replace(WON, term=RECORD.term, lease_counter=9),
        replace(WON, generation=0),
        replace(WON, cluster="another"),
        replace(WON, system_identifier="1"),
        replace(WON, phase=Phase.INITIALISING),
    ],
)
def test_a_record_that_is_older_or_not_of_this_cluster_is_not_heard(heard: Record) -> None:
    assert worth_hearing(WON, RECORD, a_local(N2))
    assert not worth_hearing(heard, RECORD, a_local(N2, record=None))


def test_a_record_of_a_store_that_went_back_is_not_heard_by_who_remembers_more() -> None:
    """A peer whose store was restored may say in good faith what this server knows to be over: of an older generation,
    or of an older term than it has itself won or followed."""
    assert not worth_hearing(WON, None, a_local(N2, record=replace(WON, generation=2)))
    assert not worth_hearing(WON, None, a_local(N2, record=replace(WON, lease_counter=21)))
    assert not worth_hearing(WON, None, a_local(N2, won_term=7))
    assert worth_hearing(replace(WON, generation=2, lease_counter=0), RECORD, a_local(N2))


def test_a_record_of_a_higher_term_that_lacks_a_promotion_which_is_remembered_comes_from_an_old_copy() -> None:
    won_since = replace(RECORD, term=6, holder=N3, timelines=(*RECORD.timelines, TimelineEntry(9, 6, 2, Lsn(2000))))
    raised = replace(RECORD, term=7)
    assert went_back(raised, a_local(N2, record=won_since))
    assert not went_back(raised, a_local(N2, record=RECORD))
    assert not went_back(replace(won_since, term=7), a_local(N2, record=won_since))
    assert not went_back(replace(raised, generation=2), a_local(N2, record=won_since)), "made anew, by a decision"
    first = replace(won_since, phase=Phase.INITIALISING)
    assert not went_back(raised, a_local(N2, record=first)), "a first start that was begun anew forgets its timelines"


def test_where_only_the_lease_counter_differs_the_own_copy_is_as_good() -> None:
    """Its suspicion of a dead primary still counts for an election among the others."""
    assert not worth_hearing(replace(RECORD, lease_counter=20), RECORD, a_local(N2))


def test_it_votes_for_the_record_that_it_follows_on() -> None:
    asked = decide(cut_off(asked=7))
    assert asked.action == Revoke(7)
    reported = a_report(N2, term=7, basis=WON.basis)
    told = decide(cut_off(asked=7, report=reported, local=a_local(N2, promise=7)))
    assert told.action == Wait()


def test_a_promise_above_the_heard_term_is_never_withdrawn() -> None:
    assert decide(cut_off(local=a_local(N2, promise=7))).action == Wait()


def test_a_rewind_or_a_clone_waits_for_the_store_itself() -> None:
    left = a_server(
        N2, ServerState.RECOVERY, facts=cut_off().server.facts, chain=(Link(1, 1, Lsn(1000)), Link(2, 5, Lsn(2500)))
    )
    seen = cut_off(server=left)
    winner = seen.peers[1]
    ready = replace(winner, published=replace(winner.published, rewind_ready=True))
    decision = decide(replace(seen, peers=(seen.peers[0], ready)))
    assert (decision.rule, decision.action) == ("HEARSAY", Wait())
    assert "waits for the store" in decision.why
