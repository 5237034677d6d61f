"""How does a finished directory get into its place, whenever the agent dies?

A new directory is made beside (`data.clone`). When it is complete and on disk, the file `data.clone.finished` says so.
Then the old directory is renamed to `data.old`, the new one to `data`, and the file goes. `settle` does what an
interrupted install left undone; from each step there is one way on:

    finished, clone, data   nothing moved yet: `install` was not called, or died first; it is called again
    finished, clone, -      died between the two renames: rename the clone
    finished, -, data       died before the file went: remove it
"""

import itertools
from pathlib import Path

from howdah.ports.postgres import PostgresFailure
from howdah.postgres.account import Account
from howdah.postgres.durable import (
    make_private_directory,
    read_small,
    remove_durably,
    remove_tree,
    rename_durably,
    told_clearly,
    write_durably,
)
from howdah.postgres.facts import IDENTITY_FILE, ORIGIN_FILE
from howdah.postgres.gone import kill_all, processes_of
from howdah.postgres.layout import NodeLayout

CLONED = "cloned from "
"""How a clone's origin file begins."""
ORPHAN_LIMIT_MS = 5000
"""SIGKILL takes milliseconds, unless the disk hangs."""


def finished_file(layout: NodeLayout) -> Path:
    """Says that the directory beside is complete."""
    return layout.clone.with_name(layout.clone.name + ".finished")


def rewinding_file(layout: NodeLayout) -> Path:
    """Says that a rewind of the directory in place began and did not succeed: it is half old and half new."""
    return layout.data.with_name(layout.data.name + ".rewinding")


def settle(layout: NodeLayout) -> None:
    """Complete an install that was interrupted. Call before anything else. Raises PostgresFailure."""
    if not finished_file(layout).exists():
        return
    if not layout.clone.exists():
        _installed(layout)
    elif not layout.data.exists() and (_numbered(layout.old) or _numbered(layout.kept)):
        rename_durably(layout.clone, layout.data)
        _installed(layout)


def begin(layout: NodeLayout, account: Account | None) -> None:
    """Make an empty directory beside, in place of an unfinished or unused one. Raises PostgresFailure."""
    with told_clearly(f"make the directory {layout.root}"):
        layout.root.mkdir(parents=True, exist_ok=True)
    settle(layout)
    clear(layout)
    make_private_directory(layout.clone, account)


def clear(layout: NodeLayout) -> None:
    """Remove the directory beside, finished or not; who still writes into it is ended. Raises PostgresFailure."""
    remove_durably(finished_file(layout))
    if survivors := kill_all(layout.clone, ORPHAN_LIMIT_MS):
        raise PostgresFailure(f"processes {survivors} still write into {layout.clone} and do not end on SIGKILL")
    remove_tree(layout.clone)


def finish(layout: NodeLayout, account: Account | None) -> None:
    """Say that the directory beside is complete; all in it must be on disk. Raises PostgresFailure."""
    write_durably(finished_file(layout), "complete\n", account)


def install(layout: NodeLayout, keep_aside: bool = False) -> None:
    """Put the finished directory in the old one's place; the old one is kept until `discard_old`, or (`keep_aside`) for
    ever. Raises PostgresFailure."""
    settle(layout)
    if not finished_file(layout).exists():
        if is_just_installed(layout):
            return  # an interrupted install that `settle` has completed, now or when the agent started
        raise PostgresFailure(f"{layout.clone} is not a finished clone. Clone again.")
    if survivors := processes_of(layout.data):
        raise PostgresFailure(f"processes {survivors} still run in {layout.data}. Stop the server first.")
    if _is_empty(layout.data):
        with told_clearly(f"remove the empty directory {layout.data}"):
            layout.data.rmdir()
    if layout.data.exists():
        rename_durably(layout.data, _free(layout.kept if keep_aside else layout.old))
    rename_durably(layout.clone, layout.data)
    _installed(layout)


def is_just_installed(layout: NodeLayout) -> bool:
    """Whether the directory in place is a clone that has no identity yet."""
    origin = read_small(layout.data / ORIGIN_FILE) or ""
    unfinished = rewinding_file(layout).exists() or (layout.data / IDENTITY_FILE).exists()
    return origin.startswith(CLONED) and not unfinished


def discard_old(layout: NodeLayout) -> None:
    """Delete replaced directories and an unfinished clone, if there is a directory in place. Raises PostgresFailure.

    The caller has made sure that what was replaced is not the last copy."""
    settle(layout)
    if _is_empty(layout.data) or not layout.data.exists() or rewinding_file(layout).exists():
        raise PostgresFailure(f"{layout.data} holds no whole data: what it replaced may be the last copy and is kept")
    clear(layout)
    for old in _numbered(layout.old):
        remove_tree(old)


def _numbered(first: Path) -> list[Path]:
    with told_clearly(f"look into {first.parent}"):
        numbered = first.parent.glob(f"{first.name}.*")
        return [path for path in (first, *sorted(numbered)) if path.exists()]


def _installed(layout: NodeLayout) -> None:
    """The files beside that spoke of the replaced directory, or of the clone, go."""
    remove_durably(rewinding_file(layout))
    remove_durably(finished_file(layout))


def _free(first: Path) -> Path:
    """data.old, or data.old.2 and so on: a directory that was put aside is never replaced by another."""
    if not first.exists():
        return first
    numbers = itertools.count(2)
    return next(path for n in numbers if not (path := first.with_name(f"{first.name}.{n}")).exists())


def _is_empty(path: Path) -> bool:
    with told_clearly(f"look into {path}"):
        return path.is_dir() and not any(path.iterdir())
