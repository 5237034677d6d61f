"""Is the cluster's state put together from whoever answers, and is what is wrong said?"""

import socket
from contextlib import ExitStack
from io import StringIO

from rich.console import Console

from howdah.local.remote import Agent
from howdah.local.sight import KnownNode, KnownRouter, Sight, nodes_of, problems, see
from howdah.local.statustable import bytes_text, status_view
from howdah.values.address import Address
from tests.local.agentstub import answering, cluster_document

FINE = {"summary": "", "wrong": [], "nodes": []}


def printed(sight: Sight) -> str:
    """What `howdah status` shows."""
    file = StringIO()
    Console(file=file, width=200).print(status_view(sight))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def dead_node(name: str) -> KnownNode:
    """A node at whose port nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return KnownNode(name, "127.0.0.1", 5432, Agent(name, "127.0.0.1", port))


def test_nothing_is_wrong_with_a_healthy_cluster() -> None:
    with ExitStack() as stack:
        paths = {"/cluster": (200, cluster_document()), "/explain": (200, FINE)}
        nodes = [stack.enter_context(answering(name, paths))[0] for name in ("n1", "n2", "n3")]
        sight = see("main", nodes)
    assert sight.serving and sight.primary == "n1" and problems(sight) == []


def test_a_router_that_does_not_listen_is_told() -> None:
    paths = {"/cluster": (200, cluster_document()), "/explain": (200, FINE)}
    with answering("n1", paths) as (n1, _), socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("127.0.0.1", server.getsockname()[1])
        router = KnownRouter(address, Address("127.0.0.1", 6433))
        fine = see("main", [n1], [router])
        server.close()
        away = see("main", [n1], [router])
    health = "127.0.0.1:6433"
    assert fine.document["routers"] == [{"address": str(address), "state": "listening", "health": health}]
    assert f"router {address} listening, health checks and metrics at http://{health}" in printed(fine)
    assert f"the router at {address} does not answer" in problems(away)


def test_the_agent_that_knows_the_highest_term_is_believed() -> None:
    old = {"/cluster": (200, cluster_document(term=3, primary="n1")), "/explain": (200, FINE)}
    new = {"/cluster": (200, cluster_document(term=4, primary="n2")), "/explain": (200, FINE)}
    with answering("n1", old) as (n1, _), answering("n2", new) as (n2, _):
        assert see("main", [n1, n2]).primary == "n2"
        assert see("main", [n2, n1]).primary == "n2"


def test_one_answer_is_enough_and_the_silent_are_named() -> None:
    document = cluster_document()
    nodes_of(document)[2] |= {"state": "unreachable", "role": "none", "host": None, "port": None, "api": None}
    told = {"/cluster": (200, document), "/explain": (200, FINE | {"wrong": ["n3 is away"]})}
    with answering("n1", told) as (n1, _):
        sight = see("main", [n1, dead_node("n2"), dead_node("n3")])
    assert sight.answered
    wrong = "\n".join(problems(sight))
    assert "n3 is unreachable: its agent at 127.0.0.1:" in wrong and "connection refused" in wrong
    assert "n2: its agent" in wrong and "n3 is away" in wrong
    assert sight.node("n3")["host"] == "127.0.0.1"


def test_what_is_wrong_with_a_node_is_said_once() -> None:
    document = cluster_document(serving=False)
    nodes_of(document)[1] |= {"state": "unreachable"}
    nodes_of(document)[2] |= {"state": "catching up"}
    wrong = [
        "nobody serves writes; n1 holds term 3",
        "n2: its agent is not reachable",
        "n3 is starting: a moment ago",
        "n3 is pending a restart for max_connections",
    ]
    reasons = [{"node": "n3", "reason": "it replays", "rule": "FOLLOW"}]
    paths = {"/cluster": (200, document), "/explain": (200, FINE | {"wrong": wrong, "nodes": reasons})}
    with answering("n1", paths) as (n1, _), answering("n3", paths) as (n3, _):
        found = problems(see("main", [n1, dead_node("n2"), n3]))
    assert len(found) == 4 and found[0].startswith("n2 is unreachable: its agent at 127.0.0.1:")
    assert found[1:] == ["n3 is catching up: it replays", wrong[0], wrong[3]]


def test_a_node_that_was_removed_is_neither_shown_nor_missed() -> None:
    document = cluster_document()
    del document["nodes"][2]
    paths = {"/cluster": (200, document), "/explain": (200, FINE | {"removed": ["n3"]})}
    with answering("n1", paths) as (n1, _), answering("n2", paths) as (n2, _):
        sight = see("main", [n1, n2, dead_node("n3")])
    assert sight.removed == ("n3",) and sight.silent == () and problems(sight) == []
    assert [node["name"] for node in nodes_of(sight.document)] == ["n1", "n2"]


def test_a_planned_switchover_stands_below_the_table() -> None:
    told = FINE | {"switchover": "a switchover to n2 is planned for 12:30:00 UTC"}
    with answering("n1", {"/cluster": (200, cluster_document()), "/explain": (200, told)}) as (n1, _):
        assert "\na switchover to n2 is planned for 12:30:00 UTC\n" in printed(see("main", [n1]))


def test_with_nobody_answering_every_node_is_told_as_unreachable() -> None:
    sight = see("main", [dead_node("n1"), dead_node("n2")])
    assert not sight.answered and not sight.serving and sight.document["primary"] is None
    assert [(node["name"], node["state"]) for node in nodes_of(sight.document)] == [
        ("n1", "unreachable"),
        ("n2", "unreachable"),
    ]
    assert problems(sight)[0] == "no agent answers" and len(problems(sight)) == 3


def test_an_agent_that_answers_with_an_error_is_named_too() -> None:
    with answering("n1", {"/cluster": (503, {"error": "not yet"})}) as (n1, _):
        assert "not yet" in problems(see("main", [n1]))[1]


def test_a_cluster_without_primary_and_a_paused_one_are_wrong() -> None:
    headless = cluster_document(primary=None, serving=False, paused=True)
    with answering("n1", {"/cluster": (200, headless)}) as (n1, _):
        wrong = problems(see("main", [n1]))
    assert "there is no primary" in wrong and any("howdah resume" in sentence for sentence in wrong)


def test_the_table_shows_every_node_and_what_is_wrong() -> None:
    document = cluster_document()
    nodes_of(document)[1] |= {"lag_bytes": 3 << 20, "lag_seconds": 1.5}
    with answering("n1", {"/cluster": (200, document)}) as (n1, _):
        sight = see("main", [n1, dead_node("n2")])
    text = printed(sight)
    assert "primary n1, serving, quorum: a commit waits for 1 of n2, n3" in text
    assert "3 MB 1.5 s" in text and "n3" in text and "! n2: its agent" in text


def test_bytes_are_shown_as_people_read_them() -> None:
    assert [bytes_text(n) for n in (0, 1023, 2048, 5 << 40)] == ["0 B", "1023 B", "2 kB", "5.0 TB"]
