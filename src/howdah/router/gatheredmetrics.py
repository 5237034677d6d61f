"""What are the metrics of a router with several workers? Sums of what each of them counts."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from prometheus_client.metrics_core import Metric

ADDED_GAUGES: Final = frozenset(
    f"howdah_router_{name}"
    for name in ("clients", "admin_clients", "logins_pending", "pinned", "server_connections", "held", "node_busy")
)
"""Gauges that count what each worker has. The others tell of the cluster, which all workers see alike."""

Words = list[Any]


def in_words(metrics: Iterable[Metric]) -> list[Words]:
    """As it goes from worker to worker: name, meaning, type, and name, labels and value of each sample."""
    return [
        [one.name, one.documentation, one.type, [[s.name, s.labels, s.value] for s in one.samples]] for one in metrics
    ]


def added(own: list[Metric], others: Sequence[list[Words]]) -> list[Metric]:
    """The metrics of one worker, and the words of the others."""
    if not others:
        return own
    found = {one[0]: one for one in in_words(own)}
    for words in others:
        for name, meaning, kind, samples in words:
            mine = found.setdefault(name, [name, meaning, kind, []])
            if kind in ("counter", "histogram") or name in ADDED_GAUGES:
                mine[3] = _sum(mine[3], samples)
    return [_metric(*one) for one in found.values()]


def _sum(ours: list[Words], theirs: list[Words]) -> list[Words]:
    total = {(name, *sorted(labels.items())): [name, labels, value] for name, labels, value in ours}
    for name, labels, value in theirs:
        key = (name, *sorted(labels.items()))
        if key in total:
            total[key][2] += value
        else:
            total[key] = [name, labels, value]
    return list(total.values())


def _metric(name: str, meaning: str, kind: str, samples: list[Words]) -> Metric:
    made = Metric(name, meaning, kind)
    for sample, labels, value in samples:
        made.add_sample(sample, labels, value)
    return made
