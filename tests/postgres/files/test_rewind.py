"""How does a former primary come back, and what is left when that is interrupted?"""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres import gone, install
from howdah.postgres.account import run_as
from howdah.postgres.durable import write_durably
from howdah.postgres.programs import Output
from howdah.postgres.rewind import RewindRefused, fork_in
from howdah.values.lsn import parse_lsn
from tests.postgres.files.nodefarm import Farm, Node, run
from tests.waiting import until

BULK_MB = 60
"""So much to copy that a rewind takes long enough to be met in the middle."""


async def _forked(nodes: Farm, crash: bool = False) -> tuple[Node, Node]:
    """A former primary n1, stopped or crashed, with a row that the new primary n2 never got; n2 is checkpointed."""
    old = nodes.first()
    await old.start()
    new = await nodes.standby_of(old, "n2")
    old.sql("CREATE TABLE kept AS SELECT 1 AS one")
    await until(lambda: old.value("SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"))
    new.directory().configure(new.settings())
    await new.reload()
    await until(lambda: new.value("SELECT count(*) FROM pg_stat_wal_receiver") == 0)
    assert new.value("SELECT pg_promote()")
    old.sql("CREATE TABLE lost AS SELECT 1 AS one")
    new.sql("CREATE TABLE won AS SELECT 1 AS one")
    new.sql("CHECKPOINT")
    await (old.process().kill() if crash else old.stop())
    return old, new


async def _follows(node: Node, source: Node) -> None:
    directory = node.directory()
    directory.configure(node.settings(upstream=source))
    directory.write_identity("id-again")
    await node.start(recovery=True)
    await until(lambda: node.value("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == 1)
    await until(lambda: bool(node.value("SELECT to_regclass('won') IS NOT NULL")))
    assert node.value("SELECT one FROM kept") == 1
    assert node.value("SELECT to_regclass('lost')") is None


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "crashed"])
def test_a_former_primary_is_rewound_and_follows(nodes: Farm, crash: bool) -> None:
    async def story() -> None:
        old, new = await _forked(nodes, crash)
        await old.directory().rewind(new.address)
        facts = old.directory().inspect()
        assert facts.state is DirectoryState.BROKEN
        assert "rewound against" in facts.explanation
        assert "cluster_name = 'n1'" in (old.data / "postgresql.conf").read_text()
        assert (old.data / "standby.signal").exists()
        assert not install.rewinding_file(old.layout).exists()
        await _follows(old, new)
        await old.stop()
        await new.stop()

    run(story())


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "crashed"])
def test_a_former_primary_that_had_been_started_in_recovery_to_vote_is_rewound(nodes: Farm, crash: bool) -> None:
    async def story() -> None:
        old, new = await _forked(nodes, crash=True)
        old.directory().configure(old.settings())
        await old.start(recovery=True)
        assert old.value("SELECT one FROM lost") == 1
        await (old.process().kill() if crash else old.stop())
        await old.directory().rewind(new.address)
        await _follows(old, new)
        await old.stop()
        await new.stop()

    run(story())


def _log_from(node: Node, place: Path, start: str) -> str:
    """What pg_waldump reads in a directory of log files; it complains where they end."""
    program = (str(node.site.installation.program("pg_waldump")), "-p", str(place), "-s", start)
    shown = subprocess.run(program, stdout=subprocess.PIPE, check=False, **run_as(node.site.account))
    return shown.stdout.decode()


