"""How does an agent reach its simulated server: process, SQL in recovery, SQL as a primary?"""

import asyncio

from howdah.cluster.serverfacts import ReplayView, ServerFacts
from howdah.cluster.serverfacts import Walsender as WalsenderRow
from howdah.ports.postgres import ClientWork, PostgresFailure, ProcessView, SqlFailed
from howdah.simulation.machine import Machine
from howdah.simulation.ports import LocalPort, guard
from howdah.simulation.server import Server
from howdah.simulation.wal import next_timeline
from howdah.values.lsn import Lsn
from howdah.values.member import slot_name

VERSION = 180000


def rows_of(server: Server) -> tuple[WalsenderRow, ...]:
    """pg_stat_replication."""
    found = [
        WalsenderRow(
            s.pid, s.name, "streaming" if s.streaming else "startup", Lsn(s.flush), Lsn(s.replay), s.priority,
            s.started_ms,
        )
        for s in server.senders()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda w: (w.application_name, w.pid)))


def facts_of(machine: Machine, server: Server) -> ServerFacts:
    """One observation of the server as it is now."""
    volume, log = server.volume, server.volume.log
    startup = machine.startup()
    upstream = server.settings.upstream
    timeline, replay = log.timeline, log.end
    end = log.flushed_end
    if startup is not None and startup.replayed:
        timeline = log.records[startup.replayed - 1].timeline
        replay = log.end_at(startup.replayed)
        # IDENTIFY_SYSTEM: what was received counts only on the timeline that replay has reached.
        received = log.flushed and log.records[log.flushed - 1].timeline == timeline
        end = max(end, replay) if received else replay
    return ServerFacts(
        in_recovery=startup is not None,
        system_identifier=volume.system_identifier,
        timeline=timeline,
        history=volume.histories.get(timeline, ()),
        end_lsn=Lsn(end),
        replay_lsn=Lsn(replay) if startup is not None else Lsn(end),
        checkpoint_timeline=volume.checkpoint_timeline,
        upstream=upstream.address if upstream else None,
        upstream_name=upstream.application_name if upstream else "",
        receiving=startup is not None and startup.link is not None and startup.link.open,
        replay_paused=startup is not None and startup.pause_requested,
        sync_setting=server.settings.sync_names,
        clients=len(server.sessions),
        version=VERSION,
        walsenders=rows_of(server),
        slots=tuple(sorted(volume.slots)),
    )


class SimProcess(LocalPort):
    """`ports.postgres.ServerProcess`."""

    def view(self) -> ProcessView:
        """See the port."""
        guard(self.owner)
        server = self.machine.server
        if server is None:
            return ProcessView(None, 0)
        return ProcessView(server.pid if server.postmaster else None, 1)

    async def start(self, recovery: bool, limit_ms: int) -> None:
        """See the port."""
        await self.kill()
        if not self.machine.volume.present or self.machine.volume.half_rewound:
            raise PostgresFailure("there is no data directory to start")
        ended = asyncio.get_running_loop().create_future()

        def settle(good: bool) -> None:
            if not ended.done():
                ended.set_result(good)

        if not recovery and not self.machine.becomes_primary:
            raise PostgresFailure("PostgreSQL ends when it is started as a primary")
        server = self.machine.start(recovery, lambda: settle(True))
        server.on_gone.append(lambda: settle(False))
        try:
            async with asyncio.timeout(limit_ms / 1000):
                good = await ended
        except TimeoutError as error:
            raise PostgresFailure("PostgreSQL does not accept connections yet") from error
        guard(self.owner)
        if not good:
            raise PostgresFailure("PostgreSQL ended while it started")

    async def stop_fast(self, limit_ms: int) -> bool:
        """See the port."""
        guard(self.owner)
        server = self.machine.server
        if server is None:
            return True
        ended = asyncio.get_running_loop().create_future()
        server.stop_fast(lambda: None)
        server.on_gone.append(lambda: None if ended.done() else ended.set_result(None))
        try:
            async with asyncio.timeout(limit_ms / 1000):
                await ended
        except TimeoutError:
            return False
        return True

    async def kill(self) -> None:
        """See the port."""
        guard(self.owner)
        await self.pause(self.chance.quick(0.5, 5))
        guard(self.owner)
        if self.machine.server is not None:
            self.machine.server.die()
            await self.pause(self.chance.quick(1, 4))

    async def reload(self) -> None:
        """See the port."""
        guard(self.owner)
        server = self.machine.server
        if server is None or not server.postmaster:
            raise PostgresFailure("no server runs")
        server.reload()

    async def exited(self) -> None:
        """See the port."""
        guard(self.owner)
        server = self.machine.server
        if server is None or not server.postmaster:
            return
        ended = asyncio.get_running_loop().create_future()
        server.on_postmaster_end.append(lambda: None if ended.done() else ended.set_result(None))
        await ended


