"""What does `howdah down --purge` remove?"""

import shutil
from pathlib import Path

from howdah.local.place import Place
from howdah.local.plan import Plan
from howdah.local.processes import look, release_what_was_killed
from howdah.local.refused import Refused


def refuse_foreign(place: Place) -> None:
    """Raises Refused unless the directory is a cluster of `howdah up`."""
    if not place.exists:
        raise Refused(
            f"{place.root} is no cluster of `howdah up`: it has no {place.plan.name}. Nothing was removed. "
            "Name the right directory with --data."
        )


def purge(place: Place, plan: Plan) -> tuple[Path, ...]:
    """Remove everything that `up` and the agents made there, the plan last; what else lies there is kept and returned.

    To be called when everything is down. Raises Refused."""
    refuse_foreign(place)
    if look(place, plan.names).any:
        raise Refused(f"processes of the cluster in {place.root} still run; nothing was removed. Use `howdah down`.")
    release_what_was_killed(place, plan.names)  # nobody will start these directories again
    try:
        for path in (
            *(place.node(name) for name in plan.names),
            *place.root.glob("postgres-*"),
            place.store,
            place.router.root,
        ):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
        shutil.rmtree(place.secrets, ignore_errors=True)
        for file in (place.connection, place.stopped, place.plan, place.lock):
            file.unlink(missing_ok=True)
        left = tuple(sorted(place.root.iterdir()))
        if not left:
            place.root.rmdir()
    except OSError as error:
        raise Refused(f"not everything could be removed: {error}. Run it again as the user that may.") from error
    return left
