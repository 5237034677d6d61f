"""Until when may the holder serve, and from when may others take its lease for expired?

The lease does not protect writes (revocation does): it bounds stale reads and keeps candidates from colliding.
The holder counts on CLOCK_BOOTTIME from *before sending* the last renewal known to have succeeded; observers count
on their own monotonic clock from the first of two linearizable reads that show the same counter.
"""

from dataclasses import dataclass

from howdah.cluster.policy import LeaseTimes, Policy


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The holder's moments on CLOCK_BOOTTIME: clients shut out, PostgreSQL killed, killed by the dead-man."""

    gate_ms: int
    kill_ms: int
    deadman_ms: int


@dataclass(frozen=True, slots=True)
class Bond:
    """Times that the holder is bound to, counted from `sent_boot_ms` (CLOCK_BOOTTIME): by a renewal that succeeded, or
    by one it is about to send with other times, which may take effect unseen."""

    sent_boot_ms: int
    times: LeaseTimes


def deadlines(
    renewed: Bond, announced: tuple[Bond, ...], confirmed_sent_boot_ms: int, confirm_worth_ms: int
) -> Deadlines:
    """When to stop: by the last renewal known to have succeeded, and by no later moment than any announced times allow.

    `announced`: of swaps that may be in the record already, since an answer can be lost: others then judge by them.
    `confirmed_sent_boot_ms`: when the request was sent to which the k-th voter answered that it is not revoked (0:
    never). It prolongs serving, not the lease."""
    bonds = (renewed, *(Bond(max(renewed.sent_boot_ms, bond.sent_boot_ms), bond.times) for bond in announced))
    gate = min(bond.sent_boot_ms + bond.times.gate_ms for bond in bonds)
    prolonged = confirmed_sent_boot_ms + confirm_worth_ms if confirmed_sent_boot_ms else 0
    longer = max(0, prolonged - gate)
    return Deadlines(
        gate_ms=gate + longer,
        kill_ms=min(bond.sent_boot_ms + bond.times.kill_ms for bond in bonds) + longer,
        deadman_ms=min(bond.sent_boot_ms + bond.times.deadman_ms for bond in bonds) + longer,
    )


def expired(first_seen_mono_ms: int, last_read_mono_ms: int, lease_ttl_ms: int) -> bool:
    """Whether two linearizable reads a lease apart showed the same counter. A read that has not come proves nothing.

    `lease_ttl_ms`: as the record with that counter says, whatever was configured since."""
    return last_read_mono_ms - first_seen_mono_ms >= lease_ttl_ms


def may_prolong(k: int, waited_for: int, confirmations: int) -> bool:
    """Store away: may serving go on by the voters' word? Never with k = 0: then a commit waits for nobody, and anybody
    may win without its voters. While a voter change is unsettled PostgreSQL may wait for more (`waited_for`) or fewer
    than the record says: as many as either asks for have to confirm, out of the voters that are in both sets."""
    return k >= 1 and confirmations >= max(k, waited_for)


def may_renew(probe_age_ms: int, bringing_up_ms: int | None, policy: Policy) -> bool:
    """Whether the holder may prolong its lease: only with a database behind it (A15).

    `probe_age_ms`: since the last fresh local connection that answered. `bringing_up_ms`: how long a start, promotion
    or switchover has been under way, None if none is; it may take as long as its own limit."""
    if bringing_up_ms is not None:
        return bringing_up_ms <= policy.start_limit_ms + policy.promote_limit_ms
    return probe_age_ms <= policy.probe_failures_max * (policy.probe_interval_ms + policy.probe_timeout_ms)
