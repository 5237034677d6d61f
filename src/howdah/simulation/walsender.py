"""When does a walsender let a waiting commit go?

As in PostgreSQL: each walsender has its own copy of synchronous_standby_names, which decides its own priority and, when
it evaluates, the number to wait for; flush positions are those that all walsenders last heard, whatever they prove.
"""

from dataclasses import dataclass, field

from howdah.cluster.quorum import SyncSetting, read_setting


@dataclass(slots=True)
class Walsender:
    """One walsender process. `flush` is what its standby last said, 0 before the first word."""

    pid: int
    name: str
    slot: str
    started_ms: int
    setting: SyncSetting = field(default_factory=lambda: SyncSetting(0, ()))
    priority: int = 0
    streaming: bool = False
    flush: int = 0
    replay: int = 0

    def apply(self, text: str) -> None:
        """Read the setting: which number to wait for, and whether this one counts."""
        self.setting = read_setting(text) or SyncSetting(0, ())
        names = {name.lower() for name in self.setting.names}
        self.priority = 1 if self.name.lower() in names else 0


def released_by(evaluator: Walsender, all_of_them: list[Walsender]) -> int:
    """The LSN up to which this walsender may let commits go now; 0 for none (SyncRepReleaseWaiters)."""
    if not evaluator.priority or not evaluator.streaming or not evaluator.flush:
        return 0
    flushes = sorted((w.flush for w in all_of_them if w.streaming and w.priority and w.flush), reverse=True)
    count = evaluator.setting.count
    return flushes[count - 1] if 0 < count <= len(flushes) else 0
