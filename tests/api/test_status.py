"""Is the cluster's document what the design says, and can the command line read it?"""

import json
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.api.assemble import cluster_status
from howdah.api.documents import ClusterDocument
from howdah.api.status import ClusterStatus, NodeStatus, Role, StatusUnreadable, read_status, write_status
from howdah.cluster.intents import Intents
from howdah.cluster.peerstate import NodeState
from howdah.cluster.record import Mode
from howdah.values.address import Address
from howdah.values.lsn import Lsn
from tests.api.rig import END, N2, N3, RECORD, FakeView, heard, node, primary, talk

INTENTS = Intents(nodes=("n1", "n2", "n3"))

addresses = st.builds(Address, st.sampled_from(["db1", "10.0.0.1", "::1"]), st.integers(1, 65535))
statuses = st.builds(
    ClusterStatus,
    voters=st.lists(st.text()).map(tuple),
    nodes=st.lists(
        st.builds(
            NodeStatus,
            lsn=st.none() | st.integers(0, 2**64 - 1).map(Lsn),
            lag_seconds=st.none() | st.floats(0, 1e9),
            address=st.none() | addresses,
            api=st.none() | addresses,
        )
    ).map(tuple),
    routers=st.just(({"address": "10.0.0.9:5432"},)),
)


@given(statuses)
def test_the_document_is_read_as_it_was_written_and_is_what_the_openapi_document_says(status: ClusterStatus) -> None:
    document = json.loads(json.dumps(write_status(status)))
    assert read_status(document) == status
    assert ClusterDocument.model_validate(document).model_dump() == document


def test_the_document_has_the_design_s_keys_and_no_others() -> None:
    peers = {"n2": heard(node(N2, end_lsn=END - 16, replay_lag_ms=1500)), "n3": heard(node(N3), connected=False)}
    document = write_status(cluster_status("c", primary(), peers, INTENTS))
    nodes = document.pop("nodes")
    assert document == {
        "cluster": "c",
        "system_identifier": "7",
        "term": 3,
        "primary": "n1",
        "serving": True,
        "paused": False,
        "sync": {"mode": "quorum", "num_sync": 1, "voters": ["n2", "n3"]},
        "routers": [],
    }
    assert nodes[1] == {
        "name": "n2",
        "role": "standby",
        "state": "streaming",
        "timeline": 2,
        "lsn": "0/4FFFFF0",
        "lag_bytes": 16,
        "lag_seconds": 1.5,
        "sync": True,
        "priority": 100,
        "host": "127.0.0.1",
        "port": 5432,
        "api": "127.0.0.1:8002",
    }
    assert (nodes[0]["role"], nodes[0]["state"], nodes[0]["lag_bytes"], nodes[0]["sync"]) == (
        "primary", "running", 0, False,
    )  # fmt: skip
    assert (nodes[2]["role"], nodes[2]["state"], nodes[2]["lsn"], nodes[2]["port"]) == (
        "none", "unreachable", None, 5433,
    )  # fmt: skip


def test_a_configured_node_that_was_never_heard_is_shown_and_a_removed_one_is_not() -> None:
    status = cluster_status("c", primary(), {"n3": heard(node(N3), False)}, replace(INTENTS, removed=("n3",)))
    assert [(each.name, each.state, each.address) for each in status.nodes][1:] == [("n2", NodeState.UNREACHABLE, None)]


def test_an_unreachable_holder_is_no_primary() -> None:
    status = cluster_status("c", node(N2), {"n1": heard(primary(), connected=False)}, INTENTS)
    assert (status.primary, status.serving, status.term) == ("", False, 3)
    assert status.nodes[1].lag_bytes is None


def test_a_deposed_primary_is_not_shown_as_the_cluster_s() -> None:
    newer = replace(RECORD, term=4, holder=N2, voters=())
    status = cluster_status(
        "c", primary(), {"n2": heard(node(N2, primary=True, record=newer, state=NodeState.STARTING))}, INTENTS
    )
    assert (status.term, status.primary, status.serving) == (4, "n2", False)
    assert [each.role for each in status.nodes] == [Role.PRIMARY, Role.PRIMARY, Role.NONE]


def test_before_there_is_a_record_the_configuration_speaks() -> None:
    status = cluster_status("c", node(N2, record=None), {}, INTENTS)
    assert (status.term, status.primary, status.mode, status.num_sync) == (0, "", Mode.QUORUM, 0)


def test_what_is_no_status_is_refused() -> None:
    for wrong in ({}, {"sync": 3}, write_status(cluster_status("c", primary(), {}, INTENTS)) | {"nodes": [{}]}):
        with pytest.raises(StatusUnreadable):
            read_status(wrong)


def test_the_agent_gives_the_document() -> None:
    view = FakeView(peers={"n2": heard(node(N2))})

    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.get("/cluster")
        assert answer.status_code == 200
        assert read_status(answer.json()) == view.cluster_status()

    talk(view, story)
