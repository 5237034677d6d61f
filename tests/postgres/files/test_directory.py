"""What is said of a data directory without starting it?"""

import os
import shutil

import pytest

from howdah.cluster.serverfacts import DirectoryState
from howdah.postgres.controldata import read_control_data
from howdah.values.lsn import NO_LSN, Lsn, format_lsn, parse_lsn
from tests.postgres.files.nodefarm import Farm, Node, run
from tests.waiting import until

PAGE = 8192
MESSAGE_OVERHEAD = 56
"""Bytes that a log record takes beside the message in it, about."""
RECORD_BYTES_MAX = 200


def _received(node: Node) -> Lsn:
    return parse_lsn(node.value("SELECT coalesce(pg_last_wal_receive_lsn(), '0/0')::text"))


async def _end_and_received(source: Node, standby: Node) -> tuple[Lsn, Lsn]:
    """Stop the source; the end of its log by its files, and what the standby got of it by its own word."""
    await source.stop()
    end = source.directory().inspect().end_lsn
    await until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 0)
    return end, _received(standby)


def test_the_end_of_a_stopped_primary_s_log_is_exactly_what_its_standby_received(nodes: Farm) -> None:
    """Repeated with record lengths that put the last record across pages and segments."""
    source = nodes.first()

    async def story() -> None:
        await source.start()
        standby = await nodes.standby_of(source, "n2")
        for step in range(4):
            source.sql(f"SELECT pg_logical_emit_message(false, 'x', repeat('a', {step * 2711}))::text")
            if step == 2:
                source.sql("SELECT pg_switch_wal()::text")
            end, received = await _end_and_received(source, standby)
            assert format_lsn(end) == format_lsn(received)
            await source.start()
            await until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 1)
        await standby.stop()
        await source.stop()

    run(story())


def test_the_end_is_exact_where_the_last_record_crosses_a_page(nodes: Farm) -> None:
    """The log is filled up to just before a page's end; the shutdown checkpoint is written there."""
    source = nodes.first()

    async def story() -> None:
        crossed = 0
        await source.start()
        standby = await nodes.standby_of(source, "n2")
        for short_by in (8, 40, 64, 88, 112, 120):
            await source.stop()
            await source.start()  # nothing is left for the shutdown checkpoint to write but itself
            await until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 1)
            at = parse_lsn(source.value("SELECT pg_current_wal_insert_lsn()::text")) % PAGE
            length = (PAGE - at - MESSAGE_OVERHEAD - short_by) // 8 * 8
            source.sql(f"SELECT pg_logical_emit_message(false, 'x', repeat('a', {length}))::text")
            end, received = await _end_and_received(source, standby)
            assert format_lsn(end) == format_lsn(received)
            crossed += end % PAGE < RECORD_BYTES_MAX
            await source.start()
        assert crossed
        await source.stop()
        await standby.stop()

    run(story())


def test_crashed_and_recovering_directories_have_no_known_end(nodes: Farm) -> None:
    source = nodes.first()

    async def story() -> None:
        await source.start()
        standby = await nodes.standby_of(source, "n2")
        await standby.stop()
        facts = standby.directory().inspect()
        assert (facts.state, facts.clean, facts.end_lsn) == (DirectoryState.READY, True, NO_LSN)
        await source.process().kill()
        facts = source.directory().inspect()
        assert (facts.state, facts.clean, facts.end_lsn) == (DirectoryState.READY, False, NO_LSN)
        assert facts.system_identifier == standby.directory().inspect().system_identifier

    run(story())


def test_a_cleanly_stopped_directory_whose_log_was_lost_is_broken(nodes: Farm) -> None:
    node = nodes.first()
    for path in (node.data / "pg_wal").glob("0*"):
        path.write_bytes(bytes(path.stat().st_size))
    facts = node.directory().inspect()
    assert facts.state is DirectoryState.BROKEN
    assert "no shutdown checkpoint there" in facts.explanation
    shutil.rmtree(node.data / "pg_wal")
    facts = node.directory().inspect()
    assert facts.state is DirectoryState.BROKEN
    assert "cannot be read" in facts.explanation


