"""How does the API say that something was not done? Always as {"error": "one sentence"}."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from howdah.api.documents import ErrorDocument
from howdah.api.view import Refused
from howdah.ports.disk import DiskFailure
from howdah.ports.peers import PeerUnreachable
from howdah.ports.postgres import PostgresFailure
from howdah.ports.store import StoreUnavailable

UNAVAILABLE = (PostgresFailure, StoreUnavailable, PeerUnreachable, DiskFailure)
"""What a change needed is away: try again later."""

CHANGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorDocument, "description": "The token is missing or wrong"},
    409: {"model": ErrorDocument, "description": "Refused; the sentence says why"},
    422: {"model": ErrorDocument, "description": "The request's body is wrong"},
    503: {"model": ErrorDocument, "description": "The store, the server or a peer did not answer"},
}


def add_handlers(app: FastAPI) -> None:
    """Translate every expected failure."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        return _answer(409, str(error))

    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return _answer(503, str(error) or type(error).__name__)

    async def http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, StarletteHTTPException):
            raise error
        sentence = str(error.detail)
        if error.status_code == 404 and sentence == "Not Found":
            sentence = f"there is nothing at {request.url.path}; see /openapi.json"
        if error.status_code == 405:
            sentence = f"{request.method} is not possible on {request.url.path}; see /openapi.json"
        return JSONResponse({"error": sentence}, error.status_code, error.headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        return _answer(422, "; ".join(_sentence(fault) for fault in error.errors()))

    app.add_exception_handler(Refused, refused)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, unavailable)
    app.add_exception_handler(StarletteHTTPException, http)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


def _answer(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)


def _sentence(fault: dict[str, Any]) -> str:
    """ "body.to: Input should be a valid string"."""
    place = ".".join(str(part) for part in fault["loc"] if part != "body") or "the body"
    return f"{place}: {fault['msg']}"
