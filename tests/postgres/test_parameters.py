"""Which settings may an operator change, how are they written, and in which order do servers change them?"""

import pytest

from howdah.postgres.autoconf import faults_in, read_lines, without_faults
from howdah.postgres.parameters import LIMITS, PROTECTED, quote_value, refusal
from howdah.postgres.sensitive import next_on_primary, next_on_standby, raised_for_recovery
from howdah.postgres.settings import DEFAULTS, OWNED


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_every_protected_parameter_is_refused_with_its_reason_however_it_is_written(name: str) -> None:
    assert PROTECTED[name] in refusal(name.upper(), "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("synchronous_commit", "off"),
        ("synchronous_commit", "local"),
        ("synchronous_commit", "remote_write"),
        ("wal_level", "minimal"),
        ("max_slot_wal_keep_size", "-1"),
        ("wal_sender_timeout", "0"),
        ("wal_sender_timeout", "0 s"),
        ("wal_receiver_timeout", "00"),
        ("wal_receiver_status_interval", "0"),
        ("password_encryption", "md5"),
        ("max_wal_senders", "2"),
        ("max_connections", "many"),
        ("superuser_reserved_connections", "0"),
        ("work_mem", "1MB\nfsync = off"),
        ("work_mem\nfsync", "off"),
        ("", "x"),
        ("work mem", "1MB"),
        ("x = y", "1"),
    ],
)
def test_values_that_would_undo_a_promise_are_refused(name: str, value: str) -> None:
    assert refusal(name, value).endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work_mem", "64MB"),
        ("synchronous_commit", "remote_apply"),
        ("wal_level", "logical"),
        ("max_slot_wal_keep_size", "100GB"),
        ("wal_sender_timeout", "10s"),
        ("wal_sender_timeout", "0.5s"),
        ("max_connections", "500"),
        ("pg_stat_statements.track", "all"),
        ("archive_command", "cp '%p' /backup/%f"),
    ],
)
def test_everything_else_is_the_operator_s(name: str, value: str) -> None:
    assert refusal(name, value) == ""


def test_our_own_defaults_would_be_allowed_and_what_we_own_would_not() -> None:
    assert [name for name, value in DEFAULTS.items() if refusal(name, value)] == []
    assert [name for name, value in OWNED.items() if not refusal(name, value)] == []
    assert not set(LIMITS) & set(PROTECTED)


def test_a_value_is_quoted_so_that_nothing_in_it_counts() -> None:
    assert quote_value(r"a'b\c") == r"'a''b\\c'"
    with pytest.raises(ValueError, match="one line"):
        quote_value("a\nb")


def test_configuration_lines_are_read_as_postgresql_does() -> None:
    text = "\n".join(
        [
            "# comment",
            "work_mem = '5MB'",
            "Port 5433 # theirs",
            "  search_path = '\"$user\", it''s'",
            r"x.y = 'a\'b\\c\n'",
            "bare=on",
            "include 'other.conf'",
            "broken line here = ",
        ]
    )
    assert read_lines(text) == (
        ("work_mem", "5MB"),
        ("port", "5433"),
        ("search_path", '"$user", it\'s'),
        ("x.y", "a'b\\c\n"),
        ("bare", "on"),
        ("include", "other.conf"),
    )


def test_what_quote_writes_is_read_back() -> None:
    for value in ("", "it's", "a\\b", 'ANY 1 ("n2.t1")', "# no comment", "tab\there"):
        assert read_lines(f"name = {quote_value(value)}") == (("name", value),)


def test_faults_are_removed_and_the_rest_stays() -> None:
    text = "# Do not edit\nfsync = 'off'\nwork_mem = '5MB'\nmax_connections = '7'\nmaintenance_work_mem = '9MB'\n"
    faults = faults_in(text, {"work_mem"})
    assert [fault.name for fault in faults] == ["fsync", "work_mem", "max_connections"]
    assert all(fault.reason for fault in faults)
    assert without_faults(text, {"work_mem"}) == "# Do not edit\nmaintenance_work_mem = '9MB'\n"
    assert faults_in(without_faults(text, {"work_mem"}), {"work_mem"}) == ()


def test_a_raise_reaches_the_standbys_first() -> None:
    assert next_on_standby(now=100, wanted=200, primary=100, replayed=100) == 200
    assert next_on_primary(now=100, wanted=200, standbys=[200, 100]) == 100
    assert next_on_primary(now=100, wanted=200, standbys=[200, 150]) == 150
    assert next_on_primary(now=100, wanted=200, standbys=[200, 200]) == 200
    assert next_on_primary(now=100, wanted=200, standbys=[]) == 200


def test_a_cut_reaches_the_primary_first() -> None:
    assert next_on_primary(now=200, wanted=100, standbys=[200, 200]) == 100
    assert next_on_standby(now=200, wanted=100, primary=200, replayed=200) == 200
    assert next_on_standby(now=200, wanted=100, primary=100, replayed=200) == 200
    assert next_on_standby(now=200, wanted=100, primary=100, replayed=100) == 100
    assert next_on_standby(now=200, wanted=100, primary=None, replayed=100) == 200


def test_in_every_order_of_restarts_no_standby_is_ever_below_the_primary() -> None:
    for start, wanted in ((100, 200), (200, 100)):
        for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 0, 0, 1, 2)):
            primary, standbys = start, [start, start]
            for server in order * 3:
                if server == 0:
                    primary = next_on_primary(primary, wanted, standbys)
                else:
                    standbys[server - 1] = next_on_standby(standbys[server - 1], wanted, primary, primary)
                assert min(standbys) >= primary
            assert [primary, *standbys] == [wanted] * 3


def test_a_server_in_recovery_gets_at_least_what_its_log_asks_for() -> None:
    given = {"max_connections": "50", "work_mem": "1MB", "max_wal_senders": "16"}
    raised = raised_for_recovery(given, {"max_connections": 80, "max_wal_senders": 10})
    assert raised == {"max_connections": "80", "work_mem": "1MB", "max_wal_senders": "16"}
