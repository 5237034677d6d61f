"""Which procedure carries out which action? Exhaustive over the closed union."""

from typing import assert_never

from howdah.agent.intentions import finish_switchover
from howdah.agent.procedures import (
    beginnings,
    campaign,
    fence,
    follow,
    house,
    promote,
    revoke,
    server,
    switchover,
    voters,
)
from howdah.agent.tools import Failed, Tools
from howdah.cluster import actions as a


async def execute(action: a.Action, tools: Tools) -> None:
    """Carry the action out. Raises Failed, or a port's documented exception."""
    match action:
        case a.Wait():
            return
        case (
            a.CloseGate()
            | a.KillServer()
            | a.Release()
            | a.TakeBack()
            | a.TakeOverLease()
            | a.StopServer()
            | a.RestartServer()
            | a.Switchover()
        ):
            await _stop(action, tools)
        case a.BeginFirstStart() | a.TakeOverFirstStart() | a.Initialise() | a.RecreateRecord():
            await _begin(action, tools)
        case a.RebuildRecord():
            await beginnings.rebuild_record(tools, action)
        case a.ForcePromotion():
            await beginnings.force_promotion(tools, action)
        case a.Revoke(term=term):
            record = tools.situation.record_to_follow(tools.keeper) or tools.situation.local.record
            if record is None:
                raise Failed("no record is known")
            await revoke.revoke(tools, term, record)
        case a.Campaign():
            await campaign.campaign(tools, action)
        case a.CatchUp():
            await campaign.catch_up(tools, action)
        case a.Promote() | a.ResumeService() | a.Serve() | a.RaiseTerm() | a.ChangeVoters() | a.ApplySetting():
            await _lead(action, tools)
        case a.DropRequest(request=request):
            await finish_switchover(tools.store, request, tools.situation.configured)
        case a.KeepHouse():
            await house.keep_house(tools, action)
        case a.StartInRecovery():
            await server.start_blank(tools)
        case a.Follow():
            await follow.follow(tools, action)
        case a.LetGo():
            await follow.let_go(tools, action)
        case a.StartFollowing():
            await follow.start_following(tools, action)
        case a.Rewind():
            await follow.rewind(tools, action)
        case a.Clone():
            await follow.clone(tools, action)
        case a.FinishFloor():
            await follow.finish_floor(tools)
        case _:
            assert_never(action)


_Stop = (
    a.CloseGate
    | a.KillServer
    | a.Release
    | a.TakeBack
    | a.TakeOverLease
    | a.StopServer
    | a.RestartServer
    | a.Switchover
)


async def _stop(action: _Stop, tools: Tools) -> None:
    match action:
        case a.CloseGate():
            await fence.close_gate(tools)
        case a.KillServer(crash=crash):
            await fence.kill(tools, crash)
        case a.Release():
            await fence.release(tools)
        case a.TakeBack():
            await fence.take_back(tools)
        case a.TakeOverLease(to_term=to_term):
            await fence.take_over_lease(tools, to_term)
        case a.StopServer():
            await fence.stop_server(tools)
        case a.RestartServer():
            await fence.restart_server(tools)
        case a.Switchover():
            await switchover.switchover(tools, action)
        case _:
            assert_never(action)


async def _begin(
    action: a.BeginFirstStart | a.TakeOverFirstStart | a.Initialise | a.RecreateRecord, tools: Tools
) -> None:
    match action:
        case a.BeginFirstStart():
            await beginnings.begin_first_start(tools)
        case a.TakeOverFirstStart():
            await beginnings.take_over_first_start(tools)
        case a.Initialise():
            await beginnings.initialise(tools)
        case a.RecreateRecord():
            await beginnings.recreate_record(tools)
        case _:
            assert_never(action)


_Lead = a.Promote | a.ResumeService | a.Serve | a.RaiseTerm | a.ChangeVoters | a.ApplySetting


async def _lead(action: _Lead, tools: Tools) -> None:
    match action:
        case a.Promote(term=term):
            await promote.promote(tools, term)
        case a.ResumeService(term=term):
            await promote.resume(tools, term)
        case a.Serve(term=term):
            await promote.serve(tools, term)
        case a.RaiseTerm(to_term=to_term):
            await voters.raise_term(tools, to_term)
        case a.ChangeVoters(change=change):
            await voters.change_voters(tools, change)
        case a.ApplySetting():
            await voters.apply_record(tools)
        case _:
            assert_never(action)
