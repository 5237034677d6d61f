"""What does an agent look at all the time, whatever it is doing?"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from howdah.agent.parameters import parameters_now
from howdah.agent.procedures import server
from howdah.agent.procedures.campaign import other_speaker
from howdah.agent.procedures.promote import arm
from howdah.agent.situation import leads_unserved
from howdah.agent.tools import Tools
from howdah.cluster.actions import (
    Campaign,
    Clone,
    ForcePromotion,
    Initialise,
    KillServer,
    Promote,
    RebuildRecord,
    Release,
    RestartServer,
    ResumeService,
    Revoke,
    Rewind,
    Serve,
    StartFollowing,
    StartInRecovery,
    StopServer,
    Switchover,
)
from howdah.cluster.changes import Renew
from howdah.cluster.lease import may_prolong, may_renew
from howdah.cluster.observation import ServerState
from howdah.cluster.peerstate import Confirmation
from howdah.cluster.policy import LeaseTimes
from howdah.cluster.quorum import read_setting, setting_of
from howdah.cluster.record import Mode, Record
from howdah.cluster.serverfacts import ServerFacts
from howdah.cluster.suspicion import Sight
from howdah.ports.deadman import DeadmanGone
from howdah.ports.peers import PeerUnreachable, ProbeResult
from howdah.ports.postgres import ConnectionsTaken, SqlFailed
from howdah.ports.store import StoreUnavailable
from howdah.values.member import Member
from howdah.values.position import Position

HANDLES_SERVER = (
    Clone,
    Initialise,
    KillServer,
    Release,
    RestartServer,
    ResumeService,
    Revoke,
    Rewind,
    StartFollowing,
    StartInRecovery,
    StopServer,
    Switchover,
)
REVOKES = (Campaign, ForcePromotion, RebuildRecord)
"""Their own revocation may kill the server and start it anew: that is no crash, and nobody else may kill it then."""
BRINGS_UP = (ResumeService, Promote, Serve, StartInRecovery, Switchover, Initialise)
SIGHT_INTERVAL_MS = 150
PROBE_LIMIT_MS = 300


def jobs(tools: Tools) -> tuple[Coroutine[Any, Any, None], ...]:
    """The endless tasks beside the decisions."""
    return (
        tools.keeper.watch(),
        renew(tools),
        probe(tools),
        notice_exit(tools),
        look_at_primary(tools),
        ask_confirmations(tools),
        keep_deadman(tools),
        find_lost_slots(tools),
    )


async def renew(tools: Tools) -> None:
    """The holder proves its ownership once an interval, by a swap, while there is a database behind it."""
    situation, keeper = tools.situation, tools.keeper
    while True:
        record = keeper.record
        if record is not None and situation.holds(record) and not record.released and renewing_is_due(tools):
            position = _position(tools) if record.mode is Mode.ASYNC else None
            with contextlib.suppress(StoreUnavailable, DeadmanGone):
                lease = await times_to_write(tools, record)
                renewed = await keeper.swap(Renew(situation.me, record.term, position=position, lease=lease))
                if isinstance(renewed, Record) and has_deadline(tools):
                    await arm(tools)
            situation.poke()
        # While times that were configured since are not in force yet, the interval is one that fits those that are.
        await tools.clock.sleep_ms(min(tools.policy.renew_interval_ms, keeper.lease_times.gate_ms // 3))


async def times_to_write(tools: Tools, record: Record) -> LeaseTimes | None:
    """The configured lease times, once this server is bound to them: others judge by them from the swap that says so,
    which may land unseen, with this agent dead by then. So its dead-man knows them first."""
    keeper, wanted = tools.keeper, tools.policy.lease_times
    if record.lease == wanted:
        if not keeper.unsettled:
            keeper.bonds.announced = ()
        return wanted
    keeper.bonds.announce(wanted)
    if has_deadline(tools):
        try:
            await arm(tools)
        except DeadmanGone:
            return record.lease
    return wanted


def has_deadline(tools: Tools) -> bool:
    """Whether this server is a primary, or is about to be. One that is in recovery by now, or gone, must not be killed
    by a deadline from before."""
    situation = tools.situation
    return situation.state is ServerState.PRIMARY or isinstance(situation.busy, ResumeService | Promote)


def renewing_is_due(tools: Tools) -> bool:
    """Whether a database is behind the lease, or being brought up."""
    situation = tools.situation
    now = tools.clock.boot_ms()
    bringing_up = now - situation.busy_since_boot_ms if isinstance(situation.busy, BRINGS_UP) else None
    if situation.state is not ServerState.PRIMARY and bringing_up is None:
        return False
    return may_renew(now - situation.probed_boot_ms, bringing_up, tools.policy)


def _position(tools: Tools) -> Position | None:
    return tools.situation.server_view().position


async def probe(tools: Tools) -> None:
    """The local server through a *new* connection, once an interval; sooner when something happened."""
    situation = tools.situation
    while True:
        if not isinstance(situation.busy, HANDLES_SERVER):
            await probe_once(tools)
        situation.probe_now.clear()
        await situation.probe_now.wait(tools.policy.probe_interval_ms)


async def probe_once(tools: Tools) -> None:
    """Look; count failures; see when the server is gone."""
    situation = tools.situation
    looks = situation.looks
    try:
        async with asyncio.timeout(tools.policy.probe_timeout_ms / 1000):
            facts = await _observe(tools)
    except (SqlFailed, TimeoutError):
        if isinstance(situation.busy, HANDLES_SERVER):
            return
        if tools.process.view().alive == 0:
            server.gone(tools)
        else:
            situation.probe_failures += 1
            if situation.probe_failures > 1 or situation.state is ServerState.GONE:
                situation.state = ServerState.SILENT
        situation.poke()
        return
    if isinstance(situation.busy, HANDLES_SERVER) or situation.looks != looks:
        return  # somebody looked since this was asked: the answer may be from before a promotion
    before = situation.facts
    server.took(tools, facts)
    situation.directory = tools.directory.inspect() if before is None else situation.directory
    situation.settings_current = settings_are_current(tools, facts)
    if _matters(before, facts):
        situation.poke()


async def _observe(tools: Tools) -> ServerFacts:
    """Through a new connection. Where clients have taken every one of them the postmaster has answered all the same,
    and the kept connection shows the rest: killing a server that is merely full would help nobody."""
    try:
        return await tools.standby.observe()
    except ConnectionsTaken:
        return await tools.standby.observe(new_connection=False)


def _matters(before: ServerFacts | None, now: ServerFacts) -> bool:
    return before is None or before != now


def settings_are_current(tools: Tools, facts: ServerFacts) -> bool:
    """Whether the primary enforces what the record asks, or something that covers it while a swap is unsettled; and
    whether the operator's parameters are in the files."""
    record, applied = tools.keeper.record, tools.situation.applied
    if applied is not None and applied.parameters != parameters_now(tools):
        return False
    if applied is not None and (found := tools.overrides(applied)):
        for sentence in found:
            tools.journal.noted("ALTER SYSTEM", f"taken back: {sentence}", record.term if record else 0)
        return False
    if facts.in_recovery:
        return bool(facts.sync_setting) or not server.blank_sync(tools)  # NEVER EMPTY, standbys included
    if record is None or not tools.situation.holds(record) or tools.keeper.unsettled:
        return True
    return read_setting(facts.sync_setting) == setting_of(record)


