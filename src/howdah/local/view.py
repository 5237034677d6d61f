"""What does a foreground `howdah up` show?

On a terminal: the table of nodes, renewed each second, and the last events. Elsewhere, in a log for instance: a line
for each event and each change of what is wrong.
"""

from collections import deque

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from howdah.local.sight import Sight, problems
from howdah.local.statustable import status_view

EVENTS_SHOWN = 12


class View:
    """Use as a context. `say` adds an event, `show` the cluster's state."""

    def __init__(self, console: Console, foot: str) -> None:
        """`foot` stands below everything on a terminal: how to connect and how to stop."""
        self._console = console
        self._foot = foot
        self._events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self._sight: Sight | None = None
        self._told: tuple[str, ...] = ()
        self._live = Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None

    def __enter__(self) -> "View":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """One event."""
        if self._live is None:
            self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)
        else:
            self._events.append(sentence)
            self._draw()

    def show(self, sight: Sight) -> None:
        """The cluster as it is now."""
        self._sight = sight
        if self._live is not None:
            self._draw()
            return
        told = tuple(problems(sight))
        if told != self._told:
            self._told = told
            for sentence in told or (f"{sight.primary} serves; nothing is wrong",):
                self.say(sentence)

    def _draw(self) -> None:
        if self._live is None:
            return
        parts: list[RenderableType] = []
        if self._sight is not None:
            parts.append(status_view(self._sight))
        parts += [Text(event, style="dim", no_wrap=True, overflow="ellipsis") for event in self._events]
        self._live.update(Group(*parts, Text(self._foot)), refresh=True)