def test_a_corrupt_control_file_means_broken_and_keeps_the_identity(nodes: Farm) -> None:
    node = nodes.first()
    control = node.data / "global" / "pg_control"
    content = bytearray(control.read_bytes())
    content[40] ^= 0xFF
    control.write_bytes(content)
    facts = node.directory().inspect()
    assert (facts.state, facts.identity) == (DirectoryState.BROKEN, "id-n1")
    control.unlink()
    assert node.directory().inspect().state is DirectoryState.BROKEN


def test_nothing_is_empty_and_something_else_is_foreign(nodes: Farm) -> None:
    node = nodes.empty("n1")
    directory = node.directory()
    assert directory.inspect().state is DirectoryState.EMPTY
    node.data.mkdir()
    assert directory.inspect().state is DirectoryState.EMPTY
    (node.data / "photo").write_text("")
    assert directory.inspect().state is DirectoryState.FOREIGN
    shutil.rmtree(node.data)
    node.data.write_text("a file")
    assert directory.inspect().state is DirectoryState.FOREIGN
    node.data.unlink()
    node.data.symlink_to(node.layout.root / "nowhere")
    assert directory.inspect().state is DirectoryState.FOREIGN


def test_what_is_left_of_a_directory_deleted_under_its_server_is_broken_and_not_foreign(nodes: Farm) -> None:
    node = nodes.empty("n1")
    (node.data / "base" / "5").mkdir(parents=True)
    (node.data / "postmaster.pid").write_text("1\n")
    (node.data / "pg_stat_tmp").mkdir()
    assert node.directory().inspect().state is DirectoryState.BROKEN
    (node.data / "photo").write_text("")
    assert node.directory().inspect().state is DirectoryState.FOREIGN


def test_postgresql_data_without_our_mark_is_foreign_and_can_be_adopted(nodes: Farm) -> None:
    node = nodes.first()
    (node.data / "howdah.id").unlink()
    (node.data / "howdah.origin").unlink()
    facts = node.directory().inspect()
    assert facts.state is DirectoryState.FOREIGN
    assert "adopt" in facts.explanation


def test_data_of_another_major_version_is_foreign_and_both_versions_are_named(nodes: Farm) -> None:
    node = nodes.first()
    (node.data / "PG_VERSION").write_text("13\n")
    facts = node.directory().inspect()
    assert facts.state is DirectoryState.FOREIGN
    assert "PostgreSQL 13" in facts.explanation
    assert node.site.installation.version in facts.explanation
    assert facts.major_version == 13


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else: run it as root")
def test_data_of_another_owner_is_foreign(nodes: Farm) -> None:
    node = nodes.first()
    os.chown(node.data, 12345, 12345)
    facts = node.directory().inspect()
    assert facts.state is DirectoryState.FOREIGN
    assert "chown" in facts.explanation


def test_inspecting_writes_nothing(nodes: Farm) -> None:
    node = nodes.first()
    before = {path: path.stat().st_mtime_ns for path in node.layout.root.rglob("*")}
    node.directory().inspect()
    assert {path: path.stat().st_mtime_ns for path in node.layout.root.rglob("*")} == before


def test_control_data_holds_what_hot_standby_compares(nodes: Farm) -> None:
    node = nodes.first()
    control = read_control_data(node.site.installation, node.site.account, node.data)
    assert set(control.sensitive) == {
        "max_connections",
        "max_worker_processes",
        "max_wal_senders",
        "max_prepared_transactions",
        "max_locks_per_transaction",
    }
    assert control.checksums


def test_the_identity_is_written_durably_and_can_be_replaced(nodes: Farm) -> None:
    node = nodes.first()
    node.directory().write_identity("id-new")
    assert node.directory().inspect().identity == "id-new"
    assert (node.data / "howdah.id").stat().st_mode & 0o777 == 0o600


def test_other_versions_of_postgresql_are_read_as_well(other_version_nodes: Farm) -> None:
    source = other_version_nodes.first()

    async def story() -> None:
        await source.start()
        standby = await other_version_nodes.standby_of(source, "n2")
        end, received = await _end_and_received(source, standby)
        assert format_lsn(end) == format_lsn(received)
        await standby.stop()

    run(story())
