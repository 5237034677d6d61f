"""What is seen of a server and its directory is a value: equal observations are the same knowledge."""

from dataclasses import replace

from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.values.lsn import NO_LSN
from tests.cluster.builders import N1, N2, a_walsender, some_facts


def test_two_equal_observations_are_the_same_knowledge() -> None:
    assert some_facts(N2, True) == some_facts(N2, True)
    assert some_facts(N2, True) != some_facts(N2, True, receiving=False)
    assert some_facts(N1, False, walsenders=(a_walsender(N2),)) != some_facts(N1, False)


def test_a_directory_that_was_not_shut_down_cleanly_has_no_known_end() -> None:
    facts = DirectoryFacts(DirectoryState.READY)
    assert not facts.clean
    assert facts.end_lsn == NO_LSN
    assert hash(replace(facts, clean=True)) != hash(facts)
