"""How does a foreground `howdah up` keep the processes of its cluster alive?"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from howdah.local.launch import start_agent, start_router, start_store
from howdah.local.place import Place, locked
from howdah.local.plan import Plan, read_plan
from howdah.local.processes import look_for_daemons
from howdah.local.refused import Refused
from howdah.local.up import Children

REST_S = 5.0
"""A process that ended stays down for so long: time for the cluster to show what it does without it."""
STORE = "the store"
ROUTER = "the router"


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a foreground `up` ends by itself."""

    sentence: str


class Supervisor:
    """One look a second. `say` gets a sentence for whatever ends or is started again."""

    def __init__(self, place: Place, children: Children, say: Callable[[str], None]) -> None:
        """`children` are those that this command started; new ones are added."""
        self._place = place
        self._children = children
        self._say = say
        self._missing_since: dict[str, float] = {}
        self._removed: Collection[str] = ()

    def round(self, now: float, removed: Collection[str] = ()) -> Plan | Ended:
        """Look, and start what has been missing for REST_S; `now` in seconds of any clock. The plan as it is now.

        Nodes that were removed from the cluster's settings are left alone."""
        self._removed = removed
        self._children.reap()
        if not self._place.exists:
            return Ended("the cluster was removed by `howdah down --purge`")
        if self._place.stopped.exists():
            return Ended("the cluster was stopped by `howdah down`")
        plan = read_plan(self._place.plan)
        missing = self._missing(plan)
        for what in missing - self._missing_since.keys():
            self._missing_since[what] = now
            self._say(f"{_process(what)} ended; it is started again in {REST_S:g} s")
        for what in self._missing_since.keys() - missing:
            del self._missing_since[what]
        if any(now - since >= REST_S for since in self._missing_since.values()):
            self._start(plan, now)
        return plan

    def _missing(self, plan: Plan) -> set[str]:
        found = look_for_daemons(self._place, plan.names)
        wanted = {name for name in plan.names if name not in self._removed}
        missing = wanted - found.agents.keys()
        if found.store is None:
            missing.add(STORE)
        if found.router is None and plan.router_port:
            missing.add(ROUTER)
        return missing

    def _start(self, plan: Plan, now: float) -> None:
        """Under the lock, and after another look: somebody else may start or stop just this."""
        try:
            with locked(self._place, lambda: None, limit_s=0):
                if self._place.stopped.exists():
                    return
                still = self._missing(plan)
                for what, since in list(self._missing_since.items()):
                    if what in still and now - since >= REST_S:
                        self._say(f"{_process(what)} is started again")
                        self._start_one(plan, what)
                        del self._missing_since[what]
        except Refused:
            return  # another `up` or `down` is at work: look again in the next round

    def _start_one(self, plan: Plan, what: str) -> None:
        if what == STORE:
            self._children.store = start_store(self._place, plan)
        elif what == ROUTER:
            self._children.router = start_router(self._place)
        else:
            self._children.agents[what] = start_agent(self._place, what)


def _process(what: str) -> str:
    return what if what in (STORE, ROUTER) else f"the agent of {what}"
