"""Is this node's directory where it was, and does no other agent run in it?

The agent holds a lock in the directory for as long as it lives. `home.json` beside it says where the directory lies and
which agents ran in it: a copy of the directory finds itself elsewhere, and one whose twin went on finds an agent in the
store that it knows nothing of (see `cluster/incarnation.py`).
"""

import fcntl
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from howdah.cluster.incarnation import same_seat
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.durable import read_small, told_clearly, write_durably

LOCK = "agent.lock"
HOME = "home.json"
LOCK_LIMIT_S = 2.0
"""An agent that was killed holds its lock until its last thread is gone."""
KEPT = 16
"""So many agents of one directory are remembered: a store put back to what it said earlier is no twin."""
MACHINE_ID = Path("/etc/machine-id")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Seat:
    """`incarnation` of this process, and `earlier` ones of this directory, oldest first. `lock` is held until the
    process ends."""

    incarnation: str
    earlier: tuple[str, ...]
    home_file: Path
    lock: int

    @property
    def resumed(self) -> bool:
        """Whether the last agent of this directory was on this very seat, so that it is dead and nobody else's was."""
        return not self.earlier or same_seat(self.earlier[-1], self.incarnation)

    def continues(self, incarnation: str) -> bool:
        """Whether what that agent did is in this directory; also where no earlier one is known."""
        return not self.earlier or incarnation in self.earlier


def take_seat(root: Path, token: str, machine: str = "") -> Seat:
    """Lock the node's directory, and write down who runs in it from now on. `machine` stands for the machine; "" is
    /etc/machine-id. Raises PostgresFailure."""
    lock = _lock(root)
    try:
        home, boot = _home(lock, machine or _line(MACHINE_ID)), _digest(_line(BOOT_ID))
        incarnation = f"{home}.{boot}.{token}"
        home_file = root / HOME
        was, earlier = _read(home_file)
        if was not in ("", home):
            raise PostgresFailure(
                f"{root} was copied or moved here. If it is a copy, give the copy another place and name: this node's "
                f"data is another server's. If it was moved, and what it was moved from never runs again, remove "
                f"{home_file} and start again"
            )
        kept = (*earlier, incarnation)[-KEPT:]
        write_durably(home_file, json.dumps({"home": home, "agents": kept}) + "\n", None)
    except BaseException:
        os.close(lock)
        raise
    return Seat(incarnation, earlier, home_file, lock)


def _lock(root: Path) -> int:
    path = root / LOCK
    with told_clearly(f"open {path}"):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_LIMIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(lock)
                raise PostgresFailure(f"another agent runs in {root} already") from None
            time.sleep(0.05)
        except OSError as error:
            os.close(lock)
            raise PostgresFailure(f"cannot lock {path}: {error.strerror}. Choose a node.root that has locks") from error


def _home(lock: int, machine: str) -> str:
    """Another one for every copy of the directory on this machine or another; the same after a restart or a rename."""
    return _digest(f"{machine} {os.fstat(lock).st_ino}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    text = read_small(path)
    if text is None:
        return "", ()
    try:
        document = json.loads(text)
        return str(document["home"]), tuple(map(str, document["agents"]))
    except (ValueError, KeyError, TypeError) as error:
        raise PostgresFailure(
            f"{path} is damaged. If no copy of this node's directory runs elsewhere, remove it and start again"
        ) from error
