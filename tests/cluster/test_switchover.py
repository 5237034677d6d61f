"""Who may take over in a planned switchover?"""

from dataclasses import replace
from typing import Any

from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Mode
from howdah.cluster.switchover import Target, target_of
from tests.cluster.builders import N2, N3, RECORD, a_peer, a_primary, a_record

ANY = SwitchoverRequest("1")
PEERS = (a_peer(N2), a_peer(N3))


def target(request: SwitchoverRequest = ANY, record: Any = RECORD, **changes: Any) -> Target:
    return target_of(record, request, a_primary(**changes))


def to(name: str) -> SwitchoverRequest:
    return replace(ANY, to=name)


def test_the_named_server_takes_over() -> None:
    assert target(to("n3")) == Target("n3")


def test_unnamed_the_best_does_by_priority_then_position_then_name() -> None:
    assert target() == Target("n2")
    assert target(peers=(a_peer(N2), a_peer(N3, tags=Tags(priority=200)))) == Target("n3")
    assert target(peers=(a_peer(N2, end_lsn=1), a_peer(N3, end_lsn=2))) == Target("n3")


def test_a_refusal_says_why() -> None:
    assert "no node n9" in target(to("n9")).refusal
    assert "already" in target(to("n1")).refusal
    assert "not been heard" in target(to("n3"), peers=(a_peer(N2),)).refusal
    assert "not connected" in target(to("n2"), peers=(a_peer(N2, connected=False),)).refusal
    assert "tags" in target(to("n2"), peers=(a_peer(N2, tags=Tags(priority=0)),)).refusal
    assert "does not stream" in target(to("n2"), streaming_absent_ms=(("n2", 5),)).refusal
    assert "no standby can take over" in target(peers=()).refusal


def test_in_quorum_mode_only_a_voter_takes_over() -> None:
    assert "not a voter" in target(to("n3"), a_record(voters=(N2,))).refusal
    assert target(to("n3"), a_record(voters=(N2,), mode=Mode.ASYNC, k=0)) == Target("n3")
    assert target(record=a_record(voters=(N3,)), peers=PEERS) == Target("n3")
