"""Does what `up` prints lead to the router?"""

import stat
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from howdah.local.connection import environment_of, psql_line, uri_of, write_connection
from howdah.local.place import Place
from howdah.local.plan import Plan, PlannedNode

PLAN = Plan("main", "sqlite", (PlannedNode("n1", 5433, 8008), PlannedNode("n2", 5440, 8009)), router_port=5432)


def test_the_uri_leads_to_the_router() -> None:
    found = conninfo_to_dict(uri_of(PLAN, "p/w:d@ %"))
    assert (found["host"], found["port"]) == ("127.0.0.1", "5432")
    assert (found["user"], found["password"], found["dbname"]) == ("postgres", "p/w:d@ %", "postgres")


def test_a_shell_that_reads_the_file_has_every_variable(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_connection(place, PLAN, "it's; a $ecret")
    assert stat.S_IMODE(place.connection.stat().st_mode) == 0o600
    line = psql_line(place).replace("psql)", "env)")
    printed = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout.splitlines()
    for name, value in environment_of(PLAN, "it's; a $ecret").items():
        assert f"{name}={value}" in printed


def test_each_line_is_name_and_value_for_readers_that_are_no_shell(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_connection(place, PLAN, "secret")
    lines = dict(line.split("=", 1) for line in place.connection.read_text().splitlines())
    assert lines == environment_of(PLAN, "secret")
