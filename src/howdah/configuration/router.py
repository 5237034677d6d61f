"""Which settings does a router have? (Its YAML file, or the same keys in the environment.)"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from howdah.configuration.cluster import Section
from howdah.configuration.quantities import Duration, Size
from howdah.configuration.schema import AnyStore, LogSettings
from howdah.configuration.words import ClusterName, Host, Hosts, Lines, OptionalPort, Port, Texts

Consistency = Literal["session", "eventual", "primary"]
PoolMode = Literal["auto", "session", "transaction"]
TlsVersion = Literal["1.2", "1.3"]


class ListenSettings(Section):
    """Where applications connect to."""

    listen: Hosts = Field(default=("127.0.0.1",), description="addresses to listen on; 0.0.0.0 and :: for all")
    port: Port = Field(default=6432, description="the port of applications: statements go where they belong")
    read_write_port: OptionalPort = Field(
        default=0, description="everything to the primary, as target_session_attrs=read-write; 0: no such port"
    )
    read_only_port: OptionalPort = Field(
        default=0, description="everything to standbys, as target_session_attrs=prefer-standby; 0: no such port"
    )
    any_port: OptionalPort = Field(
        default=0, description="each session to one server, any that is healthy; 0: no such port"
    )
    socket_directory: Path | None = Field(
        default=None, description="directory of a Unix socket .s.PGSQL.<port>; unset: none"
    )
    socket_mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = Field(
        default="0777", description="its permissions, octal, quoted"
    )
    backlog: int = Field(default=2048, ge=1, description="connections that the kernel keeps waiting to be accepted")


class AgentsSettings(Section):
    """The agents, for a router that may not reach the store."""

    addresses: Texts = Field(default=(), description="HOST:PORT of the agents' REST interfaces, all of them")
    ca_file: Path | None = Field(
        default=None, description="certificates that sign the agents' ones: then HTTPS is spoken; unset: plain HTTP"
    )


class ClientTlsSettings(Section):
    """TLS towards applications."""

    mode: Literal["disable", "allow", "require"] = Field(
        default="disable", description="whether TLS is refused, offered, or the only way in (the Unix socket excepted)"
    )
    cert_file: Path | None = Field(default=None, description="this router's certificate, with those that sign it")
    key_file: Path | None = Field(default=None, description="and its key")
    ca_file: Path | None = Field(default=None, description="certificates that sign the clients' ones")
    client_certificates: Literal["ignore", "allow", "require"] = Field(
        default="ignore", description="whether clients show certificates of their own"
    )
    min_version: TlsVersion = Field(default="1.2", description="the oldest TLS that is spoken")


class ServerTlsSettings(Section):
    """TLS towards PostgreSQL."""

    mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="as libpq's sslmode"
    )
    ca_file: Path | None = Field(default=None, description="certificates that sign the servers' ones")
    cert_file: Path | None = Field(default=None, description="the certificate that the router shows")
    key_file: Path | None = Field(default=None, description="and its key")
    min_version: TlsVersion = Field(default="1.2", description="the oldest TLS that is spoken")


class TlsSettings(Section):
    """TLS on both sides; files that change are read again."""

    clients: ClientTlsSettings = Field(default=ClientTlsSettings(), description="towards applications")
    servers: ServerTlsSettings = Field(default=ServerTlsSettings(), description="towards PostgreSQL")
    reload_interval_ms: Duration = Field(
        default=10_000, alias="reload_interval", description="how often the files are looked at"
    )


class PoolSettings(Section):
    """Connections to the servers; sizes are for each user, database and server."""

    mode: PoolMode = Field(
        default="auto",
        description="auto: lent for a transaction, kept while session state binds; or session, transaction",
    )
    size: int = Field(default=20, ge=1, description="connections at most")
    min_size: int = Field(default=0, ge=0, description="connections kept open once one was needed")
    reserve: int = Field(default=5, ge=0, description="more connections for those who have waited too long")
    reserve_after_ms: Duration = Field(
        default=3_000, alias="reserve_after", description="waiting for so long opens the reserve"
    )
    server_connections_max: int = Field(
        default=0, ge=0, description="connections to one server in all; 0: what its max_connections leaves"
    )
    wait_timeout_ms: Duration = Field(
        default=60_000, alias="wait_timeout", description="who waits longer for a connection gets an error; 0: no limit"
    )
    idle_timeout_ms: Duration = Field(
        default=600_000, alias="idle_timeout", description="an unused connection is closed after it; 0: never"
    )
    lifetime_ms: Duration = Field(
        default=3_600_000, alias="lifetime", description="an older connection is closed once it is free; 0: never"
    )
    connect_timeout_ms: Duration = Field(
        default=5_000, alias="connect_timeout", description="how long opening one may take, with the login"
    )
    connect_parallel: int = Field(default=8, ge=1, description="connections to one server that are opened at a time")
    check_after_ms: Duration = Field(
        default=30_000, alias="check_after", description="one unused for so long is tried before it is lent; 0: never"
    )
    client_address: bool = Field(
        default=False, description="whether application_name ends with the client's address, for pg_stat_activity"
    )
    prepared_max: int = Field(default=500, ge=1, description="prepared statements kept on one server connection")
    keepalive_ms: Duration = Field(
        default=5_000,
        alias="keepalive",
        description="a silent server's connection is probed by the kernel after it; 0: never",
    )
    user_timeout_ms: Duration = Field(
        default=10_000,
        alias="user_timeout",
        description="and given up when sent bytes were not taken for so long; 0: as the system has it",
    )


def _weights(value: Any) -> Any:
    """In the environment, or for one who likes it short: "n1=1, n2=0.5"."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): weight.strip() for name, _, weight in pairs}


