"""With what key does a client cancel, and whose session is meant by it?

Keys are the router's own: a session's server connection changes, so the server's key would cancel somebody else. The
process number in a key holds the number of the worker that gave it, so that any worker of the same port can hand the
cancel on. Serial numbers are not used again soon: a cancel that comes late finds nobody.
"""

import hmac
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Owner = TypeVar("Owner")

SERIAL_BITS: Final = 24
SERIALS: Final = 1 << SERIAL_BITS
WORKERS_MAX: Final = 1 << 7
"""So many workers: the process number stays positive in 32 bits with a sign."""

SECRET_BYTES_3_0: Final = 4
"""Protocol 3.0 has room for this."""
SECRET_BYTES_3_2: Final = 32
"""As PostgreSQL 18. Protocol 3.2 allows 256, of which other proxies in front of this one may want some."""
RANDOM_BYTES: Final = SECRET_BYTES_3_2
"""What `issue` takes."""


@dataclass(frozen=True, slots=True)
class CancelKey:
    """What BackendKeyData carries."""

    pid: int
    secret: bytes


def worker_of(pid: int) -> int:
    """The worker whose key it is; it may be the number of none."""
    return pid >> SERIAL_BITS


class CancelKeys(Generic[Owner]):
    """The keys that one worker gave to its clients."""

    def __init__(self, worker: int) -> None:
        if not 0 <= worker < WORKERS_MAX:
            raise ValueError(f"worker {worker}: there are at most {WORKERS_MAX}")
        self._base = worker << SERIAL_BITS
        self._serial = 0
        self._given: dict[int, tuple[bytes, Owner]] = {}

    def __len__(self) -> int:
        return len(self._given)

    def issue(self, owner: Owner, randomness: bytes, minor: int) -> CancelKey:
        """A key for a client that speaks protocol 3.`minor`, from RANDOM_BYTES random bytes."""
        if len(randomness) != RANDOM_BYTES:
            raise ValueError(f"a key takes {RANDOM_BYTES} random bytes")
        if len(self._given) >= SERIALS - 1:
            raise ValueError("there are more clients than keys")
        while True:
            self._serial = self._serial % (SERIALS - 1) + 1  # never 0, which some drivers take for "no key"
            pid = self._base | self._serial
            if pid not in self._given:
                break
        secret = randomness if minor >= 2 else randomness[:SECRET_BYTES_3_0]
        self._given[pid] = (secret, owner)
        return CancelKey(pid, secret)

    def find(self, pid: int, secret: bytes) -> Owner | None:
        """Whose key it is; None for a wrong one. It takes as long for a secret that is nearly right."""
        given = self._given.get(pid)
        if given is None or not hmac.compare_digest(given[0], secret):
            return None
        return given[1]

    def withdraw(self, pid: int) -> None:
        """Its client is gone. Harmless when repeated."""
        self._given.pop(pid, None)
