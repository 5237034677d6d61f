"""Does `howdah switchover` notice that nothing will come of its request?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from howdah.cli.handoverwait import request_of, wait_for_handover
from howdah.cli.reach import Reach
from howdah.local.refused import Refused
from howdah.local.sight import KnownNode
from howdah.postgres.secrets import ClusterSecrets
from tests.local.agentstub import answering, cluster_document

FAILURE = "the switchover to n2 (request r1) failed: the server does not answer"


@contextmanager
def primary(cluster: dict[str, Any], config: dict[str, Any], **explained: Any) -> Iterator[tuple[Reach, KnownNode]]:
    """An old primary that serves in term 3, and what it tells."""
    paths: dict[str, tuple[int, Any]] = {
        "/cluster": (200, cluster),
        "/config": (200, config),
        "/explain": (200, {"switchover": ""} | explained),
        "/status": (200, {"serving": True, "term": 3}),
    }
    with answering("n1", paths) as (n1, _):
        yield Reach("main", (n1,), ClusterSecrets("x", "y", "z")), n1


def test_a_request_that_failed_midway_ends_the_wait_with_the_primary_s_reason() -> None:
    with (
        primary(cluster_document(), {"switchover": None}, switchover_failure=FAILURE) as (cluster, n1),
        pytest.raises(Refused, match=r"no switchover: the switchover to n2 .* failed: the server does not answer"),
    ):
        wait_for_handover(cluster, n1, 3, "r1", 10)


def test_a_request_that_somebody_took_back_is_not_explained_by_an_older_failure() -> None:
    with (
        primary(cluster_document(), {"switchover": {"id": "r3"}}, switchover_failure=FAILURE) as (cluster, n1),
        pytest.raises(Refused, match="taken back"),
    ):
        wait_for_handover(cluster, n1, 3, "r2", 10)


@pytest.mark.parametrize(
    ("config", "explained"),
    [
        ({"switchover": {"id": "r1"}}, {}),
        ({"switchover": None}, {"switchover": "a switchover to n2 is under way"}),
        ({}, {}),
    ],
)
def test_one_that_is_wanted_or_under_way_or_of_which_nothing_is_known_is_waited_for(
    config: dict[str, Any], explained: dict[str, Any]
) -> None:
    with (
        primary(cluster_document(), config, **explained) as (cluster, n1),
        pytest.raises(Refused, match=r"after 1 s(; a switchover to n2 is under way)?\. `howdah explain`"),
    ):
        wait_for_handover(cluster, n1, 3, "r1", 1)


def test_the_outcome_is_another_primary_or_the_old_one_again() -> None:
    with primary(cluster_document(term=4, primary="n2"), {}) as (cluster, n1):
        assert wait_for_handover(cluster, n1, 3, "r1", 60).primary == "n2"
    with (
        primary(cluster_document(term=4, primary="n1"), {}) as (cluster, n1),
        pytest.raises(Refused, match="n1 is the primary again, of term 4"),
    ):
        wait_for_handover(cluster, n1, 3, "r1", 10)


def test_the_request_s_id_is_read_from_the_agent_s_answer() -> None:
    assert request_of("the switchover to n2 begins now (request 8a-7)") == "8a-7"
    assert request_of("done") == ""
