"""Where does the cluster of `howdah up` lie, and what is in its directory?

Unless --data or HOWDAH_DATA names another: /var/lib/howdah/local for root, else $XDG_DATA_HOME/howdah, which is
~/.local/share/howdah where that variable is not set.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from howdah.local.refused import Refused
from howdah.postgres.account import Account, enter_fault

ROOTS_DIRECTORY = Path("/var/lib/howdah/local")
LOCK_LIMIT_S = 180
"""A `howdah down` that has to wait for a large server's shutdown checkpoint holds the lock for so long at most."""
LOCK_POLL_S = 0.1


def default_place(environment: Mapping[str, str], user: int) -> Path:
    """The directory when none was named; `user` is the effective user id."""
    if user == 0:
        return ROOTS_DIRECTORY
    shared = environment.get("XDG_DATA_HOME", "")
    home = Path(environment.get("HOME", "") or "~").expanduser()
    return (Path(shared) if shared.startswith("/") else home / ".local" / "share") / "howdah"


@dataclass(frozen=True, slots=True)
class RouterPlace:
    """The router's directory."""

    root: Path

    @property
    def file(self) -> Path:
        """Its settings."""
        return self.root / "router.yaml"

    @property
    def log(self) -> Path:
        """What it writes to its standard output and error."""
        return self.root / "router.log"


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster's directory. `root` is absolute and without symbolic links, as it stands in command lines."""

    root: Path

    @property
    def plan(self) -> Path:
        """What `up` was told; its presence makes the directory one of Howdah's."""
        return self.root / "cluster.yaml"

    @property
    def secrets(self) -> Path:
        """The cluster's passwords and token."""
        return self.root / "secrets"

    @property
    def store(self) -> Path:
        """Everything of the store."""
        return self.root / "store"

    @property
    def router(self) -> RouterPlace:
        """Everything of the router."""
        return RouterPlace(self.root / "router")

    @property
    def connection(self) -> Path:
        """The variables with which libpq finds the address of applications."""
        return self.root / "connection.env"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops processes of the cluster."""
        return self.root / "lock"

    @property
    def stopped(self) -> Path:
        """Is there while the cluster is meant to be down; a foreground `up` that sees it ends."""
        return self.root / "stopped"

    def node(self, name: str) -> Path:
        """Everything of one node."""
        return self.root / name

    def agent_file(self, name: str) -> Path:
        """The settings of a node's agent."""
        return self.node(name) / "agent.yaml"

    def agent_log(self, name: str) -> Path:
        """What a node's agent writes to its standard output and error."""
        return self.node(name) / "log" / "agent.log"

    @property
    def exists(self) -> bool:
        """Whether there is a cluster."""
        return self.plan.is_file()


def place_of(directory: Path | None, environment: Mapping[str, str]) -> Place:
    """The named directory, else that of HOWDAH_DATA, else the default."""
    named = directory or (Path(environment["HOWDAH_DATA"]) if environment.get("HOWDAH_DATA") else None)
    return Place(Path(os.path.realpath(named or default_place(environment, os.geteuid()))))


def make_place(place: Place, account: Account | None) -> None:
    """Make the directory, enterable by the account that runs PostgreSQL. Raises Refused.

    A directory with something in it that is no cluster is refused: nothing of somebody else's is mixed with ours.
    """
    if place.root.is_dir() and not place.exists and _foreign(place.root):
        raise Refused(
            f"{place.root} holds something else than a cluster of Howdah. Choose an empty directory with --data."
        )
    missing = [path for path in (place.root, *place.root.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=0o755)
            path.chmod(0o755)  # whatever the umask is: the account has to pass through
    except OSError as error:
        raise Refused(f"cannot make {place.root}: {error.strerror}. Choose another directory with --data.") from error
    if not os.access(place.root, os.W_OK | os.X_OK):
        raise Refused(f"{place.root} cannot be written by this user. Choose another directory with --data.")
    if fault := enter_fault(account, place.root):
        raise Refused(fault)


@contextmanager
def locked(place: Place, waiting: Callable[[], None], limit_s: float = LOCK_LIMIT_S) -> Iterator[None]:
    """Hold the cluster's lock. `waiting` is called once if another has it. Raises Refused after the limit."""
    descriptor = _open_lock(place)
    try:
        if not _taken(descriptor):
            waiting()
            end = time.monotonic() + limit_s
            while not _taken(descriptor):
                if time.monotonic() >= end:
                    raise Refused(f"another `howdah up` or `howdah down` has worked in {place.root} for {limit_s:g} s.")
                time.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _open_lock(place: Place) -> int:
    try:
        return os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(
            f"cannot open {place.lock}: {error.strerror}. Run this as the user that started the cluster."
        ) from error


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _foreign(root: Path) -> bool:
    """Whether there is anything but what an interrupted first `up` leaves."""
    ours = {"lock", "secrets", "store", "router"}
    return any(entry.name not in ours and not entry.name.startswith("postgres-") for entry in root.iterdir())
