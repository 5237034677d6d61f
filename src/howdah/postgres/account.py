"""Which operating system account runs PostgreSQL, and can it reach what it needs?

PostgreSQL refuses to run as root. An agent that is root therefore starts the server, and every tool that touches
its files, under an unprivileged account; any other agent runs them as itself.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from howdah.ports.postgres import PostgresFailure

DEFAULT_ACCOUNTS = ("postgres", "nobody")
"""Taken in this order when we are root and no account was named."""
EXTRA_USERS = Path("/var/lib/extrausers")
"""Where libnss-extrausers looks for more users than the system's; in a container it may be ours to write."""
NEUTRAL_DIRECTORY = "/"
"""Where tools run: a place that any account can enter, and that is never a data directory (see `gone`)."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account; `home` is only what goes into HOME, it need not exist."""

    name: str
    uid: int
    gid: int
    home: str = "/nonexistent"


class RunAs(TypedDict, total=False):
    """Keyword arguments for `subprocess` and `asyncio.create_subprocess_exec`."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str
    env: dict[str, str]


def choose_account(name: str | None = None) -> Account | None:
    """The account for PostgreSQL; None when we are not root and it runs as ourselves.

    Raises PostgresFailure when the named account does not exist, is root, or cannot be taken on.
    """
    if os.geteuid() != 0:
        _refuse_another(name)
        return None
    for candidate in (name,) if name else DEFAULT_ACCOUNTS:
        found = _look_up(candidate)
        if found is None:
            continue
        if found.uid == 0:
            raise PostgresFailure(
                f"PostgreSQL cannot run as {candidate!r}: it refuses root. Name an unprivileged account."
            )
        return found
    if name:
        raise PostgresFailure(
            f"the account {name!r} that should run PostgreSQL does not exist. "
            f"Make it (useradd --system {name}) or name another."
        )
    raise PostgresFailure(
        "PostgreSQL refuses to run as root, and neither the account 'postgres' nor 'nobody' exists. "
        "Make one (useradd --system postgres)."
    )


def own_name(more_users: Path = EXTRA_USERS) -> str:
    """The name of the user that this process is.

    PostgreSQL wants one, to run and to know who comes over its socket; containers may run as any number. So a number
    without a name gets one, where the system looks for more users. Raises PostgresFailure if that cannot be done."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        pass
    try:
        # The group is only what stands there: libnss-extrausers passes over entries with a system group.
        entry = f"user{number}:x:{number}:{number}:Howdah:/tmp:/usr/sbin/nologin\n"
        (more_users / "passwd").write_text(entry, encoding="utf-8")
        return pwd.getpwuid(number).pw_name
    except (OSError, KeyError) as still:
        raise PostgresFailure(
            f"the user id {number} has no name, which PostgreSQL needs, and none could be given to it in {more_users} "
            f"({still}). Run as a user that /etc/passwd has, or, in Howdah's image, make {more_users} writable."
        ) from still


def run_as(account: Account | None) -> RunAs:
    """What to pass to `subprocess` so that a program runs as `account`, with an environment free of PG* variables."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    if account is None:
        return RunAs(cwd=NEUTRAL_DIRECTORY, env=env | {"HOME": os.environ.get("HOME", NEUTRAL_DIRECTORY)})
    return RunAs(
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd=NEUTRAL_DIRECTORY,
        env=env | {"HOME": account.home, "USER": account.name, "LOGNAME": account.name},
    )


def own(path: Path, account: Account | None) -> None:
    """Give this one path to the account (a link itself, not what it points at). Nothing to do if we are not root."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def enter_fault(account: Account | None, path: Path) -> str:
    """Why the account cannot enter this directory, with the mend; "" if it can.

    Looks at every directory on the way that exists, outermost first, by its mode bits. A directory with a POSIX
    access list is taken as passable: only the kernel could judge it.
    """
    place = Path(os.path.realpath(path))
    for directory in (*reversed(place.parents), place):
        try:
            facts = directory.stat()
        except FileNotFoundError:
            return ""
        except PermissionError:
            return _sentence(account, path, directory.parent)
        if not stat.S_ISDIR(facts.st_mode):
            return f"{directory} is not a directory. Choose another place than {path}."
        if not _may_search(account, directory, facts):
            return _sentence(account, path, directory)
    return ""


def readable_program(account: Account | None, program: Path) -> bool:
    """Whether the account may execute this file, by its mode bits (its directory is `enter_fault`'s matter)."""
    try:
        return _may_search(account, program, program.stat())
    except OSError:
        return False


def _refuse_another(name: str | None) -> None:
    """Refuse an account that only root could take on."""
    if not name:
        return
    wanted = _look_up(name)
    if wanted is None or wanted.uid != os.geteuid():
        raise PostgresFailure(
            f"PostgreSQL should run as {name!r}, but only root can start it under another account. "
            f"Run as {name!r} or root, or leave the account unset."
        )


def _look_up(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def _may_search(account: Account | None, path: Path, facts: os.stat_result) -> bool:
    if account is None:
        return os.access(path, os.X_OK)
    if account.uid == facts.st_uid:
        needed = stat.S_IXUSR
    elif _has_access_list(path):
        return True
    elif account.gid == facts.st_gid:
        needed = stat.S_IXGRP
    else:
        needed = stat.S_IXOTH
    return bool(facts.st_mode & needed)


def _has_access_list(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except OSError:
        return False


def _sentence(account: Account | None, path: Path, blocked_at: Path) -> str:
    who = f"the account {account.name!r}, which runs PostgreSQL," if account else "this user"
    return (
        f"{who} cannot enter {blocked_at}, on the way to {path}. "
        f"Choose a directory that it can enter, such as /var/lib/howdah/..., or open that one (chmod a+x {blocked_at})."
    )
