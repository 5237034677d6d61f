"""Who may open a connection, and who gives one up for it?"""

from howdah.routing.fleet import Target
from howdah.routing.hub import Place
from howdah.routing.pool import Limits, Pool
from howdah.routing.shares import Shares
from howdah.routing.tally import TAKEN, OwnTally
from howdah.routing.texts import Texts
from howdah.sql.cache import Verdicts
from howdah.sql.volatility import EMPTY_CATALOG
from tests.routing.playsession import Client, Stage, done


def test_all_limits_have_room_or_nothing_is_counted() -> None:
    tally = OwnTally()
    assert tally.take(("all", 2), ("one", 1)) == TAKEN
    assert tally.take(("all", 2), ("one", 1)) == 1
    assert tally.take(("all", 2), ("other", 0)) == TAKEN
    assert tally.take(("all", 2), ("other", 0)) == 0
    tally.give("all", "one")
    assert tally.counts == {"all": 1, "other": 1}
    assert tally.take(("all", 2), ("one", 1)) == TAKEN


def stage(server_max: int, **limits: int) -> tuple[Stage, Place, Place]:
    """Two users' places, which share what one server takes."""
    made = Stage()
    shares = Shares(OwnTally(), lambda _: server_max)
    texts = Texts(Verdicts(1 << 20, EMPTY_CATALOG))
    places = [Place(user, "app", texts, Limits(**limits), made, None, shares) for user in ("anna", "bert")]
    for place in places:
        made.hub.places[place.user, "app"] = place
    return made, places[0], places[1]


def ask(made: Stage, place: Place, text: str = "INSERT INTO t VALUES (1)") -> Client:
    made.place = place
    client = made.client()
    client.asks(text)
    made.connect()
    return client


def settle(made: Stage) -> None:
    """What happens several times a second."""
    made.hub.tick()
    pools = [pool for place in made.hub.places.values() for pool in place.pools.values()]
    pools[0].place.shares.settle(pools)
    made.connect()


def has_link(client: Client) -> bool:
    return client.session.link is not None


def links(made: Stage, place: Place) -> int:
    return len(place.pool(made.target("n1")).links)


def answer(client: Client) -> None:
    link = client.session.link
    assert link is not None
    link.receive(done("INSERT 0 1"))


def test_an_idle_connection_of_one_user_makes_room_for_another_user() -> None:
    made, anna, bert = stage(server_max=1, most=5)
    answer(ask(made, anna))
    waits = ask(made, bert)
    assert not has_link(waits)
    settle(made)
    assert has_link(waits)
    assert (links(made, anna), links(made, bert)) == (0, 1)


def test_who_is_busy_with_more_than_an_equal_share_closes_what_comes_back() -> None:
    made, anna, bert = stage(server_max=2, most=5)
    busy = [ask(made, anna) for _ in range(4)]
    waits = ask(made, bert)
    settle(made)
    assert not has_link(waits)
    answer(busy[0])
    settle(made)
    assert has_link(waits)
    assert (links(made, anna), links(made, bert)) == (1, 1)
    assert sum(has_link(client) for client in busy[1:]) == 1


def test_a_pool_keeps_its_least_once_it_was_used_and_what_is_unused_above_it_goes() -> None:
    made, anna, _ = stage(server_max=0, most=5, least=3)
    answer(ask(made, anna))
    settle(made)
    assert links(made, anna) == 3
    made.clock += 10_000_000
    made.leads("n1", 1)
    settle(made)
    assert links(made, anna) == 3, "they were renewed for their age"


def test_a_connection_that_could_not_be_opened_is_not_counted() -> None:
    tally = OwnTally()
    made = Stage()
    texts = Texts(Verdicts(1 << 20, EMPTY_CATALOG))
    pool = Pool(Place("anna", "app", texts, Limits(), made, None, Shares(tally)), made.target("n1"), Limits(), made)
    made.place = pool.place
    pool.place.pools[pool.target] = pool
    made.client().asks("INSERT INTO t VALUES (1)")
    assert set(tally.counts.values()) == {1}
    pool.refused(b"", for_good=True)
    assert not tally.counts


def test_a_target_without_a_limit_takes_what_comes() -> None:
    shares = Shares(OwnTally())
    made = Stage()
    pool = made.place.pool(Target("n9", "n9", 5432))
    assert all(shares.open(pool, 0) for _ in range(100))
