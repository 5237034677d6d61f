"""What does an agent take for settled, and keep on its disk, when the store goes back to an old copy?"""

import asyncio
from dataclasses import replace

from howdah.agent.keeper import worth_remembering
from howdah.cluster.changes import DropVoter, Renew
from howdah.cluster.record import Record
from tests.agent.test_keeper import Rig
from tests.cluster.builders import N1, N2, N3, a_local
from tests.cluster.builders import RECORD as NOW


def test_a_copy_that_differs_by_renewals_only_is_gone_on_from() -> None:
    async def scenario() -> None:
        rig = Rig(replace(NOW, lease_counter=30))
        await rig.keeper.refresh()
        rig.change_elsewhere(replace(NOW, lease_counter=24))
        await rig.keeper.refresh()
        dropped = await rig.keeper.swap(DropVoter(N1, NOW.term, N3))
        assert isinstance(dropped, Record)
        assert rig.keeper.settled == dropped
        assert isinstance(await rig.keeper.swap(Renew(N1, NOW.term)), Record)

    asyncio.run(scenario())


def test_what_a_record_says_for_the_second_time_it_says_since_then() -> None:
    async def scenario() -> None:
        rig = Rig(replace(NOW, lease_counter=10))
        await rig.keeper.refresh()
        for counter, voters in ((11, (N2,)), (12, (N2, N3)), (13, (N2, N3))):
            rig.change_elsewhere(replace(NOW, lease_counter=counter, voters=voters))
            await rig.keeper.refresh()
        assert rig.keeper.lasting_since == (NOW.generation, NOW.term, 12)
        settled = rig.keeper.settled
        assert settled is not None
        remembered = a_local(N1, record=replace(NOW, lease_counter=10))
        assert worth_remembering(settled, rig.keeper.lasting_since, remembered)
        assert not worth_remembering(settled, rig.keeper.lasting_since, a_local(N1, record=settled))

    asyncio.run(scenario())


def test_an_old_copy_that_is_renewed_for_long_does_not_take_the_place_of_what_is_remembered() -> None:
    local = a_local(N2, record=NOW, promise=NOW.term)
    older = replace(NOW, term=NOW.term - 1, lease_counter=NOW.lease_counter + 100)
    other = replace(NOW, holder=N3, voters=(N1, N2), lease_counter=NOW.lease_counter + 100)
    assert older.age < NOW.age
    for record in (older, other):
        assert not worth_remembering(record, record.age, local)
