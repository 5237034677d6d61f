"""Can people find again what an agent decided and did?"""

from pathlib import Path

from structlog.testing import capture_logs

from howdah.cluster.actions import Promote, Wait
from howdah.cluster.decision import Decision
from howdah.ports.events import Journal
from howdah.telemetry.journal import Entry, JournalFile, Kind, iso, read_entry, read_journal, write_entry
from howdah.telemetry.metrics import Metrics
from howdah.telemetry.recorder import Recorder
from tests.telemetry.sample import observation

WALL_MS = 1_777_890_030_123


def recorder_at(directory: Path) -> tuple[Recorder, Metrics, JournalFile]:
    journal, metrics = JournalFile(directory), Metrics("c", "n1")
    return Recorder("n1", journal, metrics, lambda: WALL_MS), metrics, journal


def test_a_changed_decision_is_one_line_with_what_was_seen(tmp_path: Path) -> None:
    recorder, _, journal = recorder_at(tmp_path)
    with capture_logs() as logs:
        for _ in range(2):
            recorder.decided(Decision("WON", "term 3 was won", Promote(3)), observation())
        recorder.decided(Decision("IDLE", "it serves", Wait()), observation())
    journal.close()
    first, second = read_journal(tmp_path)
    assert (first.at, first.node, first.rule, first.action, first.term) == (iso(WALL_MS), "n1", "WON", "Promote 3", 3)
    assert first.saw["record"] == {"term": 3, "holder": "n1", "voters": ["n2", "n3"], "k": 1, "serving": True}
    assert first.saw["peers"] == {"n2": "streaming", "n3": "away 700 ms"}
    assert first.saw["lsn"] == "0/3000000"
    assert second.rule == "IDLE" and second.action == "Wait"
    assert [log["event"] for log in logs] == ["term 3 was won", "it serves"]


def test_what_an_action_came_to_is_a_line_and_a_count(tmp_path: Path) -> None:
    recorder, metrics, journal = recorder_at(tmp_path)
    with capture_logs():
        recorder.did("Promote", "done", 3, 40)
        recorder.did("Promote", "the server is gone", 3, 7)
        recorder.noted("FENCED", "no process is left", 3)
    journal.close()
    assert [(e.kind, e.rule, e.sentence, e.duration_ms) for e in read_journal(tmp_path)] == [
        (Kind.DID, "Promote", "done", 40),
        (Kind.DID, "Promote", "the server is gone", 7),
        (Kind.NOTED, "FENCED", "no process is left", None),
    ]
    assert metrics.counts.actions == {("Promote", "done"): 1, ("Promote", "failed"): 1}


def test_the_recorder_is_the_agent_s_journal(tmp_path: Path) -> None:
    journal: Journal = recorder_at(tmp_path)[0]
    assert journal is not None


def test_the_journal_rotates_and_is_read_through_its_older_files(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path, bytes_max=400, kept=2)
    for number in range(20):
        journal.append(Entry("t", "n1", Kind.NOTED, "R", f"sentence {number}", 1))
    journal.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "journal.jsonl", "journal.jsonl.1", "journal.jsonl.2",
    ]  # fmt: skip
    assert all(path.stat().st_size <= 400 for path in tmp_path.iterdir())
    numbers = [int(entry.sentence.split()[1]) for entry in read_journal(tmp_path)]
    assert numbers == list(range(numbers[0], 20)) and len(numbers) > 8


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    whole = write_entry(Entry("t", "n1", Kind.NOTED, "R", "s", 1))
    (tmp_path / "journal.jsonl").write_text(f'{{"at"\n[]\n{whole}\n{whole[:10]}')
    assert [entry.sentence for entry in read_journal(tmp_path)] == ["s"]
    assert read_entry(whole + "x") is None


def test_a_journal_that_cannot_be_written_counts_what_it_lost_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the directory should be")
    journal = JournalFile(tmp_path / "log")
    journal.append(Entry("t", "n1", Kind.NOTED, "R", "s", 1))
    journal.close()
    assert journal.dropped == 1
    assert list(read_journal(tmp_path / "log")) == []
