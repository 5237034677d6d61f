"""What does a router believe of what the agents say?"""

from howdah.api.documents import ClusterDocument, ClusterNodeDocument, NodeDocument, RoleWord, SyncDocument
from howdah.router.agentsource import Said, nodes_of, view_of
from howdah.routing.clusterview import ClusterView, NodeView

NAMES = ("n1", "n2", "n3")


def told(
    name: str, role: RoleWord, term: int, *, serving: bool = False, asked_ms: float = 1.0, unheard: str = ""
) -> Said:
    node = NodeDocument(
        name=name, cluster="test", role=role, state="running", term=term, serving=serving, paused=False, timeline=1,
        lsn="0/1", lag_bytes=0, sync=False, server_version=180000, reason="", rule="", member_id=f"id-{name}",
        promise=0, follows="", priority=100, nosync=False, nofailover=False, replicate_from="", delay_ms=0,
        pending_restart=[], system_identifier="7", host="10.0.0." + name[1:], port=5432, api="", uptime_seconds=1.0,
    )  # fmt: skip
    nodes = [
        ClusterNodeDocument(
            name=each, role="none", state="unreachable", timeline=None, lsn=None, lag_bytes=None, lag_seconds=None,
            sync=False, priority=100, host=None if each == unheard else "10.0.0." + each[1:],
            port=None if each == unheard else 5432, api=None,
        )
        for each in NAMES
    ]  # fmt: skip
    cluster = ClusterDocument(
        cluster="test", system_identifier="7", term=term, primary=None, serving=serving, paused=False,
        sync=SyncDocument(mode="quorum", num_sync=1, voters=[]), nodes=nodes, routers=[],
    )  # fmt: skip
    return Said(asked_ms, node, cluster)


def view(*said: Said) -> ClusterView:
    return view_of(said, nodes_of(said, {}))


def test_a_primary_that_says_that_it_serves_is_believed() -> None:
    seen = view(told("n1", "primary", 3, serving=True, asked_ms=5.0), told("n2", "standby", 3, asked_ms=9.0))
    assert (seen.holder, seen.holder_id, seen.serving, seen.term, seen.asked_ms) == ("n1", "id-n1", True, 3, 5.0)


def test_what_others_say_of_a_primary_is_not() -> None:
    seen = view(told("n2", "standby", 3, serving=True), told("n3", "standby", 3, serving=True))
    assert (seen.holder, seen.serving) == ("", False)


def test_the_highest_term_counts_and_a_deposed_primary_does_not() -> None:
    seen = view(told("n1", "primary", 3, serving=True), told("n2", "standby", 4))
    assert (seen.holder, seen.serving, seen.term) == ("", False, 4)
    both = view(told("n1", "primary", 3, serving=True), told("n2", "primary", 4, serving=True))
    assert (both.holder, both.term) == ("n2", 4)


def test_a_primary_that_does_not_serve_is_named_as_not_serving() -> None:
    seen = view(told("n1", "primary", 3))
    assert (seen.holder, seen.serving) == ("n1", False)


def test_a_node_that_the_newest_agent_has_not_heard_yet_stays_where_it_was() -> None:
    known = {"n3": NodeView("n3", "10.9.9.9", 5432), "n9": NodeView("n9", "10.9.9.9", 5432)}
    found = nodes_of([told("n1", "primary", 3, unheard="n3")], known)
    assert found["n3"].host == "10.9.9.9"
    assert "n9" not in found
