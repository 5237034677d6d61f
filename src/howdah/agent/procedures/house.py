"""How are slots and members kept?"""

from howdah.agent.procedures import server
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import KeepHouse
from howdah.cluster.changes import KeepMembers, NotAllowed


async def keep_house(tools: Tools, action: KeepHouse) -> None:
    """Slots for members, none for removed ones; then the record knows the members, their ids and who never votes."""
    situation = tools.situation
    record = tools.keeper.record
    if record is None or not situation.holds(record):
        raise Failed("this server does not hold the record")
    for done in await tools.primary.keep_slots(action.nodes, drop_others=True):
        tools.journal.noted("SLOTS", done, record.term)
    if (action.members, action.voteless) != (record.members, record.voteless):
        kept = await tools.keeper.swap(KeepMembers(situation.me, record.term, action.members, action.voteless))
        if isinstance(kept, NotAllowed):
            raise Failed(kept.reason)
    await server.look(tools)
