"""Where do a session's statements go when it, its port or a hint asks for something, and what is it told of that?"""

import pytest

from howdah.routing.plan import Ends
from howdah.routing.profile import Profiles
from howdah.routing.route import Route
from howdah.routing.session import told_at_login
from howdah.routing.way import find
from howdah.routing.wishes import CONSISTENCY, HOLD_TIMEOUT, ROUTE, Consistency, objection, wishes_of
from tests.routing.playsession import (
    BOUND,
    EXECUTE,
    IN_TRANSACTION,
    PARSED,
    READY,
    SYNC,
    Client,
    Stage,
    bind,
    done,
    error,
    message,
    parse,
    query,
)

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"
STANDBYS = ("n2", "n3")


def where(stage: Stage, client: Client, text: str = READ) -> str:
    """The server that gets a statement, which it then answers; what had to be set before it is answered as well."""
    client.asks(text)
    for name in ("n1", "n2", "n3"):
        sent = stage.sent(name)
        if sent and query(text) not in sent:
            stage.answers(name, done("SELECT 1"))
            sent = stage.sent(name)
        if sent:
            assert sent == query(text)
            stage.answers(name, done("SELECT 0"))
            client.take()
            return name
    raise AssertionError("nobody got it")


def paused(client: Client) -> bool:
    """Whether nothing is read from it."""
    return client.paused


def test_a_session_that_asks_for_the_primary_reads_there() -> None:
    stage = Stage()
    assert where(stage, stage.client((ROUTE, "primary"))) == "n1"
    assert where(stage, stage.client()) in STANDBYS


def test_what_a_session_has_seen_does_not_vanish_again_unless_it_says_that_this_is_all_right() -> None:
    stage = Stage()
    client, careless = stage.client(), stage.client((CONSISTENCY, "eventual"))
    first = where(stage, client)
    (other,) = (name for name in STANDBYS if name != first)
    stage.target(first).busy += 5
    assert where(stage, client) == first
    assert where(stage, careless) == other
    stage.clock += 10
    for name in ("n1", other):
        stage.sampled(name, 1)
    assert where(stage, client) == other


def test_a_hint_says_more_than_the_session_but_sends_no_write_to_a_standby() -> None:
    stage = Stage()
    client = stage.client((ROUTE, "primary"))
    assert where(stage, client, f"/* howdah: standby */ {READ}") in STANDBYS
    assert where(stage, client, f"/* howdah: standby */ {WRITE}") == "n1"
    client = stage.client((ROUTE, "standby"))
    assert where(stage, client, f"/* howdah: primary */ {READ}") == "n1"


def test_a_session_that_asks_for_standbys_has_its_writes_refused_there() -> None:
    stage = Stage()
    client = stage.client((ROUTE, "standby"))
    assert where(stage, client, WRITE) in STANDBYS
    assert where(stage, client, "BEGIN") in STANDBYS
    assert where(stage, client) in STANDBYS


def test_without_standbys_such_a_session_reads_on_the_primary_and_can_write_nothing_there() -> None:
    stage = Stage()
    for name in STANDBYS:
        stage.hub.changed(stage.fleet.unanswered(stage.target(name), "it is gone"))
    client = stage.client((ROUTE, "standby"))
    client.asks(READ)
    assert b"'default_transaction_read_only','on'" in stage.sent("n1")
    stage.answers("n1", done("SELECT 1"))
    assert stage.sent("n1") == query(READ)
    stage.answers("n1", done("SELECT 0"))
    other = stage.client()
    other.asks(WRITE)
    assert stage.sent("n1") == query('RESET "default_transaction_read_only"')


def test_a_session_for_any_server_stays_on_one() -> None:
    stage = Stage()
    first, second = stage.client((ROUTE, "any")), stage.client((ROUTE, "any"))
    place = where(stage, first)
    stage.target(place).busy += 5
    other = where(stage, second)
    assert other != place
    assert {where(stage, first, text) for text in (READ, WRITE, "BEGIN READ ONLY")} == {place}
    stage.hub.changed(stage.fleet.unanswered(stage.target(place), "it is gone"))
    if place in STANDBYS:
        assert where(stage, first) != place


def test_eventual_reads_go_to_a_standby_that_does_not_have_the_session_s_write_yet() -> None:
    stage = Stage()
    client, careful = stage.client((CONSISTENCY, "eventual")), stage.client()
    stage.clock += 10
    for each in (client, careful):
        where(stage, each, WRITE)
    assert where(stage, careful) == "n1"
    assert where(stage, client) in STANDBYS
    assert where(stage, stage.client((CONSISTENCY, "primary"))) == "n1"


@pytest.mark.parametrize(("route", "told"), [("auto", "off"), ("primary", "off"), ("standby", "on"), ("any", "on")])
def test_a_driver_that_looks_for_a_standby_is_told_whether_it_has_one(route: str, told: str) -> None:
    parameters = {"server_version": "18.0", "in_hot_standby": "on", "default_transaction_read_only": "off"}
    face = told_at_login(parameters, Route(route))
    assert face.count(b"in_hot_standby\0" + told.encode()) == 1
    assert b"server_version" in face


def test_the_router_s_settings_hold_for_who_says_nothing() -> None:
    stage = Stage()
    stage.place.route = Route.PRIMARY
    assert where(stage, stage.client()) == "n1"
    assert where(stage, stage.client((ROUTE, "auto"))) in STANDBYS
    stage.place.route, stage.place.consistency = Route.AUTO, Consistency.PRIMARY
    assert where(stage, stage.client()) == "n1"