Weights = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1000)]],
    BeforeValidator(_weights),
    Field(json_schema_extra={"kind": "map of node names to numbers"}),
]


class RoutingSettings(Section):
    """Which statement goes where."""

    reads: Literal["standbys", "primary"] = Field(
        default="standbys", description="where statements that only read go, unless a hint says otherwise"
    )
    consistency: Consistency = Field(
        default="session",
        description="session: a session sees its own writes, and never less than it saw before; eventual: any standby "
        "within max_lag; primary: none",
    )
    max_lag_ms: Duration = Field(
        default=10_000, alias="max_lag", description="a standby that replays this far behind gets no reads"
    )
    max_lag_bytes: Size = Field(
        default=256 * 1024 * 1024, description="nor one that is so many bytes of log behind; 0: no limit"
    )
    weights: Weights = Field(
        default_factory=dict,
        description="share of reads of a node against others of weight 1; 0: none, if others are there",
    )
    primary_weight: float = Field(
        default=0.0, ge=0, le=1000, description="the primary's weight for reads; 0: only when no standby can"
    )
    harmless_functions: Texts = Field(
        default=(), description="volatile functions that may run on standbys: schema.name, or name for any schema"
    )
    cache_bytes: Size = Field(
        default=32 * 1024 * 1024, description="of each database, so much of its clients' statements is remembered"
    )


class HoldSettings(Section):
    """Clients in a role change."""

    timeout_ms: Duration = Field(
        default=20_000, alias="timeout", description="how long a statement that was not sent waits for a new primary"
    )
    clients_max: int = Field(default=10_000, ge=0, description="so many wait at a time; more get an error at once")
    bytes_max: Size = Field(default=64 * 1024 * 1024, description="so much of what they sent is kept in all")
    drain_ms: Duration = Field(
        default=2_000, alias="drain", description="how long running transactions may go on when a switchover begins"
    )


class LimitSettings(Section):
    """What one client, and all of them, may use."""

    clients: int = Field(default=5_000, ge=1, description="clients in all")
    clients_per_user: int = Field(default=0, ge=0, description="clients of one user; 0: no limit of its own")
    clients_per_database: int = Field(default=0, ge=0, description="clients of one database; 0: no limit of its own")
    reserved: int = Field(default=3, ge=0, description="of `clients`, so many for health checks and admins only")
    login_timeout_ms: Duration = Field(
        default=15_000, alias="login_timeout", description="a client that has not logged in by then is shown out"
    )
    logins_pending: int = Field(default=500, ge=1, description="clients that are logging in at a time")
    query_timeout_ms: Duration = Field(
        default=0, alias="query_timeout", description="a statement that runs longer is cancelled; 0: no limit"
    )
    transaction_idle_timeout_ms: Duration = Field(
        default=0, alias="transaction_idle_timeout", description="a transaction idle for so long is ended; 0: no limit"
    )
    client_idle_timeout_ms: Duration = Field(
        default=0, alias="client_idle_timeout", description="a client idle for so long is ended; 0: no limit"
    )
    write_timeout_ms: Duration = Field(
        default=60_000,
        alias="write_timeout",
        description="a client that takes nothing of what is sent to it for so long is ended; 0: no limit",
    )
    buffer_bytes: Size = Field(
        default=256 * 1024, description="bytes on their way to a side that takes none; then the other side waits"
    )


