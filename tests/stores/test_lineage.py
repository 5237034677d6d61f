"""Is a store that was wiped, replaced or put back told from one whose answers merely overtook each other?"""

from howdah.stores.lineage import Lineage, StoreMoment


def _at(revision: int, store_id: str = "one") -> StoreMoment:
    return StoreMoment(store_id, revision)


def test_growing_revisions_are_fine() -> None:
    lineage = Lineage()
    for revision in (3, 3, 4, 9):
        lineage.observe(_at(revision), lineage.newest)
    assert (lineage.newest, lineage.broken) == (_at(9), None)


def test_an_answer_overtaken_by_another_is_fine() -> None:
    lineage = Lineage()
    lineage.observe(_at(5), None)
    before = lineage.newest
    lineage.observe(_at(9), before)
    lineage.observe(_at(7), before)
    assert (lineage.newest, lineage.broken) == (_at(9), None)


def test_a_revision_below_one_seen_before_asking_is_a_store_put_back() -> None:
    lineage = Lineage()
    lineage.observe(_at(9), None)
    lineage.observe(_at(7), lineage.newest)
    assert lineage.newest == _at(7)
    assert lineage.broken is not None
    assert "went back from revision 9 to 7" in lineage.broken


def test_another_id_is_another_store() -> None:
    lineage = Lineage()
    lineage.observe(_at(9), None)
    lineage.observe(_at(20, "two"), lineage.newest)
    assert lineage.newest == _at(20, "two")
    assert lineage.broken is not None
    assert "is another one now" in lineage.broken
