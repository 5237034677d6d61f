"""`howdah down`: stop the cluster of this machine."""

import os
from typing import Annotated

import typer

from howdah.cli.options import Data, Yes
from howdah.cli.reach import existing_place
from howdah.local.down import bring_down
from howdah.local.place import place_of
from howdah.local.plan import read_plan
from howdah.local.purge import purge, refuse_foreign
from howdah.local.refused import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def down(
    data: Data = None,
    remove: Annotated[bool, typer.Option("--purge", help="Then remove all data, after asking.")] = False,
    yes: Yes = False,
) -> None:
    """Stop the cluster of this machine; the data stays.

    Works in any state: agents or store may be dead. Checks that no process is left.
    """
    if remove:
        refuse_foreign(place_of(data, os.environ))
    place = existing_place(data)
    plan = read_plan(place.plan)
    if remove and not yes and not typer.confirm(f"Remove all data of the cluster in {place.root} for ever?"):
        raise Refused("nothing was stopped or removed.")
    ran = bring_down(place, plan, lambda sentence: print(sentence, flush=True))
    if not remove:
        print(f"the cluster in {place.root} {'is' if ran else 'was'} down; `howdah up` continues with its data")
        return
    kept = purge(place, plan)
    print(f"the cluster in {place.root} is down and removed")
    if kept:
        print(f"kept, as they are no part of it: {', '.join(map(str, kept))}")
