"""Who waits for whom, before a server gives up its copy of what was acknowledged? (LAST COPY)"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.lastcopy import PATIENCE_MS, reason_to_stay
from howdah.cluster.observation import Observation, PeerSight
from howdah.cluster.peerstate import NodeState, Tags
from howdah.cluster.record import Record, TimelineEntry
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import ENTRIES, INTENTS, N1, N2, N3, N4, a_peer, a_record, a_standby, at, seen_store

THIRD = TimelineEntry(3, 6, 2, Lsn(2000), 5)
WON = a_record(term=6, holder=N3, voters=(N1, N2), timelines=(*ENTRIES, THIRD), serving=False, k=2)
"""n3 won term 6 at 2000 of timeline 2, and both others have to flush its barrier."""

LEADER = a_peer(N3, primary=True, promoted_term=6, position=at(6, 2100), timeline=3, follows="", may_vote_now=False)


def beside(member: Member, end: int, **changes: Any) -> PeerSight:
    """A server in recovery, on timeline 2 up to `end`, that follows nobody."""
    told = {"primary": False, "promoted_term": 0, "serving_term": 0, "follows": "", "state": NodeState.CATCHING_UP}
    return a_peer(member, **{**told, "end_lsn": Lsn(end), "position": at(5, end), **changes})


def returning(*others: PeerSight, record: Record = WON, unchanged_ms: int = 0) -> Observation:
    """n2 has to be rewound."""
    store = seen_store(record, unchanged_ms=unchanged_ms)
    return a_standby(N2, store=store, peers=(LEADER, *others), intents=replace(INTENTS, nodes=("n1", "n2", "n3", "n4")))


def reason(o: Observation, fork: int = 2000) -> str:
    """n2 ends at 2300, past where the winner's timeline left, and shares with the winner what is before `fork`."""
    assert o.store.record is not None
    return reason_to_stay(o, o.store.record, at(5, 2300), at(5, fork))


def test_alone_with_the_winner_a_server_comes_back_at_once() -> None:
    assert reason(returning()) == ""
    assert reason(returning(beside(N1, 2200, connected=False))) == ""


def test_of_two_that_left_the_winner_s_history_the_one_with_less_of_it_is_rewound_first() -> None:
    entries = (*ENTRIES, TimelineEntry(3, 6, 2, Lsn(2500), 5))
    later = replace(WON, timelines=entries)
    older = (replace(ENTRIES[1], switch_lsn=Lsn(900)), entries[2])
    less = replace(WON, timelines=(ENTRIES[0], *older))
    on_the_first = {"timeline": 1, "history": (), "position": at(1, 950), "end_lsn": Lsn(950)}
    assert reason(returning(beside(N1, 2300), record=later), 2400) == "n1 is to have what n3 has first"
    assert reason(returning(beside(N1, 0, **on_the_first), record=less)) == "n1 is to have what n3 has first"
    assert reason(returning(beside(N1, 2300)), 1999) == ""


def test_of_two_with_as_much_the_name_decides() -> None:
    assert reason(returning(beside(N1, 2300)))
    assert reason(returning(beside(N4, 2300))) == ""


def test_nobody_is_rewound_beside_one_who_is() -> None:
    rewinding = {"state": NodeState.REWINDING, "position": None, "timeline": 0, "history": ()}
    assert "n1 is being rewound" in reason(returning(beside(N1, 0, **rewinding), unchanged_ms=PATIENCE_MS))
    assert "n4 is being rewound" in reason(returning(beside(N4, 0, **rewinding)))


@pytest.mark.parametrize("state", [NodeState.STOPPED, NodeState.STARTING])
def test_a_server_that_is_about_to_run_is_waited_for_too(state: NodeState) -> None:
    down = {"state": state, "position": None, "timeline": 0, "history": ()}
    assert reason(returning(beside(N4, 0, **down)))
    assert reason(returning(beside(N4, 0, **down), unchanged_ms=PATIENCE_MS)) == ""
    cloning = {**down, "state": NodeState.CLONING}
    assert reason(returning(beside(N4, 0, **cloning))) == ""


@pytest.mark.parametrize("member", [N1, N4])
def test_a_server_whose_history_fits_is_to_have_the_rest_first_also_if_it_is_no_voter_yet(member: Member) -> None:
    assert reason(returning(beside(member, 1900))) == f"{member.name} is to have what n3 has first"


def test_who_has_the_promotion_has_all_that_the_winner_won_with() -> None:
    has = beside(N1, 2100, timeline=3, position=at(6, 2100), follows="n3")
    assert reason(returning(has)) == ""


def test_nobody_waits_for_ever_for_a_server_that_does_not_get_on() -> None:
    assert reason(returning(beside(N1, 1900), unchanged_ms=PATIENCE_MS)) == ""
    assert reason(returning(beside(N1, 2300), unchanged_ms=PATIENCE_MS)) == ""


def test_nobody_waits_for_who_cannot_flush_the_barrier_of_this_primary() -> None:
    assert reason(returning(beside(N1, 1900, tags=Tags(nosync=True)))) == ""
    foreign = beside(N1, 1900, position=at(4, 1900))
    assert reason(returning(foreign)) == ""
    removed = replace(returning(beside(N4, 1900)), intents=INTENTS)
    assert reason(removed) == ""


def test_once_the_primary_serves_there_are_copies_enough() -> None:
    assert reason(returning(beside(N1, 1900), record=replace(WON, serving=True))) == ""
