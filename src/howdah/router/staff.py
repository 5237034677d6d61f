"""How is what somebody asks of one worker answered, or done, by all workers of the router?"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, fields
from typing import Any, Final

from howdah.router.colleagues import Colleagues, Question
from howdah.router.post import Post
from howdah.routing.admincommand import (
    Deed,
    Disable,
    Enable,
    Kill,
    KillClient,
    Pause,
    Reconnect,
    Reload,
    Resume,
    SetSetting,
    Shutdown,
    Stop,
    Subject,
    WaitClose,
)
from howdah.routing.admintable import Table
from howdah.routing.cancelkeys import worker_of
from howdah.routing.gathered import gathered, is_gathered

_DEEDS: Final[dict[str, type[Deed]]] = {
    each.__name__: each
    for each in (Pause, Resume, Reconnect, WaitClose, Kill, KillClient, Disable, Enable, Reload, Shutdown, SetSetting)
}


@dataclass(frozen=True, slots=True)
class Own:
    """What this worker knows and does by itself. `cancel` finds the session by its key and calls `done` when that is
    over. `facts`: what it says to questions that need nothing else, by their word. `take_up`: what a predecessor's
    colleagues were told, as `facts["standing"]` has it. `start` runs work beside everything else."""

    table: Callable[[Subject], Table]
    deed: Callable[[Deed, Callable[[str], None]], None]
    cancel: Callable[[int, bytes, Callable[[], None]], None]
    facts: dict[str, Callable[[], object]]
    take_up: Callable[[dict[str, Any]], None]
    start: Callable[[Coroutine[Any, Any, None]], None]


class Staff:
    """All workers, seen from one of them."""

    def __init__(self, post: Post, own: Own) -> None:
        self._post = post
        self._own = own
        self._colleagues = Colleagues(post, self._answer)

    async def begin(self) -> None:
        """Be there for the others, and learn from them what a predecessor was told."""
        await self._colleagues.open()
        for _, standing in (await self._colleagues.ask_all({"ask": "standing"}))[:1]:
            self._own.take_up(standing)

    async def close(self) -> None:
        """Answer no more."""
        await self._colleagues.close()

    async def ask(self, word: str) -> list[Any]:
        """What the others say to this."""
        return [answer for _, answer in await self._colleagues.ask_all({"ask": word})]

    def table(self, subject: Subject, told: Callable[[Table], None]) -> None:
        """With the rows of all."""
        own = self._own.table(subject)
        if self._post.of == 1 or not is_gathered(subject):
            told(own)
        else:
            self._own.start(self._gather(subject, own, told))

    def do(self, deed: Deed, ended: Callable[[str], None]) -> None:
        """In each worker."""
        if self._post.of == 1:
            self._own.deed(deed, ended)
        else:
            self._own.start(self._do(deed, ended))

    def cancel(self, process: int, key: bytes, done: Callable[[], None]) -> None:
        """Whoever has the session that was given this key."""
        number = worker_of(process)
        if number == self._post.number or number >= self._post.of:
            self._own.cancel(process, key, done)
        else:
            self._own.start(self._pass_on(number, {"ask": "cancel", "process": process, "key": key.hex()}, done))

    async def _pass_on(self, number: int, question: Question, done: Callable[[], None]) -> None:
        try:
            await self._colleagues.ask(number, question)
        finally:
            done()

    async def _gather(self, subject: Subject, own: Table, told: Callable[[Table], None]) -> None:
        answers = await self._colleagues.ask_all({"ask": "table", "subject": subject.value})
        told(gathered(subject, own, [[tuple(row) for row in rows] for _, rows in answers]))

    async def _do(self, deed: Deed, ended: Callable[[str], None]) -> None:
        question = {"ask": "deed", **_in_words(deed)}
        if isinstance(deed, KillClient):
            owner = self._post.owner(deed.serial)
            if owner != self._post.number and owner < self._post.of:
                ended(str(await self._colleagues.ask(owner, question) or ""))
            else:
                self._own.deed(deed, ended)
            return
        if isinstance(deed, Shutdown):  # the others first: this one is about to end
            await self._colleagues.ask_all(question)
            self._own.deed(deed, ended)
            if os.getppid() == self._post.overseer:
                os.kill(self._post.overseer, signal.SIGTERM)  # it keeps the doors
            return
        mine = asyncio.ensure_future(self._done(deed))
        await asyncio.sleep(0)
        if mine.done() and mine.result():
            ended(mine.result())
            return
        answers = await self._colleagues.ask_all(question, None)
        refusals = [await mine, *(str(answer) for _, answer in answers)]
        ended(next((refusal for refusal in refusals if refusal), ""))

    async def _done(self, deed: Deed) -> str:
        """Done here: "", or why it was not."""
        over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def ended(refusal: str) -> None:
            if not over.done():
                over.set_result(refusal)

        self._own.deed(deed, ended)
        return await over

    async def _answer(self, question: Question) -> object:
        match question["ask"]:
            case "table":
                return [list(row) for row in self._own.table(Subject(question["subject"])).rows]
            case "deed":
                return await self._done(_from_words(question))
            case "cancel":
                await self._cancelled(int(question["process"]), bytes.fromhex(question["key"]))
                return ""
            case word:
                return self._own.facts[word]()

    async def _cancelled(self, process: int, key: bytes) -> None:
        over = asyncio.Event()
        self._own.cancel(process, key, over.set)
        await over.wait()


def _in_words(deed: Deed) -> Question:
    values = [getattr(deed, field.name) for field in fields(deed)]
    return {"deed": type(deed).__name__, "values": [v.value if isinstance(v, Stop) else v for v in values]}


def _from_words(question: Question) -> Deed:
    kind, values = _DEEDS[question["deed"]], question["values"]
    return Shutdown(Stop(values[0])) if kind is Shutdown else kind(*values)


Gather = Callable[[str], Awaitable[list[Any]]]
"""Asks the other workers for what this word means, and returns what they say."""


async def nobody_else(word: str) -> list[Any]:
    """A `Gather` of a router without workers."""
    del word
    return []
