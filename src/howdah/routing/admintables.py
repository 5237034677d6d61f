"""Which tables does PgBouncer's admin console have, and what stands in them here?

Names and order of the columns are those of PgBouncer 1.24, so that what reads them needs no change. Times are in
microseconds.
"""

from collections.abc import Callable, Iterable
from typing import Final

from howdah.routing.admincommand import Subject
from howdah.routing.adminscene import Scene, in_transaction, name_of, pid_of, replication_of, waits
from howdah.routing.admintable import Row, Table, Value, numbers, texts
from howdah.routing.counts import Totals
from howdah.routing.hub import Place
from howdah.routing.link import Link
from howdah.routing.session import Session
from howdah.routing.visitor import Visitor
from howdah.wire.rows import Column

_TRAFFIC: Final = (
    "server_assignment_count", "xact_count", "query_count", "bytes_received", "bytes_sent", "xact_time", "query_time",
    "wait_time", "client_parse_count", "server_parse_count", "bind_count",
)  # fmt: skip
_SHORT: Final = {"bytes_received": "received", "bytes_sent": "sent"}
_SHORT_AVERAGES: Final = {"bytes_received": "recv", "bytes_sent": "sent"}
_OF_TOTALS: Final = {"bytes_received": "client_bytes", "bytes_sent": "server_bytes"}

_CONNECTION: Final = (
    *texts("type", "user", "database", "replication", "state", "addr"),
    *numbers("port"),
    *texts("local_addr"),
    *numbers("local_port"),
    *texts("connect_time", "request_time"),
    *numbers("wait", "wait_us", "close_needed"),
    *texts("ptr", "link"),
    *numbers("remote_pid"),
    *texts("tls", "application_name"),
    *numbers("prepared_statements", "id"),
)
_BUFFERS: Final = numbers("recv_pos", "pkt_pos", "pkt_remain", "send_pos", "send_remain", "pkt_avail", "send_avail")


def _totals(each: Totals) -> tuple[int, ...]:
    return (
        each.lent,
        each.transactions,
        each.queries,
        each.received,
        each.sent,
        round(each.transaction_ms * 1000),
        round(each.query_ms * 1000),
        round(each.wait_ms * 1000),
        each.client_parses,
        each.server_parses,
        each.binds,
    )


def _averages(each: Totals, lasted_ms: float) -> tuple[int, ...]:
    """A second, for what is counted; for each, of what takes time."""

    def rate(count: int) -> int:
        return round(count * 1000 / lasted_ms) if lasted_ms else 0

    def mean(time_ms: float, count: int) -> int:
        return round(time_ms * 1000 / count) if count else 0

    return (
        rate(each.lent),
        rate(each.transactions),
        rate(each.queries),
        rate(each.received),
        rate(each.sent),
        mean(each.transaction_ms, each.transactions),
        mean(each.query_ms, each.queries),
        mean(each.wait_ms, each.lent),
        rate(each.client_parses),
        rate(each.server_parses),
        rate(each.binds),
    )


