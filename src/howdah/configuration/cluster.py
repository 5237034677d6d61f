"""Which settings does the whole cluster have? (The store's document `config`, changed with `howdah config set`.)"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from howdah.cluster.policy import Policy
from howdah.configuration.quantities import Duration, Size
from howdah.configuration.words import NodeNames, OptionalNodeName, Parameters

DEFAULT = Policy()


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicySettings(Section):
    """Times and limits; each becomes the field of `howdah.cluster.policy.Policy` with the same name."""

    lease_ttl_ms: Duration = Field(
        default=DEFAULT.lease_ttl_ms, alias="lease_ttl", description="a primary silent for so long may be replaced"
    )
    renew_interval_ms: Duration = Field(
        default=DEFAULT.renew_interval_ms, alias="renew_interval", description="how often the primary renews its lease"
    )
    store_timeout_ms: Duration = Field(
        default=DEFAULT.store_timeout_ms,
        alias="store_timeout",
        description="how long one request to the store may take",
    )
    gate_ms: Duration = Field(
        default=DEFAULT.gate_ms, alias="gate", description="without a renewal for so long, a primary shuts clients out"
    )
    kill_ms: Duration = Field(default=DEFAULT.kill_ms, alias="kill", description="and kills its PostgreSQL")
    deadman_ms: Duration = Field(
        default=DEFAULT.deadman_ms, alias="deadman", description="and the dead-man does, if the agent did not"
    )
    confirm_worth_ms: Duration = Field(
        default=DEFAULT.confirm_worth_ms,
        alias="confirm_worth",
        description="how long a voter's confirmation prolongs serving while the store is away",
    )
    probe_interval_ms: Duration = Field(
        default=DEFAULT.probe_interval_ms,
        alias="probe_interval",
        description="how often the agent logs in to its PostgreSQL",
    )
    probe_timeout_ms: Duration = Field(
        default=DEFAULT.probe_timeout_ms, alias="probe_timeout", description="how long that may take"
    )
    probe_failures_max: int = Field(
        default=DEFAULT.probe_failures_max,
        ge=1,
        description="so many failed probes in a row, and the server is given up",
    )
    revocation_limit_ms: Duration = Field(
        default=DEFAULT.revocation_limit_ms,
        alias="revocation_limit",
        description="a standby that cannot prove within it that it stopped receiving is killed and started again",
    )
    election_pause_ms: Duration = Field(
        default=DEFAULT.election_pause_ms, alias="election_pause", description="between a failed election and the next"
    )
    yield_ms: Duration = Field(
        default=DEFAULT.yield_ms, alias="yield", description="how long the losers of a vote wait for the winner"
    )
    start_limit_ms: Duration = Field(
        default=DEFAULT.start_limit_ms, alias="start_limit", description="how long a server may take to start"
    )
    stop_limit_ms: Duration = Field(
        default=DEFAULT.stop_limit_ms,
        alias="stop_limit",
        description="how long a fast stop may take before it is a kill",
    )
    promote_limit_ms: Duration = Field(
        default=DEFAULT.promote_limit_ms, alias="promote_limit", description="how long a promotion may take"
    )
    crash_window_ms: Duration = Field(
        default=DEFAULT.crash_window_ms, alias="crash_window", description="a second crash within it gives the lease up"
    )
    voter_stall_ms: Duration = Field(
        default=DEFAULT.voter_stall_ms,
        alias="voter_stall",
        description="a voter that streams nothing for so long is dropped",
    )
    voter_replay_lag_ms: Duration = Field(
        default=DEFAULT.voter_replay_lag_ms,
        alias="voter_replay_lag",
        description="a standby further behind is no voter",
    )
    start_delay_ms: Duration = Field(
        default=DEFAULT.start_delay_ms,
        alias="start_delay",
        description="how long an agent waits before it takes part in elections",
    )
    async_lag_bytes_max: Size = Field(
        default=DEFAULT.async_lag_bytes_max,
        alias="async_lag_max",
        description="mode async: a standby further behind cannot be elected",
    )


class SwitchoverSettings(Section):
    """A planned hand-over that was asked for with `howdah switchover`."""

    id: str = Field(description="which request this is")
    to: OptionalNodeName = Field(default="", description="the new primary; empty for the best standby")
    at_wall_ms: int = Field(default=0, ge=0, description="not before, in milliseconds since 1970; 0 for now")
    term: int = Field(
        default=0, ge=0, description="done in this term or not at all; 0 for one that was planned for a time"
    )


class PostgresqlSettings(Section):
    """PostgreSQL on every node."""

    parameters: Parameters = Field(
        default_factory=dict, description="settings of PostgreSQL for every node; those the protocol owns are refused"
    )


class ClusterSettings(Section):
    """The cluster's settings."""

    nodes: NodeNames = Field(default=(), description="the configured nodes")
    mode: Literal["quorum", "async"] | None = Field(
        default=None, description="whether a commit waits for standbys; unset: quorum from three nodes, async below"
    )
    k: int = Field(
        default=0,
        ge=0,
        description="how many standbys must have flushed a commit; 0: half the nodes that may vote, rounded down",
    )
    paused: bool = Field(default=False, description="no automatic role change while true")
    policy: PolicySettings = Field(default=PolicySettings(), description="times and limits")
    postgresql: PostgresqlSettings = Field(default=PostgresqlSettings(), description="PostgreSQL on every node")
    removed: NodeNames = Field(
        default=(), description="nodes that were taken away; their replication slots are dropped"
    )
    switchover: SwitchoverSettings | None = Field(default=None, description="the planned hand-over asked for, if any")
