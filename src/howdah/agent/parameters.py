"""Which of the operator's PostgreSQL settings may this server have now?

Those that hot standby compares are raised on all standbys first and lowered on the primary first.
"""

from collections.abc import Mapping

from howdah.agent.tools import Tools
from howdah.postgres.parameters import SENSITIVE
from howdah.postgres.sensitive import next_on_primary, next_on_standby
from howdah.postgres.settings import DEFAULTS


def parameters_now(tools: Tools) -> Mapping[str, str]:
    """The cluster's parameters, the sensitive ones as far as their order allows."""
    situation = tools.situation
    wanted = situation.intents.parameters
    running = situation.sensitive  # also of a server that was just stopped: the order counts for its next start
    if not running or not any(_wanted(wanted, name) != value for name, value in running.items()):
        return wanted
    views = tools.peers.views()
    others = [dict(view.published.sensitive) for view in views.values() if view.published.sensitive]
    record = tools.keeper.record
    leads = record is not None and situation.holds(record)
    holder = views.get(record.holder.name) if record else None
    primary = dict(holder.published.sensitive) if holder else {}
    allowed = dict(wanted)
    for name, now in running.items():
        target = _wanted(wanted, name)
        if target is None or name not in SENSITIVE:
            continue
        if leads:
            value = next_on_primary(now, target, [o[name] for o in others if name in o])
        else:
            value = next_on_standby(now, target, primary.get(name), replayed=0)
        if value != target or name in wanted:
            allowed[name] = str(value)
    return allowed


def waiting_for_restart(parameters: Mapping[str, str], running: Mapping[str, int]) -> tuple[str, ...]:
    """Which of the settings that hot standby compares differ from what is asked for: each changes at a restart only,
    and PostgreSQL itself does not say so while their order keeps them out of its files."""
    return tuple(name for name in running if _wanted(parameters, name) not in (None, running[name]))


def _wanted(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, DEFAULTS.get(name, ""))
    return int(text) if text.strip().isdecimal() else None
