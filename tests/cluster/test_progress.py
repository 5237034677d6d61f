"""Which news of a peer must be decided upon at once, and which only shows that it lives?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.peerstate import NodeState, Published, only_progress
from howdah.cluster.record import Mode, Phase, Record
from howdah.values.address import Address
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from howdah.values.position import Position

N1, N2 = Member("n1", "a"), Member("n2", "b")
RECORD = Record("c", "1", 1, 3, Phase.ESTABLISHED, N1, (N2,), 1, Mode.QUORUM, ())
STATE = Published(
    N2, Address("n2", 5432), Address("n2", 8008), NodeState.STREAMING, record=RECORD, position=Position(3, Lsn(9))
)

PROGRESS = (
    {"record": replace(RECORD, lease_counter=7, write_id="x", holder_position=Position(3, Lsn(8)))},
    {"end_lsn": Lsn(10), "position": Position(3, Lsn(10))},
    {"uptime_ms": 10_000},
    {"reason": "another sentence", "rule": "ANOTHER"},
)
NEWS = (
    {"record": replace(RECORD, term=4)},
    {"record": replace(RECORD, serving=True)},
    {"record": None},
    {"position": Position(4, Lsn(9))},
    {"position": None},
    {"promise": 5},
    {"state": NodeState.STOPPED},
    {"suspects_term": 3},
)


@pytest.mark.parametrize("change", PROGRESS, ids=lambda change: ",".join(change))
def test_progress_wakes_nobody(change: dict[str, Any]) -> None:
    assert only_progress(STATE, replace(STATE, **change))


@pytest.mark.parametrize("change", NEWS, ids=lambda change: ",".join(change))
def test_news_does(change: dict[str, Any]) -> None:
    assert not only_progress(STATE, replace(STATE, **change))
