"""How does a voter below its floor get its vote back?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.actions import CatchUp, Revoke
from howdah.cluster.decide import decide
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from tests.cluster.builders import (
    GONE_SIGHT,
    N1,
    N2,
    N3,
    a_local,
    a_peer,
    a_record,
    a_server,
    a_standby,
    at,
    seen_store,
    some_facts,
)

FLOOR = at(5, 2500)
REVOKED: dict[str, Any] = {"promise": 6, "follows": "", "position": at(5, 2600)}


def below(peer: Any = None, local: dict[str, Any] | None = None, **changes: Any) -> Observation:
    """n2 was cloned and is at 2000, below its floor; n1 is dead; term 6 is promised, and n3 is revoked and further."""
    standby = a_standby(
        local=a_local(N2, **({"promise": 6, "floor": FLOOR} | (local or {}))),
        server=a_server(
            N2, ServerState.RECOVERY, facts=some_facts(N2, True, upstream=None, upstream_name="", receiving=False)
        ),
        peers=(a_peer(N1, connected=False), peer or a_peer(N3, **REVOKED)),
        sight=GONE_SIGHT,
        asked=6,
    )
    return replace(standby, **changes)


def test_a_voter_below_its_floor_streams_from_the_best_of_the_revoked_up_to_its_floor() -> None:
    decision = decide(below())
    assert (decision.rule, decision.action) == ("REACH FLOOR", CatchUp(N3, FLOOR))
    assert "n3" in decision.why and str(FLOOR) in decision.why


def test_it_promises_and_is_revoked_first() -> None:
    assert decide(below(local={"promise": 5})).action == Revoke(6)
    still_set_up = a_server(N2, ServerState.RECOVERY)
    assert decide(below(server=still_set_up)).action == Revoke(6)


def test_asked_again_it_goes_on_streaming_instead_of_being_revoked_again() -> None:
    streams = a_server(N2, ServerState.RECOVERY)
    assert decide(below(server=streams, busy=CatchUp(N3, FLOOR))).action == CatchUp(N3, FLOOR)


def test_at_its_floor_it_is_revoked_again_in_full_and_votes() -> None:
    assert decide(below(local={"floor": at(5, 2000)})).action == Revoke(6)


@pytest.mark.parametrize(
    "peer",
    [
        a_peer(N3, **(REVOKED | {"position": at(5, 2499)})),
        a_peer(N3, **(REVOKED | {"position": at(4, 9000)})),
        a_peer(N3, **(REVOKED | {"position": None})),
        a_peer(N3, **(REVOKED | {"promise": 5})),
        a_peer(N3, **(REVOKED | {"follows": "n1"})),
        a_peer(N3, **(REVOKED | {"primary": True})),
        a_peer(N3, connected=False, **REVOKED),
    ],
    ids=["has less", "older term", "not running", "not revoked", "receives", "a primary", "silent"],
)
def test_nobody_else_helps_a_voter_below_its_floor(peer: Any) -> None:
    assert not isinstance(decide(below(peer)).action, CatchUp)


@pytest.mark.parametrize(
    "changes",
    [
        {"local": {"promise": 5}, "asked": 0},
        {"local": {"marker": Marker.REWINDING}},
        {"store": seen_store(a_record(voters=(N3,)))},
        {"server": a_server(N2, ServerState.GONE)},
    ],
    ids=["no election", "half rewound", "no voter", "does not run"],
)
def test_only_a_running_voter_that_an_election_waits_for_does_so(changes: dict[str, Any]) -> None:
    assert not isinstance(decide(below(**changes)).action, CatchUp)
