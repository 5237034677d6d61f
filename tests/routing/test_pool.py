"""Which connection is lent, what is tried before, and when does a pool give up or is forgotten?"""

from dataclasses import replace

from howdah.routing.forgetting import EVERY_MS, UNUSED_MS
from howdah.routing.hub import Place
from howdah.routing.pool import SHUT_MS, Limits, shut_for_good
from howdah.routing.texts import Texts
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG
from tests.routing.playsession import Client, Stage, done, message, query

WRITE = "INSERT INTO t VALUES (1)"
NOTHING = message(b"I", b"")


def writes(stage: Stage, client: Client, place: int = 0) -> bytes:
    """One write on one of n1's connections; returns what was sent before it."""
    client.asks(WRITE)
    sent = stage.sent("n1")
    if sent != query(WRITE):
        stage.answers("n1", done("SET"), place)
        assert stage.sent("n1") == query(WRITE)
        stage.answers("n1", done("INSERT 0 1"), place)
        return sent
    stage.answers("n1", done("INSERT 0 1"), place)
    return b""


def test_a_session_gets_a_connection_with_its_settings_if_there_is_one() -> None:
    stage = Stage()
    first, second = stage.client(("application_name", "first")), stage.client(("application_name", "second"))
    first.asks(WRITE)
    second.asks(WRITE)
    assert b"'first'" in stage.sent("n1")
    for place in (0, 1):
        stage.answers("n1", done("SET"), place)
        stage.answers("n1", done("INSERT 0 1"), place)
    stage.sent("n1")
    for _ in range(3):
        assert writes(stage, first, 0) == b""
        assert writes(stage, second, 1) == b""


def test_a_connection_that_nobody_used_for_long_is_tried_before_it_is_lent() -> None:
    stage = Stage()
    stage.place.limits = replace(stage.place.limits, check_ms=1000.0)
    client = stage.client()
    writes(stage, client)
    stage.clock += 1001
    stage.hub.now_ms = stage.clock
    client.asks(WRITE)
    assert stage.sent("n1") == query("")
    stage.dies("n1")
    assert stage.sent("n1") == query(WRITE)
    stage.answers("n1", done("INSERT 0 1"))
    client.take()
    stage.clock += 1001
    stage.hub.now_ms = stage.clock
    client.asks(WRITE)
    assert stage.sent("n1") == query("")
    stage.answers("n1", NOTHING + done("")[-6:])
    assert stage.sent("n1") == query(WRITE)
    assert client.take() == b""


def test_a_server_whose_rules_refuse_for_long_while_it_serves_is_not_waited_for() -> None:
    stage = Stage()
    pool = stage.place.pool(stage.target("n1"))
    assert not shut_for_good(pool, 1000.0)
    assert not shut_for_good(pool, 1000.0 + SHUT_MS - 1)
    assert shut_for_good(pool, 1000.0 + SHUT_MS)
    stage.nobody_leads()
    assert not shut_for_good(pool, 99_000.0)


def test_who_is_refused_for_good_is_told_in_the_server_s_words() -> None:
    stage = Stage()
    client = stage.client()
    client.asks(WRITE)
    pool = stage.asked_for.pop()
    pool.refused(message(b"E", b"SFATAL\0C28000\0Mno entry\0\0"), for_good=True)
    assert b"no entry" in client.take()
    assert client.closed


def test_a_read_whose_standby_takes_no_connection_goes_elsewhere_at_once_and_others_do_not_try() -> None:
    stage = Stage()
    client, other = stage.client(), stage.client()
    client.asks("SELECT a FROM t")
    pool = stage.asked_for.pop()
    pool.refused(message(b"E", b"SFATAL\0C57P03\0Mstarting up\0\0"), for_good=False)
    (second,) = {each.target.name for each in stage.asked_for}
    assert second != pool.target.name
    other.asks("SELECT a FROM t")
    assert {each.target.name for each in stage.asked_for} == {second}
    stage.sampled(pool.target.name, 1)
    third = stage.client()
    stage.target(second).busy = 5
    third.asks("SELECT a FROM t")
    assert stage.asked_for[-1].target is pool.target


def test_a_user_who_left_long_ago_is_forgotten_and_one_who_is_here_is_not() -> None:
    stage = Stage()
    gone = Place("gone", "app", Texts(Verdicts(1 << 16, EMPTY_CATALOG)), Limits(), stage)
    stage.hub.places["gone", "app"] = gone
    gone.pool(stage.target("n1"))
    client = stage.client(("application_name", "here"))
    for _ in range(3):
        stage.clock += max(EVERY_MS, UNUSED_MS) + 1
        stage.leads("n1", stage.fleet.term)
        stage.hub.tick()
    assert list(stage.hub.places) == [("app", "app")]
    profile = client.session.state.profile
    assert stage.hub.profiles.of(profile.settings) is profile
