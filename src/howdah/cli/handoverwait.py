"""How does `howdah switchover` wait for its outcome, and how does it notice that there will be none?"""

import time
from typing import Any

from howdah.cli.reach import Reach
from howdah.cli.rolewait import POLL_S
from howdah.local.refused import Refused
from howdah.local.remote import Answer, ask
from howdah.local.sight import EXPLANATION_PATH, KnownNode, Sight

CONFIG_PATH = "/config"
NODE_PATH = "/status"
LOOKS = 3
"""So many looks in a row have to find the request gone and the old primary serving as before."""


def request_of(message: str) -> str:
    """The id of the request in an agent's answer; "" if it names none."""
    return message.rpartition("(request ")[2].rstrip(")") if "(request " in message else ""


def wait_for_handover(cluster: Reach, old: KnownNode, term: int, request: str, limit_s: float) -> Sight:
    """Until another server leads in a higher term than `term` and serves. Raises Refused when that will not be."""
    deadline = time.monotonic() + limit_s
    gone = 0
    while time.monotonic() < deadline:
        sight = cluster.see()
        now = int(sight.document.get("term") or 0)
        if now > term and sight.serving:
            if sight.primary != old.name:
                return sight
            raise Refused(f"{old.name} is the primary again, of term {now}: no other took over. {_journal(old)}")
        gone = gone + 1 if _given_up(old, term, request) else 0
        if gone >= LOOKS:
            raise Refused(f"no switchover: {_failure(old, request)}")
        time.sleep(POLL_S)
    still = str(_document(old, EXPLANATION_PATH).get("switchover") or "")
    state = f"; {still}" if still else ""
    raise Refused(f"no other server serves after {limit_s:g} s{state}. `howdah explain` says more.")


def _given_up(old: KnownNode, term: int, request: str) -> bool:
    """Whether the request is neither wanted nor under way any more, and its primary serves as before. The order of the
    questions matters: what leaves the settings has begun, or never will."""
    asked = _document(old, CONFIG_PATH).get("switchover", request)
    if asked == request or (isinstance(asked, dict) and asked.get("id") == request):
        return False  # or it is not known
    if _document(old, EXPLANATION_PATH).get("switchover", request):
        return False
    status = _document(old, NODE_PATH)
    return bool(status.get("serving")) and status.get("term") == term


def _failure(old: KnownNode, request: str) -> str:
    told = str(_document(old, EXPLANATION_PATH).get("switchover_failure") or "")
    return " ".join(told.split()) if request and request in told else f"the request was taken back. {_journal(old)}"


def _journal(old: KnownNode) -> str:
    return f"The journal of {old.name} (log/journal.jsonl in its directory) says why."


def _document(node: KnownNode, path: str) -> dict[str, Any]:
    """What the node's agent answers; empty if it does not."""
    answer = ask(node.agent, path)
    return answer.document if isinstance(answer, Answer) and answer.good and isinstance(answer.document, dict) else {}
