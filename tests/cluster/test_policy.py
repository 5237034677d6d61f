"""The cluster's times and what has to hold between them."""

from dataclasses import fields, replace

import pytest

from howdah.cluster.policy import RATE_MARGIN_MIN, Policy, faults_of

POSITIVE = (
    "lease_ttl_ms", "renew_interval_ms", "store_timeout_ms", "probe_interval_ms", "probe_timeout_ms",
    "probe_failures_max", "revocation_limit_ms", "yield_ms", "stop_limit_ms", "start_limit_ms", "promote_limit_ms",
)  # fmt: skip


def test_the_defaults_are_sound() -> None:
    assert faults_of(Policy()) == ()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (Policy(renew_interval_ms=4000), "renew_interval_ms (4000) must be smaller than gate_ms"),
        (Policy(gate_ms=3600), "gate_ms (3600) must be smaller than kill_ms"),
        (Policy(kill_ms=4000), "kill_ms (4000) must be smaller than deadman_ms"),
        (Policy(deadman_ms=5000), "deadman_ms (5000) must be smaller than lease_ttl_ms"),
        (Policy(confirm_worth_ms=5000), "confirm_worth_ms (5000) must be smaller than lease_ttl_ms"),
        (Policy(probe_timeout_ms=3600), "probe_timeout_ms (3600) must be smaller than kill_ms"),
        (Policy(store_timeout_ms=1200), "one slow answer of the store"),
        (Policy(deadman_ms=4900), "clocks do not run at the same rate"),
    ],
)
def test_each_broken_relation_is_named(changed: Policy, named: str) -> None:
    assert any(named in fault for fault in faults_of(changed))


@pytest.mark.parametrize("name", POSITIVE)
def test_no_interval_timeout_or_limit_is_zero(name: str) -> None:
    assert name in {field.name for field in fields(Policy)}
    assert any("larger than 0" in fault for fault in faults_of(replace(Policy(), **{name: 0})))


def test_the_rate_margin_is_what_clocks_may_differ_by() -> None:
    assert Policy(lease_ttl_ms=4400, deadman_ms=4000).clock_rate_margin == pytest.approx(RATE_MARGIN_MIN)
    assert faults_of(Policy(lease_ttl_ms=4400)) == ()
