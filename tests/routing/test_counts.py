"""Is it counted what was done, and for how long?"""

from howdah.routing.counts import PERIOD_MS, TIMED_PER_LOOK, Counts
from tests.routing.playsession import EXECUTE, IN_TRANSACTION, SYNC, Stage, bind, done, parse, query


def _counts(stage: Stage, server: str) -> Counts:
    return stage.hub.ledger.of("app", server)


def test_statements_transactions_and_bytes_are_counted_where_they_went() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("INSERT INTO t VALUES (1)")
    stage.sent("n1")
    stage.answers("n1", done("INSERT 0 1"))
    client.asks("BEGIN")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.asks("COMMIT")
    stage.answers("n1", done("COMMIT"))
    primary = _counts(stage, "n1").totals()
    assert (primary.reads, primary.writes, primary.transactions) == (1, 2, 2)  # a COMMIT alone could run anywhere
    assert primary.received == sum(map(len, map(query, ("INSERT INTO t VALUES (1)", "BEGIN", "COMMIT"))))
    assert primary.sent == len(done("INSERT 0 1") + done("BEGIN") + done("COMMIT"))
    assert primary.lent == 2
    reader = stage.client()
    for _ in range(2):
        reader.asks("SELECT 1")
        for name in ("n2", "n3"):
            if stage.sent(name):
                stage.answers(name, done("SELECT 1"))
    standbys = _counts(stage, "n2").totals().plus(_counts(stage, "n3").totals())
    assert (standbys.reads, standbys.writes, standbys.transactions) == (2, 0, 2)
    assert stage.hub.ledger.by_database()["app"].queries == 5


def test_a_batch_is_one_query_and_its_statements_are_counted_apart() -> None:
    stage = Stage()
    client = stage.client()
    client.sends(parse("s", "UPDATE t SET a = 1"), bind("s"), EXECUTE, bind("s"), EXECUTE, SYNC)
    stage.sent("n1")
    found = _counts(stage, "n1").totals()
    assert (found.queries, found.client_parses, found.server_parses, found.binds) == (1, 1, 1, 2)


def test_what_is_under_way_at_each_look_counts_for_the_time_since_the_last_one() -> None:
    stage = Stage(size=1)
    runs, waits = stage.client(), stage.client()
    runs.asks("BEGIN")
    stage.sent("n1")
    waits.asks("UPDATE t SET a = 1")
    for _ in range(4):
        stage.clock += 250
        stage.hub.tick()
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    for _ in range(2):
        stage.clock += 250
        stage.hub.tick()
    found = _counts(stage, "n1").totals()
    assert (found.query_ms, found.transaction_ms, found.wait_ms) == (1000, 1500, 1500)


def test_the_first_statements_after_each_look_are_timed() -> None:
    stage = Stage()
    client = stage.client()
    for _ in range(TIMED_PER_LOOK + 3):
        client.asks("UPDATE t SET a = 1")
        stage.sent("n1")
        stage.clock += 4
        stage.answers("n1", done("UPDATE 1"))
    answers = _counts(stage, "n1").answers
    assert sum(answers.numbers) == TIMED_PER_LOOK
    assert answers.numbers[answers.bounds_s.index(0.005)] == TIMED_PER_LOOK
    stage.hub.tick()
    client.asks("UPDATE t SET a = 1")
    stage.clock += 60_000
    stage.answers("n1", done("UPDATE 1"))
    assert answers.numbers[-1] == 1


def test_averages_are_those_of_the_last_period_that_is_over() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("UPDATE t SET a = 1")
    stage.sent("n1")
    stage.answers("n1", done("UPDATE 1"))
    assert stage.hub.ledger.last_period() == ({}, 0.0)
    stage.clock += PERIOD_MS
    stage.hub.tick()
    found, lasted_ms = stage.hub.ledger.last_period()
    assert (found["app"].queries, lasted_ms >= PERIOD_MS) == (1, True)
    stage.clock += PERIOD_MS
    stage.hub.tick()
    assert stage.hub.ledger.last_period()[0]["app"].queries == 0
    assert stage.hub.ledger.by_database()["app"].queries == 1


def test_role_changes_cuts_and_waits_for_a_primary_are_counted() -> None:
    stage = Stage()
    client = stage.client()
    client.asks("UPDATE t SET a = 1")
    stage.sent("n1")
    stage.answers("n1", done("UPDATE 1"))
    ledger = stage.hub.ledger
    assert ledger.role_changes == 1
    stage.nobody_leads()
    client.asks("UPDATE t SET a = 1")
    stage.leads("n2", 2)
    stage.sent("n2")
    stage.answers("n2", done("UPDATE 1"))
    assert (ledger.role_changes, ledger.cut, ledger.held, sum(ledger.holds.numbers)) == (2, 1, 1, 1)
    stage.leads("n2", 3)
    assert ledger.role_changes == 2
    stage.nobody_leads()
    stage.client().asks("UPDATE t SET a = 1")
    stage.clock += 30_000
    stage.hub.tick()
    assert (ledger.held, ledger.hold_expired) == (2, 1)
    assert ledger.of("app", "").wait_ms > 30_000
