"""What does the generated part of docs/metrics.md say? Every metric that an agent gives out."""

from prometheus_client.parser import text_string_to_metric_families

from howdah.telemetry.metrics import Metrics
from howdah.telemetry.statistics import FAMILIES
from tests.telemetry.sample import observation

KIND_OF_TOTAL = "counter"


def written() -> str:
    """The tables."""
    lines = ["### Howdah's own", "", "Each with the labels `cluster` and `node`.", ""]
    lines += ["| metric | type | more labels | |", "|---|---|---|---|"]
    for family in text_string_to_metric_families(_own()):
        name = family.name + ("_total" if family.type == KIND_OF_TOTAL else "")
        if not name.startswith("howdah_"):
            continue
        labels = sorted({label for sample in family.samples for label in sample.labels} - {"cluster", "node"})
        lines.append(f"| `{name}` | {family.type} | {_words(tuple(labels))} | {family.documentation} |")
    lines += ["", "### PostgreSQL's, under the names of postgres_exporter", ""]
    lines += ["| metric | type | labels | |", "|---|---|---|---|"]
    lines.append("| `pg_up` | gauge | | Whether the last scrape could talk to PostgreSQL |")
    for each in FAMILIES:
        kind = "untyped" if each.counter else "gauge"
        lines.append(f"| `{each.name}` | {kind} | {_words(each.labels)} | {each.meaning} |")
    lines.append("| `pg_settings_...` | gauge | | Every numeric setting, in bytes or seconds, which the name says |")
    return "\n".join([*lines, ""])


def _own() -> str:
    """A scrape in which everything has happened once, so that every label shows."""
    metrics = Metrics("main", "n1")
    metrics.counts.decisions["LEADING"] += 1
    metrics.counts.notes["ELECTED"] += 1
    metrics.counts.did("Campaign", "done", 12)
    return metrics.text(observation(), {})


def _words(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
