"""What did this agent decide and do, when and why? (`<node root>/log/journal.jsonl`)

One JSON line for each *changed* decision, for each action that ended, and for each step that people want to find
again.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from howdah.cluster.actions import Action
from howdah.cluster.observation import Observation
from howdah.cluster.record import Record
from howdah.telemetry.linefile import LineFile, read_lines
from howdah.values.lsn import format_lsn

FILE_NAME = "journal.jsonl"
BYTES_MAX = 8 * 1024 * 1024
KEPT = 3
"""Some 30 MB: weeks of a quiet cluster, and hours of one that changes its mind several times a second."""


class Kind(StrEnum):
    """What a line tells."""

    DECIDED = "decided"
    DID = "did"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` is ISO 8601 in UTC. `rule` is the rule of a decision, the name of an action that ended, or the
    word of a step; `sentence` why, or how it ended. `saw` holds what was seen, as far as it is worth telling."""

    at: str
    node: str
    kind: Kind
    rule: str
    sentence: str
    term: int
    action: str = ""
    duration_ms: int | None = None
    saw: dict[str, Any] = field(default_factory=dict)


def iso(wall_ms: int) -> str:
    """Wall milliseconds as people read them: 2026-05-04T10:20:30.123Z."""
    moment = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_entry(entry: Entry) -> str:
    """The entry as one line, without the fields that say nothing."""
    document = {key: value for key, value in asdict(entry).items() if value not in ("", None, {})}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def read_entry(line: str) -> Entry | None:
    """Read what `write_entry` wrote; None for a line that is damaged or of another version."""
    try:
        document = json.loads(line)
        document["kind"] = Kind(document["kind"])
        return Entry(**{"rule": "", "sentence": "", **document})
    except (ValueError, TypeError, KeyError):
        return None


def action_text(action: Action) -> str:
    """An action in one word, with the term or the server it is about."""
    words = [type(action).__name__]
    for name in ("term", "to_term", "source", "to"):
        value = getattr(action, name, "")
        if value:
            words.append(str(value))
    return " ".join(words)


def seen(o: Observation) -> dict[str, Any]:
    """The observation in short: what a person would look at, without what is as usual."""
    told: dict[str, Any] = {"server": o.server.state.value}
    if o.server.facts is not None:
        told["timeline"] = o.server.facts.timeline
        told["lsn"] = format_lsn(o.server.facts.end_lsn)
    if o.store.record is not None:
        told["record"] = _record(o.store.record)
    told["peers"] = {
        p.published.member.name: p.published.state.value if p.connected else f"away {p.absent_ms} ms" for p in o.peers
    }
    told["store"] = "reachable" if o.store.reachable else "away"
    unusual = {
        "directory": o.server.directory.state.value if o.server.directory.state.value != "ready" else "",
        "promise": o.local.promise if not o.store.record or o.local.promise != o.store.record.term else 0,
        "asked": o.asked if o.asked > o.local.promise else 0,
        "marker": o.local.marker.value if o.local.marker.value != "none" else "",
        "floor": str(o.local.floor) if o.local.floor else "",
        "expired": o.store.expired,
        "unsettled": o.store.unsettled,
        "paused": o.intents.paused,
        "probe_failures": o.server.probe_failures,
        "crashes": o.server.crashes,
        "deadman": "" if o.deadman_alive else "gone",
        "busy": action_text(o.busy) if o.busy else "",
        "failed": action_text(o.failed) if o.failed else "",
        "confirmations": o.confirmations,
        "gate": "open" if o.gate_open else "",
    }
    return told | {key: value for key, value in unusual.items() if value}


def _record(record: Record) -> dict[str, Any]:
    told: dict[str, Any] = {
        "term": record.term,
        "holder": record.holder.name,
        "voters": [voter.name for voter in record.voters],
        "k": record.k,
        "serving": record.serving,
    }
    if record.released:
        told["released"] = True
    if record.handover is not None:
        told["handover"] = record.handover.to
    return told


class JournalFile:
    """The journal of one node."""

    def __init__(self, log_directory: Path, bytes_max: int = BYTES_MAX, kept: int = KEPT) -> None:
        self._file = LineFile(log_directory / FILE_NAME, bytes_max, kept)

    @property
    def dropped(self) -> int:
        """Lines that could not be written."""
        return self._file.dropped

    def append(self, entry: Entry) -> None:
        """Never raises, never waits."""
        self._file.append(write_entry(entry))

    def close(self) -> None:
        """Write what is still queued."""
        self._file.close()


def read_journal(log_directory: Path) -> Iterator[Entry]:
    """Every readable entry of a node, oldest first."""
    for line in read_lines(log_directory / FILE_NAME):
        entry = read_entry(line)
        if entry is not None:
            yield entry
