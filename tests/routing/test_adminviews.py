"""Does the router say what it knows of the nodes, who is bound and who waits, and where a statement would go?"""

from typing import Any

from howdah.routing.route import Route
from howdah.routing.wishes import Consistency
from tests.routing.admindesk import AdminClient, visit
from tests.routing.playsession import Stage, done


def route(stage: Stage, text: str, more: str = "") -> dict[str, Any]:
    (row,) = AdminClient(stage).ask(f"SHOW ROUTE '{text}' {more}")
    return row


def test_nodes_say_what_they_are_used_for_and_why_not() -> None:
    stage = Stage()
    visit(stage.client(), 1).asks("BEGIN")
    stage.sent("n1")
    n1, n2, _ = AdminClient(stage).ask("SHOW NODES")
    assert (n1["name"], n1["role"], n1["term"], n1["writable"], n1["readable"]) == ("n1", "primary", "1", "t", "f")
    assert (n1["why_not"], n1["busy"], n1["connections"]) == ("", "1", "1")
    assert (n2["role"], n2["writable"], n2["readable"], n2["lag_bytes"]) == ("standby", "f", "t", "0")
    stage.hub.changed(stage.fleet.unanswered(stage.target("n2"), "it does not answer"))
    stage.clock += 60_000
    n1, n2, _ = AdminClient(stage).ask("SHOW NODES")
    assert (n2["role"], n2["readable"], n2["why_not"]) == ("none", "f", "it does not answer")
    assert n1["writable"] == "f"
    assert "last seen to lead 60.0 s ago" in n1["why_not"]


def test_pins_say_who_is_bound_to_what_and_why() -> None:
    stage = Stage()
    client = visit(stage.client(), 5, "shop")
    client.asks("LISTEN news")
    stage.sent("n1")
    stage.answers("n1", done("LISTEN"))
    visit(stage.client(), 6)
    (pin,) = AdminClient(stage).ask("SHOW PINS")
    assert (pin["id"], pin["application_name"], pin["node"], pin["why"]) == ("5", "shop", "n1", "LISTEN news")


def test_held_says_who_waits_for_what_in_order() -> None:
    stage = Stage()
    stage.nobody_leads()
    for serial in (1, 2):
        visit(stage.client(), serial).asks("UPDATE t SET a = 1")
    stage.clock += 1500
    held = AdminClient(stage).ask("SHOW HELD")
    assert [(row["position"], row["id"], row["waits_for"]) for row in held] == [
        ("1", "1", "a primary"),
        ("2", "2", "a primary"),
    ]
    assert float(held[0]["seconds"]) >= 1.5


def test_a_route_says_where_and_why() -> None:
    stage = Stage()
    stage.client()
    read = route(stage, "SELECT a FROM t")
    assert (read["goes_to"], read["why"]) == ("a standby", "SELECT only reads")
    assert read["node"] in ("n2", "n3")
    assert "just written" in read["consistency"]
    write = route(stage, "UPDATE t SET a = 1")
    assert (write["goes_to"], write["node"], write["why"]) == ("the primary", "n1", "UPDATE writes")
    hinted = route(stage, "/* howdah: primary */ SELECT 1")
    assert (hinted["goes_to"], hinted["hint"], hinted["why"]) == (
        "the primary",
        "primary",
        "a hint asks for the primary",
    )
    unknown = route(stage, "SELECT f()")
    assert (unknown["goes_to"], unknown["why"]) == ("the primary", "f() is not known: the catalogs were not read yet")
    broken = route(stage, "SELEC 1")
    assert broken["goes_to"] == "the primary"
    assert "not understood" in broken["why"]


def test_a_route_says_what_would_bind_the_session() -> None:
    stage = Stage()
    assert route(stage, "LISTEN news")["binds"] == "LISTEN news"
    assert route(stage, "SET work_mem = 1000")["binds"] == ""


def test_a_route_says_when_nothing_would_go_anywhere_or_elsewhere_than_it_should() -> None:
    stage = Stage()
    for name in ("n2", "n3"):
        stage.hub.changed(stage.fleet.unanswered(stage.target(name), "it does not answer"))
    read = route(stage, "SELECT a FROM t")
    assert (read["goes_to"], read["node"]) == ("the primary", "n1")
    assert "no standby is fresh enough" in read["why"]
    stage.nobody_leads()
    write = route(stage, "UPDATE t SET a = 1")
    assert (write["goes_to"], write["node"]) == ("the primary", None)
    assert "would wait for up to 20 s" in write["why"]
    stage = Stage()
    stage.place.consistency = Consistency.PRIMARY
    assert "routing.consistency is primary" in route(stage, "SELECT a FROM t")["why"]
    stage.place.spread, stage.place.keeps = False, "pools.mode is session"
    assert "pools.mode is session" in route(stage, "SELECT a FROM t")["why"]
    stage.place.route = Route.PRIMARY
    assert "routing.reads is primary" in route(stage, "SELECT a FROM t")["why"]
    stage.place.binds = False
    assert "refused, since pools.mode is transaction: LISTEN news" in route(stage, "LISTEN news")["binds"]


def test_a_route_of_somebody_who_never_came_is_not_guessed() -> None:
    stage = Stage()
    row = route(stage, "SELECT 1", "USER somebody DATABASE elsewhere")
    assert row["goes_to"] is None
    assert "nobody has logged in as somebody in elsewhere yet" in row["why"]
    assert route(stage, "SELECT 1", "USER app DATABASE app")["goes_to"] == "a standby"
