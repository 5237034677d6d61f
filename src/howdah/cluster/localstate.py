"""What does a server remember by itself, outside its data directory, across every crash?"""

from dataclasses import dataclass
from enum import StrEnum

from howdah.cluster.record import Record, TimelineEntry
from howdah.values.position import Position


class Marker(StrEnum):
    """What was being done to the data directory. Anything but NONE: never votes, serves or is cloned from."""

    NONE = "none"
    INITIALISING = "initialising"
    CLONING = "cloning"
    REWINDING = "rewinding"


@dataclass(frozen=True, slots=True)
class LocalState:
    """Durable; every field that a safety rule names is fsynced before anybody is told.

    `promise`: the highest term promised, 0 for none. NEVER WITHDRAWN: it only grows.
    `won_term`: the highest term this data directory itself won; 0 if none.
    `entries`: the map of timelines to terms as far as this server follows or made them.
    `floor`: no vote below it (FLOOR).
    `record`: the last settled record it knows; a hint when the store is lost, never counted by itself.
    """

    cluster: str = ""
    member_id: str = ""
    system_identifier: str = ""
    promise: int = 0
    won_term: int = 0
    entries: tuple[TimelineEntry, ...] = ()
    floor: Position | None = None
    marker: Marker = Marker.NONE
    record: Record | None = None
