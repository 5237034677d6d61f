"""Is a tightened setting in force in every process of the primary? (LIVE)

A barrier alone proves nothing: a paused walsender can still release a commit under the old setting.
"""

from howdah.cluster.quorum import SyncSetting
from howdah.cluster.serverfacts import Walsender


def missing_proof(
    shown: str,
    wanted: SyncSetting,
    walsenders: tuple[Walsender, ...],
    dropped: str,
    raised: bool,
    older_pids: frozenset[int],
    was_empty: bool,
    checkpointed: bool,
) -> str:
    """What still has to be seen before the store may be tightened; "" when the setting is proved live.

    `shown`: the setting in a new connection. `dropped`: the wait name of the voter that goes, or "".
    `raised`: k grows. `older_pids`: walsenders that were there before the reload. `was_empty`: the setting had been
    empty before. `checkpointed`: a CHECKPOINT begun after the reload has completed."""
    if shown != str(wanted):
        return "a new connection does not show the setting yet"
    for walsender in walsenders:
        if dropped and walsender.application_name == dropped and walsender.sync_priority != 0:
            return f"the walsender of {dropped} still counts as synchronous"
        if raised and walsender.pid in older_pids:
            return f"walsender {walsender.pid} is older than the reload"
    if was_empty and not checkpointed:
        return "the checkpointer has not been seen to switch waiting on"
    return ""
