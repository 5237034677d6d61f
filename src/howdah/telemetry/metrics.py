"""What does an agent's /metrics say? (Prometheus text; own registry, nothing global)

`howdah_*` are the agent's own, each with the labels cluster and node; `pg_*` are in `statistics.py`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from howdah.cluster.observation import Observation, ServerState
from howdah.telemetry import statistics

PLACE = ("cluster", "node")


@dataclass(slots=True)
class Counts:
    """What has happened since the agent started."""

    decisions: Counter[str] = field(default_factory=Counter)  # by rule
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)  # by action and outcome
    action_ms: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)  # by word
    journal_dropped: int = 0

    def did(self, what: str, outcome: str, duration_ms: int) -> None:
        """An action ended: "done", "interrupted", or anything else for a failure."""
        word = outcome if outcome in ("done", "interrupted") else "failed"
        self.actions[what, word] += 1
        self.action_ms[what] += duration_ms


def writes_blocked(o: Observation) -> bool:
    """Out of voters: this primary has fewer streaming voters than must flush a commit."""
    record, facts = o.store.record, o.server.facts
    if record is None or facts is None or not o.is_holder or o.server.state is not ServerState.PRIMARY:
        return False
    voters = {voter.name for voter in record.voters}
    streaming = {w.application_name.partition(".t")[0] for w in facts.walsenders if w.state == "streaming"}
    return len(voters & streaming) < record.k


def gauges(o: Observation) -> dict[str, tuple[float, str]]:
    """Name -> (value, meaning) of everything that is read off an observation."""
    record, facts = o.store.record, o.server.facts
    primary = o.is_holder and o.server.state is ServerState.PRIMARY
    return {
        "howdah_term": (record.term if record else 0, "Term of the record, 0 if it is not known"),
        "howdah_promise": (o.local.promise, "Highest term that this server has promised"),
        "howdah_is_primary": (primary, "1 if this server is the primary that the record names"),
        "howdah_serving": (bool(o.served_term and o.gate_open), "1 if clients are let in to write here"),
        "howdah_paused": (o.intents.paused, "1 while automatic role changes are paused"),
        "howdah_voters": (len(record.voters) if record else 0, "Voters in the record"),
        "howdah_k": (record.k if record else 0, "How many voters must flush a commit"),
        "howdah_writes_blocked": (writes_blocked(o), "1 if fewer voters stream than must flush a commit"),
        "howdah_lease_age_seconds": (o.store.renewal_ago_ms / 1000, "Since when the record has not been renewed"),
        "howdah_store_reachable": (o.store.reachable, "1 if the store answered its last request"),
        "howdah_store_unsettled": (o.store.unsettled, "1 while a write to the store has an unknown outcome"),
        "howdah_timeline": (facts.timeline if facts else 0, "Timeline of the server, 0 if it does not run"),
        "howdah_server_running": (
            o.server.state in (ServerState.PRIMARY, ServerState.RECOVERY),
            "1 if the server answers new connections",
        ),
        "howdah_peers": (len(o.peers), "Peers that were ever heard"),
        "howdah_peers_connected": (sum(p.connected for p in o.peers), "Peers that are heard now"),
        "howdah_deadman_alive": (o.deadman_alive, "1 if the dead-man process answers"),
        "howdah_pending_restart": (len(facts.pending_restart) if facts else 0, "Settings that wait for a restart"),
        "howdah_replay_lag_seconds": (
            (facts.replay_lag_ms if facts and facts.in_recovery else 0) / 1000,
            "For how long received WAL has been waiting to be replayed",
        ),
        "howdah_uptime_seconds": (o.uptime_ms / 1000, "Age of the agent"),
    }


class Metrics:
    """One agent's metrics."""

    def __init__(self, cluster: str, node: str) -> None:
        self.counts = Counts()
        self._place = (cluster, node)

    def text(self, observation: Observation | None, rows: Mapping[str, statistics.Rows]) -> str:
        """Everything in Prometheus' text format. `rows` as `postgres.statistics` read them; empty: the server is away,
        or did not answer."""
        return exposition([*self._own(observation), *statistics.collect(rows)])

    def own_text(self, observation: Observation | None) -> str:
        """The howdah_* alone."""
        return exposition(list(self._own(observation)))

    def _own(self, observation: Observation | None) -> Iterator[Metric]:
        if observation is not None:
            for name, (value, meaning) in gauges(observation).items():
                gauge = GaugeMetricFamily(name, meaning, labels=PLACE)
                gauge.add_metric(self._place, float(value))
                yield gauge
        counts = self.counts
        totals = {
            "howdah_elections": (self._ended("Campaign"), "Elections that this server stood in"),
            "howdah_promotions": (counts.actions["Promote", "done"], "Promotions of this server"),
            "howdah_fences": (counts.actions["KillServer", "done"], "Times that this server was killed by its agent"),
            "howdah_switchovers": (counts.actions["Switchover", "done"], "Switchovers that began here"),
            "howdah_journal_dropped": (counts.journal_dropped, "Journal lines that could not be written"),
        }
        for name, (value, meaning) in totals.items():
            total = CounterMetricFamily(name, meaning, labels=PLACE)
            total.add_metric(self._place, float(value))
            yield total
        yield from self._labelled()

    def _labelled(self) -> Iterator[Metric]:
        decisions = CounterMetricFamily("howdah_decisions", "Changed decisions, by rule", labels=(*PLACE, "rule"))
        for rule, number in sorted(self.counts.decisions.items()):
            decisions.add_metric((*self._place, rule), float(number))
        actions = CounterMetricFamily(
            "howdah_actions", "Actions that ended, by action and outcome", labels=(*PLACE, "action", "outcome")
        )
        for (action, outcome), number in sorted(self.counts.actions.items()):
            actions.add_metric((*self._place, action, outcome), float(number))
        seconds = CounterMetricFamily("howdah_action_seconds", "Time spent in actions", labels=(*PLACE, "action"))
        for action, duration_ms in sorted(self.counts.action_ms.items()):
            seconds.add_metric((*self._place, action), duration_ms / 1000)
        notes = CounterMetricFamily("howdah_notes", "Steps noted in the journal, by word", labels=(*PLACE, "word"))
        for word, number in sorted(self.counts.notes.items()):
            notes.add_metric((*self._place, word), float(number))
        yield from (decisions, actions, seconds, notes)

    def _ended(self, action: str) -> int:
        return sum(number for (each, _), number in self.counts.actions.items() if each == action)


def exposition(metrics: list[Metric]) -> str:
    """Metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Once(metrics))
    return generate_latest(registry).decode()


class _Once(Collector):
    """Metrics that were collected already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)
