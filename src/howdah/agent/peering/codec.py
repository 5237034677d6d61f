"""How are the things agents tell each other written as JSON?

The dataclasses are written as they are, log positions as numbers. A field that a newer version adds is ignored by an
older one, and a field that an older version does not send takes its default, so that agents can be upgraded one by one.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from howdah.cluster.peerstate import Confirmation, PromiseRequest, Published, Refusal, Report


@dataclass(frozen=True, slots=True)
class ConfirmRequest:
    """The body of POST /peer/confirm."""

    term: int


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """The body of POST /peer/release-slot: the member whose slot is held."""

    name: str


Message = Published | PromiseRequest | Report | Refusal | Confirmation | ConfirmRequest | SlotRequest

M = TypeVar("M", Published, PromiseRequest, Report, Refusal, Confirmation, ConfirmRequest, SlotRequest)

_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (Published, PromiseRequest, Report, Refusal, Confirmation, ConfirmRequest, SlotRequest)
}


class MessageUnreadable(ValueError):
    """The bytes are not such a message."""


def encode(message: Message) -> bytes:
    """The message as one line of JSON without the line's end; `decode` gives the same message back."""
    return _ADAPTERS[type(message)].dump_json(message)


def decode(kind: type[M], data: bytes) -> M:
    """Read what `encode` wrote. Raises MessageUnreadable."""
    try:
        message: M = _ADAPTERS[kind].validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the message"
        raise MessageUnreadable(f"not a {kind.__name__} that this version can read: {place}: {first['msg']}") from error
    return message
