"""What will a server still answer to what a client has sent, and when is it done?

Whoever forwards tells each request that goes to the server, and each span of replies. From that alone follows when
the server is done with everything and may be lent to somebody else. The rules are PostgreSQL's (PostgresMain,
CopyGetData):

- Query, FunctionCall and Sync each bring one ReadyForQuery. The other requests bring one closing reply each, or none.
- An error in one of the latter makes the server skip all that follows, simple queries too, up to the next Sync.
- While rows are copied in, a server ignores Sync and Flush, and reads on until CopyDone or CopyFail.
- After an error in there it ignores what is left of the rows.
"""

from enum import Enum
from typing import Final

from howdah.wire import codes
from howdah.wire.frame import PART, RUN, Framer
from howdah.wire.violation import ProtocolViolation

REQUESTS_MAX: Final = 65_536
"""So many requests may be unanswered before the client is not read any more: a byte each, and far more than any
driver pipelines."""

_NOTHING: Final = 0
_STEP: Final = 1
"""Brings one closing reply; an error in it makes the server skip up to Sync."""
_READY: Final = 2
"""Brings ReadyForQuery."""
_ROWS_END: Final = 3


def _roles() -> bytes:
    made = bytearray(256)
    for role, kinds in ((_STEP, b"PBDEC"), (_READY, b"QFS"), (_ROWS_END, b"cf")):
        for kind in kinds:
            made[kind] = role
    return bytes(made)


_ROLES: Final = _roles()
_GONE: Final = 0
"""Stands for a request that was read as part of rows."""
_STEP_REPLIES: Final = b"123CIsTn"


class Copying(Enum):
    """Whether the server reads rows of a COPY instead of requests."""

    NO = "no"
    IN = "in"
    BOTH = "both"


