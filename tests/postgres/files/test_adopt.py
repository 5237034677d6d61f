"""How does somebody's data directory become the first of a cluster?"""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import run_as
from tests.postgres.files.nodefarm import Farm, run

USERS_CONF = """\
port = 5999            # theirs
work_mem = 9MB
fsync = off
shared_buffers = '8MB'
"""


def _theirs(nodes: Farm, *options: str) -> Path:
    """A directory as somebody's own initdb and psql left it, never seen by Howdah."""
    data = nodes.root / "theirs"
    programs = nodes.installation
    subprocess.run(
        (str(programs.program("initdb")), "-D", str(data), "-U", "owner", "-A", "trust", "--no-sync", *options),
        check=True,
        stdout=subprocess.DEVNULL,
        **run_as(nodes.account),
    )
    subprocess.run(
        (str(programs.program("postgres")), "--single", "-F", "-D", str(data), "postgres"),
        input=b"CREATE TABLE precious AS SELECT 42 AS answer;\n",
        check=True,
        stdout=subprocess.DEVNULL,
        **run_as(nodes.account),
    )
    conf = data / "postgresql.conf"
    conf.write_text(conf.read_text() + USERS_CONF)
    return data


def test_an_adopted_directory_keeps_its_data_and_its_old_settings_beside(nodes: Farm) -> None:
    theirs = _theirs(nodes)
    node = nodes.empty("n1")

    async def story() -> None:
        directory = node.directory()
        plan = directory.plan_adoption(theirs)
        assert theirs.exists()
        adoption = await directory.adopt(theirs)
        assert adoption == plan
        assert not theirs.exists()
        assert adoption.parameters["work_mem"] == "9MB"
        assert "port" not in adoption.parameters
        assert any(fault.startswith("fsync cannot be set") for fault in adoption.refused)
        assert "fsync = off" in (node.data / "postgresql.conf.before-howdah").read_text()
        assert directory.inspect().state is DirectoryState.BROKEN
        directory.write_identity("id-1")
        directory.configure(node.settings(gate_open=True))
        await node.start()
        assert node.value("SELECT answer FROM precious") == 42
        assert node.value("SHOW fsync") == "on"
        psycopg.connect(node.client()).close()
        await nodes.standby_of(node, "n2")
        await node.stop()

    run(story())


def test_a_directory_that_lies_in_its_place_already_and_crashed_is_adopted_there(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        node.sql("CREATE TABLE precious AS SELECT 42 AS answer")
        node.sql("ALTER ROLE postgres PASSWORD 'their own'")
        await node.process().kill()
        (node.data / "howdah.id").unlink()
        (node.data / "howdah.origin").unlink()
        directory = node.directory()
        adoption = await directory.adopt(node.data)
        assert any("recovered from its log" in change for change in adoption.changes)
        assert any("password of postgres is kept" in change for change in adoption.changes)
        assert directory.inspect().clean
        directory.configure(node.settings(gate_open=True))
        await node.start()
        assert node.value("SELECT answer FROM precious") == 42
        psycopg.connect(node.client(password="'their own'")).close()
        await node.stop()

    run(story())


def test_adopting_can_be_repeated_after_an_interruption(nodes: Farm) -> None:
    theirs = _theirs(nodes)
    node = nodes.empty("n1")
    node.data.write_text("in the way")
    with pytest.raises(PostgresFailure, match="is not empty"):
        run(node.directory().adopt(theirs))
    node.data.unlink()
    os.link(theirs / "postgresql.conf", theirs / "postgresql.conf.before-howdah")
    (theirs / "postgresql.conf").rename(theirs / "moved")
    (theirs / "postgresql.conf").write_text("# Written by Howdah\n")
    adoption = run(node.directory().adopt(theirs))
    assert adoption.parameters["work_mem"] == "9MB"
    assert "fsync = off" in (node.data / "postgresql.conf.before-howdah").read_text()


def test_an_adoption_that_died_after_the_rename_is_completed_by_the_next(nodes: Farm) -> None:
    theirs = _theirs(nodes)
    node = nodes.empty("n1")
    run(node.directory().adopt(theirs))
    (node.data / "howdah.origin").unlink()
    assert node.directory().inspect().state is DirectoryState.FOREIGN
    run(node.directory().adopt(theirs))
    assert node.directory().inspect().state is DirectoryState.BROKEN  # ours, and without an identity yet
    assert "fsync = off" in (node.data / "postgresql.conf.before-howdah").read_text()


def test_what_cannot_be_adopted_is_left_alone_and_told_why(nodes: Farm) -> None:
    node = nodes.first()
    empty = nodes.empty("n2")
    directory = empty.directory()
    with pytest.raises(PostgresFailure, match="has no PG_VERSION"):
        directory.plan_adoption(nodes.root)
    with pytest.raises(PostgresFailure, match="belongs to a Howdah cluster already"):
        directory.plan_adoption(node.data)
    (node.data / "howdah.id").unlink()
    (node.data / "standby.signal").touch()
    with pytest.raises(PostgresFailure, match="is a standby"):
        directory.plan_adoption(node.data)
    (node.data / "standby.signal").unlink()
    (node.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresFailure, match="pg_upgrade"):
        directory.plan_adoption(node.data)


def test_a_running_server_is_not_adopted(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        (node.data / "howdah.id").unlink()
        with pytest.raises(PostgresFailure, match="Stop it first"):
            node.directory().plan_adoption(node.data)
        await node.stop()

    run(story())


def test_missing_checksums_are_told(nodes: Farm) -> None:
    theirs = _theirs(nodes, *(("--no-data-checksums",) if nodes.installation.major >= 18 else ()))
    node = nodes.empty("n1")
    plan = node.directory().plan_adoption(theirs)
    assert any("checksums are off" in change for change in plan.changes)
