"""Which tables of the admin database are Howdah's own: nodes, pins, who is held, and where a statement would go?"""

from collections.abc import Callable, Iterable
from typing import Final

from howdah.routing import way
from howdah.routing.admincommand import ShowRoute, Subject
from howdah.routing.adminscene import Scene, name_of, waits
from howdah.routing.admintable import Row, Table, fractions, numbers, texts, truths
from howdah.routing.fleet import Target
from howdah.routing.freshness import NEVER
from howdah.routing.hub import Place
from howdah.routing.plan import Plan
from howdah.routing.route import Route
from howdah.routing.session import Session
from howdah.routing.traces import binds
from howdah.routing.wishes import Consistency
from howdah.sql.statement import Hint
from howdah.wire import codes
from howdah.wire.fields import bytes_of, cstring, message
from howdah.wire.rows import Column

_WHO: Final = (*numbers("id"), *texts("user", "database", "addr", "application_name"))
ROUTE: Final = texts("goes_to", "node", "why", "hint", "consistency", "binds")


def _nodes(scene: Scene) -> list[Row]:
    return [_node(scene, target) for target in sorted(scene.hub.fleet.targets.values(), key=lambda t: t.name)]


def _node(scene: Scene, target: Target) -> Row:
    fleet = scene.hub.fleet
    fresh = target.readable and target.fresh_ms > NEVER and fleet.newest_ms > NEVER
    return (
        *(target.name, target.host, target.port, role_of(scene, target), target.term),
        *(target.writable and fleet.writable(scene.now_ms) is target, target.readable, why_not(scene, target)),
        target.lag_bytes,
        max(0.0, round(fleet.newest_ms - target.fresh_ms, 1)) if fresh else None,
        *(round(target.latency_ms, 3), target.weight, target.busy),
        sum(len(pool.links) for pool in scene.pools() if pool.target is target),
        target.connections_max,
    )


def role_of(scene: Scene, target: Target) -> str:
    """ "primary", "standby", or "none" while it does not answer."""
    if target is scene.hub.fleet.primary:
        return "primary"
    if not target.answers:
        return "none"
    return "standby" if target.in_recovery else "primary"


def why_not(scene: Scene, target: Target) -> str:
    """Why it gets neither writes nor reads; "" if it gets any."""
    fleet = scene.hub.fleet
    if target is fleet.primary:
        if fleet.writable(scene.now_ms) is target:
            return ""
        return f"it was last seen to lead {max(0.0, scene.now_ms - fleet.known_ms) / 1000:.1f} s ago, which is too long"
    if target.trouble:
        return target.trouble
    if target.readable:
        return "its weight is 0: it is read from only when no other standby can be" if not target.weight else ""
    if not target.in_recovery:
        return "it takes no new transactions at the moment: it hands over, or somebody else may lead by now"
    return "it does not show the present primary's term yet"


