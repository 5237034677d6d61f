"""What an operator asks of an agent over REST."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import eventually

TOKEN = "a-token-for-tests"
LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the message of what was done, or the error."""

    status: int
    text: str

    @property
    def done(self) -> bool:
        """Whether it was done or begun."""
        return self.status == httpx.codes.OK


def ask(node: RealNode, what: str, body: Mapping[str, Any] | None = None, method: str = "POST") -> Answer:
    """One order, such as "switchover"."""
    answer = httpx.request(
        method,
        f"http://{node.host}:{node.api_port}/{what}",
        json=dict(body or {}),
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=LIMIT_S,
    )
    document = answer.json()
    return Answer(answer.status_code, str(document.get("message") or document.get("error") or document))


def order(node: RealNode, what: str, body: Mapping[str, Any] | None = None) -> None:
    """As `ask`, again until it is taken: an agent that was just started may not be heard by every other one yet."""
    answers: list[Answer] = []

    def taken() -> bool:
        answers.append(ask(node, what, body))
        return answers[-1].done

    try:
        eventually(taken, f"{what} is taken")
    except AssertionError as error:
        raise AssertionError(f"{error}: {answers[-1].text}") from error


def look(node: RealNode, what: str) -> Any:
    """One document, such as "cluster"; an empty one if the agent does not answer."""
    try:
        return httpx.get(f"http://{node.host}:{node.api_port}/{what}", timeout=LIMIT_S).json()
    except httpx.HTTPError:
        return {}


def explained(node: RealNode) -> str:
    """Everything that this agent says about why the cluster is as it is, and what is wrong."""
    document = look(node, "explain")
    reasons = [f"{n['node']}: {n['reason']}. {n['cannot_lead']}" for n in document.get("nodes", [])]
    return "\n".join([*document.get("why", []), *document.get("wrong", []), *reasons])


def says(node: RealNode, words: str) -> bool:
    """Whether its agent explains so."""
    return words in explained(node)


def shows(node: RealNode, parameter: str, value: str) -> bool:
    """Whether this value is in force."""
    return bool(node.value(f"SHOW {parameter}") == value)


def start_time(node: RealNode) -> object:
    """When its postmaster started; None if it lets nobody in."""
    return node.value("SELECT pg_postmaster_start_time()")


def started_again(node: RealNode, before: object) -> bool:
    """Whether its postmaster is another than the one that started then, and lets us in."""
    return start_time(node) not in (None, before)


def configure(cluster: RealCluster, key: str, value: str | int | None) -> Answer:
    """`howdah config set`; refused or done."""
    return ask(cluster.primary(), "config", {"key": key, "value": value}, "PATCH")


def at(seconds_from_now: float) -> str:
    """A time as the API wants it."""
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds_from_now, UTC).isoformat()
