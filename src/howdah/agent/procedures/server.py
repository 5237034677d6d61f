"""How is the local server configured, started, stopped and looked at?"""

import contextlib
from dataclasses import replace

from howdah.agent.parameters import parameters_now, waiting_for_restart
from howdah.agent.tools import Failed, Tools
from howdah.cluster.observation import ServerState
from howdah.cluster.quorum import NAMES_NOBODY, setting_of
from howdah.cluster.record import Mode, Record
from howdah.cluster.serverfacts import ServerFacts
from howdah.ports.deadman import DeadmanGone
from howdah.ports.postgres import PostgresFailure, ServerSettings, SqlFailed, Upstream


def configure(
    tools: Tools, sync: str, gate_open: bool, upstream: Upstream | None = None, *, may_lower: bool = False
) -> None:
    """Write the server's files. The gate's new state counts from the reload or start that follows."""
    settings = ServerSettings(
        upstream=upstream,
        sync_names=sync,
        gate_open=gate_open,
        parameters=parameters_now(tools),
        replay_delay_ms=tools.situation.tags.delay_ms,
        may_lower=may_lower,
        running=tools.situation.state is not ServerState.GONE,
    )
    tools.directory.configure(settings)
    if upstream is not None:
        tools.situation.cut_term = 0
    tools.situation.applied = settings
    tools.situation.gate_open = gate_open


def blank_sync(tools: Tools) -> str:
    """What a server that is not a primary names: NEVER EMPTY in quorum mode, standbys included."""
    record = tools.situation.record_to_follow(tools.keeper) or tools.situation.local.record
    mode = record.mode if record else tools.situation.intents.effective_mode
    return str(NAMES_NOBODY) if mode is Mode.QUORUM else ""


def sync_in_force(tools: Tools) -> str:
    """What this server was last told to wait for."""
    applied, facts, record = tools.situation.applied, tools.situation.facts, tools.keeper.record
    if applied is not None:
        return applied.sync_names
    if facts is not None:
        return facts.sync_setting
    return record_sync(record) if record else blank_sync(tools)


def record_sync(record: Record) -> str:
    """What the record asks of its holder's server."""
    return str(setting_of(record))


async def start_blank(tools: Tools) -> None:
    """Start in recovery with everything blank, gate closed: harmless whatever role the disk remembers."""
    configure(tools, blank_sync(tools), gate_open=False)
    await rest_deadman(tools)
    await start(tools, recovery=True)


async def start(tools: Tools, recovery: bool) -> None:
    """Start and look. Counts starts that failed in a row."""
    situation = tools.situation
    situation.served_term = 0
    try:
        await tools.process.start(recovery, tools.policy.start_limit_ms)
    except PostgresFailure as failure:
        situation.failed_starts += 1
        situation.directory = tools.directory.inspect()  # its disk may be full
        raise Failed(str(failure)) from failure
    situation.failed_starts = situation.clones_in_vain = 0
    await look(tools)


async def look(tools: Tools, new_connection: bool = True) -> ServerFacts:
    """Observe and believe it. Raises SqlFailed."""
    situation = tools.situation
    facts = await tools.standby.observe(new_connection)
    took(tools, facts)
    situation.poke()
    return facts


def took(tools: Tools, facts: ServerFacts) -> None:
    """Believe an observation of the running server."""
    situation = tools.situation
    now = tools.clock.boot_ms()
    state = ServerState.RECOVERY if facts.in_recovery else ServerState.PRIMARY
    if state is ServerState.PRIMARY and situation.state is not ServerState.PRIMARY:
        situation.primary_since_boot_ms = now
        situation.streamed_boot_ms.clear()
    situation.sensitive = dict(facts.sensitive)
    waiting = waiting_for_restart(situation.intents.parameters, situation.sensitive)
    situation.state = state
    situation.facts = replace(facts, pending_restart=tuple(sorted({*facts.pending_restart, *waiting})))
    situation.probed_boot_ms = now
    situation.looks += 1
    situation.probe_failures = 0


async def kill(tools: Tools) -> None:
    """Kill and verify. Afterwards nothing of the server is left, or ServerSurvives was raised."""
    await tools.process.kill()
    await rest_deadman(tools)  # before the server counts as gone: what starts next sets its own deadline
    gone(tools)


async def rest_deadman(tools: Tools) -> None:
    """No deadline: nothing runs, or nothing that could serve. A deadline of the past would kill what starts next."""
    with contextlib.suppress(DeadmanGone):
        await tools.deadman.disarm()


def gone(tools: Tools) -> None:
    """Believe that no process of the server is left."""
    situation = tools.situation
    situation.state = ServerState.GONE
    situation.facts = None
    situation.served_term = 0
    situation.promoted_term = situation.cut_term = 0
    situation.rewind_ready = False
    situation.gate_open = False
    situation.report = None
    situation.directory = tools.directory.inspect()


async def stop(tools: Tools) -> bool:
    """Fast stop within the limit, else kill. True if it ended by itself."""
    clean = await tools.process.stop_fast(tools.policy.stop_limit_ms)
    if clean:
        await rest_deadman(tools)
        gone(tools)
    else:
        await kill(tools)
    return clean


async def shown(tools: Tools, name: str) -> str:
    """A setting as a new connection sees it, or "" if no answer came."""
    try:
        return await tools.primary.show(name)
    except SqlFailed:
        return "\x00"


async def wait_shown(tools: Tools, name: str, value: str, limit_ms: int) -> None:
    """Wait until a new connection shows the value. Raises Failed at the limit."""
    until = tools.clock.boot_ms() + limit_ms
    while await shown(tools, name) != value:
        if tools.clock.boot_ms() > until:
            raise Failed(f"a new connection still does not show {name} = {value!r}")
        await tools.clock.sleep_ms(5)


async def wait_loaded(tools: Tools, before: str, limit_ms: int) -> None:
    """Wait until the postmaster has read its settings after `before`. Raises Failed at the limit."""
    until = tools.clock.boot_ms() + limit_ms
    while True:
        with contextlib.suppress(SqlFailed):
            if await tools.primary.loaded() != before:
                return
        if tools.clock.boot_ms() > until:
            raise Failed("a new connection still shows the settings from before the reload")
        await tools.clock.sleep_ms(5)