def test_a_wish_is_set_shown_rolled_back_and_reset_as_any_setting_and_no_server_has_to_be_told_of_it() -> None:
    stage = Stage(size=1)
    client = stage.client()
    client.asks("SHOW howdah.route")
    assert b"auto" in client.take()
    for text, answer in (
        ("BEGIN", done("BEGIN", IN_TRANSACTION)),
        ("SET howdah.route = 'primary'", done("SET", IN_TRANSACTION)),
        ("ROLLBACK", done("ROLLBACK")),
    ):
        client.asks(text)
        stage.sent("n1")
        stage.answers("n1", answer)
    assert client.session.state.profile.wishes.route is None
    stage.clock += 10
    for name in ("n1", "n2", "n3"):
        stage.sampled(name, 1, 2000)
    client.asks("SET howdah.route TO standby")
    assert stage.sent("n1") == query("SET howdah.route TO standby")
    stage.answers("n1", done("SET"))
    client.take()
    client.asks("SHOW howdah.route")
    assert b"standby" in client.take()
    assert stage.links["n1"][0].profile is stage.hub.profiles.plain
    assert where(stage, client, WRITE) in STANDBYS
    client.asks("RESET howdah.route")
    name = next(name for name in STANDBYS if stage.sent(name))
    stage.answers(name, done("RESET"))
    assert where(stage, client, WRITE) == "n1"


def test_a_wish_is_shown_in_the_extended_protocol_as_well() -> None:
    stage = Stage()
    client = stage.client((ROUTE, "primary"))
    client.sends(parse("", "SHOW howdah.route"), bind(""), EXECUTE, SYNC)
    assert b"SELECT 'primary'::pg_catalog.text AS \"howdah.route\"" in stage.sent("n1")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("SET howdah.route = 'nowhere'", b"22023"),
        ("SET howdah.consistency = 'strong'", b"22023"),
        ("SET howdah.hold_timeout = 'soon'", b"22023"),
        ("SET howdah.rote = 'primary'", b"42704"),
    ],
)
def test_a_wish_that_makes_no_sense_is_an_error_in_its_place(text: str, state: bytes) -> None:
    stage = Stage()
    client = stage.client()
    client.asks(text)
    sent = stage.sent("n1") or stage.sent("n2") or stage.sent("n3")
    assert b"RAISE EXCEPTION" in sent
    assert state in sent
    client = stage.client()
    client.sends(parse("s", text), SYNC)
    assert any(b"RAISE EXCEPTION" in stage.sent(name) for name in ("n1", "n2", "n3"))


def test_what_a_wish_means_is_read_once() -> None:
    profiles = Profiles()
    wishes = profiles.of_login((("Howdah.Route", "STANDBY"), (HOLD_TIMEOUT, "2min"), (HOLD_TIMEOUT, "3 s"))).wishes
    assert (wishes.route, wishes.hold_ms, wishes.consistency) == (Route.STANDBY, 3000.0, None)
    assert wishes_of(((ROUTE, "nonsense"),)).route is None
    assert objection(HOLD_TIMEOUT, "250") == ""


def test_how_long_a_session_waits_for_a_primary_is_its_own_to_say() -> None:
    stage = Stage()
    patient, hasty = stage.client(), stage.client((HOLD_TIMEOUT, "100ms"))
    stage.nobody_leads()
    for client in (patient, hasty):
        client.asks(WRITE)
    stage.clock += 200
    stage.hub.tick()
    assert b"57P03" in hasty.take()
    assert not patient.closed
    stage.leads("n2", 2)
    assert stage.sent("n2") == query(WRITE)


def test_reads_of_a_pipeline_stay_where_they_began_and_what_writes_waits_for_them() -> None:
    stage = Stage()
    client = stage.client()
    reading = parse("", READ) + bind("") + EXECUTE + SYNC
    writing = parse("", WRITE) + bind("") + EXECUTE + SYNC
    client.sends(reading, reading, writing, reading)
    stage.connect()
    name = next(name for name in STANDBYS if stage.links[name])
    assert stage.sent(name) == reading + reading
    assert stage.sent("n1") == b""
    answer = PARSED + BOUND + done("SELECT 0")
    stage.answers(name, answer)
    assert stage.sent("n1") == b""
    stage.answers(name, answer)
    assert stage.sent("n1") == writing + reading
    stage.answers("n1", PARSED + BOUND + done("INSERT 0 1") + answer)
    assert client.take() == answer + answer + PARSED + BOUND + done("INSERT 0 1") + answer


def test_a_client_with_too_much_unanswered_is_paused_and_goes_on_later() -> None:
    stage = Stage()
    client = stage.client()
    one = parse("", WRITE) + bind("") + EXECUTE
    client.sends(one * 22_000)
    stage.connect()
    link = stage.links["n1"][0]
    assert link.expect.full
    client.sends(one * 200 + SYNC)
    client.sends(query(WRITE) * 3000)
    assert paused(client)
    stage.answers("n1", (PARSED + BOUND + message(b"C", b"INSERT 0 1\0")) * 22_000)
    assert find(client.session, True, Ends.NOTHING) is link
    assert stage.sent("n1").endswith(query(WRITE))
    stage.answers("n1", error("23505") + READY + done("INSERT 0 1") * 3000)
    assert not paused(client)
    assert client.session.link is None
