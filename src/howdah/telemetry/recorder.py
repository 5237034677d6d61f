"""Where does the agent's word of what it decided and did go? To the journal, the counters and the log."""

from collections.abc import Callable

import structlog

from howdah.cluster.decision import Decision
from howdah.cluster.observation import Observation
from howdah.telemetry.journal import Entry, JournalFile, Kind, action_text, iso, seen
from howdah.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class Recorder:
    """Implements `ports.events.Journal`. `wall_ms` is the wall clock in milliseconds since 1970."""

    def __init__(self, node: str, journal: JournalFile, metrics: Metrics, wall_ms: Callable[[], int]) -> None:
        self._node = node
        self._journal = journal
        self._metrics = metrics
        self._wall_ms = wall_ms
        self._last: tuple[str, str, str] | None = None

    def decided(self, decision: Decision, observation: Observation) -> None:
        """A decision; one that says the same as the one before is no line."""
        action = action_text(decision.action)
        if self._last == (said := (decision.rule, decision.why, action)):
            return
        self._last = said
        record = observation.store.record
        term = record.term if record else 0
        self._metrics.counts.decisions[decision.rule] += 1
        self._write(Kind.DECIDED, decision.rule, decision.why, term, action, saw=seen(observation))
        log.info(decision.why, rule=decision.rule, action=action)

    def did(self, what: str, outcome: str, term: int, duration_ms: int) -> None:
        """An action ended."""
        self._metrics.counts.did(what, outcome, duration_ms)
        self._write(Kind.DID, what, outcome, term, duration_ms=duration_ms)
        if outcome in ("done", "interrupted"):
            log.info(f"{what} {outcome}", duration_ms=duration_ms)
        else:
            log.warning(f"{what} failed: {outcome}", duration_ms=duration_ms)

    def noted(self, rule: str, sentence: str, term: int) -> None:
        """A step within an action."""
        self._metrics.counts.notes[rule] += 1
        self._write(Kind.NOTED, rule, sentence, term)
        log.info(sentence, rule=rule)

    def close(self) -> None:
        """Write what is still queued."""
        self._journal.close()

    def _write(
        self,
        kind: Kind,
        rule: str,
        sentence: str,
        term: int,
        action: str = "",
        duration_ms: int | None = None,
        saw: dict[str, object] | None = None,
    ) -> None:
        at = iso(self._wall_ms())
        self._journal.append(Entry(at, self._node, kind, rule, sentence, term, action, duration_ms, saw or {}))
        self._metrics.counts.journal_dropped = self._journal.dropped
