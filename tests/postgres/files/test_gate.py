"""Who gets in through an open and through a closed gate, on a real server?"""

import psycopg
import pytest

from howdah.ports.postgres import Upstream
from howdah.postgres.conninfo import conninfo
from howdah.postgres.parametercheck import check_with_postgres
from tests.postgres.files.nodefarm import Farm, Node, run
from tests.waiting import until


def _refused(where: str) -> str:
    """Why a login is refused; "" if it is not."""
    try:
        psycopg.connect(where).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


async def _gate(node: Node, is_open: bool) -> None:
    node.directory().configure(node.settings(gate_open=is_open))
    await node.reload()
    await until(lambda: (_refused(node.client()) == "") == is_open)


def test_the_gate_refuses_clients_while_the_agent_and_standbys_get_in(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        assert "pg_hba.conf rejects" in _refused(node.client())
        await _gate(node, is_open=True)
        with psycopg.connect(node.client()) as client:
            client.execute("SELECT 1")
        assert "password authentication failed" in _refused(node.client(password="wrong"))
        socket = f"host='{node.site.place.socket}' port={node.site.place.port} dbname=postgres"
        assert "password" in _refused(f"{socket} user=postgres")
        await _gate(node, is_open=False)
        assert "pg_hba.conf rejects" in _refused(node.client())
        assert node.value("SELECT current_user") == "howdah"
        assert (await nodes.standby_of(node, "n2")).value("SELECT pg_is_in_recovery()")
        await node.stop()

    run(story())


def test_nobody_becomes_the_agent_or_the_replication_role_by_another_way(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        await _gate(node, is_open=True)
        assert "pg_hba.conf rejects" in _refused(node.client(user="howdah"))
        replication = node.site.secrets.replication
        assert _refused(node.client(user="howdah_replication", password=replication)) == ""
        node.sql("CREATE DATABASE shop")
        other = node.client(user="howdah_replication", password=replication, database="shop")
        assert "pg_hba.conf rejects" in _refused(other)
        await node.stop()

    run(story())


def test_settings_reach_the_server_and_values_with_quotes_survive(nodes: Farm) -> None:
    node = nodes.first()
    odd = r"it's \ a 'test' # no comment"

    async def story() -> None:
        parameters = {**node.settings().parameters, "my.text": odd, "work_mem": "5MB"}
        node.directory().configure(node.settings(parameters=parameters, replay_delay_ms=1500))
        await node.start()
        assert node.value("SHOW my.text") == odd
        shown = {name: node.value(f"SHOW {name}") for name in ("work_mem", "cluster_name", "recovery_min_apply_delay")}
        assert shown == {"work_mem": "5MB", "cluster_name": "n1", "recovery_min_apply_delay": "1500ms"}
        errors = node.sql("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL")
        assert errors == []
        assert node.value("SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == 0
        assert node.value("SELECT count(*) FROM pg_ident_file_mappings WHERE error IS NOT NULL") == 0
        assert node.value("SHOW synchronous_standby_names") == 'ANY 1 ("nobody")'
        await node.stop()

    run(story())


def test_what_alter_system_set_is_found_and_undone_and_the_rest_is_left(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        settings = node.settings(parameters={**node.settings().parameters, "work_mem": "6MB"})
        directory = node.directory()
        directory.configure(settings)
        assert directory.overrides(settings) == ()
        node.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        node.sql("ALTER SYSTEM SET work_mem = '7MB'")
        node.sql("ALTER SYSTEM SET max_connections = 77")
        node.sql("ALTER SYSTEM SET maintenance_work_mem = '11MB'")
        await node.reload()
        await until(lambda: node.value("SHOW synchronous_standby_names") == "")
        found = {sentence.split(" = ")[0] for sentence in directory.overrides(settings)}
        assert found == {"synchronous_standby_names", "work_mem", "max_connections"}
        directory.configure(settings)
        await node.reload()
        await until(lambda: node.value("SHOW synchronous_standby_names") == 'ANY 1 ("nobody")')
        assert node.value("SHOW work_mem") == "6MB"
        assert node.value("SHOW maintenance_work_mem") == "11MB"
        assert directory.overrides(settings) == ()
        node.sql("ALTER SYSTEM SET maintenance_work_mem = '12MB'")  # the file is still one that the server writes
        await node.stop()

    run(story())


def test_a_standby_is_never_written_a_value_with_which_it_could_not_start(nodes: Farm) -> None:
    primary = nodes.first()

    async def story() -> None:
        await primary.start()
        standby = await nodes.standby_of(primary, "n2")
        await standby.stop()
        low = {**primary.settings().parameters, "max_connections": "25"}
        standby.directory().configure(standby.settings(upstream=primary, parameters=low))
        await standby.start(recovery=True)
        assert standby.value("SHOW max_connections") == "30"
        primary.directory().configure(primary.settings(parameters=low))
        assert "max_connections = '30'" in (primary.data / "postgresql.conf").read_text()
        primary.directory().configure(primary.settings(parameters=low, may_lower=True))
        await primary.stop()
        await primary.start()
        assert primary.value("SHOW max_connections") == "25"
        await until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 1)
        end = primary.value("SELECT pg_current_wal_flush_lsn()::text")
        await until(lambda: standby.value(f"SELECT pg_last_wal_replay_lsn() >= '{end}'"))
        standby.directory().configure(standby.settings(upstream=primary, parameters=low))
        await standby.stop()
        await standby.start(recovery=True)
        assert standby.value("SHOW max_connections") in ("25", "30")
        await standby.stop()
        await primary.stop()

    run(story())


def test_a_standby_follows_through_its_slot_under_the_name_that_it_was_given(nodes: Farm) -> None:
    primary = nodes.first()

    async def story() -> None:
        await primary.start()
        standby = await nodes.standby_of(primary, "n2")
        primary.sql("SELECT pg_create_physical_replication_slot('howdah_n2')")
        upstream = Upstream(primary.address, "n2.t7", "howdah_n2")
        standby.directory().configure(standby.settings(upstream=None).__class__(upstream, "", gate_open=False))
        await standby.reload()
        await until(lambda: primary.sql("SELECT application_name FROM pg_stat_replication") == [("n2.t7",)])
        await until(lambda: bool(primary.value("SELECT active FROM pg_replication_slots")))
        shown = standby.value("SHOW primary_conninfo")
        assert shown == conninfo(primary.address, "n2.t7", standby.site.place.passfile)
        assert standby.site.secrets.replication not in shown
        await standby.stop()
        await primary.stop()

    run(story())


def test_postgresql_itself_judges_names_units_and_ranges(nodes: Farm) -> None:
    installation, account = nodes.installation, nodes.account
    assert check_with_postgres(installation, account, {"work_mem": "64MB", "my.own": "x"}) == ()
    (fault,) = check_with_postgres(installation, account, {"work_mem": "64XB", "jit": "off"})
    assert "refuses work_mem" in fault
    assert "Valid units" in fault
    (fault,) = check_with_postgres(installation, account, {"no_such_thing": "1"})
    assert "unrecognized configuration parameter" in fault
    (fault,) = check_with_postgres(installation, account, {"fsync": "off"})
    assert "cannot be set" in fault
    (fault,) = check_with_postgres(
        installation, account, {"max_connections": "20", "superuser_reserved_connections": "20"}
    )
    assert "leaves no connection" in fault


@pytest.mark.parametrize("name", ["work_mem", "wal_level"])
def test_an_empty_value_is_judged_too(nodes: Farm, name: str) -> None:
    assert check_with_postgres(nodes.installation, nodes.account, {name: ""})


def test_our_settings_are_known_to_the_other_versions_of_postgresql(other_version_nodes: Farm) -> None:
    node = other_version_nodes.first()

    async def story() -> None:
        await node.start()
        await _gate(node, is_open=True)
        assert node.sql("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL") == []
        assert node.value("SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == 0
        await node.stop()

    run(story())
