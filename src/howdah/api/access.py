"""Who may change something over the API? Whoever has the cluster's token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from howdah.agent.bearer import carries_token

_SCHEME = HTTPBearer(auto_error=False, description="the cluster's API token")


def guard(token: str) -> Callable[..., Awaitable[None]]:
    """A dependency that refuses requests without the token with 401."""

    async def admit(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)] = None
    ) -> None:
        if not carries_token(request.headers.get("Authorization"), token):
            raise HTTPException(
                401,
                "changes need the cluster's token: send it as `Authorization: Bearer TOKEN`",
                {"WWW-Authenticate": "Bearer"},
            )

    return admit
