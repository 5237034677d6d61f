"""The store's document `config`, written and read back."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.intents import Intents, SwitchoverRequest
from howdah.cluster.policy import Policy
from howdah.cluster.record import Mode
from howdah.configuration.cluster import PolicySettings
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.intents import read_intents, write_intents
from howdah.configuration.relations import policy_of


def test_an_empty_document_means_the_defaults() -> None:
    assert read_intents("") == read_intents("{}") == Intents()
    assert write_intents(Intents()) == "{}"


def test_every_time_and_limit_of_the_policy_is_a_setting_with_the_same_default() -> None:
    assert set(PolicySettings.model_fields) == {field.name for field in fields(Policy)}
    assert policy_of(PolicySettings()) == Policy()


NODES = ("n1", "n2", "n3")


@given(
    st.builds(
        Intents,
        nodes=st.just(NODES),
        mode=st.sampled_from([None, Mode.QUORUM]),
        k_target=st.integers(0, 2),
        paused=st.booleans(),
        switchover=st.none()
        | st.builds(SwitchoverRequest, st.just("a1"), st.sampled_from(["", "n2"]), st.integers(0, 9)),
        policy=st.builds(
            Policy,
            election_pause_ms=st.integers(0, 10**6),
            start_delay_ms=st.integers(0, 10**6),
            probe_failures_max=st.integers(1, 9),
            async_lag_bytes_max=st.integers(0, 10**12),
        ),
        parameters=st.dictionaries(st.sampled_from(["work_mem", "pgaudit.log"]), st.sampled_from(["", "64MB", "ä'"])),
        removed=st.sampled_from([(), ("n9",)]),
    )
)
def test_what_is_written_reads_back_the_same(intents: Intents) -> None:
    assert read_intents(write_intents(intents)) == intents


def test_only_what_differs_from_its_default_is_written() -> None:
    text = write_intents(Intents(policy=Policy(start_limit_ms=90_000)))
    assert json.loads(text) == {"policy": {"start_limit": "90s"}}


def test_keys_of_a_newer_version_are_skipped_in_reading_and_kept_in_writing() -> None:
    newer = '{"nodes": ["n1"], "colour": "blue", "policy": {"patience": "9s", "start_limit": "90s"}}'
    intents = read_intents(newer)
    assert intents.policy.start_limit_ms == 90_000
    again = json.loads(write_intents(Intents(nodes=("n1", "n2")), over=newer))
    assert again == {"nodes": ["n1", "n2"], "colour": "blue", "policy": {"patience": "9s"}}


def test_nodes_are_in_name_order_whatever_order_was_written() -> None:
    assert read_intents('{"nodes": ["n3", "n1"]}').nodes == ("n1", "n3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable as JSON"),
        ("[]", "must be a map"),
        ('{"mode": "both"}', "mode is 'both'"),
        ('{"nodes": ["n1", "n1"]}', "nodes names 'n1' twice"),
        ('{"policy": {"lease_ttl": "1s"}}', "policy.deadman .4000. must be smaller than policy.lease_ttl .1000."),
    ],
)
def test_a_document_that_cannot_be_used_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingsRefused, match=message):
        read_intents(text)
