"""What do the files say that the agent writes: settings, access rules, connection strings, secrets?"""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from howdah.ports.postgres import PostgresFailure, ServerSettings, Upstream
from howdah.postgres.access import render_access, render_map, rule_fault
from howdah.postgres.autoconf import read_lines
from howdah.postgres.conninfo import conninfo, is_number, resolve
from howdah.postgres.durable import NEW_SUFFIX, read_small, write_durably
from howdah.postgres.secrets import generate_secrets, read_secrets, render_passfile, write_secrets
from howdah.postgres.settings import ServerPlace, effective_settings, render_settings
from howdah.postgres.site import CLOSED
from howdah.values.address import Address

PLACE = ServerPlace("n1", ("127.0.0.1", "::1"), 5433, "/run/howdah", Path("/secrets/it's a passfile"))


def _read(settings: ServerSettings) -> dict[str, str]:
    return dict(read_lines(render_settings(effective_settings(PLACE, settings))))


def test_a_directory_nobody_configured_follows_nobody_and_acknowledges_nothing() -> None:
    shown = _read(CLOSED)
    assert shown["primary_conninfo"] == ""
    assert shown["primary_slot_name"] == ""
    assert shown["restore_command"] == ""
    assert shown["synchronous_standby_names"] == 'ANY 1 ("nobody")'
    assert shown["listen_addresses"] == "127.0.0.1,::1"


def test_the_protocol_s_settings_are_always_there() -> None:
    shown = _read(ServerSettings(None, "", gate_open=True))
    assert shown["synchronous_standby_names"] == ""
    for name in ("fsync", "full_page_writes", "wal_log_hints", "hot_standby"):
        assert shown[name] == "on"
    assert shown["restart_after_crash"] == "off"
    assert shown["wal_retrieve_retry_interval"] == "100ms"


def test_an_operator_s_value_replaces_a_default_and_a_protected_one_is_refused() -> None:
    assert (
        _read(ServerSettings(None, "", gate_open=False, parameters={"Wal_Level": "logical"}))["wal_level"] == "logical"
    )
    with pytest.raises(PostgresFailure, match="fsync cannot be set"):
        effective_settings(PLACE, ServerSettings(None, "", gate_open=False, parameters={"fsync": "off"}))


def test_a_standby_s_connection_is_bounded_and_by_number() -> None:
    upstream = Upstream(Address("10.0.0.7", 5432), "n1.t3", "howdah_n1")
    shown = _read(ServerSettings(upstream, "", gate_open=False, replay_delay_ms=60_000))
    parts = conninfo_to_dict(shown["primary_conninfo"])
    assert parts["hostaddr"] == "10.0.0.7"
    assert "host" not in parts
    assert parts["application_name"] == "n1.t3"
    assert parts["user"] == "howdah_replication"
    assert parts["passfile"] == "/secrets/it's a passfile"
    assert parts["gssencmode"] == "disable"
    assert "password" not in parts
    assert shown["primary_slot_name"] == "howdah_n1"
    assert shown["recovery_min_apply_delay"] == "60000ms"


def test_names_are_looked_up_before_and_numbers_are_left_alone() -> None:
    assert resolve(Address("::1", 1)) == Address("::1", 1)
    assert is_number(resolve(Address("localhost", 5432)).host)
    with pytest.raises(PostgresFailure, match="cannot be looked up"):
        resolve(Address("no-such-host.invalid", 5432))
    parts = conninfo_to_dict(conninfo(Address("db.example", 5432), "n1", Path("/p"), "postgres"))
    assert (parts["host"], parts["dbname"]) == ("db.example", "postgres")


def test_the_first_line_that_fits_is_the_agent_s_and_the_last_rejects() -> None:
    for is_open in (False, True):
        lines = [line for line in render_access(is_open).splitlines() if not line.startswith("#")]
        assert lines[0] == "local all,replication howdah peer map=howdah"
        assert lines[-1] == "host all,replication all all reject"
        assert ("host all all all scram-sha-256" in lines) == is_open


def test_routers_may_look_at_a_server_that_serves_nobody_and_only_in_the_database_postgres() -> None:
    lines = [line for line in render_access(False).splitlines() if "howdah_router" in line]
    assert lines == [
        "local postgres howdah_router scram-sha-256",
        "host postgres howdah_router all scram-sha-256",
        "local all,replication howdah_router reject",
        "host all,replication howdah_router all reject",
    ]


def test_an_operator_s_rules_stand_behind_ours() -> None:
    text = render_access(True, ("hostssl shop all 10.0.0.0/8 scram-sha-256",))
    assert text.index("howdah_replication") < text.index("hostssl shop")
    assert "host all all all scram-sha-256" not in text


@pytest.mark.parametrize(
    "rule", ["", "include other.conf", "host all all", "local all all trust\nhost all all all trust", "@file x y z w"]
)
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    assert rule_fault(rule)
    with pytest.raises(ValueError, match="access rule"):
        render_access(True, (rule,))


def test_only_the_named_accounts_are_mapped_to_the_agent_s_role() -> None:
    lines = [line for line in render_map(["root", "postgres", "root"]).splitlines() if not line.startswith("#")]
    assert lines == ['howdah "root" howdah', 'howdah "postgres" howdah']
    for bad in ("", "/.*", 'a"b'):
        with pytest.raises(ValueError, match=r"pg_ident\.conf"):
            render_map([bad])


def test_secrets_are_private_and_read_back(tmp_path: Path) -> None:
    made = generate_secrets()
    assert len({made.superuser, made.replication, made.api_token}) == 3
    assert made.superuser not in repr(made)
    assert len({made.replication, made.router, replace(made, replication="another").router}) == 3
    place = tmp_path / "secrets"
    write_secrets(place, made)
    assert read_secrets(place) == made
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    (place / "replication").unlink()
    with pytest.raises(PostgresFailure, match="replication is missing"):
        read_secrets(place)
    (place / "replication").write_text("two\nlines\n")
    with pytest.raises(PostgresFailure, match="one line"):
        read_secrets(place)


def test_the_password_files_know_the_replication_role_for_the_server_and_the_superuser_for_people(
    tmp_path: Path,
) -> None:
    assert render_passfile("somebody", r"a:b\c") == "*:*:*:somebody:a\\:b\\\\c\n"
    write_secrets(tmp_path, made := generate_secrets())
    assert (tmp_path / "passfile").read_text() == f"*:*:*:howdah_replication:{made.replication}\n"
    assert (tmp_path / "pgpass").read_text() == f"*:*:*:postgres:{made.superuser}\n"


def test_a_password_for_routers_may_be_given_instead_of_derived(tmp_path: Path) -> None:
    write_secrets(tmp_path, replace(generate_secrets(), own_router="given"))
    assert (tmp_path / "router").read_text() == "given\n"


def test_a_file_is_replaced_in_one_step_and_no_link_is_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    target = tmp_path / "file"
    target.symlink_to(victim)
    (tmp_path / f"file{NEW_SUFFIX}").symlink_to(victim)
    write_durably(target, "new", None)
    assert (victim.read_text(), target.read_text(), target.is_symlink()) == ("untouched", "new", False)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["file", "victim"]
    target.unlink()
    target.symlink_to(victim)
    with pytest.raises(PostgresFailure, match="cannot read"):
        read_small(target)


def test_a_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(PostgresFailure, match=r"cannot write /proc/"):
        write_durably(Path("/proc/howdah"), "x", None)