def test_the_log_that_a_rewind_takes_away_is_kept_and_can_be_read(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked(nodes)
        await old.directory().rewind(new.address)
        (place,) = old.layout.diverged.iterdir()
        timeline, _, start = place.name.partition("-")
        assert timeline == "1"
        assert place.stat().st_mode & 0o777 == 0o700
        shown = _log_from(old, place, start.replace("-", "/"))
        assert "COMMIT" in shown
        assert "CHECKPOINT_SHUTDOWN" in shown
        await new.stop()

    run(story())


def test_a_rewind_whose_source_is_away_changes_nothing(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked(nodes)
        await new.stop()
        before = old.directory().inspect()
        with pytest.raises(RewindRefused, match="refused"):
            await old.directory().rewind(new.address)
        assert old.directory().inspect() == before
        await old.start()
        assert old.value("SELECT one FROM lost") == 1
        await old.stop()

    run(story())


def test_a_running_server_is_not_rewound(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        with pytest.raises(RewindRefused, match="Stop the server first"):
            await node.directory().rewind(node.address)
        await node.stop()

    run(story())


def _in_the_middle(node: Node) -> bool:
    """Whether pg_rewind is past its rehearsal and runs."""
    return install.rewinding_file(node.layout).exists() and bool(gone.processes_of(node.data))


async def _forked_in_bulk(nodes: Farm) -> tuple[Node, Node]:
    old, new = await _forked(nodes)
    new.sql(f"CREATE TABLE bulk AS SELECT repeat(md5(n::text), 30) AS x FROM generate_series(1, {BULK_MB * 1000}) AS n")
    return old, new


def test_a_cancelled_caller_does_not_cut_a_rewind_short(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked_in_bulk(nodes)
        directory = old.directory()
        waiting = asyncio.create_task(directory.rewind(new.address))
        await until(lambda: _in_the_middle(old) or waiting.done())
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(PostgresFailure, match="just now"):
            directory.write_identity("too early")
        await until(lambda: not install.rewinding_file(old.layout).exists())
        await until(lambda: not gone.processes_of(old.data))
        await asyncio.sleep(0)
        await _follows(old, new)
        await old.stop()
        await new.stop()

    run(story())


def test_a_killed_rewind_leaves_a_directory_that_is_only_good_for_a_clone(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked_in_bulk(nodes)
        waiting = asyncio.create_task(old.directory().rewind(new.address))
        await until(lambda: _in_the_middle(old) or waiting.done())
        for pid in gone.processes_of(old.data):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(PostgresFailure, match="pg_rewind failed"):
            await waiting
        directory = old.directory()
        assert directory.inspect().state is DirectoryState.BROKEN
        with pytest.raises(RewindRefused, match="half rewound"):
            await directory.rewind(new.address)
        with pytest.raises(PostgresFailure, match="half rewound"):
            directory.write_identity("id-1")
        await directory.clone(new.address)
        directory.install_clone()
        assert not install.rewinding_file(old.layout).exists()
        await _follows(old, new)
        await old.stop()
        await new.stop()

    run(story())


def test_a_rewind_that_hangs_can_be_abandoned(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked_in_bulk(nodes)
        directory = old.directory()
        waiting = asyncio.create_task(directory.rewind(new.address))
        await until(lambda: _in_the_middle(old) or waiting.done())
        await directory.abandon_rewind()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not gone.processes_of(old.data)
        assert directory.inspect().state is DirectoryState.BROKEN
        await new.stop()

    run(story())


def test_an_identity_that_a_rewind_copied_from_its_source_does_not_count(nodes: Farm) -> None:
    node = nodes.first()
    write_durably(install.rewinding_file(node.layout), "", node.site.account)
    facts = node.directory().inspect()
    assert (facts.state, facts.identity) == (DirectoryState.BROKEN, "")


def test_only_so_many_rewinds_are_kept(nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked(nodes)
        old.layout.diverged.mkdir()
        for number in range(9):
            (old.layout.diverged / f"1-0-{number}").mkdir()
        await old.directory().rewind(new.address)
        assert len(list(old.layout.diverged.iterdir())) == 8
        assert any("files of diverged log" in line for line in old.lines)
        await new.stop()

    run(story())


def test_the_fork_is_read_from_what_pg_rewind_says() -> None:
    line = "pg_rewind: servers diverged at WAL location 0/3000148 on timeline 1"
    assert fork_in(Output((line,))) == (1, parse_lsn("0/3000148"))
    assert fork_in(Output(("pg_rewind: no rewind required",))) is None


def test_rewinding_works_with_the_other_versions_of_postgresql(other_version_nodes: Farm) -> None:
    async def story() -> None:
        old, new = await _forked(other_version_nodes, crash=True)
        await old.directory().rewind(new.address)
        await _follows(old, new)
        await old.stop()
        await new.stop()

    run(story())
