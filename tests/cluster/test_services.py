"""Who stands behind the addresses of the primary and of the standbys, and who may say so?"""

from dataclasses import replace
from typing import Any

from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, PeerSight, ServerState
from howdah.cluster.peerstate import NodeState
from howdah.cluster.services import Author, behind, may_replace
from howdah.values.member import Member
from tests.cluster.builders import (
    N1,
    N2,
    N3,
    SYSTEM,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_server,
    a_standby,
    address_of,
    seen_store,
)


def of_ours(member: Member, **changes: Any) -> PeerSight:
    return a_peer(member, **{"system_identifier": SYSTEM, **changes})


BOTH = (of_ours(N2), of_ours(N3))


def leads(**changes: Any) -> Observation:
    return a_primary(**{"peers": BOTH, **changes})


def names(o: Observation) -> list[str]:
    found = behind(o)
    assert found is not None
    return [name for name, _ in found.standbys]


def leads_to_primary(o: Observation) -> bool:
    found = behind(o)
    assert found is not None
    return found.primary


def test_a_serving_primary_stands_behind_its_address_and_streaming_standbys_behind_theirs() -> None:
    found = behind(leads())
    assert found is not None
    assert found.primary
    assert found.author == Author(SYSTEM, 5)
    assert found.standbys == (("n2", address_of(N2)), ("n3", address_of(N3)))


def test_before_it_serves_and_once_its_gate_is_closed_nobody_stands_there() -> None:
    assert not leads_to_primary(leads(served_term=0))
    assert not leads_to_primary(leads(gate_open=False))
    assert not leads_to_primary(leads(server=a_server(N1, ServerState.GONE)))
    assert not leads_to_primary(leads(server=a_server(N1, ServerState.RECOVERY)))


def test_a_term_that_is_raised_in_place_does_not_take_the_primary_out() -> None:
    found = behind(leads(store=seen_store(a_record(term=6))))
    assert found is not None
    assert found.primary
    assert found.author.term == 6


def test_who_does_not_hold_the_record_says_nothing() -> None:
    assert behind(a_standby(peers=BOTH)) is None
    assert behind(leads(store=seen_store(a_record(holder=N2, term=6)))) is None
    assert behind(leads(store=seen_store(a_record(holder=replace(N1, id="another disk"))))) is None
    assert behind(leads(store=seen_store(None))) is None
    assert behind(leads(local=a_local(N1, marker=Marker.REWINDING))) is None
    assert behind(leads(store=seen_store(a_record(system_identifier="")))) is None


def test_who_may_not_be_alone_in_its_name_or_sees_an_old_store_says_nothing() -> None:
    assert behind(leads(twin="another n1")) is None
    assert behind(leads(unclaimed="not surely n1")) is None
    assert behind(leads(local=a_local(N1, won_term=9))) is None


def test_only_standbys_that_stream_and_are_heard_get_reads() -> None:
    assert names(leads(peers=(of_ours(N2), a_peer(N3, connected=False, system_identifier=SYSTEM)))) == ["n2"]
    assert names(leads(peers=(of_ours(N2), of_ours(N3, state=NodeState.CATCHING_UP, follows="")))) == ["n2"]
    assert names(leads(peers=(of_ours(N2), of_ours(N3, state=NodeState.CLONING)))) == ["n2"]
    assert names(leads(peers=(of_ours(N2), of_ours(N3, follows="")))) == ["n2"]


def test_a_server_of_another_cluster_or_another_primary_gets_no_reads() -> None:
    assert names(leads(peers=(of_ours(N2), a_peer(N3, system_identifier="7")))) == ["n2"]
    assert names(leads(peers=(of_ours(N2), of_ours(N3, primary=True, state=NodeState.FENCED)))) == ["n2"]


def test_while_nobody_serves_standbys_that_wait_still_answer_reads() -> None:
    waiting = of_ours(N3, state=NodeState.CATCHING_UP, follows="")
    assert names(leads(served_term=0, peers=(of_ours(N2), waiting))) == ["n2", "n3"]


def test_a_lower_term_never_replaces_a_higher_one() -> None:
    assert may_replace(None, Author(SYSTEM, 1))
    assert may_replace(Author(SYSTEM, 5), Author(SYSTEM, 5))
    assert may_replace(Author(SYSTEM, 5), Author(SYSTEM, 6))
    assert not may_replace(Author(SYSTEM, 6), Author(SYSTEM, 5))


def test_what_another_cluster_of_the_same_name_left_is_replaced() -> None:
    assert may_replace(Author("1", 99), Author("2", 1))