class SimStandby(LocalPort):
    """`ports.postgres.Standby`."""

    async def observe(self, new_connection: bool = True) -> ServerFacts:
        """See the port."""
        _ = new_connection  # every one is new here
        server = await self.connect(1, 4)
        facts = facts_of(self.machine, server)
        if self.chance.maybe(0.2):
            await self.pause(self.chance.process())
        return facts

    async def replay(self, new_connection: bool = True) -> ReplayView:
        """See the port."""
        _ = new_connection  # every one is new here
        server = await self.connect()
        startup = self.machine.startup()
        if startup is None:
            raise SqlFailed("the server is out of recovery")
        log, upstream = server.volume.log, server.settings.upstream
        state = "paused" if startup.paused else "pause requested" if startup.pause_requested else "not paused"
        replayed = log.end_at(startup.replayed)
        return ReplayView(
            shown_conninfo=f"{upstream.address} {upstream.application_name}" if upstream else "",
            shown_restore_command="",
            pause_state=state,
            receivers=startup.receivers,
            startup_waits=startup.waits,
            received_lsn=Lsn(log.end),
            replayed_lsn=Lsn(replayed),
            timeline=log.records[startup.replayed - 1].timeline if startup.replayed else log.timeline,
        )

    async def pause_replay(self) -> None:
        """See the port."""
        await self.connect()
        startup = self.machine.startup()
        if startup is None:
            raise SqlFailed("recovery is not in progress")
        startup.request_pause()

    async def resume_replay(self) -> None:
        """See the port."""
        await self.connect()
        startup = self.machine.startup()
        if startup is None:
            raise SqlFailed("recovery is not in progress")
        startup.resume()

    async def end_conflicting_queries(self) -> int:
        """See the port."""
        await self.connect()
        return 0

    async def next_timeline(self) -> int:
        """See the port."""
        server = await self.connect()
        return next_timeline(server.volume.log.timeline, server.volume.histories)

    async def promote(self, limit_ms: int) -> bool:
        """See the port."""
        server = await self.connect()
        if server.primary:
            return True
        if not self.machine.becomes_primary:
            raise SqlFailed("the promotion is refused")
        startup = self.machine.startup()
        if startup is not None:
            startup.resume()
        server.promote()
        waited = 0.0
        while server.recovery is not None:
            if waited >= limit_ms:
                return False
            await self.pause(5)
            waited += 5
            if server.owner.dead:
                raise SqlFailed("the server ended while it was promoted")
        return True


class SimPrimary(LocalPort):
    """`ports.postgres.Primary`."""

    async def write_barrier(self, term: int, holder: str) -> Lsn:
        """See the port."""
        server = await self.connect_primary()
        written = asyncio.get_running_loop().create_future()
        server.on_gone.append(lambda: None if written.done() else written.set_result(None))
        server.write(
            "barrier", f"{holder}.t{term}", wait=False, done=lambda r: None if written.done() else written.set_result(r)
        )
        record = await written
        guard(self.owner)
        if record is None:
            raise SqlFailed("the server ended")
        return Lsn(record.end)

    async def walsenders(self) -> tuple[WalsenderRow, ...]:
        """See the port."""
        return rows_of(await self.connect(0.2, 1))

    async def end_walsenders(self, pids: tuple[int, ...]) -> None:
        """See the port."""
        server = await self.connect()
        for stream in list(server.streams):
            if stream.sender is not None and stream.sender.pid in pids:
                stream.close_sender()

    async def end_client_sessions(self) -> int:
        """See the port."""
        return (await self.connect()).end_sessions()

    async def client_work(self) -> ClientWork:
        """See the port. Nobody routes here."""
        return ClientWork(0, 0)

    async def show(self, name: str) -> str:
        """See the port."""
        server = await self.connect()
        if name != "synchronous_standby_names":
            raise SqlFailed(f"unrecognized configuration parameter {name}")
        return server.settings.sync_names

    async def loaded(self) -> str:
        """See the port."""
        return str((await self.connect()).reloads)

    async def checkpoint(self) -> None:
        """See the port."""
        server = await self.connect()
        ended = asyncio.get_running_loop().create_future()
        server.on_gone.append(lambda: None if ended.done() else ended.set_result(False))
        server.checkpoint(lambda: None if ended.done() else ended.set_result(True))
        if not await ended:
            raise SqlFailed("the server ended")

    async def oldest_wal(self) -> Lsn:
        """See the port. Here nothing is removed, unless a fault does it."""
        return Lsn((await self.connect()).volume.oldest)

    async def keep_slots(self, names: tuple[str, ...], drop_others: bool) -> tuple[str, ...]:
        """See the port."""
        server = await self.connect()
        wanted = [slot_name(name) for name in names]
        used = {w.slot for w in server.senders()}
        done = []
        for slot in list(server.volume.slots):
            if slot not in wanted and drop_others and slot not in used:
                server.volume.slots.remove(slot)
                done.append(f"dropped slot {slot}")
        for slot in wanted:
            if slot not in server.volume.slots:
                server.volume.slots.append(slot)
                done.append(f"made slot {slot}")
        return tuple(done)
