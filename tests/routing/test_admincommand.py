"""Are the commands of the admin database understood, and is it said clearly when one is not?"""

import pytest

from howdah.routing.admincommand import (
    Answer,
    Command,
    Disable,
    Enable,
    Kill,
    KillClient,
    NotACommand,
    Nothing,
    Pause,
    Reconnect,
    Reload,
    Resume,
    SetSetting,
    Show,
    ShowRoute,
    Shutdown,
    Stop,
    Subject,
    WaitClose,
    bound,
    parameters_of,
    split,
    understand,
)


def understood(text: str) -> list[Command]:
    return [understand(words) for words in split(text)]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("SHOW POOLS", Show(Subject.POOLS)),
        ("show stats_totals;", Show(Subject.STATS_TOTALS)),
        ("  -- by a dashboard\n SHOW /* all */ LISTS ;", Show(Subject.LISTS)),
        ("PAUSE", Pause()),
        ("PAUSE app", Pause("app")),
        ('RESUME "My App"', Resume("My App")),
        ("RECONNECT app", Reconnect("app")),
        ("WAIT_CLOSE", WaitClose()),
        ("KILL app", Kill("app")),
        ("KILL_CLIENT 17", KillClient(17)),
        ("DISABLE app", Disable("app")),
        ("ENABLE 'app'", Enable("app")),
        ("RELOAD", Reload()),
        ("SHUTDOWN", Shutdown(Stop.NOW)),
        ("shutdown wait_for_servers", Shutdown(Stop.WHEN_SERVERS_ARE_FREE)),
        ("SHUTDOWN WAIT_FOR_CLIENTS", Shutdown(Stop.WHEN_CLIENTS_LEFT)),
        ("SET pools.size = 30", SetSetting("pools.size", "30")),
        ("SET default_pool_size TO '30'", SetSetting("default_pool_size", "30")),
        ("SET extra_float_digits = 3", Nothing("SET")),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Nothing("SET")),
        ("BEGIN", Nothing("BEGIN", "T")),
        ("COMMIT", Nothing("COMMIT", "I")),
        ("SELECT 1", Answer("?column?", 1)),
        ("SHOW standard_conforming_strings", Answer("standard_conforming_strings", "on")),
        ("SHOW ROUTE 'SELECT ''a'''", ShowRoute("SELECT 'a'")),
        ("SHOW ROUTE 'SELECT 1' USER app DATABASE \"shop\"", ShowRoute("SELECT 1", "app", "shop")),
    ],
)
def test_a_command_means_what_it_says(text: str, command: Command) -> None:
    assert understood(text) == [command]


def test_several_commands_may_stand_in_one_text_and_none_too() -> None:
    assert understood("SHOW VERSION; SHOW POOLS;") == [Show(Subject.VERSION), Show(Subject.POOLS)]
    assert understood(" ; ") == []


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("DROP TABLE t", "SHOW HELP"),
        ("SHOW", "SHOW HELP"),
        ("SHOW POOL", "SHOW HELP"),
        ("SHOW POOLS now", "SHOW HELP"),
        ("SHOW FDS", "a new router just listens beside"),
        ("SELECT * FROM t", "no tables"),
        ("SHOW ROUTE SELECT", "in quotes"),
        ("SHOW ROUTE 'SELECT 1' FOR app", "USER name"),
        ("SHOW ROUTE 'SELECT 1' USER", "USER name"),
        ("PAUSE a b", "write PAUSE"),
        ("DISABLE", "write DISABLE database"),
        ("KILL_CLIENT me", "id of SHOW CLIENTS"),
        ("SHUTDOWN soon", "WAIT_FOR_SERVERS"),
        ("RELOAD now", "takes nothing"),
        ("SET key", "SET key = value"),
        ("SHOW 'POOLS", "syntax error"),
    ],
)
def test_what_is_no_command_is_refused_with_the_way_to_write_it(text: str, mend: str) -> None:
    with pytest.raises(NotACommand, match=mend):
        understood(text)


def test_values_of_an_extended_query_take_their_places() -> None:
    (words,) = split("SHOW ROUTE $1 DATABASE $2")
    assert parameters_of(words) == 2
    assert understand(bound(words, ("SELECT 'x'", "shop"))) == ShowRoute("SELECT 'x'", "", "shop")
    with pytest.raises(NotACommand, match="2 parameters, and 1 came"):
        bound(words, ("SELECT 1",))
    (words,) = split("KILL_CLIENT $1")
    assert understand(words) == KillClient(0)
    assert understand(bound(words, ("7",))) == KillClient(7)
