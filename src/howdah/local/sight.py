"""How does the cluster look to its agents, and what, if anything, is wrong?

The document is that of `howdah status --json`. Any agent that answers can tell it; where several do, the one that knows
the highest term is believed.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from howdah.cluster.peerstate import NodeState
from howdah.local.remote import Agent, Answer, Silent, ask, ask_each
from howdah.values.address import Address

STATUS_PATH = "/cluster"
EXPLANATION_PATH = "/explain"
LISTENING = "listening"
"""A router's state when its port takes connections."""
ROUTER_LIMIT_S = 1.0
GOOD_STATES = ("running", "streaming")
OF_STATE = (": its agent is not reachable", *(f" is {state.value}" for state in NodeState))
"""So an agent's sentence on the state of a node goes on after its name."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node as it is known without asking anybody."""

    name: str
    host: str
    port: int
    agent: Agent


@dataclass(frozen=True, slots=True)
class KnownRouter:
    """A router's address for applications, and that of its health checks and metrics."""

    address: Address
    health: Address | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen at one moment; `answered` is False when no agent did. `wrong` are the sentences of the agent that
    is believed, `reasons` what each node says of itself through it. `removed` are nodes that were taken out of the
    cluster's `nodes`: they are in no other field. `switchover` is the one that is planned or under way, or ""."""

    document: Document
    silent: tuple[Silent, ...]
    answered: bool
    wrong: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    switchover: str = ""

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


def nodes_of(document: Mapping[str, Any]) -> list[Document]:
    """The nodes' parts."""
    found = document.get("nodes")
    return [node for node in found if isinstance(node, dict)] if isinstance(found, list) else []


def see(cluster: str, nodes: Sequence[KnownNode], routers: Sequence[KnownRouter] = ()) -> Sight:
    """Ask every agent at the same time, and see whether the routers listen."""
    sight = _see(cluster, nodes)
    if not routers:
        return sight
    return replace(sight, document=sight.document | {"routers": [look_at_router(router) for router in routers]})


def look_at_router(router: KnownRouter) -> Document:
    """Its part of the document: `state` is LISTENING or "unreachable"."""
    address = router.address
    seen = {"address": str(address), "state": LISTENING}
    try:
        socket.create_connection((address.host, address.port), timeout=ROUTER_LIMIT_S).close()
    except OSError:
        seen["state"] = "unreachable"
    return seen | ({"health": str(router.health)} if router.health else {})


def _see(cluster: str, nodes: Sequence[KnownNode]) -> Sight:
    answers = ask_each([node.agent for node in nodes], STATUS_PATH)
    told = {
        node: answer.document
        for node, answer in zip(nodes, answers, strict=True)
        if isinstance(answer, Answer) and answer.good and isinstance(answer.document, dict)
    }
    silent = tuple(_silent(answer) for answer in answers if not (isinstance(answer, Answer) and answer.good))
    if not told:
        return Sight(_unknown(cluster, nodes), silent, answered=False)
    best = max(told, key=lambda node: (told[node].get("term") or 0, bool(told[node].get("serving"))))
    answer = ask(best.agent, EXPLANATION_PATH)
    explained = answer.document if isinstance(answer, Answer) and answer.good else {}
    if not isinstance(explained, dict):
        explained = {}
    removed = tuple(str(name) for name in explained.get("removed") or ())
    return Sight(
        document=_with_all(told[best], [node for node in nodes if node.name not in removed]),
        silent=tuple(one for one in silent if one.node not in removed),
        answered=True,
        wrong=tuple(str(sentence) for sentence in explained.get("wrong") or ()),
        reasons={str(node.get("node")): str(node.get("reason")) for node in nodes_of(explained)},
        removed=removed,
        switchover=str(explained.get("switchover") or ""),
    )


def problems(sight: Sight) -> list[str]:
    """A sentence for each thing that is wrong; none if all is well."""
    if not sight.answered:
        return ["no agent answers", *(f"{one.node}: {one.reason}" for one in sight.silent)]
    document, found = sight.document, []
    if not sight.primary:
        found.append("there is no primary")
    elif not sight.serving and not any(sentence.startswith("nobody serves") for sentence in sight.wrong):
        found.append(f"{sight.primary} does not serve writes yet")
    if document.get("paused") and not any("paused" in sentence for sentence in sight.wrong):
        found.append("paused: no automatic role change until `howdah resume`")
    for router in document.get("routers") or ():
        if router.get("state") not in (None, LISTENING):
            found.append(f"the router at {router.get('address')} does not answer")
    silent = {one.node: one.reason for one in sight.silent}
    told: list[str] = []
    for node in nodes_of(document):
        name, state = str(node.get("name")), str(node.get("state"))
        if state not in GOOD_STATES:
            why = silent.get(name) or sight.reasons.get(name, "")
            found.append(f"{name} is {state}" + (f": {why}" if why else ""))
            told.append(name)
        elif name in silent:
            found.append(f"{name}: {silent[name]}")
    again = tuple(f"{name}{start}" for name in told for start in OF_STATE)
    found.extend(sentence for sentence in sight.wrong if sentence not in found and not sentence.startswith(again))
    return found


def _silent(answer: Answer | Silent) -> Silent:
    if isinstance(answer, Silent):
        return answer
    return Silent(answer.node, f"its agent answers with an error: {answer.sentence}")


def _with_all(document: Document, nodes: Sequence[KnownNode]) -> Document:
    """The document with a row for each node that it does not know yet, and the addresses that it does not know."""
    told = {str(node.get("name")): node for node in nodes_of(document)}
    for node in nodes:
        row, known = told.get(node.name), _unreachable(node)
        if row is None:
            told[node.name] = known
        elif row.get("host") is None:
            told[node.name] = row | {key: known[key] for key in ("host", "port", "api")}
    return document | {"nodes": list(told.values())}


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
        "sync": False,
        "priority": None,
        "host": node.host,
        "port": node.port,
        "api": f"{node.agent.host}:{node.agent.port}",
    }