class LoginSettings(Section):
    """Who may connect, and how it is proved."""

    hba: Lines = Field(
        default=(),
        description="rules as in pg_hba.conf, the first that fits decides, in the environment with ';' between; unset: "
        "scram-sha-256 for everybody",
    )
    ident: Lines = Field(
        default=(),
        description="maps as in pg_ident.conf for rules with map=: map, account or certificate's name, role",
    )
    verifier_cache_ms: Duration = Field(
        default=0,
        alias="verifier_cache",
        description="how long a role's verifier is believed without asking: so long a dropped role may still log in",
    )
    admins: Texts = Field(default=("postgres",), description="users of the database `howdah` who may change things")
    observers: Texts = Field(default=(), description="users of the database `howdah` who may look")
    admin_database: str = Field(default="howdah", min_length=1, description="the name of that database")


class KnowledgeSettings(Section):
    """How the router knows the servers."""

    limit_ms: Duration = Field(
        default=5_000, alias="limit", description="no write goes to a primary that was not seen to lead for so long"
    )
    poll_interval_ms: Duration = Field(
        default=2_000,
        alias="poll_interval",
        description="how often the store or the agents are asked, beside the watch",
    )
    store_timeout_ms: Duration = Field(
        default=2_000, alias="store_timeout", description="how long one request to them may take"
    )
    probe_interval_ms: Duration = Field(
        default=1_000, alias="probe_interval", description="how often each server is asked for role and term"
    )
    probe_timeout_ms: Duration = Field(
        default=1_500, alias="probe_timeout", description="how long an answer may take; a slower server gets no reads"
    )
    sample_interval_ms: Duration = Field(
        default=150, alias="sample_interval", description="how often log positions are read while anybody writes"
    )
    sample_idle_interval_ms: Duration = Field(
        default=1_000, alias="sample_idle_interval", description="and while nobody does"
    )


class HealthSettings(Section):
    """The router's own REST: health checks and metrics."""

    listen: Host = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 or :: for all")
    port: OptionalPort = Field(default=6433, description="port of /health, /liveness, /readiness, /metrics; 0: none")


class StopSettings(Section):
    """The end of the process."""

    drain_ms: Duration = Field(
        default=60_000, alias="drain", description="after SIGTERM, how long clients may finish their transactions"
    )
    grace_ms: Duration = Field(
        default=0, alias="grace", description="before that, how long clients are still accepted while readiness says no"
    )


class RouterSecrets(Section):
    """Passwords of the router itself."""

    router: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="password of the role howdah_router: every agent keeps it in secrets/router below its node.root",
    )


class RouterSettings(Section):
    """Everything that one router is told."""

    cluster: ClusterName = Field(default="main", description="the cluster's name, as its agents have it")
    name: str = Field(default="", description="what this router is called in logs and metrics; unset: the host's name")
    workers: int = Field(
        default=1, ge=1, le=64, description="processes that share the ports, the limits and the admin database"
    )
    listen: ListenSettings = Field(default=ListenSettings(), description="where applications connect to")
    store: AnyStore | None = Field(default=None, discriminator="kind", description="where the cluster's record is kept")
    agents: AgentsSettings = Field(
        default=AgentsSettings(), description="the agents, for a router that may not reach the store"
    )
    secrets: RouterSecrets = Field(default=RouterSecrets(), description="passwords of the router itself")
    tls: TlsSettings = Field(default=TlsSettings(), description="TLS on both sides")
    pools: PoolSettings = Field(default=PoolSettings(), description="connections to the servers")
    routing: RoutingSettings = Field(default=RoutingSettings(), description="which statement goes where")
    hold: HoldSettings = Field(default=HoldSettings(), description="clients in a role change")
    limits: LimitSettings = Field(default=LimitSettings(), description="what clients may use")
    login: LoginSettings = Field(default=LoginSettings(), description="who may connect")
    knowledge: KnowledgeSettings = Field(default=KnowledgeSettings(), description="how the router knows the servers")
    health: HealthSettings = Field(default=HealthSettings(), description="health checks and metrics")
    stop: StopSettings = Field(default=StopSettings(), description="the end of the process")
    log: LogSettings = Field(default=LogSettings(), description="the router's log")
