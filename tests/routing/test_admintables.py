"""Do dashboards that read PgBouncer's tables find here what they look for?"""

import pytest

from howdah.routing.admincommand import Subject
from howdah.routing.admintables import TABLES
from howdah.routing.adminviews import VIEWS
from tests.routing.admindesk import AdminClient, visit
from tests.routing.playsession import IN_TRANSACTION, Stage, done

COLUMNS = {
    "POOLS": "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
    "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode",
    "STATS": "database total_server_assignment_count total_xact_count total_query_count total_received total_sent "
    "total_xact_time total_query_time total_wait_time total_client_parse_count total_server_parse_count "
    "total_bind_count avg_server_assignment_count avg_xact_count avg_query_count avg_recv avg_sent avg_xact_time "
    "avg_query_time avg_wait_time avg_client_parse_count avg_server_parse_count avg_bind_count",
    "STATS_TOTALS": "database server_assignment_count xact_count query_count bytes_received bytes_sent xact_time "
    "query_time wait_time client_parse_count server_parse_count bind_count",
    "CLIENTS": "type user database replication state addr port local_addr local_port connect_time request_time wait "
    "wait_us close_needed ptr link remote_pid tls application_name prepared_statements id",
    "LISTS": "list items",
    "CONFIG": "key value default changeable",
    "VERSION": "version",
}
"""As PgBouncer 1.24 has them."""


def test_every_subject_has_a_table_and_only_one() -> None:
    assert {*TABLES, *VIEWS} == set(Subject) - {Subject.HELP}
    assert not TABLES.keys() & VIEWS.keys()


@pytest.mark.parametrize("subject", [subject for subject in Subject if subject is not Subject.HELP])
def test_every_table_can_be_shown_while_things_happen(subject: Subject) -> None:
    stage = Stage(size=1)
    for serial in (1, 2):
        visit(stage.client(("application_name", "shop")), serial).asks("BEGIN")
    stage.sent("n1")
    AdminClient(stage).ask(f"SHOW {subject.value}")


@pytest.mark.parametrize("name", COLUMNS)
def test_the_columns_are_pgbouncers_in_its_order(name: str) -> None:
    columns, _ = TABLES[Subject[name]]
    assert [column.name for column in columns] == COLUMNS[name].split()


def test_pools_tell_who_works_who_idles_and_who_waits() -> None:
    stage = Stage(size=1)
    works, waits, _idles = (visit(stage.client(), serial) for serial in (1, 2, 3))
    works.asks("BEGIN")
    stage.sent("n1")
    waits.asks("UPDATE t SET a = 1")
    stage.clock += 2_500
    (pool,) = AdminClient(stage).ask("SHOW POOLS")
    assert (pool["database"], pool["user"], pool["pool_mode"]) == ("app", "app", "auto")
    assert (pool["cl_active"], pool["cl_waiting"], pool["sv_active"], pool["sv_idle"]) == ("2", "1", "1", "0")
    assert (pool["maxwait"], pool["maxwait_us"]) == ("2", "500000")
    states = {client["id"]: client["state"] for client in AdminClient(stage).ask("SHOW CLIENTS")}
    assert states == {"1": "active", "2": "waiting", "3": "idle"}


def test_a_client_and_its_server_connection_name_each_other() -> None:
    stage = Stage()
    client = visit(stage.client(), 7, "shop")
    client.asks("BEGIN")
    stage.sent("n1")
    (shown,) = AdminClient(stage).ask("SHOW CLIENTS")
    (server,) = AdminClient(stage).ask("SHOW SERVERS")
    assert (shown["link"], server["link"]) == (server["ptr"], shown["ptr"])
    assert (shown["addr"], shown["port"], shown["application_name"], shown["id"]) == ("10.0.0.9", "40007", "shop", "7")
    assert (server["addr"], server["state"], server["application_name"]) == ("n1", "active", "shop")
    stage.answers("n1", done("BEGIN", IN_TRANSACTION))
    client.asks("COMMIT")
    stage.answers("n1", done("COMMIT"))
    (server,) = AdminClient(stage).ask("SHOW SERVERS")
    assert (server["state"], server["link"]) == ("idle", "")


def test_statistics_count_what_was_done_by_database() -> None:
    stage = Stage()
    client = visit(stage.client(), 1)
    client.asks("UPDATE t SET a = 1")
    stage.sent("n1")
    stage.answers("n1", done("UPDATE 1"))
    (stats,) = AdminClient(stage).ask("SHOW STATS")
    assert (stats["database"], stats["total_query_count"], stats["total_xact_count"]) == ("app", "1", "1")
    (totals,) = AdminClient(stage).ask("SHOW STATS_TOTALS")
    assert (totals["query_count"], totals["bytes_sent"]) == ("1", str(len(done("UPDATE 1"))))
    every = {row["name"]: row["value"] for row in AdminClient(stage).ask("SHOW TOTALS")}
    assert every["total_query_count"] == "1"
    stage.clock += 60_000
    stage.hub.tick()
    (averages,) = AdminClient(stage).ask("SHOW STATS_AVERAGES")
    assert averages["query_count"] == "0"  # less than one in two seconds


def test_lists_and_databases_count_what_is_there() -> None:
    stage = Stage()
    visit(stage.client(), 1).asks("BEGIN")
    stage.sent("n1")
    lists = {row["list"]: int(row["items"]) for row in AdminClient(stage).ask("SHOW LISTS")}
    assert (lists["databases"], lists["users"], lists["pools"]) == (1, 1, 1)
    assert (lists["used_clients"], lists["used_servers"], lists["free_servers"]) == (1, 1, 0)
    databases = {row["name"]: row for row in AdminClient(stage).ask("SHOW DATABASES")}
    assert (databases["app"]["host"], databases["app"]["current_connections"]) == ("n1", "1")
    assert (databases["app"]["paused"], databases["howdah"]["pool_mode"]) == ("0", "statement")