def _traffic(scene: Scene) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Database, totals, averages."""
    last, lasted_ms = scene.hub.ledger.last_period()
    now = scene.hub.ledger.by_database()
    return [(name, _totals(each), _averages(last.get(name, Totals()), lasted_ms)) for name, each in sorted(now.items())]


def _stats(scene: Scene) -> list[Row]:
    return [(name, *totals, *averages) for name, totals, averages in _traffic(scene)]


def _stats_totals(scene: Scene) -> list[Row]:
    return [(name, *totals) for name, totals, _ in _traffic(scene)]


def _stats_averages(scene: Scene) -> list[Row]:
    return [(name, *averages) for name, _, averages in _traffic(scene)]


def _sum_of_all(scene: Scene) -> list[Row]:
    last, lasted_ms = scene.hub.ledger.last_period()
    every, lately = Totals(), Totals()
    for each in scene.hub.ledger.by_database().values():
        every = every.plus(each)
    for each in last.values():
        lately = lately.plus(each)
    names = [_OF_TOTALS.get(name, name) for name in _TRAFFIC]
    totals = [(f"total_{name}", value) for name, value in zip(names, _totals(every), strict=True)]
    averages = [(f"avg_{name}", value) for name, value in zip(names, _averages(lately, lasted_ms), strict=True)]
    return [*totals, *averages]


def _pools(scene: Scene) -> list[Row]:
    sessions: dict[Place, list[Session]] = {}
    for session in scene.clients():
        sessions.setdefault(session.place, []).append(session)
    return [_pool(scene, place, sessions.get(place, [])) for place in scene.places()]


def _pool(scene: Scene, place: Place, sessions: list[Session]) -> Row:
    waiting = [session for session in sessions if waits(session)]
    links = [link for pool in scene.pools(place) for link in pool.links]
    lent = [link for link in links if link.session is not None]
    longest = _microseconds(max((scene.now_ms - session.asked_ms for session in waiting), default=0.0))
    return (
        place.database,
        place.user,
        len(sessions) - len(waiting),
        len(waiting),
        0,
        0,
        sum(not link.replaying for link in lent),
        sum(link.cancels > 0 for link in lent),
        sum(link.cancels > 0 for link in links if link.session is None),
        sum(len(pool.idle) for pool in scene.pools(place)),
        0,
        sum(link.replaying for link in lent),
        sum(pool.opening for pool in scene.pools(place)),
        *divmod(longest, 1_000_000),
        scene.sizes.mode,
    )


def _microseconds(time_ms: float) -> int:
    return max(0, round(time_ms * 1000))


def _clients(scene: Scene) -> list[Row]:
    rows = [_client(scene, session) for session in scene.clients()]
    for guest in scene.guests:
        state: tuple[Value, ...] = (0, 0, 0, hex(guest.visitor.serial), "", 0)
        rows.append(
            (
                *("C", guest.user, scene.admin_database, "none", "active"),
                *_addresses(scene, guest.visitor),
                *state,
                *(guest.visitor.tls, guest.visitor.application_name, 0, guest.visitor.serial),
            )
        )
    return rows


def _client(scene: Scene, session: Session) -> Row:
    link, visitor = session.link, session.visitor
    waiting = waits(session)
    waited = _microseconds(scene.now_ms - session.asked_ms) if waiting else 0
    state = "waiting" if waiting else "active" if link is not None else "idle"
    return (
        *("C", session.place.user, session.place.database, replication_of(session.place), state),
        *_addresses(scene, visitor),
        *divmod(waited, 1_000_000),
        0,
        hex(visitor.serial),
        hex(scene.serials + link.serial) if link is not None else "",
        0,
        visitor.tls,
        name_of(session),
        len(session.state.names),
        visitor.serial,
    )


def _addresses(scene: Scene, visitor: Visitor) -> tuple[Value, ...]:
    came = scene.stamp(visitor.came_ms)
    return (visitor.host, visitor.port, visitor.local_host, visitor.local_port, came, came)


def _servers(scene: Scene) -> list[Row]:
    return [_server(scene, link) for link in sorted(scene.links(), key=lambda link: link.serial)]


def _server(scene: Scene, link: Link) -> Row:
    session, target, place = link.session, link.pool.target, link.pool.place
    if session is None:
        state = "being_canceled" if link.cancels else "idle"
    else:
        state = "tested" if link.replaying else "active_cancel" if link.cancels else "active"
    came = scene.stamp(link.opened_ms)
    return (
        *("S", place.user, place.database, replication_of(place), state, target.host, target.port, "", 0, came),
        came if session is not None and in_transaction(link) else scene.stamp(link.idle_ms),
        *(0, 0, int(bool(link.broken)), hex(scene.serials + link.serial)),
        hex(session.visitor.serial) if session is not None else "",
        pid_of(link),
        "",
        name_of(session) if session is not None else "",
        len(link.prepared),
        scene.serials + link.serial,
    )


def _sockets(scene: Scene) -> list[Row]:
    unread = {session.visitor.serial: len(session.inbox) for session in scene.clients()}
    clients = [(*row, 0, 0, 0, 0, 0, unread.get(int(str(row[-1])), 0), 0) for row in _clients(scene)]
    return [*clients, *((*row, 0, 0, 0, 0, 0, 0, 0) for row in _servers(scene))]


def _active_sockets(scene: Scene) -> list[Row]:
    return [row for row in _sockets(scene) if row[4] not in ("idle", "waiting")]


def _lists(scene: Scene) -> list[Row]:
    hub = scene.hub
    links = list(scene.links())
    idle = sum(len(pool.idle) for pool in scene.pools())
    return [
        ("databases", len(scene.databases())),
        ("users", len({place.user for place in hub.places.values()})),
        ("pools", len(scene.places())),
        ("free_clients", 0),
        ("used_clients", len(scene.clients()) + len(scene.guests)),
        ("login_clients", scene.pending),
        ("free_servers", idle),
        ("used_servers", len(links) - idle),
        ("dns_names", 0),
        ("dns_zones", 0),
        ("dns_queries", 0),
        ("dns_pending", 0),
    ]


def _databases(scene: Scene) -> list[Row]:
    """The host is the router's primary of the moment: there is one name for all servers."""
    sizes, primary = scene.sizes, scene.hub.fleet.primary
    host, port = (primary.host, primary.port) if primary is not None else (None, 0)
    rows: list[Row] = []
    for name in scene.databases():
        servers = sum(link.pool.place.database == name for link in scene.links())
        clients = sum(session.place.database == name for session in scene.clients())
        paused = "" in scene.hub.halted or name in scene.hub.halted
        rows.append(
            (
                *(name, host, port, name, None, sizes.pool, sizes.least, sizes.reserve, sizes.reserve, sizes.life_s),
                *(sizes.mode, 0, servers, sizes.per_database, clients, int(paused), int(name in scene.hub.closed)),
            )
        )
    admin = scene.admin_database
    rows.append((admin, None, scene.port, admin, None, 0, 0, 0, 0, 0, "statement", 0, 0, 0, len(scene.guests), 0, 0))
    return rows


