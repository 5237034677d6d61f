"""Which command of the operator's runs when this node's role changes?"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

from howdah.agent.rolechange import RoleNews
from howdah.ports.events import Journal
from howdah.values.lsn import format_lsn


class RoleHook:
    """Runs the command, one run at a time and in order, with the facts in its environment. It never holds a role
    change up: what it does is its own affair, and one that runs too long is killed."""

    def __init__(self, command: Sequence[str], timeout_ms: int, facts: dict[str, str], journal: Journal) -> None:
        """`facts` are those of the node: cluster, node, data directory, address."""
        self._command = list(command)
        self._timeout_ms = timeout_ms
        self._facts = facts
        self._journal = journal
        self._news: asyncio.Queue[RoleNews] = asyncio.Queue()

    def listen(self, news: RoleNews) -> None:
        """A `rolechange.Listener`."""
        if news.role is not news.before:
            self._news.put_nowait(news)

    async def run(self) -> None:
        """For ever."""
        while True:
            news = await self._news.get()
            outcome = await asyncio.to_thread(self._run_once, news)
            self._journal.noted("HOOK", f"{self._command[0]} for {news.role.value}: {outcome}", news.term)

    def _run_once(self, news: RoleNews) -> str:
        try:
            process = subprocess.Popen(
                self._command,
                env={**os.environ, **environment_of(news), **self._facts},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return f"could not be started: {error.strerror}"
        try:
            status = process.wait(self._timeout_ms / 1000)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"killed after {self._timeout_ms} ms"
        return "done" if status == 0 else f"ended with status {status}"


def environment_of(news: RoleNews) -> dict[str, str]:
    """The facts of one change, as a hook finds them in its environment."""
    return {
        "HOWDAH_ROLE": news.role.value,
        "HOWDAH_ROLE_BEFORE": news.before.value,
        "HOWDAH_TERM": str(news.term),
        "HOWDAH_CAUSE": news.cause,
        "HOWDAH_TIMELINE": str(news.timeline or ""),
        "HOWDAH_SWITCH_LSN": format_lsn(news.switch_lsn) if news.switch_lsn else "",
        "HOWDAH_WRITES_AWAY_MS": "" if news.away_ms is None else str(news.away_ms),
    }
