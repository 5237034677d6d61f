"""Do the running nodes agree: clocks, system, collations, the password?"""

import datetime
import email.utils
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from howdah.cli.checks.finding import Finding, fail, ok, warn
from howdah.cli.reach import Reach
from howdah.local.remote import Answer, Silent, ask_each, for_each
from howdah.local.sight import KnownNode
from howdah.postgres.layout import SUPERUSER

NODE_PATH = "/status"
CLOCK_SECONDS_MAX = 2.0
"""An answer's Date has whole seconds. Safety does not rest on clocks; logs and history are hard to read, though."""
CONNECT_LIMIT_S = 5
GATE = "pg_hba.conf rejects connection"
"""What a server answers while its gate is closed."""
COLLATIONS = """
SELECT datname, datcollate, datctype, coalesce(datcollversion, ''),
       coalesce(pg_database_collation_actual_version(oid), '')
FROM pg_database WHERE datallowconn ORDER BY datname"""
COLLATIONS_BEFORE_15 = (
    "SELECT datname, datcollate, datctype, '', '' FROM pg_database WHERE datallowconn ORDER BY datname"
)

Collation = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Login:
    """A server that let us in: its databases' collations. Or `error`."""

    node: str
    collations: tuple[Collation, ...] = ()
    error: str = ""
    refused: bool = False  # it answered, and did not want us
    closed: bool = False  # its gate is: it lets nobody in, whatever the password


def check_agents(cluster: Reach) -> Iterator[Finding]:
    """Who answers, with which clock and of which system."""
    removed = cluster.see().removed
    answers = ask_each([node.agent for node in cluster.nodes if node.name not in removed], NODE_PATH)
    now = datetime.datetime.now(datetime.UTC)
    systems: dict[str, str] = {}
    for answer in answers:
        match answer:
            case Silent(node, reason):
                yield warn(node, f"{reason}. Start it, or take it out of `nodes`.")
            case Answer(node, _, document) if answer.good and isinstance(document, dict):
                yield _identity(answer, cluster.cluster)
                yield from _clock(answer, now)
                if document.get("system_identifier"):
                    systems[node] = str(document["system_identifier"])
                if waiting := document.get("pending_restart"):
                    verb = "waits" if len(waiting) == 1 else "wait"
                    yield warn(node, f"{', '.join(waiting)} {verb} for `howdah restart {node}`")
            case Answer(node):
                yield fail(node, f"its agent's port answers with an error: {answer.sentence}. Is it another program's?")
    if len(set(systems.values())) > 1:
        told = ", ".join(f"{node} {system}" for node, system in systems.items())
        yield fail("systems", f"the nodes hold data of different clusters: {told}. Move the wrong one's data away.")
    elif systems:
        yield ok("systems", f"all are of system {next(iter(systems.values()))}")


def check_logins(cluster: Reach) -> Iterator[Finding]:
    """Whether the password works, and whether every server sorts text in the same way."""
    if not cluster.secrets.superuser:
        yield warn("password", "it cannot be read by this user; run this as the agent's account, or as root.")
        return
    logins = for_each_node(cluster)
    sight = cluster.see()
    for login in logins:
        if login.node in sight.removed:
            continue
        if login.closed:
            reason = sight.reasons.get(login.node, "")
            yield warn(
                login.node,
                "its gate is closed: its server lets no clients in now, since it serves neither as primary nor as a "
                f"standby that follows{f' ({reason})' if reason else ''}. Look at `howdah explain`.",
            )
        elif login.refused:
            yield fail(login.node, f"the superuser's login is refused: {login.error}. See secrets/superuser.")
        elif login.error:
            yield warn(login.node, f"its server cannot be reached: {login.error}")
    inside = [login for login in logins if not login.error]
    if inside:
        yield ok("password", f"it works on {', '.join(login.node for login in inside)}")
        yield from compare_collations(inside)


def for_each_node(cluster: Reach) -> tuple[Login, ...]:
    """Log in to every server at the same time."""
    nodes = {node.agent: node for node in cluster.nodes}
    return for_each(tuple(nodes), lambda agent: _log_in(nodes[agent], cluster.secrets.superuser))


def compare_collations(logins: Sequence[Login]) -> Iterator[Finding]:
    """An index on text is wrong on a server that sorts otherwise than the one that made it."""
    wrong = False
    for login in logins:
        for name, _, _, made, actual in login.collations:
            if made and actual and made != actual:
                wrong = True
                yield fail(
                    login.node,
                    f"database {name} was made with collation version {made}, this machine has {actual}: indexes on "
                    "text may be wrong here. Use the same system everywhere, or REINDEX and ALTER DATABASE ... REFRESH "
                    "COLLATION VERSION.",
                )
    usual = Counter(login.collations for login in logins).most_common(1)[0][0]
    for login in logins:
        if login.collations != usual and not wrong:
            wrong = True
            yield fail(
                login.node,
                f"its databases' locales or collation versions are {_short(login.collations)}, others have "
                f"{_short(usual)}: use the same system and C library on every node.",
            )
    if not wrong:
        yield ok("collations", f"the same on every node: {_short(usual)}")


def _log_in(node: KnownNode, password: str) -> Login:
    try:
        with psycopg.connect(
            "",
            host=node.host,
            port=node.port,
            user=SUPERUSER,
            password=password,
            dbname="postgres",
            connect_timeout=CONNECT_LIMIT_S,
            target_session_attrs="any",
            application_name="howdah doctor",
            autocommit=True,
        ) as connection:
            new = connection.info.server_version >= 150000
            rows = connection.execute(COLLATIONS if new else COLLATIONS_BEFORE_15).fetchall()
            return Login(node.name, tuple((str(a), str(b), str(c), str(d), str(e)) for a, b, c, d, e in rows))
    except psycopg.Error as error:
        sentence = " ".join(str(error).split())
        closed = GATE in sentence
        refused = "FATAL" in sentence and "starting up" not in sentence and not closed
        return Login(node.name, error=sentence, refused=refused, closed=closed)


def _identity(answer: Answer, cluster: str) -> Finding:
    name, of = answer.document.get("name"), answer.document.get("cluster")
    if (name, of) != (answer.node, cluster):
        return fail(answer.node, f"its agent's port answers as {name} of cluster {of}: another agent has taken it.")
    return ok(answer.node, f"its agent answers; {answer.document.get('role')}, {answer.document.get('state')}")


def _clock(answer: Answer, now: datetime.datetime) -> Iterator[Finding]:
    try:
        theirs = email.utils.parsedate_to_datetime(answer.date)
    except (TypeError, ValueError):
        return
    ahead = (theirs - now).total_seconds()
    if abs(ahead) > CLOCK_SECONDS_MAX:
        yield warn(
            answer.node,
            f"its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's: logs and planned "
            "times are hard to compare. Run an NTP service (chrony) on every node.",
        )


def _short(collations: Sequence[Collation]) -> str:
    return ", ".join(
        dict.fromkeys(
            f"{collate}/{ctype}" + (f" version {made}" if made else "") for _, collate, ctype, made, _ in collations
        )
    )
