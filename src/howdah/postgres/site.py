"""What does every operation on a node's files need to know?"""

from collections.abc import Sequence
from dataclasses import dataclass

from howdah.cluster.quorum import NAMES_NOBODY
from howdah.ports.postgres import ServerSettings
from howdah.postgres.access import DEFAULT_RULES
from howdah.postgres.account import Account
from howdah.postgres.installation import Installation
from howdah.postgres.layout import NodeLayout
from howdah.postgres.programs import Log
from howdah.postgres.secrets import ClusterSecrets
from howdah.postgres.settings import ServerPlace

CLOSED = ServerSettings(upstream=None, sync_names=str(NAMES_NOBODY), gate_open=False)
"""The settings of a directory that the agent has not configured yet: nobody gets in, nothing is received, and no
commit is acknowledged (NEVER EMPTY)."""


@dataclass(frozen=True, slots=True)
class Site:
    """One node's place on disk and its tools.

    `system_users` are the operating system accounts of the agent and of the server, which may log in as the agent's
    role. `rules` are the operator's access rules. `locale` is for a new cluster: "" for one that is the same on every
    machine. `sync` False leaves out initdb's and pg_basebackup's fsync: for tests only.
    """

    layout: NodeLayout
    installation: Installation
    account: Account | None
    place: ServerPlace
    secrets: ClusterSecrets
    system_users: Sequence[str]
    log: Log
    rules: Sequence[str] = DEFAULT_RULES
    locale: str = ""
    sync: bool = True
