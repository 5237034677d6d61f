"""Who must have flushed a commit before it is acknowledged, and how is that said to PostgreSQL?

The record holds the voters V and k; PostgreSQL enforces `ANY k' (S')`. For the setting in force at any time
`k' - |S' - V| >= k` must hold, or a commit could be acknowledged that no election finds.
"""

import re
from dataclasses import dataclass

from howdah.cluster.record import Mode, Record
from howdah.cluster.serverfacts import Walsender
from howdah.values.lsn import Lsn

NOBODY = "nobody"
"""NEVER EMPTY: in quorum mode the setting names nobody who exists rather than being empty. The checkpointer switches
waiting on, so that from an empty setting commits go unacknowledged-by-anyone for a while. No node may be called so."""


@dataclass(frozen=True, slots=True)
class SyncSetting:
    """The value of synchronous_standby_names: any `count` of `names`; no names: nobody waits (async only)."""

    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        if not self.names:
            return ""
        quoted = ",".join(f'"{name}"' for name in self.names)
        return f"ANY {self.count} ({quoted})"


NAMES_NOBODY = SyncSetting(1, (NOBODY,))


def wait_name(node: str, term: int) -> str:
    """The application name under which a voter streams in a term (names carry the term)."""
    return f"{node}.t{term}"


def setting_for(term: int, voters: tuple[str, ...], k: int, mode: Mode) -> SyncSetting:
    """The setting of a primary in `term` with these voters. In quorum mode never empty, and never for less than one."""
    if mode is Mode.ASYNC and k == 0:
        return SyncSetting(0, ())
    if not voters:
        return NAMES_NOBODY
    return SyncSetting(max(k, 1), tuple(wait_name(name, term) for name in sorted(voters)))


def setting_without(record: Record, voter: str) -> SyncSetting:
    """The record's setting without one voter, which may leave fewer than k: then nobody can acknowledge anything.

    For the time in which a voter's place passes to a new disk. `ANY k` stays, filled up with nobody."""
    names = [wait_name(v.name, record.term) for v in record.voters if v.name != voter]
    enough = names if len(names) >= record.k else [*names, NOBODY]
    return SyncSetting(max(record.k, 1), tuple(sorted(enough or [NOBODY])))


def setting_of(record: Record) -> SyncSetting:
    """The setting that the record asks of its holder."""
    return setting_for(record.term, tuple(v.name for v in record.voters), record.k, record.mode)


def is_covered(setting: SyncSetting, term: int, voters: tuple[str, ...], k: int) -> bool:
    """Whether commits acknowledged under `setting` are found by every election of the record (V, k)."""
    strangers = set(setting.names) - {wait_name(name, term) for name in voters} - {NOBODY}
    return setting.count - len(strangers) >= k


_SETTING = re.compile(r'ANY (\d+) \(("[^"]+"(?:,"[^"]+")*)\)')


def read_setting(text: str) -> SyncSetting | None:
    """Read a setting of ours back from the server; None if somebody else wrote it."""
    if not text:
        return SyncSetting(0, ())
    found = _SETTING.fullmatch(text)
    if found is None:
        return None
    return SyncSetting(int(found[1]), tuple(name.strip('"') for name in found[2].split(",")))


def votes_needed(voters: int, k: int) -> int:
    """How many voters must be revoked so that k of the rest cannot acknowledge any more: |V| - k + 1.

    With k = 0 no number is enough: a commit may be on the holder alone."""
    return voters - k + 1


def flushed(walsenders: tuple[Walsender, ...], term: int, voters: tuple[str, ...], k: int, lsn: Lsn) -> bool:
    """A barrier or any flush is proved by `flush_lsn` of k named voters, never by COMMIT returning.

    ONE CONNECTION: names are counted, not rows."""
    names = {wait_name(name, term) for name in voters}
    proven = {w.application_name for w in walsenders if w.application_name in names and w.flush_lsn >= lsn}
    return len(proven) >= k