class Expect:
    """The requests that one server has been sent and not answered.

    Each gets a number, counted from 0, so that the caller can keep what it knows of them in a queue of its own.
    """

    def __init__(self) -> None:
        self.status: int = codes.IDLE
        """The transaction status that the last ReadyForQuery told."""
        self.outstanding: int = 0
        """ReadyForQuery still owed, unless an error takes some back."""
        self.skipping: bool = False
        """The server discards everything but Sync, and none has been sent."""
        self.copying: Copying = Copying.NO
        self.lost: bool = False
        """Nobody can know any more what the server owes: a COPY failed that had been sent Syncs before the end of
        its rows, and it read an unknown number of them. Such a server is never done; close it after its client."""
        self._unsynced: bool = False
        self._sent: bytearray = bytearray()
        self._at: int = 0
        self._before: int = 0

    @property
    def done(self) -> bool:
        """Whether the server has answered everything, and waits for nothing more of what was begun. It may still be
        in a transaction: see `status`. A batch answered up to a Flush is not done: its Sync is to come."""
        return not self._sent and not self._unsynced and not self.skipping and not self.lost

    @property
    def full(self) -> bool:
        """Whether so much is unanswered that the client should not be read for a while."""
        return len(self._sent) - self._at >= REQUESTS_MAX

    @property
    def answering(self) -> int:
        """The number of the request that the next reply belongs to; of the next request when all are answered."""
        return self._before + self._at

    @property
    def upcoming(self) -> int:
        """The number that the next request will get."""
        return self._before + len(self._sent)

    def sent(self, kind: int) -> int:
        """A request goes to the server. Returns its number, or -1 for one that will bring nothing.

        CopyData and Flush need not be told; Terminate neither, the connection ends with it.
        """
        sent = self._sent
        if self.skipping:
            if kind != codes.SYNC:
                return -1
            self.skipping = False
        role = _ROLES[kind]
        if role == _READY:
            self.outstanding += 1
            self._unsynced = False
        elif role == _STEP:
            self._unsynced = True
        elif role == _NOTHING or not sent:
            return -1
        sent.append(kind)
        return self._before + len(sent) - 1

    def sent_batch(self, kinds: bytes) -> None:
        """Requests that end with their one Sync go to a server that is done: shorter than one after the other."""
        self.outstanding += 1
        self._sent += kinds

    def heard(self, framer: Framer, found: int) -> None:
        """The server's framer has made a step. Raises ProtocolViolation for a ReadyForQuery nobody asked for."""
        if found == RUN:
            if framer.ready:
                self._made_ready(framer.ready, framer.status)
            if framer.steps:
                self._stepped(framer.steps)
        elif found != PART:
            self._answered(framer.kind, framer.buffer[framer.start + 5] if framer.kind == codes.READY else 0)

    def _answered(self, kind: int, status: int) -> None:
        """One message was looked at."""
        if kind == codes.READY:
            self._made_ready(1, status)
        elif kind in _STEP_REPLIES:
            self._stepped(1)
        elif kind == codes.ERROR:
            self._failed()
        elif kind == codes.COPY_IN:
            self.copying = Copying.IN
        elif kind == codes.COPY_BOTH:
            self.copying = Copying.BOTH

    def _made_ready(self, count: int, status: int) -> None:
        """So many requests that bring ReadyForQuery are answered, and all before them."""
        self.status = status
        if self.copying is not Copying.NO:
            self._end_copy()
        if self.lost:
            return
        if count > self.outstanding:
            raise ProtocolViolation("the server sent ReadyForQuery, and no request was left to answer")
        self.outstanding -= count
        sent = self._sent
        if not self.outstanding and not self._unsynced:
            self._before += len(sent)
            sent.clear()
            self._at = 0
            return
        at = self._at
        while count:
            if _ROLES[sent[at]] == _READY:
                count -= 1
            at += 1
        self._move_to(at)

    def _stepped(self, count: int) -> None:
        """So many closing replies have come; in answer to a simple query they close nothing of ours."""
        if self.copying is Copying.IN:
            self._end_copy()
        sent = self._sent
        at = self._at
        if at == len(sent) or _ROLES[sent[at]] != _STEP:
            return
        while count and at < len(sent):
            role = _ROLES[sent[at]]
            if role == _READY:
                break
            if role == _STEP:
                count -= 1
            at += 1
        self._move_to(at)

    def _failed(self) -> None:
        """An error: it ends the request that was being answered, and in an extended batch the rest of the batch."""
        copying_in = self.copying is Copying.IN
        self.copying = Copying.NO
        sent = self._sent
        at = self._at
        if at == len(sent):
            return
        if copying_in and self._syncs_in_rows():
            self.lost = True
            return
        if _ROLES[sent[at]] != _STEP:
            return
        sync = sent.find(codes.SYNC, at)
        self.skipping = sync < 0
        end = len(sent) if sync < 0 else sync
        for place in range(at, end):
            self.outstanding -= _ROLES[sent[place]] == _READY
        self._move_to(end)

    def _end_copy(self) -> None:
        """All rows were read: with them, every Sync that stood before their end, and the end itself.

        A Sync that was read so closes no batch: one is still to come unless it was sent after the rows."""
        if self.copying is Copying.IN:
            sent = self._sent
            end = self._rows_end()
            for place in range(self._at + 1, min(end + 1, len(sent))):
                self.outstanding -= _ROLES[sent[place]] == _READY
                sent[place] = _GONE
            if self._at < len(sent) and _ROLES[sent[self._at]] == _STEP:
                after = bytes(sent[end:])  # mypyc walks no bytearray
                self._unsynced = self._unsynced or not any(_ROLES[kind] == _READY for kind in after)
        self.copying = Copying.NO

    def _rows_end(self) -> int:
        """Where the CopyDone or CopyFail of the COPY that is being answered stands, or will."""
        at = self._at + 1
        while at < len(self._sent) and _ROLES[self._sent[at]] != _ROWS_END:
            at += 1
        return at

    def _syncs_in_rows(self) -> bool:
        return self._sent.find(codes.SYNC, self._at + 1, self._rows_end()) >= 0

    def _move_to(self, at: int) -> None:
        """Everything before `at` is answered. What only ended rows, or was ignored in them, answers itself."""
        sent = self._sent
        while at < len(sent) and _ROLES[sent[at]] not in (_STEP, _READY):
            at += 1
        if at == len(sent) or at > REQUESTS_MAX:
            self._before += at
            del sent[:at]
            at = 0
        self._at = at
