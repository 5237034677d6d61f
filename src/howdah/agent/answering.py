"""What does this agent answer to its peers?"""

from howdah.agent.procedures.revoke import revoke
from howdah.agent.tools import Failed, Tools
from howdah.cluster.actions import Revoke
from howdah.cluster.observation import ServerState
from howdah.cluster.peerstate import Confirmation, PromiseRequest, Refusal, Report
from howdah.cluster.returning import below_floor
from howdah.cluster.revocation import promise_refusal
from howdah.ports.postgres import PostgresFailure

ANSWER_LOOK_MS = 200
"""Whether an answer can be given is looked at when something was promised, reported or failed, and this often."""


class Answering:
    """Implements `ports.peers.PeerService` for the agent's situation."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def promise(self, request: PromiseRequest) -> Report | Refusal:
        """Have the loop revoke this server for the term, and give its report for the asker's record."""
        tools, situation = self._tools, self._tools.situation
        if unsure := situation.twin or situation.unclaimed:
            return Refusal(unsure, situation.local.promise)
        record = situation.heard(tools.keeper)
        if record is None and not situation.store_went_back(tools.keeper):
            record = tools.keeper.record
        if record is not None and record.basis != request.record.basis:
            return Refusal("this server knows another record than the asker's", situation.local.promise)
        if record is not None and situation.holds(record) and not record.released:
            return Refusal("this server holds the record, and raises its own term", situation.local.promise)
        refusal = promise_refusal(request.term, situation.local, request.record)
        if refusal:
            return Refusal(refusal, situation.local.promise)
        if record is None and situation.state is ServerState.PRIMARY:
            # It may be serving on its voters' word, or adopted a moment ago. It is stopped at its deadline, not before.
            return Refusal("this server runs as a primary, and has not stopped yet", situation.local.promise)
        if record is None:
            return await self._revoke_without_store(request)
        situation.asked = max(situation.asked, request.term)
        situation.poke()
        while True:
            report = situation.report
            if report is not None and report.term == request.term and report.basis == request.record.basis:
                return report
            if situation.local.promise > request.term:
                return Refusal("a higher term was promised meanwhile", situation.local.promise)
            if situation.failed == Revoke(request.term):
                return Refusal(self._why_it_failed(), situation.local.promise)
            await situation.spoken.wait(ANSWER_LOOK_MS)

    def _why_it_failed(self) -> str:
        situation = self._tools.situation
        if below_floor(situation.server_view().position, situation.local.floor):
            return f"it is still below its floor {situation.local.floor}"
        return "the revocation failed"

    async def _revoke_without_store(self, request: PromiseRequest) -> Report | Refusal:
        """The store is away, or its record is lost: the asker's settled record is what the report is for."""
        try:
            return await revoke(self._tools, request.term, request.record)
        except (Failed, PostgresFailure) as failure:
            return Refusal(str(failure), self._tools.situation.local.promise)

    async def confirm(self, term: int) -> Confirmation | Refusal:
        """Under the lock that promises take: not revoked above `term`, and following it; the asker looks whom."""
        situation = self._tools.situation
        async with situation.promise_lock:
            promise = situation.local.promise
            facts = situation.facts
            if unsure := situation.twin or situation.unclaimed:
                return Refusal(unsure, promise)
            if promise > term:
                return Refusal("a higher term is promised", promise)
            if facts is None or not facts.upstream_name.endswith(f".t{term}"):
                return Refusal("this server does not follow that term", promise)
            return Confirmation(situation.me, term, situation.incarnation, facts.upstream)

    async def release_slot(self, name: str) -> None:
        """End the walsender under which this member streamed before; its new one can then take the slot."""
        tools = self._tools
        rows = await tools.primary.walsenders()
        pids = tuple(w.pid for w in rows if w.application_name.partition(".t")[0] == name)
        if pids:
            await tools.primary.end_walsenders(pids)
