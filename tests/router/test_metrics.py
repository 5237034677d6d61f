"""Does a router's /metrics say what it does, in a form that Prometheus reads?"""

from prometheus_client.parser import text_string_to_metric_families

from howdah.router.metrics import RouterMetrics
from howdah.telemetry.metrics import exposition
from tests.routing.admindesk import AdminDesk, visit
from tests.routing.playsession import Stage, done

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(stage: Stage) -> Samples:
    """Every sample by its name and labels, without the two that all have."""
    text = exposition(list(RouterMetrics("main", "r1").collect(AdminDesk(stage).scene())))
    return {
        (
            sample.name,
            tuple(sorted((k, v) for k, v in sample.labels.items() if k not in ("cluster", "router"))),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"howdah_router_{name}", tuple(sorted(labels.items()))]


def test_clients_and_connections_are_counted_by_what_they_do() -> None:
    stage = Stage(size=1)
    works, waits, _ = (visit(stage.client(), serial) for serial in (1, 2, 3))
    works.asks("BEGIN")
    stage.sent("n1")
    waits.asks("UPDATE t SET a = 1")
    samples = scraped(stage)
    for state in ("active", "waiting", "idle"):
        assert value(samples, "clients", database="app", user="app", state=state) == 1
    assert value(samples, "server_connections", database="app", user="app", node="n1", state="active") == 1
    assert value(samples, "pinned", reason="listen") == 0
    works.asks("LISTEN news")
    stage.answers("n1", done("BEGIN", b"Z\0\0\0\5T"))
    stage.answers("n1", done("LISTEN", b"Z\0\0\0\5T"))
    assert value(scraped(stage), "pinned", reason="listen") == 1


def test_queries_are_counted_by_node_and_kind_and_timed() -> None:
    stage = Stage()
    client = visit(stage.client(), 1)
    client.asks("UPDATE t SET a = 1")
    stage.sent("n1")
    stage.clock += 3
    stage.answers("n1", done("UPDATE 1"))
    samples = scraped(stage)
    assert value(samples, "queries_total", database="app", node="n1", kind="write") == 1
    assert value(samples, "queries_total", database="app", node="n1", kind="read") == 0
    assert value(samples, "answer_seconds_bucket", database="app", node="n1", le="0.001") == 0
    assert value(samples, "answer_seconds_bucket", database="app", node="n1", le="0.005") == 1
    assert value(samples, "answer_seconds_count", database="app", node="n1") == 1
    assert value(samples, "sent_bytes_total", database="app", node="n1") == len(done("UPDATE 1"))


def test_nodes_roles_and_holds_are_told() -> None:
    stage = Stage()
    samples = scraped(stage)
    assert value(samples, "node_role", node="n1", role="primary") == 1
    assert value(samples, "node_role", node="n2", role="standby") == 1
    assert (value(samples, "node_writable", node="n1"), value(samples, "node_readable", node="n2")) == (1, 1)
    assert (value(samples, "term"), value(samples, "writable"), value(samples, "role_changes_total")) == (1, 1, 1)
    stage.nobody_leads()
    visit(stage.client(), 1).asks("UPDATE t SET a = 1")
    samples = scraped(stage)
    assert (value(samples, "held"), value(samples, "holds_total"), value(samples, "writable")) == (1, 1, 0)
    stage.clock += 700
    stage.leads("n2", 2)
    samples = scraped(stage)
    assert (value(samples, "held"), value(samples, "hold_seconds_count")) == (0, 1)
    assert value(samples, "role_changes_total") == 2


def test_a_router_that_knows_nothing_yet_can_be_scraped() -> None:
    stage = Stage()
    stage.hub.places.clear()
    stage.fleet.targets.clear()
    stage.fleet.primary = None
    assert value(scraped(stage), "held") == 0
