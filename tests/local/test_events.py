"""Are only new entries of the journals told, also when a journal is begun anew?"""

from pathlib import Path

from howdah.local.events import JournalTails, event_line
from howdah.local.place import Place
from howdah.postgres.layout import NodeLayout
from howdah.telemetry.journal import FILE_NAME, Entry, Kind, write_entry


def append(place: Place, node: str, *entries: Entry) -> Path:
    """Write entries into a node's journal."""
    file = NodeLayout(place.node(node)).log / FILE_NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as journal:
        journal.writelines(f"{write_entry(entry)}\n" for entry in entries)
    return file


def entry(second: int, node: str = "n1", sentence: str = "n1 leads") -> Entry:
    """An entry of this second."""
    return Entry(f"2026-05-04T10:20:{second:02}.123Z", node, Kind.DECIDED, "LEADING", sentence, 1)


def test_old_entries_are_not_told_and_new_ones_once_by_time(tmp_path: Path) -> None:
    place = Place(tmp_path)
    append(place, "n1", entry(1))
    tails = JournalTails(place, ("n1", "n2"))
    assert tails.news(("n1", "n2")) == []
    append(place, "n1", entry(5))
    append(place, "n2", entry(3, "n2"))
    assert [found.at[17:19] for found in tails.news(("n1", "n2"))] == ["03", "05"]
    assert tails.news(("n1", "n2")) == []


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    place = Place(tmp_path)
    file = append(place, "n1", entry(1))
    tails = JournalTails(place, ("n1",))
    line = write_entry(entry(2)) + "\n"
    with file.open("a") as journal:
        journal.write(line[:20])
    assert tails.news(("n1",)) == []
    with file.open("a") as journal:
        journal.write(line[20:])
    assert tails.news(("n1",)) == [entry(2)]


def test_a_journal_that_was_put_aside_is_read_from_its_beginning(tmp_path: Path) -> None:
    place = Place(tmp_path)
    file = append(place, "n1", entry(1))
    tails = JournalTails(place, ("n1",))
    file.rename(file.with_name("journal.jsonl.1"))
    append(place, "n1", entry(2))
    assert tails.news(("n1",)) == [entry(2)]


def test_an_event_is_one_line() -> None:
    assert event_line(entry(9)) == "10:20:09 n1   LEADING: n1 leads"
