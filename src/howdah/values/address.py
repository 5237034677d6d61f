"""Where does a server listen?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A host (name or number) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
