"""Who leads when the only voter is gone for good and the primary cannot lead? (HOLDER VOTES FOR ALL)"""

from howdah.simulation.faults import FAULTS
from howdah.simulation.options import Options
from howdah.simulation.world import World


def _until(world: World, what: str, limit_s: int) -> None:
    for _ in range(limit_s * 2):
        record = world.record
        if (
            record is not None
            and {
                "whole": not world.unwell(),
                "n3 is no voter": [v.name for v in record.voters] == ["n2"],
                "n3 serves": record.holder.name == "n3" and record.serving,
            }[what]
        ):
            return
        world.run(500)
    raise AssertionError(f"not within {limit_s} s: {what}; the record is {world.record}")


def test_a_server_that_is_no_voter_yet_streams_from_the_stopped_holder_and_leads() -> None:
    world = World(Options(1, 3, 0, slow_share=0.0))
    world.begin()
    try:
        _until(world, "whole", 60)
        FAULTS["kill node"][1](world, world.nodes["n3"], 20_000.0)
        primary = world.nodes["n1"].machine.server
        assert primary is not None
        for stream in list(primary.streams):
            if stream.sender is not None and stream.sender.name.startswith("n3"):
                stream.close_sender()
        _until(world, "n3 is no voter", 19)
        FAULTS["kill node"][1](world, world.nodes["n2"], 10**6)
        FAULTS["no primary"][1](world, world.nodes["n1"], 10**6)
        FAULTS["kill server"][1](world, world.nodes["n1"], 1.0)
        _until(world, "n3 serves", 60)
        record = world.record
        assert record is not None and [v.name for v in record.voters] in (["n1"], ["n1", "n2"])
    finally:
        world.close()
