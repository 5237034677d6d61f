"""`howdah simulate`: the cluster's rules under seeded time, network and faults."""

import os
from typing import Annotated

import typer

from howdah.simulation.run import simulate_main

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def simulate(
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="This one alone; the same every time.", show_default=False)
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="So many, from 0 on. [default: 100]", show_default=False)
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0, help="As many as fit into this time.", show_default=False)
    ] = None,
    first: Annotated[int, typer.Option("--first", min=0, help="The seed to begin with.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=0, help="So many processes; 0: one for each processor.")] = 0,
) -> None:
    """Run the cluster's rules under seeded time, network and faults.

    The real agents and rules run; only the world around them is simulated. Ends with 1 if a promise was broken, and
    prints the seed that shows it.
    """
    if seed is not None and (seeds is not None or minutes is not None):
        raise typer.BadParameter("--seed is one run; leave --seeds and --minutes out")
    raise typer.Exit(
        simulate_main(lambda line: print(line, flush=True), seed, seeds, minutes, first, workers or os.cpu_count() or 1)
    )
