"""One observation to show: n1 holds term 3 and serves, n2 streams, n3 is away."""

from dataclasses import replace
from typing import Any

from howdah.cluster.intents import Intents
from howdah.cluster.localstate import LocalState
from howdah.cluster.observation import Observation, PeerSight, ServerState, ServerView, StoreView
from howdah.cluster.peerstate import NodeState, Published, Tags
from howdah.cluster.record import Mode, Phase, Record
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState, ServerFacts, Walsender
from howdah.values.address import Address
from howdah.values.lsn import Lsn
from howdah.values.member import Member

N1, N2, N3 = (Member(name, f"id-{name}") for name in ("n1", "n2", "n3"))
END = Lsn(0x3000000)

RECORD = Record(
    "c", "7", 1, 3, Phase.ESTABLISHED, N1, (N2, N3), 1, Mode.QUORUM, (), serving=True, lease_counter=5
)  # fmt: skip


def _peer(member: Member, connected: bool) -> PeerSight:
    address = Address("127.0.0.1", 5432)
    return PeerSight(
        Published(member, address, address, NodeState.STREAMING), connected, absent_ms=0 if connected else 700
    )


def observation(streaming: tuple[str, ...] = ("n2.t3",), **changes: Any) -> Observation:
    """What n1 sees; `streaming` are the walsenders' names."""
    facts = ServerFacts(
        in_recovery=False,
        system_identifier="7",
        timeline=2,
        history=(),
        end_lsn=END,
        replay_lsn=END,
        checkpoint_timeline=2,
        walsenders=tuple(Walsender(10, name, "streaming", END, END, 1, 0) for name in streaming),
    )
    plain = Observation(
        me=N1,
        tags=Tags(),
        local=LocalState(member_id=N1.id, promise=3),
        store=StoreView(known=True, reachable=True, record=RECORD, renewal_ago_ms=400),
        server=ServerView(ServerState.PRIMARY, DirectoryFacts(DirectoryState.READY), facts),
        intents=Intents(nodes=("n1", "n2", "n3")),
        peers=(_peer(N2, True), _peer(N3, False)),
        served_term=3,
        gate_open=True,
    )
    return replace(plain, **changes)
