"""Does a router notice that it was compiled from another source than there is now?"""

from pathlib import Path

from howdah.router.compiled import RECORD, outdated, record_of


def test_a_copy_is_up_to_date_until_a_file_of_its_source_changes_comes_or_goes(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for directory in (source / "wire", copy):
        directory.mkdir(parents=True)
    (source / "wire" / "frame.py").write_text("one")
    assert outdated(copy) == ""  # nothing was compiled
    (copy / RECORD).write_text(record_of(source))
    assert outdated(copy) == ""
    (source / "wire" / "frame.py").write_text("two")
    assert "make compile-router" in outdated(copy)
    (copy / RECORD).write_text(record_of(source))
    (source / "more.py").write_text("")
    assert outdated(copy)
    (source / "more.py").unlink()
    (source / "wire" / "frame.py").unlink()
    assert outdated(copy)


def test_a_copy_whose_source_is_elsewhere_runs(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("/nowhere/howdah\n0 wire/frame.py\n")
    assert outdated(tmp_path) == ""
