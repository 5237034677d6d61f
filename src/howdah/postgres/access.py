"""Who may connect to a server, and what does a closed gate look like?

pg_hba.conf is read from the top, and the first line that fits decides. Agents and replication always get in, and
routers to look; clients only while the gate is open. A closed gate refuses new connections from the next reload on;
sessions that are open are ended by the agent.
"""

from collections.abc import Sequence

from howdah.postgres.layout import AGENT_ROLE, REPLICATION_ROLE, ROUTER_ROLE

MAP = "howdah"
"""The name of our map in pg_ident.conf."""
DEFAULT_RULES = (
    "local all all scram-sha-256",
    "local replication all scram-sha-256",
    "host all all all scram-sha-256",
    "host replication all all scram-sha-256",
)
"""What an open gate lets in unless the operator names other lines: everybody with a password, and to copy the server or
its log those who have REPLICATION as well (by a connection to a database they can, without the lines for it)."""
RULE_TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")

_HEADER = "# Written by Howdah, which replaces this file: nothing that is changed here lasts.\n"


def rule_fault(rule: str) -> str:
    """Why a line cannot be one of the operator's access rules, as a sentence; "" if it can.

    PostgreSQL itself checks the rest, and keeps its old rules when it cannot read the new ones."""
    if any(character in rule for character in "\n\r\0"):
        return f"The access rule {rule!r} must be one line."
    words = rule.split()
    if not words or words[0].lower() not in RULE_TYPES:
        return f"The access rule {rule!r} must begin with one of {', '.join(RULE_TYPES)}."
    if len(words) < (4 if words[0].lower() == "local" else 5):
        return f"The access rule {rule!r} is too short: type, database, user, address (not for local), method."
    return ""


def render_access(gate_open: bool, rules: Sequence[str] = DEFAULT_RULES) -> str:
    """The text of pg_hba.conf. Raises ValueError for a rule that `rule_fault` complains about."""
    for rule in rules:
        if fault := rule_fault(rule):
            raise ValueError(fault)
    lines = [
        "# The agent, over the Unix socket only, known by its account.",
        f"local all,replication {AGENT_ROLE} peer map={MAP}",
        f"host all,replication {AGENT_ROLE} all reject",
        "# Standbys and clones; pg_rewind reads the database postgres.",
        f"host replication,postgres {REPLICATION_ROLE} all scram-sha-256",
        f"local all,replication {REPLICATION_ROLE} reject",
        f"host all {REPLICATION_ROLE} all reject",
        "# Routers, to look: who may log in, and how this server does. They get in while it serves nobody, too.",
        f"local postgres {ROUTER_ROLE} scram-sha-256",
        f"host postgres {ROUTER_ROLE} all scram-sha-256",
        f"local all,replication {ROUTER_ROLE} reject",
        f"host all,replication {ROUTER_ROLE} all reject",
    ]
    if gate_open:
        lines += ["# The gate is open: clients.", *rules]
    else:
        lines += ["# The gate is closed: no clients."]
    lines += ["local all,replication all reject", "host all,replication all all reject"]
    return _HEADER + "\n".join(lines) + "\n"


def render_map(system_users: Sequence[str]) -> str:
    """The text of pg_ident.conf: these accounts of the operating system may log in as the agent's role."""
    lines = [f'{MAP} "{_checked(user)}" {AGENT_ROLE}' for user in dict.fromkeys(system_users)]
    return _HEADER + "\n".join(lines) + "\n"


def _checked(user: str) -> str:
    if not user or user.startswith("/") or any(character in user for character in '"\\\n\r\0'):
        raise ValueError(f"the operating system account {user!r} cannot stand in pg_ident.conf")
    return user
