"""How does a command speak with the agents over REST?

With the standard library's HTTP: it is loaded in a fraction of the time that a larger one takes, and `howdah status`
should be quick. Proxies of the environment are not used.
"""

import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

ASK_LIMIT_S = 2.0
"""An agent answers within milliseconds; a stopped one never."""
CHANGE_LIMIT_S = 30.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Agent:
    """Where one node's agent listens."""

    node: str
    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, compare=False, repr=False)  # what checks it; None: plain HTTP


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent answered: the HTTP status, its JSON document (or text), and the time by its clock, as in HTTP."""

    node: str
    status: int
    document: Any
    date: str = ""

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def sentence(self) -> str:
        """Why it was refused, in the agent's own words."""
        document = self.document
        if isinstance(document, Mapping):
            for name in ("detail", "error", "message"):
                if name in document:
                    return str(document[name])
        return str(document) or f"HTTP status {self.status}"


@dataclass(frozen=True, slots=True)
class Silent:
    """An agent that did not answer, and why."""

    node: str
    reason: str


def ask(
    agent: Agent,
    path: str,
    method: str = "GET",
    body: Any = None,
    token: str = "",
    limit_s: float = ASK_LIMIT_S,
) -> Answer | Silent:
    """One request. `limit_s` bounds each wait for the agent."""
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    text = None
    if body is not None:
        text, headers["Content-Type"] = json.dumps(body), "application/json"
    line = _connection(agent, limit_s)
    try:
        line.request(method, path, body=text, headers=headers)
        response = line.getresponse()
        return Answer(agent.node, response.status, _read(response.read()), response.headers.get("Date", ""))
    except TimeoutError:
        return Silent(agent.node, f"its agent at {agent.host}:{agent.port} did not answer within {limit_s:g} s")
    except (OSError, http.client.HTTPException) as error:
        return Silent(agent.node, f"its agent at {agent.host}:{agent.port} cannot be reached: {_why(error)}")
    finally:
        line.close()


def _connection(agent: Agent, limit_s: float) -> http.client.HTTPConnection:
    if agent.tls is None:
        return http.client.HTTPConnection(agent.host, agent.port, timeout=limit_s)
    return http.client.HTTPSConnection(agent.host, agent.port, timeout=limit_s, context=agent.tls)


def for_each(agents: Sequence[Agent], question: Callable[[Agent], T]) -> tuple[T, ...]:
    """Put the question to every agent at the same time; answers in the agents' order."""
    if not agents:
        return ()
    with ThreadPoolExecutor(max_workers=len(agents)) as threads:
        return tuple(threads.map(question, agents))


def ask_each(agents: Sequence[Agent], path: str, limit_s: float = ASK_LIMIT_S) -> tuple[Answer | Silent, ...]:
    """GET from every agent at the same time."""
    return for_each(agents, lambda agent: ask(agent, path, limit_s=limit_s))


def _read(data: bytes) -> Any:
    text = data.decode("utf-8", errors="replace").strip()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
