"""`howdah switchover`: a planned change of the primary."""

import datetime
from typing import Annotated

import typer

from howdah.cli.handoverwait import request_of, wait_for_handover
from howdah.cli.options import Config, Data
from howdah.cli.reach import reach
from howdah.cli.restart import message_of
from howdah.cli.rolewait import outcome
from howdah.local.refused import Refused

LIMIT_S = 60.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def parse_time(text: str, now: datetime.datetime) -> datetime.datetime:
    """ "2026-05-04T03:00", with a time zone or in `now`'s, or "03:00": the next one. Raises typer.BadParameter."""
    try:
        clock = datetime.time.fromisoformat(text)
    except ValueError:
        pass
    else:
        moment = datetime.datetime.combine(now.date(), clock, clock.tzinfo or now.tzinfo)
        return moment if moment > now else moment + datetime.timedelta(days=1)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 03:00, 2026-05-04T03:00 or 2026-05-04T03:00+02:00", param_hint="--at"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment <= now:
        raise typer.BadParameter(f"{text} is in the past", param_hint="--at")
    return moment


@app.command()
def switchover(
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="The new primary. [default: the best standby]",
                                    show_default=False)] = "",
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="Not before this time: 03:00, or 2026-05-04T03:00.",
                                    show_default=False)] = "",
    cancel: Annotated[bool, typer.Option("--cancel", help="Take a hand-over back that has not begun.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:  # fmt: skip
    """Hand the primary role over as planned, now or later.

    Without --at it waits for the outcome and tells how long writes were away.
    """
    if cancel:
        if to or at:
            raise typer.BadParameter("--cancel goes with neither --to nor --at")
        cluster = reach(data, config)
        print(message_of(cluster.change(cluster.answering(), "/switchover", None, "DELETE")))
        return
    now = datetime.datetime.now().astimezone()
    moment = parse_time(at, now) if at else None
    cluster = reach(data, config)
    old = cluster.leader()
    if to and cluster.node(to) == old:
        raise Refused(f"{to} is the primary already.")
    term = int(cluster.see().document.get("term") or 0)
    body = {"to": to} | ({"at": moment.isoformat()} if moment else {})
    message = message_of(cluster.change(old, "/switchover", body))
    if moment is not None:
        print(f"{old.name} hands over to {to or 'the best standby'} at {moment.isoformat(timespec='seconds')}")
        return
    print(outcome(cluster, wait_for_handover(cluster, old, term, request_of(message), LIMIT_S)))
