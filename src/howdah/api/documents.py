"""Which documents does the API take and give? (for the OpenAPI document; the words are the design's)"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from howdah.api.view import Scope

State = Literal[
    "running", "streaming", "catching up", "starting", "cloning", "rewinding", "stopped", "fenced", "unreachable"
]
RoleWord = Literal["primary", "standby", "none"]


class Document(BaseModel):
    """A document is exactly what it says: an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")


class ErrorDocument(Document):
    """Why a request was not done."""

    error: str


class DoneDocument(Document):
    """What was done or begun."""

    message: str


class HealthDocument(Document):
    """One node in short."""

    name: str
    cluster: str
    role: RoleWord
    state: State
    term: int
    serving: bool
    paused: bool
    timeline: int | None
    lsn: str | None
    lag_bytes: int | None
    sync: bool
    server_version: int
    reason: str


class NodeDocument(HealthDocument):
    """One node in full."""

    rule: str
    member_id: str
    promise: int
    follows: str
    priority: int
    nosync: bool
    nofailover: bool
    replicate_from: str
    delay_ms: int
    pending_restart: list[str]
    system_identifier: str
    host: str
    port: int
    api: str
    uptime_seconds: float


class SyncDocument(Document):
    """Who must flush a commit."""

    mode: Literal["quorum", "async"]
    num_sync: int
    voters: list[str]


class ClusterNodeDocument(Document):
    """A node of the cluster's document."""

    name: str
    role: RoleWord
    state: State
    timeline: int | None
    lsn: str | None
    lag_bytes: int | None
    lag_seconds: float | None
    sync: bool
    priority: int
    host: str | None
    port: int | None
    api: str | None


class ClusterDocument(Document):
    """What `howdah status --json` prints."""

    cluster: str
    system_identifier: str
    term: int
    primary: str | None
    serving: bool
    paused: bool
    sync: SyncDocument
    nodes: list[ClusterNodeDocument]
    routers: list[dict[str, Any]]


class RoleChangeDocument(Document):
    """A row of the history. `away_ms`: for how long writes were away, null if it is not known."""

    term: int
    node: str
    timeline: int
    switch_lsn: str
    cause: str
    at: str
    away_ms: int | None


class NodeReasonDocument(Document):
    """Why one node is as it is, and why it could not lead."""

    node: str
    rule: str
    reason: str
    cannot_lead: str


class ExplanationDocument(Document):
    """Why the cluster is as it is. `switchover`: the one that is planned or under way; `switchover_failure`: why the
    last one asked of this node did not come about; `removed`: nodes taken out."""

    why: list[str]
    wrong: list[str]
    nodes: list[NodeReasonDocument]
    switchover: str = ""
    switchover_failure: str = ""
    removed: list[str] = []


class SwitchoverRequest(Document):
    """A planned hand-over."""

    to: str = Field(default="", description="the node to lead; empty: the best standby")
    at: AwareDatetime | None = Field(default=None, description="not before this time (with a time zone); null: now")


class FailoverRequest(Document):
    """An election without the present primary."""

    to: str = Field(default="", description="the node to lead; empty: the best one")
    accept_data_loss: bool = Field(default=False, description="lead even if acknowledged commits may be lost")
    given_up: list[str] = Field(default=[], description="servers that are off for good, by name")


class RestartRequest(Document):
    """A restart of one server."""

    node: str = Field(default="", description="the node; empty: the one that is asked")


class ConfigChange(Document):
    """One setting."""

    key: str = Field(min_length=1, description="dotted, e.g. postgresql.parameters.work_mem")
    value: str | int | float | bool | None = Field(description="null gives the setting its default back")


class ShutdownRequest(Document):
    """What to stop."""

    scope: Scope = Scope.NODE
