"""What does a store look like that a test can break at will? (The verified fake: the contract suite runs on it too.)

`MemoryDocuments` is the store, `MemoryStore` one client of it with its own faults. Nothing here depends on chance or on
time: a fault happens to the next request it fits, and a late swap lands when the test says so.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum

from howdah.ports.store import Conflict, StoreUnavailable, SwapOutcome, Swapped, Unknown, Versioned
from howdah.stores.documents import check_document_name, encode_document


class SwapFault(Enum):
    """What may happen to a swap besides success and conflict."""

    UNKNOWN_APPLIED = "it happens, and the answer is lost"
    UNKNOWN_NOT_APPLIED = "it is lost on the way, and the client cannot tell"
    LANDS_LATE = "no answer in time; it is tried when `land_late` is called"
    REFUSED = "it certainly has no effect"


@dataclass(frozen=True, slots=True)
class _LateSwap:
    name: str
    expected_version: int | None
    text: str


class MemoryDocuments:
    """The documents themselves, shared by clients."""

    def __init__(self) -> None:
        self._documents: dict[str, Versioned] = {}
        self._revision = 0
        self._changed: dict[str, list[asyncio.Event]] = {}

    def current(self, name: str) -> Versioned | None:
        """The newest document of this name."""
        return self._documents.get(name)

    def swap(self, name: str, expected_version: int | None, text: str) -> Swapped | Conflict:
        """The atomic step."""
        present = self._documents.get(name)
        if (present.version if present else None) != expected_version:
            return Conflict()
        self._revision += 1
        self._documents[name] = Versioned(text, self._revision)
        self._wake(name)
        return Swapped(self._revision)

    def wipe(self) -> None:
        """Forget every document, as if the store's disk had been replaced. Revisions go on growing."""
        names = list(self._documents)
        self._documents.clear()
        for name in names:
            self._wake(name)

    def listen(self, name: str) -> asyncio.Event:
        """An event that is set at every change of this document, until `forget`."""
        event = asyncio.Event()
        self._changed.setdefault(name, []).append(event)
        return event

    def forget(self, name: str, event: asyncio.Event) -> None:
        """Stop setting this event."""
        self._changed[name].remove(event)

    def _wake(self, name: str) -> None:
        for event in self._changed.get(name, []):
            event.set()


@dataclass(slots=True)
class MemoryFaults:
    """Switches of one client. The `next_` ones go back to normal once used; `unreachable` stays until cleared."""

    next_swap: SwapFault | None = None
    next_read_fails: bool = False
    unreachable: bool = False
    late: list[_LateSwap] = field(default_factory=list)


class MemoryStore:
    """One client of the documents."""

    def __init__(self, documents: MemoryDocuments | None = None) -> None:
        self.documents = documents if documents is not None else MemoryDocuments()
        self.faults = MemoryFaults()
        self._watches: list[asyncio.Event] = []
        self._drops = 0
        self._closed = False

    async def read(self, name: str) -> Versioned | None:
        """See the port."""
        check_document_name(name)
        self._check_reachable()
        if self.faults.next_read_fails:
            self.faults.next_read_fails = False
            raise StoreUnavailable("the read was made to fail")
        return self.documents.current(name)

    async def compare_and_swap(self, name: str, expected_version: int | None, text: str) -> SwapOutcome:
        """See the port."""
        check_document_name(name)
        encode_document(text)
        self._check_reachable()
        fault, self.faults.next_swap = self.faults.next_swap, None
        match fault:
            case None:
                return self.documents.swap(name, expected_version, text)
            case SwapFault.UNKNOWN_APPLIED:
                self.documents.swap(name, expected_version, text)
            case SwapFault.LANDS_LATE:
                self.faults.late.append(_LateSwap(name, expected_version, text))
            case SwapFault.REFUSED:
                raise StoreUnavailable("the swap was made to be refused")
            case SwapFault.UNKNOWN_NOT_APPLIED:
                pass
        return Unknown("the answer was made to be lost")

    def land_late(self) -> list[Swapped | Conflict]:
        """Let the swaps that hang land now, oldest first; what became of each."""
        late, self.faults.late = self.faults.late, []
        return [self.documents.swap(swap.name, swap.expected_version, swap.text) for swap in late]

    def watch(self, name: str) -> AsyncIterator[Versioned | None]:
        """See the port."""
        check_document_name(name)
        return self._watch(name)

    async def _watch(self, name: str) -> AsyncIterator[Versioned | None]:
        self._check_reachable()
        drops = self._drops
        changed = self.documents.listen(name)
        self._watches.append(changed)
        try:
            while True:
                changed.clear()
                yield self.documents.current(name)
                await changed.wait()
                if self._drops != drops:
                    raise StoreUnavailable("the watch was made to break")
        finally:
            self._watches.remove(changed)
            self.documents.forget(name, changed)

    def drop_watches(self) -> None:
        """Break every watch of this client."""
        self._drops += 1
        for changed in self._watches:
            changed.set()

    async def close(self) -> None:
        """See the port."""
        self._closed = True
        self.drop_watches()

    def _check_reachable(self) -> None:
        if self._closed:
            raise StoreUnavailable("this client of the store is closed")
        if self.faults.unreachable:
            raise StoreUnavailable("the store was made unreachable")
