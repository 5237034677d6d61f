"""Are times, histories and explanations read and put together rightly?"""

import datetime

import pytest
import typer

from howdah.cli.explain import explanation_lines
from howdah.cli.failover import best_server
from howdah.cli.history import merged
from howdah.cli.reinit import warnings_of
from howdah.cli.switchover import parse_time
from howdah.local.refused import Refused
from howdah.local.sight import Sight, nodes_of
from tests.local.agentstub import cluster_document

NOW = datetime.datetime(2026, 5, 4, 22, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("23:30", "2026-05-04T23:30:00+02:00"),
        ("03:00", "2026-05-05T03:00:00+02:00"),
        ("2026-05-06T01:00", "2026-05-06T01:00:00+02:00"),
        ("2026-05-06T01:00:00+00:00", "2026-05-06T01:00:00+00:00"),
    ],
)
def test_a_time_is_the_next_one_in_this_time_zone_unless_it_says_otherwise(text: str, moment: str) -> None:
    assert parse_time(text, NOW).isoformat() == moment


@pytest.mark.parametrize("text", ["tomorrow", "25:00", "2026-05-04T21:00", ""])
def test_what_is_no_time_or_past_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_time(text, NOW)


def change(term: int, node: str, **known: object) -> dict[str, object]:
    """A row of an agent's history that knows nothing but this."""
    unknown = {"timeline": 0, "switch_lsn": "0/0", "cause": "", "at": "", "away_ms": None}
    return unknown | {"term": term, "node": node} | known


def test_one_row_is_made_of_what_every_agent_knows_of_a_change() -> None:
    told = [
        ("n1", change(1, "n1", cause="first start")),
        ("n3", change(2, "n2", cause="n1 is gone", away_ms=900, at="later")),
        ("n2", change(2, "n2", cause="won", timeline=2, switch_lsn="0/50", at="first")),
    ]
    rows = merged(told)
    assert [(row["term"], row["node"]) for row in rows] == [(1, "n1"), (2, "n2")]
    assert rows[1] == change(2, "n2", cause="won", timeline=2, switch_lsn="0/50", at="first", away_ms=900)


def test_an_explanation_names_what_is_wrong_and_who_cannot_lead() -> None:
    document = {
        "why": ["n1 serves."],
        "wrong": ["n3 is away"],
        "nodes": [{"node": "n2", "rule": "STANDING BY", "reason": "it streams", "cannot_lead": "it is delayed"}],
    }
    text = "\n".join(explanation_lines(document))
    assert "n1 serves." in text and "  n3 is away" in text
    assert "n2: it streams (rule STANDING BY)" in text and "could not become primary now: it is delayed" in text


def test_the_server_with_the_longest_log_is_proposed_by_number_not_by_text() -> None:
    document = cluster_document(primary=None, serving=False)
    n1, n2, n3 = nodes_of(document)
    n1 |= {"state": "unreachable", "lsn": None}
    n2 |= {"lsn": "0/9000000"}
    n3 |= {"lsn": "0/10000000"}
    assert best_server(Sight(document, (), answered=True)) == "n3"
    n2["lsn"] = n3["lsn"] = None
    with pytest.raises(Refused):
        best_server(Sight(document, (), answered=True))


def test_a_clone_warns_when_writes_would_wait_or_only_one_copy_is_left() -> None:
    document = cluster_document()
    sight = Sight(document, (), answered=True)
    assert warnings_of(sight, "n3") == []
    nodes_of(document)[1]["state"] = "unreachable"
    writes, copy = warnings_of(sight, "n3")
    assert "writes wait" in writes and "only copy" in copy
