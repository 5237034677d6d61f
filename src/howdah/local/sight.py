"""How does the cluster look to its agents, and what, if anything, is wrong?

The document is that of `howdah status --json`. Any agent that answers can tell it; where several do, the one that knows
the highest term is believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from howdah.local.remote import Agent, Answer, Silent, ask_each

STATUS_PATH = "/cluster"
GOOD_STATES = ("running", "streaming")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node as it is known without asking anybody."""

    name: str
    host: str
    port: int
    agent: Agent


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen at one moment; `answered` is False when no agent did."""

    document: Document
    silent: tuple[Silent, ...]
    answered: bool

    @property
    def serving(self) -> bool:
        """Whether a primary serves writes."""
        return bool(self.document.get("serving"))

    @property
    def primary(self) -> str:
        """The primary's name; "" if there is none."""
        return str(self.document.get("primary") or "")

    def node(self, name: str) -> Document:
        """One node's part of the document; empty if it has none."""
        return next((node for node in nodes_of(self.document) if node.get("name") == name), {})

    @property
    def complete(self) -> bool:
        """Whether writes are served and every node does what it should."""
        return self.serving and all(node.get("state") in GOOD_STATES for node in nodes_of(self.document))


def nodes_of(document: Mapping[str, Any]) -> list[Document]:
    """The nodes' parts."""
    found = document.get("nodes")
    return [node for node in found if isinstance(node, dict)] if isinstance(found, list) else []


def see(cluster: str, nodes: Sequence[KnownNode]) -> Sight:
    """Ask every agent at the same time."""
    answers = ask_each([node.agent for node in nodes], STATUS_PATH)
    good = [answer for answer in answers if isinstance(answer, Answer) and answer.good]
    documents = [answer.document for answer in good if isinstance(answer.document, dict)]
    silent = tuple(_silent(answer) for answer in answers if not (isinstance(answer, Answer) and answer.good))
    if not documents:
        return Sight(_unknown(cluster, nodes), silent, answered=False)
    best = max(documents, key=lambda document: (document.get("term") or 0, bool(document.get("serving"))))
    return Sight(_with_all(best, nodes), silent, answered=True)


def problems(sight: Sight) -> list[str]:
    """A sentence for each thing that is wrong; none if all is well."""
    if not sight.answered:
        return ["no agent answers", *(f"{one.node}: {one.reason}" for one in sight.silent)]
    document, found = sight.document, []
    if not sight.primary:
        found.append("there is no primary")
    elif not sight.serving:
        found.append(f"{sight.primary} does not serve writes yet")
    if document.get("paused"):
        found.append("paused: no automatic role change until `howdah resume`")
    silent = {one.node: one.reason for one in sight.silent}
    for node in nodes_of(document):
        name, state = str(node.get("name")), str(node.get("state"))
        if state not in GOOD_STATES:
            why = silent.get(name) or node.get("reason") or node.get("why") or ""
            found.append(f"{name} is {state}" + (f": {why}" if why else ""))
        elif name in silent:
            found.append(f"{name}: {silent[name]}")
        if node.get("pending_restart"):
            found.append(f"{name} has settings that wait for a restart (`howdah restart {name}`)")
    told = document.get("problems")
    if isinstance(told, list):
        found.extend(str(sentence) for sentence in told if str(sentence) not in found)
    return found


def _silent(answer: Answer | Silent) -> Silent:
    if isinstance(answer, Silent):
        return answer
    return Silent(answer.node, f"its agent answers with an error: {answer.sentence}")


def _with_all(document: Document, nodes: Sequence[KnownNode]) -> Document:
    """The document with a row for each node that it does not know yet."""
    told = {node.get("name") for node in nodes_of(document)}
    more = [_unreachable(node) for node in nodes if node.name not in told]
    return document | {"nodes": [*nodes_of(document), *more]}


def _unknown(cluster: str, nodes: Sequence[KnownNode]) -> Document:
    return {
        "cluster": cluster,
        "system_identifier": "",
        "term": 0,
        "primary": None,
        "serving": False,
        "paused": False,
        "sync": {"mode": None, "num_sync": 0, "voters": []},
        "nodes": [_unreachable(node) for node in nodes],
        "routers": [],
    }


def _unreachable(node: KnownNode) -> Document:
    return {
        "name": node.name,
        "role": "none",
        "state": "unreachable",
        "timeline": None,
        "lsn": None,
        "lag_bytes": None,
        "lag_seconds": None,
        "sync": None,
        "priority": None,
        "host": node.host,
        "port": node.port,
        "api": f"http://{node.agent.host}:{node.agent.port}",
    }