async def notice_exit(tools: Tools) -> None:
    """The postmaster's end is seen at once; an end that nobody here asked for is a crash."""
    situation = tools.situation
    while True:
        if tools.process.view().postmaster is None:
            await tools.clock.sleep_ms(50)
            continue
        await tools.process.exited()
        if isinstance(situation.busy, (*HANDLES_SERVER, *REVOKES)) or situation.state is ServerState.GONE:
            await tools.clock.sleep_ms(20)
            continue
        situation.crashes = (*situation.crashes[-9:], tools.clock.boot_ms())
        if leads_unserved(situation, tools.keeper):
            situation.lead_failures += 1
        term = tools.keeper.record.term if tools.keeper.record else 0
        tools.journal.noted("CRASH", "the postmaster ended by itself", term)
        await server.kill(tools)  # backends outlive a killed postmaster
        situation.poke()


async def look_at_primary(tools: Tools) -> None:
    """Is the record's primary gone, rather than slow? Looked at closely only when its streams broke."""
    situation = tools.situation
    while True:
        record = tools.keeper.record
        view = tools.peers.views().get(record.holder.name) if record else None
        if record is None or view is None or situation.holds(record) or view.connected:
            _see(tools, Sight(False, False, False), record)
            situation.look_now.clear()
            await situation.look_now.wait(tools.policy.probe_interval_ms)
            continue
        agent, postgres = await asyncio.gather(
            tools.peers.probe(view.published.api, PROBE_LIMIT_MS),
            tools.peers.probe(view.published.address, PROBE_LIMIT_MS),
        )
        refused = agent is ProbeResult.REFUSED and postgres is ProbeResult.REFUSED
        if refused and situation.state is ServerState.RECOVERY:
            await probe_once(tools)
        broken = situation.facts is not None and not situation.facts.receiving
        _see(tools, Sight(broken, agent is ProbeResult.REFUSED, postgres is ProbeResult.REFUSED), record)
        await tools.clock.sleep_ms(SIGHT_INTERVAL_MS if not refused else SIGHT_INTERVAL_MS // 3)


def _see(tools: Tools, sight: Sight, record: Record | None) -> None:
    """Believe it of the server that held this record, and of nobody who has won since."""
    situation = tools.situation
    seen = (sight, record.holder if record else None)
    if seen != (situation.sight, situation.sight_of):
        situation.sight, situation.sight_of = seen
        situation.poke()


async def ask_confirmations(tools: Tools) -> None:
    """Store away: may this primary go on? k voters have to say that they are not revoked. Counted from the sending."""
    situation, keeper = tools.situation, tools.keeper
    while True:
        await tools.clock.sleep_ms(tools.policy.renew_interval_ms)
        lost = keeper.record is None or situation.store_went_back(keeper)
        record = (keeper.settled or situation.local.record) if lost else keeper.record
        if record is None or not situation.holds(record) or situation.served_term != record.term:
            continue
        now = tools.clock.boot_ms()
        if keeper.reachable and not lost and now - keeper.bonds.sent_boot_ms < 1500:
            continue
        await confirm_round(tools, record)


async def confirm_round(tools: Tools, record: Record) -> None:
    """One round of questions to the voters. With a voter change unsettled, k of both sets are needed: the smaller set
    is always within the larger, so k of the smaller one serves for both."""
    situation = tools.situation
    sent = tools.clock.boot_ms()
    voters = list(record.voters)
    waited = read_setting(situation.facts.sync_setting) if situation.facts else None
    if tools.keeper.unsettled:
        in_force = {name.partition(".t")[0] for name in waited.names} if waited else set()
        voters = [voter for voter in voters if voter.name in in_force]
    answers = await asyncio.gather(*(_confirmed(tools, voter, record.term) for voter in voters))
    if situation.served_term != record.term:
        return  # it stopped serving, or was stopped, while it asked
    situation.confirmations = sum(answers)
    if may_prolong(record.k, waited.count if tools.keeper.unsettled and waited else 0, sum(answers)):
        situation.confirmed_sent_boot_ms = sent
        with contextlib.suppress(DeadmanGone):
            await arm(tools)
    situation.poke()


async def _confirmed(tools: Tools, voter: Member, term: int) -> bool:
    """Whether this very voter confirms this very primary. A new disk under its name has promised nothing (IDENTITY),
    and one that follows another primary of the same term confirms that one."""
    try:
        answer = await tools.peers.confirm(voter.name, term, tools.policy.store_timeout_ms)
    except PeerUnreachable:
        return False
    if not isinstance(answer, Confirmation) or other_speaker(tools, voter.name, answer.incarnation):
        return False
    return (answer.member, answer.term, answer.upstream) == (voter, term, tools.situation.address)


async def keep_deadman(tools: Tools) -> None:
    """No live dead-man, no serving."""
    situation = tools.situation
    while True:
        alive = await tools.deadman.alive()
        if alive != situation.deadman_alive:
            situation.deadman_alive = alive
            situation.deadman_gone_boot_ms = tools.clock.boot_ms()
            situation.poke()
        await tools.clock.sleep_ms(500)


LOST_SLOTS_INTERVAL_MS = 3000


async def find_lost_slots(tools: Tools) -> None:
    """Which members need WAL that this primary has removed? They can never stream again, and clone anew."""
    situation = tools.situation
    while True:
        await tools.clock.sleep_ms(LOST_SLOTS_INTERVAL_MS)
        lost: tuple[str, ...] = ()
        if situation.state is ServerState.PRIMARY and situation.facts is not None:
            with contextlib.suppress(SqlFailed):
                oldest = await tools.primary.oldest_wal()
                streaming = {w.application_name.partition(".t")[0] for w in situation.facts.walsenders}
                lost = tuple(
                    name
                    for name, view in sorted(tools.peers.views().items())
                    if name not in streaming and not view.published.primary and 0 < view.published.end_lsn < oldest
                )
        if lost != situation.lost_slots:
            situation.lost_slots = lost
            situation.poke()


def close_door(tools: Tools) -> None:
    """What the operator accepted was about the trouble of that minute: it must not act on some later one."""
    situation, record = tools.situation, tools.keeper.record
    if situation.door is not None and tools.clock.boot_ms() > situation.door_until_boot_ms:
        situation.door = None
        tools.journal.noted(
            "THE DOOR", "closed again: nobody could be promoted within a minute", record.term if record else 0
        )
