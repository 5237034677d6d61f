"""How is a copy of a server made and put in place, also when the agent dies in between?"""

import asyncio
import shutil
import signal
import subprocess
from dataclasses import replace

import psycopg
import pytest

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres import gone, install
from howdah.postgres.account import own, run_as
from howdah.postgres.directory import NodeDirectory
from howdah.postgres.durable import rename_durably, write_durably
from howdah.postgres.secrets import generate_secrets, write_secrets
from howdah.values.address import Address
from tests.postgres.files.nodefarm import Farm, Node, run
from tests.waiting import until


def test_a_clone_streams_from_its_source_and_is_no_voter_until_it_has_an_identity(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        await source.start()
        source.sql("CREATE TABLE kept AS SELECT 1 AS one")
        node = nodes.empty("n2")
        directory = node.directory()
        await directory.clone(source.address)
        assert directory.inspect().state is DirectoryState.EMPTY
        directory.install_clone()
        facts = directory.inspect()
        assert facts.state is DirectoryState.BROKEN
        assert "not finished" in facts.explanation
        directory.configure(node.settings(upstream=source))
        directory.write_identity("id-2")
        assert directory.inspect().identity == "id-2"
        await node.start(recovery=True)
        await until(lambda: node.value("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == 1)
        assert node.value("SELECT one FROM kept") == 1
        assert source.value("SELECT application_name FROM pg_stat_replication") == "n2.t1"
        assert source.sql("SELECT slot_name FROM pg_replication_slots") == []
        await node.stop()
        await source.stop()

    run(story())


def test_a_clone_carries_our_closed_settings_and_not_the_source_s(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        source.directory().configure(source.settings(gate_open=True, sync_names='ANY 1 ("n2.clone","x")'))
        await source.start()
        node = nodes.empty("n2")
        await node.directory().clone(source.address)
        text = (node.layout.clone / "postgresql.conf").read_text()
        assert "cluster_name = 'n2'" in text
        assert "primary_conninfo = ''" in text
        assert """synchronous_standby_names = 'ANY 1 ("nobody")'""" in text
        assert "gate is closed" in (node.layout.clone / "pg_hba.conf").read_text()
        assert (node.layout.clone / "standby.signal").exists()
        assert not (node.layout.clone / "howdah.id").exists()
        await source.stop()

    run(story())


def test_a_base_backup_never_acknowledges_a_commit(nodes: Farm) -> None:
    """While a backup streams under its own name, a commit that waits for the voter goes on waiting."""
    source = nodes.first()

    async def story() -> None:
        source.directory().configure(source.settings(sync_names='ANY 1 ("n2.t1")'))
        await source.start()
        node = nodes.empty("n2")
        cloning = asyncio.create_task(node.directory().clone(source.address))
        await until(lambda: source.value("SELECT count(*) FROM pg_stat_replication") > 0 or cloning.done())
        names = {row[0] for row in source.sql("SELECT application_name FROM pg_stat_replication")}
        assert names <= {"n2.clone"}
        await cloning
        await source.stop()

    run(story())


def test_a_cancelled_clone_leaves_nothing_behind(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        await source.start()
        node = nodes.empty("n2")
        cloning = asyncio.create_task(node.directory().clone(source.address))
        await until(lambda: bool(gone.processes_of(node.layout.clone)))
        cloning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cloning
        assert not node.layout.clone.exists()
        assert not gone.processes_of(node.layout.clone)
        await until(lambda: source.value("SELECT count(*) FROM pg_stat_replication") == 0)
        await source.stop()

    run(story())


def test_what_an_earlier_agent_left_writing_there_is_ended_before_the_next_clone(nodes: Farm) -> None:
    source = nodes.first()
    node = nodes.empty("n2")
    node.layout.clone.mkdir()
    own(node.layout.clone, nodes.account)
    arguments = run_as(nodes.account)
    arguments["cwd"] = str(node.layout.clone)
    orphan = subprocess.Popen(("sleep", "1000"), **arguments)

    async def story() -> None:
        await source.start()
        await node.directory().clone(source.address)
        await source.stop()

    run(story())
    assert orphan.wait() == -signal.SIGKILL


def test_two_clones_by_one_agent_wait_for_each_other(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        await source.start()
        directory = nodes.empty("n2").directory()
        both = asyncio.gather(directory.clone(source.address), directory.clone(source.address))
        await asyncio.sleep(0)
        with pytest.raises(PostgresFailure, match="just now"):
            directory.install_clone()
        await both
        directory.install_clone()
        await source.stop()

    run(story())


def test_a_source_that_is_away_a_wrong_password_and_an_unknown_name_are_told_apart(nodes: Farm) -> None:
    source = nodes.first()
    node = nodes.empty("n2")

    async def story() -> None:
        with pytest.raises(PostgresFailure, match=r"refused"):
            await node.directory().clone(source.address)
        await source.start()
        write_secrets(node.layout.secrets, generate_secrets(), node.site.account)
        with pytest.raises(PostgresFailure, match=r"password authentication failed"):
            await node.directory().clone(source.address)
        with pytest.raises(PostgresFailure, match=r"'no-such-host.invalid' cannot be looked up"):
            await node.directory().clone(Address("no-such-host.invalid", 5432))
        assert not node.layout.clone.exists()
        await source.stop()

    run(story())


def test_a_server_with_tablespaces_is_not_cloned_and_they_are_named(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        await source.start()
        place = nodes.root / "space"
        place.mkdir()
        if nodes.account:
            shutil.chown(place, nodes.account.uid, nodes.account.gid)
        source.sql(f"CREATE TABLESPACE fast LOCATION '{place}'")
        with pytest.raises(PostgresFailure, match=rf"fast at {place}.*SET TABLESPACE"):
            await nodes.empty("n2").directory().clone(source.address)
        await source.stop()

    run(story())


def _made(node: Node, content: str) -> None:
    """A finished clone beside, whose content is a word."""
    node.layout.clone.mkdir()
    (node.layout.clone / "word").write_text(content)
    (node.layout.clone / "howdah.origin").write_text(f"{install.CLONED}n1\n")
    install.finish(node.layout, node.site.account)


def _word(node: Node) -> str:
    return (node.data / "word").read_text()


def test_installing_keeps_the_old_directory_until_it_is_discarded(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "word").write_text("first")
    directory = node.directory()
    for word in ("second", "third"):
        _made(node, word)
        directory.install_clone()
        assert _word(node) == word
    assert (node.layout.old / "word").read_text() == "first"
    assert (node.layout.root / "data.old.2" / "word").read_text() == "second"
    asyncio.run(directory.discard_old())
    assert sorted(path.name for path in node.layout.root.iterdir()) == ["data", "secrets"]
    assert _word(node) == "third"


def test_an_install_that_died_between_its_renames_is_completed_by_the_next_agent(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "word").write_text("old")
    _made(node, "new")
    rename_durably(node.data, node.layout.old)

    directory = node.directory()
    assert _word(node) == "new"
    assert (node.layout.old / "word").read_text() == "old"
    assert not install.finished_file(node.layout).exists()
    directory.install_clone()  # the agent, which does not know how far it came, asks again
    assert _word(node) == "new"


def test_an_install_that_died_after_its_renames_is_completed_by_the_next_agent(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "word").write_text("old")
    _made(node, "new")
    rename_durably(node.data, node.layout.old)
    rename_durably(node.layout.clone, node.data)

    directory = node.directory()
    assert not install.finished_file(node.layout).exists()
    directory.install_clone()
    assert _word(node) == "new"
    assert (node.layout.old / "word").read_text() == "old"


def test_an_install_that_died_before_its_renames_changed_nothing_and_can_be_asked_for_again(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "word").write_text("old")
    _made(node, "new")
    directory = node.directory()
    assert _word(node) == "old"
    directory.install_clone()
    assert _word(node) == "new"


def test_an_unfinished_clone_is_never_installed(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "word").write_text("old")
    node.layout.clone.mkdir()
    with pytest.raises(PostgresFailure, match="not a finished clone"):
        node.directory().install_clone()
    assert _word(node) == "old"


def test_without_a_clone_there_is_nothing_to_install(nodes: Farm) -> None:
    node = nodes.first()
    with pytest.raises(PostgresFailure, match="not a finished clone"):
        node.directory().install_clone()


def test_what_was_put_aside_is_kept_while_there_is_nothing_in_its_place(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.layout.old.mkdir()
    with pytest.raises(PostgresFailure, match="may be the last copy"):
        asyncio.run(node.directory().discard_old())
    assert node.layout.old.exists()


def test_what_was_put_aside_is_kept_while_the_directory_in_place_is_half_rewound(nodes: Farm) -> None:
    node = nodes.first()
    node.layout.old.mkdir()
    write_durably(install.rewinding_file(node.layout), "", None)
    with pytest.raises(PostgresFailure, match="may be the last copy"):
        asyncio.run(node.directory().discard_old())


def test_a_directory_with_a_running_server_is_not_replaced(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        _made(node, "new")
        with pytest.raises(PostgresFailure, match="still run"):
            node.directory().install_clone()
        await node.stop()

    run(story())


def test_cloning_works_with_the_other_versions_of_postgresql(other_version_nodes: Farm) -> None:
    source = other_version_nodes.first()

    async def story() -> None:
        await source.start()
        node = await other_version_nodes.standby_of(source, "n2")
        assert node.value("SELECT pg_is_in_recovery()")
        assert node.value("SHOW data_checksums") == "on"
        await source.stop()
        await node.stop()

    run(story())


def test_a_password_with_odd_characters_works_everywhere(nodes: Farm) -> None:
    node = nodes.empty("n1")
    odd = replace(node.site.secrets, superuser="it's \\ a:b", replication="q'uo\\te:d $1")
    write_secrets(node.layout.secrets, odd, node.site.account)
    site = replace(node.site, secrets=odd)

    async def story() -> None:
        directory = NodeDirectory(site)
        await directory.initialise()
        directory.write_identity("id-1")
        directory.configure(node.settings(gate_open=True))
        await node.start()
        where = f"host=127.0.0.1 port={node.site.place.port} dbname=postgres user=postgres connect_timeout=5"
        psycopg.connect(where, password=odd.superuser).close()
        other = nodes.empty("n2")
        write_secrets(other.layout.secrets, odd, node.site.account)
        await other.directory().clone(node.address)
        await node.stop()

    run(story())