def _pins(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for session in scene.clients():
        state, link = session.state, session.link
        why = state.pins.why or (state.keeps if link is not None else "")
        if not why:
            continue
        since_ms = state.pins.since_ms if state.pins.why else session.visitor.came_ms
        node = link.pool.target.name if link is not None else None
        lasted_s = round(max(0.0, scene.now_ms - since_ms) / 1000, 1)
        rows.append((*_who(session), node, why, scene.stamp(since_ms), lasted_s))
    return rows


def _held(scene: Scene) -> list[Row]:
    """First who waits for a primary, in order; then who waits for a connection."""
    held = list(scene.hub.held)
    others = [session for session in scene.clients() if waits(session) and session not in scene.hub.held]
    rows: list[Row] = []
    for place, session in enumerate((*held, *others), 1):
        pool = session.waits
        what = "a primary" if pool is None else f"a connection to {pool.target.name}"
        if pool is not None and pool.paused:
            what += ", which is paused"
        lasted_s = round(max(0.0, scene.now_ms - session.asked_ms) / 1000, 1)
        rows.append((place, *_who(session), what, scene.stamp(session.asked_ms), lasted_s))
    return rows


def _who(session: Session) -> tuple[int, str, str, str, str]:
    visitor, place = session.visitor, session.place
    return (visitor.serial, place.user, place.database, visitor.host, name_of(session))


VIEWS: Final[dict[Subject, tuple[tuple[Column, ...], Callable[[Scene], Iterable[Row]]]]] = {
    Subject.HELD: (
        (*numbers("position"), *_WHO, *texts("waits_for", "since"), *fractions("seconds")),
        _held,
    ),
    Subject.NODES: (
        (
            *texts("name", "host"),
            *numbers("port"),
            *texts("role"),
            *numbers("term"),
            *truths("writable", "readable"),
            *texts("why_not"),
            *numbers("lag_bytes"),
            *fractions("lag_ms", "latency_ms", "weight"),
            *numbers("busy", "connections", "max_connections"),
        ),
        _nodes,
    ),
    Subject.PINS: ((*_WHO, *texts("node", "why", "since"), *fractions("seconds")), _pins),
}


def route(asked: ShowRoute, scene: Scene) -> Table:
    """One row: where it would go from a session that has written nothing lately and wishes for nothing, and why."""
    place = _place(asked, scene)
    if place is None:
        who = f"{asked.user or 'any user'} in {asked.database or 'any database'}"
        why = f"nobody has logged in as {who} yet, so it is not known what its functions do"
        return Table(ROUTE, ((None, None, why, "", "", ""),))
    hub = scene.hub
    plan = place.texts.plan(message(codes.QUERY, cstring(bytes_of(asked.text))))
    session = Session(hub, _Nobody(), place, hub.profiles.plain)
    target = way.target_of(session, plan.read, plan.hint)
    why = plan.why
    if plan.read and target is hub.fleet.primary:
        why += _back_to_primary(plan, place)
    elif not plan.read and _binds(plan) and not plan.unsettled:
        why += "; and what it leaves in its session has to be where the session's writes are"
    if target is None:
        why += f"; there is no server for it at the moment, so it would wait for up to {hub.hold_ms / 1000:g} s"
    goes = "the primary" if target is None or target is hub.fleet.primary else "a standby"
    hint = plan.hint.value if plan.hint is not None else ""
    binds = _binds(plan)
    if binds and not place.binds:
        binds = f"refused, since pools.mode is transaction: {binds}"
    return Table(ROUTE, ((goes, target.name if target else None, why, hint, _consistency(goes, place), binds),))


class _Nobody:
    """Takes the place of a client that says nothing and hears nothing."""

    def write(self, data: bytes) -> None:
        """Nothing."""

    def pause(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def abort(self) -> None:
        """Nothing."""


def _place(asked: ShowRoute, scene: Scene) -> Place | None:
    """The one that was asked for, else any that fits."""
    fits = scene.places((asked.database,) if asked.database else (), (asked.user,) if asked.user else ())
    return fits[0] if fits else None


def _back_to_primary(plan: Plan, place: Place) -> str:
    """Why a read goes there."""
    if plan.hint is Hint.PRIMARY:
        return ""
    if place.route is Route.PRIMARY:
        return "; but routing.reads is primary"
    if not place.spread:
        return f"; but {place.keeps}"
    if place.consistency is Consistency.PRIMARY:
        return "; but routing.consistency is primary"
    return "; but no standby is fresh enough at the moment, or routing.primary_weight brings it to the primary"


def _consistency(goes: str, place: Place) -> str:
    if goes == "the primary":
        return "it sees everything that was committed"
    if place.consistency is Consistency.EVENTUAL:
        return "it sees what any standby within routing.max_lag has"
    return "a session that has just written reads at the primary until a standby shows that write"


def _binds(plan: Plan) -> str:
    """What it leaves in its session."""
    if plan.script is None:
        return ""
    found = [why for statement in plan.script.statements for effect in statement.session for _, _, why in binds(effect)]
    return "; ".join([*found, plan.unsettled] if plan.unsettled else found)


def view_of(subject: Subject, scene: Scene) -> Table:
    """One of our own tables. Raises KeyError for another one."""
    columns, rows = VIEWS[subject]
    return Table(columns, tuple(rows(scene)))
