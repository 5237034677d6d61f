"""What does a foreground `howdah up` show on a terminal and in a log?"""

from io import StringIO

from rich.console import Console

from howdah.local.sight import Sight
from howdah.local.view import View
from tests.local.agentstub import cluster_document

HEALTHY = Sight(cluster_document(), (), answered=True)
HEADLESS = Sight(cluster_document(primary=None, serving=False), (), answered=True)


def shown(terminal: bool) -> str:
    """What a cluster that loses its primary leaves on the screen, or in the log."""
    written = StringIO()
    console = Console(file=written, width=160, force_terminal=terminal, color_system=None)
    with View(console, "stop: Ctrl-C") as view:
        view.show(HEALTHY)
        view.show(HEALTHY)
        view.say("10:20:09 n2   ELECT: [bold]n1 is gone")
        view.show(HEADLESS)
    return written.getvalue()


def test_a_log_gets_a_line_for_each_event_and_each_change_of_what_is_wrong() -> None:
    assert shown(terminal=False).splitlines() == [
        "10:20:09 n2   ELECT: [bold]n1 is gone",
        "there is no primary",
    ]


def test_a_terminal_shows_table_events_and_how_to_stop() -> None:
    text = shown(terminal=True)
    assert "primary n1, serving" in text and "n3" in text and "streaming" in text
    assert "ELECT: [bold]n1 is gone" in text and "! there is no primary" in text and "stop: Ctrl-C" in text
