"""What does the generated part of docs/metrics.md say? Every metric that an agent or a router gives out."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from howdah.router.metrics import RouterMetrics
from howdah.telemetry.metrics import Metrics, exposition
from howdah.telemetry.statistics import FAMILIES
from tests.routing.admindesk import AdminDesk, visit
from tests.routing.playsession import Stage
from tests.telemetry.sample import observation

KIND_OF_TOTAL = "counter"


def written() -> str:
    """The tables."""
    lines = ["### Howdah's own", "", "Each with the labels `cluster` and `node`.", ""]
    lines += ["| metric | type | more labels | |", "|---|---|---|---|"]
    lines += _rows(_own(), {"cluster", "node"})
    lines += ["", "### PostgreSQL's, under the names of postgres_exporter", ""]
    lines += ["| metric | type | labels | |", "|---|---|---|---|"]
    lines.append("| `pg_up` | gauge | | Whether the last scrape could talk to PostgreSQL |")
    for each in FAMILIES:
        kind = "untyped" if each.counter else "gauge"
        lines.append(f"| `{each.name}` | {kind} | {_words(each.labels)} | {each.meaning} |")
    lines.append("| `pg_settings_...` | gauge | | Every numeric setting, in bytes or seconds, which the name says |")
    lines += ["", "### A router's", "", "Each with the labels `cluster` and `router`.", ""]
    lines += ["| metric | type | more labels | |", "|---|---|---|---|", *_rows(_router(), {"cluster", "router"})]
    return "\n".join([*lines, ""])


def _rows(scrape: str, everywhere: set[str]) -> Iterator[str]:
    """One for each metric of ours, without the labels that all have."""
    for family in text_string_to_metric_families(scrape):
        name = family.name + ("_total" if family.type == KIND_OF_TOTAL else "")
        if name.startswith("howdah_"):
            labels = {label for sample in family.samples for label in sample.labels} - everywhere - {"le"}
            yield f"| `{name}` | {family.type} | {_words(tuple(sorted(labels)))} | {family.documentation} |"


def _router() -> str:
    """The same of a router."""
    stage = Stage()
    visit(stage.client(), 1).asks("BEGIN")
    stage.sent("n1")
    stage.hub.halted.add("app")
    return exposition(list(RouterMetrics("main", "r1").collect(AdminDesk(stage).scene())))


def _own() -> str:
    """A scrape in which everything has happened once, so that every label shows."""
    metrics = Metrics("main", "n1")
    metrics.counts.decisions["LEADING"] += 1
    metrics.counts.notes["ELECTED"] += 1
    metrics.counts.did("Campaign", "done", 12)
    return metrics.text(observation(), {})


def _words(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
