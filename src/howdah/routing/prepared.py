"""Which prepared statement does a name mean, for this client and on this server connection?

A client's names are its own; on the servers each distinct statement has one name for all clients. It is the name that
the first client gave it, so that where all clients use the same names their messages go through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from howdah.routing.plan import Plan
    from howdah.routing.texts import Texts

OURS = b"howdah_"
MOST_TAKEN = 10_000
"""So many names are taken over from clients; some drivers count theirs up for ever."""


class Statement:
    """One statement as a client prepared it. `body`: the Parse message after its name: text and parameter types.
    `name`: what it is called on the servers. `reading`: how its literals are read (see `Profile`). `texts`: of its
    database, which says what its functions do; None: `plan` is for other words than those of `body`, or for ever."""

    def __init__(self, name: bytes, body: bytes, plan: Plan, texts: Texts | None = None, reading: bytes = b"") -> None:
        self.name = name
        self.body = body
        self.plan = plan
        self.texts = texts
        self.reading = reading
        self.users = 0

    def parse(self) -> bytes:
        """The Parse message that prepares it on a server."""
        return self.parse_as(self.name)

    def parse_as(self, name: bytes) -> bytes:
        """The same under another name."""
        size = 4 + len(name) + 1 + len(self.body)
        return b"P" + size.to_bytes(4, "big") + name + b"\0" + self.body


class Statements:
    """All that some client has prepared, each once. A name on the servers never gets another meaning."""

    def __init__(self) -> None:
        self._by_body: dict[tuple[Texts | None, bytes, bytes], Statement] = {}
        self._taken: set[bytes] = set()
        self._count = 0

    def intern(
        self, name: bytes, body: bytes, plan: Plan, texts: Texts | None = None, reading: bytes = b""
    ) -> Statement:
        """The statement with this text and these types, in one database, for sessions that read it alike."""
        found = self._by_body.get((texts, reading, body))
        if found is None:
            found = self._by_body[texts, reading, body] = Statement(self._name(name), body, plan, texts, reading)
        return found

    def nobody_elses(self) -> bytes:
        """A way of reading that no other statement has."""
        self._count += 1
        return b"\0" + str(self._count).encode()

    def judge_anew(self, texts: Texts) -> None:
        """The catalogs of a database were read again: what was prepared before may go elsewhere from now on."""
        last = texts.last
        for statement in self._by_body.values():
            if statement.texts is texts:
                statement.plan = texts.plan_parse(statement.body)
        texts.last = last

    def _name(self, wanted: bytes) -> bytes:
        if wanted and not wanted.startswith(OURS) and wanted not in self._taken and len(self._taken) < MOST_TAKEN:
            self._taken.add(wanted)
            return wanted
        self._count += 1
        return OURS + str(self._count).encode()

    def release(self, statement: Statement) -> None:
        """One client less uses it."""
        statement.users -= 1
        key = (statement.texts, statement.reading, statement.body)
        if statement.users <= 0 and self._by_body.get(key) is statement:
            del self._by_body[key]

    def __len__(self) -> int:
        return len(self._by_body)
