"""How far does a server's own map reach, when it received timelines that nobody told its agent of?"""

from howdah.cluster.history import mapped_end
from howdah.cluster.record import TimelineEntry
from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import Lsn
from howdah.values.position import Position


def test_where_a_server_ends_whose_last_timelines_are_in_no_map() -> None:
    entries = (TimelineEntry(1, 1, 0, Lsn(0)), TimelineEntry(2, 2, 1, Lsn(100)))
    history = (HistoryStep(1, Lsn(100)), HistoryStep(2, Lsn(200)), HistoryStep(3, Lsn(300)))
    assert mapped_end(history, entries) == Position(2, Lsn(200))
    assert mapped_end(history, entries[:1]) == Position(1, Lsn(100))
    assert mapped_end(history, ()) is None
