"""Where do the cluster's passwords come from, and who may read them?

They are made once, by whoever sets the cluster up, and are the same on every node: standbys are copies, so the
passwords in the database are too. One file each, readable by its owner only.
"""

import base64
import hashlib
import hmac
import os
import secrets as randomness
from dataclasses import dataclass, field
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account
from howdah.postgres.durable import read_small, sync_directory, told_clearly, write_durably
from howdah.postgres.layout import REPLICATION_ROLE, SUPERUSER, NodeLayout

PASSWORD_BYTES = 24
"""192 random bits; written without characters that need quoting anywhere."""
PASSFILE = "passfile"
PEOPLES_PASSFILE = "pgpass"
"""Knows the superuser's password: for psql beside the agent, as the same account (PGPASSFILE)."""


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """Passwords of the roles postgres and howdah_replication, and the token for changes over REST.

    `own_router`: the password of the role howdah_router, where it is not to be derived."""

    superuser: str = field(repr=False)
    replication: str = field(repr=False)
    api_token: str = field(repr=False)
    own_router: str = field(default="", repr=False)

    @property
    def router(self) -> str:
        """The password of the role howdah_router. Derived unless it was given, so that every cluster has one from the
        day its agents know routers; the replication password cannot be found from it."""
        if self.own_router:
            return self.own_router
        digest = hmac.digest(self.replication.encode(), b"howdah router", hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:PASSWORD_BYTES]).decode()


def generate_secrets() -> ClusterSecrets:
    """New random ones, for a new cluster."""
    return ClusterSecrets(*(randomness.token_urlsafe(PASSWORD_BYTES) for _ in range(3)))


def read_secrets(directory: Path) -> ClusterSecrets:
    """Read one file each: superuser, replication, api_token. Raises PostgresFailure naming what is missing or bad."""
    return ClusterSecrets(*(_read(directory / name) for name in ("superuser", "replication", "api_token")))


def write_secrets(directory: Path, secrets: ClusterSecrets, account: Account | None = None) -> None:
    """Write the files, the one for routers, and libpq's password files: the server's, for the account that PostgreSQL
    runs as, and the people's. Durable.

    The passwords belong to who calls (root or the account itself); the account may enter the directory and read the
    password file, which holds the replication role's password only. Raises PostgresFailure.
    """
    with told_clearly(f"make the directory {directory}"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            os.chown(directory, os.geteuid(), account.gid)
        directory.chmod(0o700 if account is None else 0o710)
        sync_directory(directory.parent)
    write_durably(directory / "superuser", secrets.superuser + "\n", None)
    write_durably(directory / "replication", secrets.replication + "\n", None)
    write_durably(directory / "api_token", secrets.api_token + "\n", None)
    write_durably(directory / "router", secrets.router + "\n", None)
    write_durably(directory / PASSFILE, render_passfile(REPLICATION_ROLE, secrets.replication), account)
    write_durably(directory / PEOPLES_PASSFILE, render_passfile(SUPERUSER, secrets.superuser), None)


def passfile_of(layout: NodeLayout) -> Path:
    """libpq's password file of a node."""
    return layout.secrets / PASSFILE


def render_passfile(role: str, password: str) -> str:
    """The text of a password file that knows one role, everywhere."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:{role}:{escaped}\n"


def _read(path: Path) -> str:
    text = read_small(path)
    if text is None:
        raise PostgresFailure(f"the secret {path} is missing: copy the directory from another node of the cluster")
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or any(character in secret for character in "\n\r\0"):
        raise PostgresFailure(f"the secret {path} must be one line with something in it")
    return secret
