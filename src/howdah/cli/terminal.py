"""How wide may a table be?"""

from rich.console import Console

PIPE_WIDTH = 240
"""A pipe has no width: nothing is cut off or wrapped there."""


def console() -> Console:
    """Standard output."""
    own = Console()
    return own if own.is_terminal else Console(width=PIPE_WIDTH)
