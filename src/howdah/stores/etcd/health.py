"""Is this etcd fit to hold a cluster's record, and what should its operator know?"""

import asyncio
import re
from dataclasses import dataclass

from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.client import read_moment
from howdah.stores.etcd.gateway import Gateway
from howdah.stores.http import JsonObject, OutcomeUnknown
from howdah.stores.lineage import StoreMoment

CORRUPTING_SINCE = (3, 5, 0)
CORRUPTING_UNTIL = (3, 5, 2)
"""A member of 3.5.0-3.5.2 that is killed under load may lose what it had applied (etcd's own notice of March 2022)."""

RECOMMENDED = {(3, 5): (3, 5, 28), (3, 6): (3, 6, 9)}
"""The first patch of each series without a known fault that concerns us."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What one endpoint said. `leader_id` is None while it knows no leader."""

    endpoint: str
    version: str
    member_id: str
    leader_id: str | None
    moment: StoreMoment
    database_bytes: int


@dataclass(frozen=True, slots=True)
class EndpointSilent:
    """An endpoint that could not be asked."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True)
class EtcdMember:
    """One configured member of the etcd cluster."""

    id: str
    name: str
    client_urls: tuple[str, ...]
    learner: bool


@dataclass(frozen=True, slots=True)
class EtcdAlarm:
    """An alarm that is raised: NOSPACE or CORRUPT."""

    member_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class EtcdHealth:
    """Everything that was asked. `members` and `alarms` are None where that question got no answer."""

    endpoints: tuple[EndpointState | EndpointSilent, ...]
    members: tuple[EtcdMember, ...] | None
    alarms: tuple[EtcdAlarm, ...] | None

    @property
    def states(self) -> tuple[EndpointState, ...]:
        """The endpoints that answered."""
        return tuple(state for state in self.endpoints if isinstance(state, EndpointState))


async def examine(gateway: Gateway) -> EtcdHealth:
    """Ask every endpoint for its state and one for members and alarms. Silence is a fact too: raises nothing."""
    endpoints = await asyncio.gather(*(_endpoint_state(gateway, endpoint) for endpoint in gateway.endpoints))
    members, alarms = await asyncio.gather(_members(gateway), _alarms(gateway))
    return EtcdHealth(tuple(endpoints), members, alarms)


def warnings(health: EtcdHealth) -> tuple[str, ...]:
    """A sentence for each thing that the operator should mend, the worst first."""
    return (
        *_alarm_warnings(health),
        *_endpoint_warnings(health),
        *_version_warnings(health),
        *_member_warnings(health),
    )


def version_warning(version: str) -> str | None:
    """A sentence if this version of etcd should not be used as it is; None if it is good."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if match is None:
        return f"etcd gives its version as {version!r}, which cannot be judged"
    number = (int(match[1]), int(match[2]), int(match[3]))
    if CORRUPTING_SINCE <= number <= CORRUPTING_UNTIL:
        return (
            f"etcd {version} corrupts data when it is killed (3.5.0 to 3.5.2 do): upgrade to 3.5.28 or 3.6.9 at least"
        )
    recommended = RECOMMENDED.get(number[:2])
    if number < min(RECOMMENDED.values()) or (recommended is not None and number < recommended):
        return f"etcd {version} is old: 3.5.28 or 3.6.9 at least is recommended"
    return None


async def _endpoint_state(gateway: Gateway, endpoint: str) -> EndpointState | EndpointSilent:
    try:
        answer = await gateway.read_from(endpoint, "/v3/maintenance/status", {})
        leader = str(answer.get("leader", "0"))
        return EndpointState(
            endpoint=endpoint,
            version=str(answer.get("version", "unknown")),
            member_id=str(answer["header"]["member_id"]),
            leader_id=None if leader == "0" else leader,
            moment=read_moment(answer),
            database_bytes=int(answer.get("dbSize", 0)),
        )
    except (StoreUnavailable, OutcomeUnknown, LookupError, TypeError, ValueError) as error:
        return EndpointSilent(endpoint, str(error))


async def _members(gateway: Gateway) -> tuple[EtcdMember, ...] | None:
    try:
        answer = await gateway.read("/v3/cluster/member/list", {})
        return tuple(_member(fields) for fields in answer["members"])
    except (StoreUnavailable, LookupError, TypeError, AttributeError):
        return None


def _member(fields: JsonObject) -> EtcdMember:
    return EtcdMember(
        id=str(fields["ID"]),
        name=str(fields.get("name", "")),
        client_urls=tuple(fields.get("clientURLs") or ()),
        learner=bool(fields.get("isLearner")),
    )


async def _alarms(gateway: Gateway) -> tuple[EtcdAlarm, ...] | None:
    try:
        answer = await gateway.read("/v3/maintenance/alarm", {"action": "GET"})
        return tuple(
            EtcdAlarm(str(alarm.get("memberID", "0")), str(alarm.get("alarm", "NONE")))
            for alarm in answer.get("alarms") or ()
        )
    except (StoreUnavailable, TypeError, AttributeError):
        return None


def _alarm_warnings(health: EtcdHealth) -> list[str]:
    sentences = []
    for alarm in health.alarms or ():
        if alarm.kind == "NOSPACE":
            sentences.append(
                f"etcd member {alarm.member_id} is out of space and refuses writes: compact, defragment, "
                "then `etcdctl alarm disarm`"
            )
        elif alarm.kind == "CORRUPT":
            sentences.append(f"etcd member {alarm.member_id} is corrupt: replace it from the healthy members")
        else:
            sentences.append(f"etcd member {alarm.member_id} raised the alarm {alarm.kind}")
    return sentences


def _endpoint_warnings(health: EtcdHealth) -> list[str]:
    sentences = [
        f"the etcd endpoint {silent.endpoint} does not answer: {silent.reason}"
        for silent in health.endpoints
        if isinstance(silent, EndpointSilent)
    ]
    sentences += [f"etcd at {state.endpoint} knows no leader" for state in health.states if state.leader_id is None]
    if len({state.moment.store_id for state in health.states}) > 1:
        places = ", ".join(f"{state.endpoint} is of {state.moment.store_id}" for state in health.states)
        sentences.insert(0, f"the etcd endpoints belong to different clusters: {places}. List members of one only")
    return sentences


def _version_warnings(health: EtcdHealth) -> list[str]:
    sentences = (version_warning(version) for version in sorted({state.version for state in health.states}))
    return [sentence for sentence in sentences if sentence is not None]


def _member_warnings(health: EtcdHealth) -> list[str]:
    if health.members is None:
        return []
    voting = sum(not member.learner for member in health.members)
    if voting >= 3:
        return []
    return [f"etcd has {voting} voting member{'s' if voting > 1 else ''}: it takes three to survive the loss of one"]
