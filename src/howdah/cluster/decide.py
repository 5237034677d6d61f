"""Where is failover decided? Here: from what is seen to one action, with the rule's name and a sentence why."""

from howdah.cluster.actions import KillServer, Wait
from howdah.cluster.decision import Decision
from howdah.cluster.observation import Observation
from howdah.cluster.rules import RULES


def decide(observation: Observation) -> Decision:
    """What to do next. Pure: the same observation gives the same decision."""
    for rule in RULES:
        proposal = rule.propose(observation)
        if proposal is None:
            continue
        tried = proposal.action == observation.failed and observation.backoff_ms > 0
        rests = tried and not isinstance(proposal.action, KillServer)  # a server that has to stop gets no rest
        if rests:
            return Decision(rule.name, f"{proposal.why} (tried, and rests before the next try)", Wait())
        return Decision(rule.name, proposal.why, proposal.action)
    return Decision("NOTHING KNOWN", "the store has not answered yet", Wait())
