"""What does an agent answer to its peers? The routes under /peer, for the agent's one API port."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from howdah.agent.bearer import carries_token
from howdah.agent.peering.broadcast import Broadcast
from howdah.agent.peering.codec import ConfirmRequest, M, Message, MessageUnreadable, SlotRequest, decode, encode
from howdah.agent.peering.identity import Identity
from howdah.cluster.peerstate import PromiseRequest, Refusal
from howdah.ports.disk import DiskFailure
from howdah.ports.peers import PeerService
from howdah.ports.postgres import PostgresFailure

JSON = "application/json"
LINES = "application/x-ndjson"


def peer_router(identity: Identity, broadcast: Broadcast, service: PeerService) -> APIRouter:
    """GET /peer/stream and POST /peer/promise, /peer/confirm, /peer/release-slot.

    401 without the cluster's token, 421 when meant for another node or cluster, 400 for what cannot be read, 409 with
    a Refusal, 503 when the agent could not do it. When the asker hangs up the service's call is cancelled, since
    nobody would ever end one that waits in vain.
    """

    async def admit(
        authorization: Annotated[str | None, Header()] = None,
        howdah_cluster: Annotated[str, Header()] = "",
        howdah_node: Annotated[str, Header()] = "",
    ) -> None:
        if not carries_token(authorization, identity.token):
            raise HTTPException(401, "the cluster's token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        if (howdah_cluster, howdah_node) != (identity.cluster, identity.node):
            raise HTTPException(
                421,
                f"this is node {identity.node} of cluster {identity.cluster}, "
                f"not node {howdah_node} of cluster {howdah_cluster}",
                identity.answer_headers(),
            )

    router = APIRouter(prefix="/peer", dependencies=[Depends(admit)], include_in_schema=False)

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(broadcast.lines(), media_type=LINES, headers=identity.answer_headers())

    @router.post("/promise")
    async def promise(request: Request) -> Response:
        asked = await _read(PromiseRequest, request)
        return await _answer(identity, request, service.promise(asked))

    @router.post("/confirm")
    async def confirm(request: Request) -> Response:
        asked = await _read(ConfirmRequest, request)
        return await _answer(identity, request, service.confirm(asked.term))

    @router.post("/release-slot")
    async def release_slot(request: Request) -> Response:
        asked = await _read(SlotRequest, request)
        return await _answer(identity, request, service.release_slot(asked.name))

    return router


async def _read(kind: type[M], request: Request) -> M:
    try:
        return decode(kind, await request.body())
    except MessageUnreadable as error:
        raise HTTPException(400, str(error)) from error


async def _answer(identity: Identity, request: Request, work: Coroutine[Any, Any, Message | None]) -> Response:
    headers = identity.answer_headers()
    working, hung_up = asyncio.create_task(work), asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait((working, hung_up), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return Response("the asker hung up", 503, headers)
        answer = await working
    except (PostgresFailure, DiskFailure) as error:
        raise HTTPException(503, str(error), headers) from error
    finally:
        working.cancel()
        hung_up.cancel()
    if answer is None:
        return Response(status_code=204, headers=headers)
    return Response(encode(answer), 409 if isinstance(answer, Refusal) else 200, headers, JSON)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
