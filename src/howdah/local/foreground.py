"""How does `howdah up` without --detach run, until Ctrl-C or a `howdah down`?"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from howdah.local.events import JournalTails, event_line
from howdah.local.place import Place
from howdah.local.plan import read_plan
from howdah.local.supervise import Ended, Supervisor
from howdah.local.up import Children, see_plan
from howdah.local.view import View

ROUND_S = 1.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """Set by Ctrl-C, SIGTERM, or when the terminal goes; the handlers of before come back afterwards."""
    ending = threading.Event()
    before = {number: signal.signal(number, lambda *_: ending.set()) for number in ENDING}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and the end of the terminal raise KeyboardInterrupt, as Ctrl-C does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch(place: Place, children: Children, view: View, ending: threading.Event) -> Ended | None:
    """Show the cluster and keep its processes alive. None when told to end: the caller then stops the cluster."""
    supervisor = Supervisor(place, children, view.say)
    tails: JournalTails | None = None
    first = read_plan(place.plan)
    sight = see_plan(first)
    while not ending.is_set():
        plan = supervisor.round(time.monotonic(), sight.removed)
        if isinstance(plan, Ended):
            return plan
        tails = tails or JournalTails(place, plan.names)
        for entry in tails.news(plan.names):
            view.say(event_line(entry))
        now = see_plan(plan)
        view.show(now)
        sight = now if now.answered else sight  # agents that are away do not make a removed node wanted
        ending.wait(ROUND_S)
    return None
