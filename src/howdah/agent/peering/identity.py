"""Who am I on the agents' wire, and how does each side know that it reached the right one?

Addresses are reused: a request says which node of which cluster it is meant for, and another node refuses it, so that
nobody gives a promise under another's name.
"""

from dataclasses import dataclass

from howdah.agent.bearer import authorization

CLUSTER_HEADER = "Howdah-Cluster"
NODE_HEADER = "Howdah-Node"
"""In a request the node it is meant for, in an answer the node that gives it."""

ASKER_HEADER = "Howdah-Asker"


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent's cluster and node, with the token that all agents of the cluster share."""

    cluster: str
    node: str
    token: str

    def request_headers(self, peer: str) -> dict[str, str]:
        """What a request to this peer carries."""
        return {
            "Authorization": authorization(self.token),
            CLUSTER_HEADER: self.cluster,
            NODE_HEADER: peer,
            ASKER_HEADER: self.node,
        }

    def answer_headers(self) -> dict[str, str]:
        """What an answer of this agent carries."""
        return {CLUSTER_HEADER: self.cluster, NODE_HEADER: self.node}
