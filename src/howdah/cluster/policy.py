"""Which times and limits does a node decide by, and what must hold between them?

All times are milliseconds. `faults_of` returns sentences, one for each broken relation; settings are refused when
there is one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """The times of one lease. They hang together, so they change together: `Policy` says what each means."""

    ttl_ms: int
    gate_ms: int
    kill_ms: int
    deadman_ms: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The cluster's timing; the same on every node.

    The holder counts `gate_ms`, `kill_ms` and `deadman_ms` from before it sent the last renewal known to have
    succeeded; an observer counts `lease_ttl_ms` from the read that first showed the counter.
    """

    lease_ttl_ms: int = 5000
    renew_interval_ms: int = 1000
    store_timeout_ms: int = 1000
    gate_ms: int = 3200  # no renewal for so long: clients are shut out
    kill_ms: int = 3600  # and PostgreSQL is killed
    deadman_ms: int = 4000  # the dead-man does it, if the agent did not
    confirm_worth_ms: int = 3000  # how long a voter's "not revoked" prolongs serving (store away)
    probe_interval_ms: int = 1000
    probe_timeout_ms: int = 1000
    probe_failures_max: int = 3
    revocation_limit_ms: int = 2000  # for proofs 1-3; past it the server is killed and started blank
    election_pause_ms: int = 500  # between a failed election and the next, plus jitter
    yield_ms: int = 1500  # how long the losers of a vote wait for the winner's swap
    start_limit_ms: int = 60_000
    stop_limit_ms: int = 5000
    promote_limit_ms: int = 30_000
    crash_window_ms: int = 60_000  # a second crash within it gives the lease up
    voter_stall_ms: int = 3000  # a voter that does not stream for so long is dropped, if k allows
    voter_replay_lag_ms: int = 10_000
    start_delay_ms: int = 0
    async_lag_bytes_max: int = 16 * 1024 * 1024

    @property
    def lease_times(self) -> LeaseTimes:
        """The configured times of a lease. Those in force are in the record, once its holder has adopted them."""
        return LeaseTimes(self.lease_ttl_ms, self.gate_ms, self.kill_ms, self.deadman_ms)

    @property
    def clock_rate_margin(self) -> float:
        """By how much an observer's clock may run faster than the holder's before two could serve."""
        return self.lease_ttl_ms / self.deadman_ms


RATE_MARGIN_MIN = 1.1
"""Clocks of one cluster may differ in rate by 5 % each (F43)."""


def faults_of(policy: Policy) -> tuple[str, ...]:
    """What is wrong with these settings, as sentences that name the setting; empty if nothing is."""
    ordered = (
        ("renew_interval_ms", policy.renew_interval_ms, "gate_ms", policy.gate_ms),
        ("gate_ms", policy.gate_ms, "kill_ms", policy.kill_ms),
        ("kill_ms", policy.kill_ms, "deadman_ms", policy.deadman_ms),
        ("deadman_ms", policy.deadman_ms, "lease_ttl_ms", policy.lease_ttl_ms),
        ("confirm_worth_ms", policy.confirm_worth_ms, "lease_ttl_ms", policy.lease_ttl_ms),
        ("probe_timeout_ms", policy.probe_timeout_ms, "kill_ms", policy.kill_ms),
    )
    faults = [
        f"{low} ({low_ms}) must be smaller than {high} ({high_ms})"
        for low, low_ms, high, high_ms in ordered
        if low_ms >= high_ms
    ]
    if policy.renew_interval_ms + 2 * policy.store_timeout_ms > policy.gate_ms:
        faults.append(
            "renew_interval_ms + 2 * store_timeout_ms "
            f"({policy.renew_interval_ms + 2 * policy.store_timeout_ms}) must not be larger than gate_ms "
            f"({policy.gate_ms}): one slow answer of the store must not shut clients out"
        )
    if policy.clock_rate_margin < RATE_MARGIN_MIN:
        faults.append(
            f"lease_ttl_ms ({policy.lease_ttl_ms}) must be at least {RATE_MARGIN_MIN} times deadman_ms "
            f"({policy.deadman_ms}): clocks do not run at the same rate"
        )
    smallest = min(
        policy.lease_ttl_ms, policy.renew_interval_ms, policy.store_timeout_ms, policy.probe_interval_ms,
        policy.probe_timeout_ms, policy.probe_failures_max, policy.revocation_limit_ms, policy.yield_ms,
        policy.stop_limit_ms, policy.start_limit_ms, policy.promote_limit_ms,
    )  # fmt: skip
    if smallest <= 0:
        faults.append("every interval, timeout and limit must be larger than 0")
    return tuple(faults)
