"""What do the servers know of a role that wants to log in?

Asked anew for each login, but for a moment's cache: a role is known as soon as it is made, and refused as soon as it
is dropped or expires. The primary is asked first, since a standby may not have heard of it yet. Logins that come
together are asked about together. That nobody answers is not an answer: who logs in then is told to try again, never
that his password is wrong.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from howdah.routing.credentials import RoleFacts

BATCH_MAX = 200
"""So many roles are asked about at once: bounds what one answer may hold."""
CACHED_MAX = 10_000


class NobodyAnswers(Exception):
    """No server could be asked; the sentence says why each could not."""


class ServerUnable(Exception):
    """This server could not be asked; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may be asked, by its node's name."""

    name: str
    host: str
    port: int


class RoleQuery(Protocol):
    """Asks one server."""

    async def ask(self, server: Server, roles: Sequence[str]) -> dict[str, RoleFacts]:
        """What it keeps of these roles; those it does not know are left out. Raises ServerUnable."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: RoleFacts
    asked_ms: float


class Verifiers:
    """`servers` tells who may be asked now, the primary first. `now_ms` is a monotonic clock."""

    def __init__(
        self,
        servers: Callable[[], Sequence[Server]],
        query: RoleQuery,
        cache_ms: float,
        now_ms: Callable[[], float],
    ) -> None:
        self.cache_ms = cache_ms
        self._servers = servers
        self._query = query
        self._now_ms = now_ms
        self._kept: dict[str, _Kept] = {}
        self._waiting: dict[str, list[asyncio.Future[RoleFacts | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, role: str) -> RoleFacts | None:
        """What is known of it; None if there is no such role. Raises NobodyAnswers."""
        kept = self._kept.get(role)
        if kept is not None and (found := self._still(kept)) is not None:
            return found
        self._kept.pop(role, None)
        answer: asyncio.Future[RoleFacts | None] = asyncio.get_running_loop().create_future()
        # Who is being asked about already may have been made since: this one is asked about again.
        self._waiting.setdefault(role, []).append(answer)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    def forget(self, role: str) -> None:
        """It may have changed: a login failed with what was kept of it."""
        self._kept.pop(role, None)

    async def close(self) -> None:
        """Ask no more; who waits is told that nobody answers."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))
        waiting, self._waiting = self._waiting, {}
        _settle(waiting, {}, NobodyAnswers("the router is stopping"))

    def _still(self, kept: _Kept) -> RoleFacts | None:
        """What was kept, if it is still good, with the time since it was asked taken off."""
        age_ms = self._now_ms() - kept.asked_ms
        if age_ms >= self.cache_ms:
            return None
        left = kept.facts.seconds_left
        return kept.facts if left is None else replace(kept.facts, seconds_left=left - age_ms / 1000)

    async def _ask_all(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                roles = list(self._waiting)[:BATCH_MAX]
                batch = {role: self._waiting.pop(role) for role in roles}
                try:
                    await self._ask(roles, batch)
                finally:
                    _settle(batch, {}, NobodyAnswers("the question was broken off: the router is stopping"))
        finally:
            self._asking = None

    async def _ask(self, roles: list[str], batch: dict[str, list[asyncio.Future[RoleFacts | None]]]) -> None:
        asked_ms = self._now_ms()
        reasons = []
        for server in self._servers():
            try:
                found = await self._query.ask(server, roles)
            except ServerUnable as unable:
                reasons.append(f"{server.name}: {unable}")
                continue
            if len(self._kept) + len(found) > CACHED_MAX:
                self._kept.clear()
            # Only who exists is kept: who does not may be made in the next moment.
            self._kept.update({role: _Kept(facts, asked_ms) for role, facts in found.items()})
            _settle(batch, dict(found), None)
            return
        _settle(batch, {}, NobodyAnswers("; ".join(reasons) or "no server of the cluster is known to run"))


def _settle(
    batch: dict[str, list[asyncio.Future[RoleFacts | None]]],
    found: dict[str, RoleFacts],
    failure: NobodyAnswers | None,
) -> None:
    """Answer those who still wait."""
    for role, answers in batch.items():
        for answer in answers:
            if answer.done():
                continue
            if failure is None:
                answer.set_result(found.get(role))
            else:
                answer.set_exception(NobodyAnswers(*failure.args))