def _users(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for name in sorted({place.user for place in scene.hub.places.values()}):
        servers = sum(link.pool.place.user == name for link in scene.links())
        clients = sum(session.place.user == name for session in scene.clients())
        rows.append((name, None, None, None, 0, servers, scene.sizes.per_user, clients))
    return rows


def _config(scene: Scene) -> list[Row]:
    return [(each.key, each.value, each.default, "yes" if each.changeable else "no") for each in scene.settings]


def _state(scene: Scene) -> list[Row]:
    paused = "" in scene.hub.halted
    return [("active", "no" if paused else "yes"), ("paused", "yes" if paused else "no"), ("suspended", "no")]


def _memory(scene: Scene) -> list[Row]:
    return [(name, size, used, 0, size * used) for name, size, used in scene.memory]


def _version(scene: Scene) -> list[Row]:
    return [(scene.version,)]


def _none(scene: Scene) -> list[Row]:
    del scene
    return []


def _named(prefix: str, short: dict[str, str]) -> tuple[Column, ...]:
    return numbers(*(prefix + short.get(name, name) for name in _TRAFFIC))


TABLES: Final[dict[Subject, tuple[tuple[Column, ...], Callable[[Scene], Iterable[Row]]]]] = {
    Subject.ACTIVE_SOCKETS: ((*_CONNECTION, *_BUFFERS), _active_sockets),
    Subject.CLIENTS: (_CONNECTION, _clients),
    Subject.CONFIG: (texts("key", "value", "default", "changeable"), _config),
    Subject.DATABASES: (
        (
            *texts("name", "host"),
            *numbers("port"),
            *texts("database", "force_user"),
            *numbers("pool_size", "min_pool_size", "reserve_pool", "reserve_pool_size", "server_lifetime"),
            *texts("pool_mode"),
            *numbers("max_connections", "current_connections", "max_client_connections", "current_client_connections"),
            *numbers("paused", "disabled"),
        ),
        _databases,
    ),
    Subject.DNS_HOSTS: ((*texts("hostname"), *numbers("ttl"), *texts("addrs")), _none),
    Subject.DNS_ZONES: ((*texts("zonename"), *numbers("serial", "count")), _none),
    Subject.LISTS: ((*texts("list"), *numbers("items")), _lists),
    Subject.MEM: ((*texts("name"), *numbers("size", "used", "free", "memtotal")), _memory),
    Subject.PEERS: ((*numbers("peer_id"), *texts("host"), *numbers("port", "pool_size")), _none),
    Subject.PEER_POOLS: (
        numbers("database", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active_cancel", "sv_login"),
        _none,
    ),
    Subject.POOLS: (
        (
            *texts("database", "user"),
            *numbers("cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req"),
            *numbers("sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested"),
            *numbers("sv_login", "maxwait", "maxwait_us"),
            *texts("pool_mode"),
        ),
        _pools,
    ),
    Subject.SERVERS: (_CONNECTION, _servers),
    Subject.SOCKETS: ((*_CONNECTION, *_BUFFERS), _sockets),
    Subject.STATE: (texts("key", "value"), _state),
    Subject.STATS: ((*texts("database"), *_named("total_", _SHORT), *_named("avg_", _SHORT_AVERAGES)), _stats),
    Subject.STATS_AVERAGES: ((*texts("database"), *_named("", {})), _stats_averages),
    Subject.STATS_TOTALS: ((*texts("database"), *_named("", {})), _stats_totals),
    Subject.TOTALS: ((*texts("name"), *numbers("value")), _sum_of_all),
    Subject.USERS: (
        (
            *texts("name"),
            *numbers("pool_size", "reserve_pool_size"),
            *texts("pool_mode"),
            *numbers("max_user_connections", "current_connections"),
            *numbers("max_user_client_connections", "current_client_connections"),
        ),
        _users,
    ),
    Subject.VERSION: (texts("version"), _version),
}


def table_of(subject: Subject, scene: Scene) -> Table:
    """One of PgBouncer's tables. Raises KeyError for one of ours."""
    columns, rows = TABLES[subject]
    return Table(columns, tuple(rows(scene)))
