"""What does a router's /metrics say?

All of it is read off the router as it is at the scrape, and off what it counted; each with the labels cluster and
router.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from howdah.routing.adminscene import Scene, waits
from howdah.routing.adminviews import role_of
from howdah.routing.counts import Counts, Times
from howdah.routing.fleet import Target
from howdah.routing.freshness import NEVER
from howdah.routing.pins import Kind
from howdah.telemetry.release import release

PLACE: Final = ("cluster", "router")
Values = Iterable[tuple[tuple[str, ...], float]]
"""The values of further labels, and what is so."""
_TRAFFIC: Final = ("database", "node")
"""`node` is "" for what came to no server."""


class RouterMetrics:
    """Those of one router."""

    def __init__(self, cluster: str, router: str) -> None:
        self._place = (cluster, router)

    def collect(self, scene: Scene) -> Iterator[Metric]:
        """Everything."""
        info = InfoMetricFamily("howdah_router", "The version that runs", labels=PLACE)
        info.add_metric(self._place, {"version": release()})
        yield info
        yield from self._clients(scene)
        yield from self._servers(scene)
        yield from self._traffic(scene)
        yield from self._holds(scene)
        yield from self._nodes(scene)

    def _gauge(self, name: str, meaning: str, labels: tuple[str, ...], values: Values) -> Metric:
        return self._filled(GaugeMetricFamily, name, meaning, labels, values)

    def _counter(self, name: str, meaning: str, labels: tuple[str, ...], values: Values) -> Metric:
        return self._filled(CounterMetricFamily, name, meaning, labels, values)

    def _filled(
        self,
        kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
        name: str,
        meaning: str,
        labels: tuple[str, ...],
        values: Values,
    ) -> Metric:
        made = kind(f"howdah_router_{name}", meaning, labels=(*PLACE, *labels))
        for place, value in values:
            made.add_metric((*self._place, *place), float(value))
        return made

    def _one(self, name: str, meaning: str, value: float) -> Metric:
        return self._gauge(name, meaning, (), [((), value)])

    def _total(self, name: str, meaning: str, value: float) -> Metric:
        return self._counter(name, meaning, (), [((), value)])

    def _clients(self, scene: Scene) -> Iterator[Metric]:
        states: Counter[tuple[str, ...]] = Counter()
        pins: Counter[tuple[str, ...]] = Counter({(kind.value,): 0 for kind in Kind})
        pins[("mode",)] = 0
        for session in scene.clients():
            state = "waiting" if waits(session) else "idle" if session.link is None else "active"
            states[session.place.database, session.place.user, state] += 1
            for kind in session.state.pins.kinds():
                pins[(kind.value,)] += 1
            pins[("mode",)] += bool(session.state.keeps and session.link is not None)
        labels = ("database", "user", "state")
        yield self._gauge(
            "clients", "Clients: active with a server connection, idle, or waiting", labels, states.items()
        )
        yield self._one("admin_clients", "Clients of the admin database", len(scene.guests))
        yield self._one("logins_pending", "Clients that are logging in", scene.pending)
        ledger = scene.hub.ledger
        yield self._total("logins", "Clients that were let in", ledger.logins)
        yield self._total("logins_refused", "Clients that were not let in", ledger.refused)
        yield self._gauge(
            "pinned", "Sessions that keep their connection, by what binds them", ("reason",), pins.items()
        )
        paused = [((name,), 1.0) for name in sorted(scene.hub.halted)]
        yield self._gauge("paused", 'Databases that are paused; "" for all', ("database",), paused)

    def _servers(self, scene: Scene) -> Iterator[Metric]:
        states: Counter[tuple[str, ...]] = Counter()
        for pool in scene.pools():
            place = (pool.place.database, pool.place.user, pool.target.name)
            idle = sum(link.session is None for link in pool.links)
            states[(*place, "idle")] += idle
            states[(*place, "active")] += len(pool.links) - idle
            states[(*place, "opening")] += pool.opening
        labels = ("database", "user", "node", "state")
        yield self._gauge("server_connections", "Connections to servers: active are lent", labels, states.items())
        cut = "Server connections that were ended because their server leads no more, or is gone"
        yield self._total("server_connections_cut", cut, scene.hub.ledger.cut)

    def _traffic(self, scene: Scene) -> Iterator[Metric]:
        counts = scene.hub.ledger.counts
        kinds = [((*place, kind), value) for place, each in counts.items() for kind, value in _queries(each)]
        what = "Statements and batches that went to servers; what a standby may run is a read"
        yield self._counter("queries", what, (*_TRAFFIC, "kind"), kinds)
        for name, meaning, value in _TOTALS:
            yield self._counter(name, meaning, _TRAFFIC, [(place, value(each)) for place, each in counts.items()])
        answers = HistogramMetricFamily(
            "howdah_router_answer_seconds",
            "From a statement's way to its server to the end of the answer; of a sample where there are many",
            labels=(*PLACE, *_TRAFFIC),
        )
        for place, each in counts.items():
            if place[1]:
                answers.add_metric((*self._place, *place), *_buckets(each.answers))
        yield answers

    def _holds(self, scene: Scene) -> Iterator[Metric]:
        hub, ledger = scene.hub, scene.hub.ledger
        yield self._one("held", "Statements that wait for a primary", len(hub.held))
        yield self._total("holds", "Statements that had to wait for a primary", ledger.held)
        yield self._total("holds_expired", "Of these, who waited in vain", ledger.hold_expired)
        yield self._total("holds_refused", "Of these, who was turned away since too much waited", ledger.hold_refused)
        waited = HistogramMetricFamily(
            "howdah_router_hold_seconds", "How long statements waited for a primary", labels=PLACE
        )
        waited.add_metric(self._place, *_buckets(ledger.holds))
        yield waited
        yield self._total(
            "role_changes", "Other primaries that were seen to serve, the first one too", ledger.role_changes
        )

    def _nodes(self, scene: Scene) -> Iterator[Metric]:
        fleet = scene.hub.fleet
        targets = sorted(fleet.targets.values(), key=lambda target: target.name)
        yield self._one("term", "The newest term that is known", fleet.term)
        known_s = (scene.now_ms - fleet.known_ms) / 1000 if fleet.known_ms > NEVER else float("inf")
        yield self._one("knowledge_age_seconds", "Since when the primary was not seen to lead; +Inf: never", known_s)
        writable = fleet.writable(scene.now_ms)
        yield self._one("writable", "1 if there is a primary that may be written to now", writable is not None)
        roles = [((each.name, role_of(scene, each)), 1.0) for each in targets]
        yield self._gauge(
            "node_role", "1 for the role that a node has: primary, standby, none", ("node", "role"), roles
        )
        of_node: tuple[tuple[str, str, Callable[[Target], float]], ...] = (
            ("node_up", "1 if the node answered the last question", lambda t: t.answers),
            ("node_writable", "1 if writes may go there", lambda t: t is writable),
            ("node_readable", "1 if it is a standby that may be read from", lambda t: t.readable),
            ("node_term", "The term in which its present role began", lambda t: t.term),
            ("node_latency_seconds", "How long it takes to answer, smoothed", lambda t: t.latency_ms / 1000),
            ("node_weight", "Its share of reads against others of weight 1", lambda t: t.weight),
            ("node_busy", "Connections to it that are lent now", lambda t: t.busy),
        )
        for name, meaning, value in of_node:
            yield self._gauge(name, meaning, ("node",), [((each.name,), float(value(each))) for each in targets])
        behind = [((each.name,), float(each.lag_bytes)) for each in targets if each.lag_bytes is not None]
        yield self._gauge("node_lag_bytes", "Log that it has not replayed", ("node",), behind)
        late = [
            ((each.name,), max(0.0, (fleet.newest_ms - each.fresh_ms) / 1000))
            for each in targets
            if each.readable and each.fresh_ms > NEVER
        ]
        yield self._gauge("node_lag_seconds", "How far behind the primary's newest sample it is", ("node",), late)


_TOTALS: Final[tuple[tuple[str, str, Callable[[Counts], float]], ...]] = (
    ("transactions", "Transactions that came to their end", lambda c: float(c.transactions)),
    ("received_bytes", "Bytes from clients that were passed on", lambda c: float(c.received)),
    ("sent_bytes", "Bytes from servers", lambda c: float(c.sent)),
    ("lent", "Times that a connection was lent", lambda c: float(c.lent)),
    ("query_seconds", "Time in which a statement was running", lambda c: c.query_ms / 1000),
    ("transaction_seconds", "Time in which a transaction was open", lambda c: c.transaction_ms / 1000),
    (
        "wait_seconds",
        'Time that clients waited for a connection; with node "" for a primary',
        lambda c: c.wait_ms / 1000,
    ),
)


def _queries(counts: Counts) -> tuple[tuple[str, int], ...]:
    return ("read", counts.reads), ("write", counts.writes)


def _buckets(times: Times) -> tuple[list[tuple[str, float]], float]:
    """As Prometheus wants them: so many at or below each bound."""
    bounds = [*(f"{bound_s:g}" for bound_s in times.bounds_s), "+Inf"]
    return list(zip(bounds, map(float, accumulate(times.numbers)), strict=True)), times.sum_s
