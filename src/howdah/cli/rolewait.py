"""How does a command wait for a new primary, and what does it report of the change?"""

import time

from howdah.cli.history import PATH as HISTORY_PATH
from howdah.cli.history import merged
from howdah.cli.reach import Reach
from howdah.local.remote import Answer, ask_each
from howdah.local.sight import Sight

POLL_S = 0.1
AWAY_LIMIT_S = 3.0
"""The agents write down how long writes were away shortly after they are back."""


def wait_for_primary(
    cluster: Reach, other_than: str, above_term: int, limit_s: float, serving: bool = True
) -> Sight | None:
    """Until another server leads in a higher term, and serves if it has to; None after the limit."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        sight = cluster.see()
        leads = sight.primary not in ("", other_than) and int(sight.document.get("term") or 0) > above_term
        if leads and (sight.serving or not serving):
            return sight
        time.sleep(POLL_S)
    return None


def away_seconds(cluster: Reach, term: int) -> float | None:
    """How long writes were away at the change that won this term; None if nobody knows."""
    deadline = time.monotonic() + AWAY_LIMIT_S
    while True:
        answers = ask_each([node.agent for node in cluster.nodes], HISTORY_PATH)
        good = [a for a in answers if isinstance(a, Answer) and a.good and isinstance(a.document, list)]
        rows = merged((answer.node, row) for answer in good for row in answer.document)
        away = next((row.get("away_ms") for row in rows if row.get("term") == term), None)
        if away is not None:
            return float(away) / 1000
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_S)


def outcome(cluster: Reach, sight: Sight) -> str:
    """The change in one sentence."""
    term = int(sight.document.get("term") or 0)
    away = away_seconds(cluster, term)
    duration = f"; writes were away for {away:.2f} s" if away is not None else ""
    return f"{sight.primary} is the primary of term {term}{duration}"
