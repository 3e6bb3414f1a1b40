"""The tasks of a batch: one site to replay each, and whether that was done before.

A fleet is a folder of site folders. Each has a `site.toml` and the recording `data.csv`,
`data.csv.gz` or `data.parquet`, and may have a `map.toml` for it. Without a recording its demo day
is replayed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from siteems import __version__
from siteems.errors import UserError
from siteems.replay.batch_result import Row, write_whole
from siteems.replay.outcome import Policy

DATA_NAMES: Final = ("data.csv", "data.csv.gz", "data.parquet")
SITE_FILE, MAP_FILE, DONE_FILE = "site.toml", "map.toml", "done.json"


@dataclass(frozen=True)
class Task:
    """One site to replay; plain values, so that it can go to another process or machine."""

    name: str
    folder: str
    data: str
    """The recording; empty = the site's demo day."""
    out: str
    policies: tuple[Policy, ...]
    first_day: date | None
    end_day: date | None


def find_tasks(
    folder: Path,
    out: Path,
    policies: Sequence[Policy],
    first_day: date | None,
    end_day: date | None,
) -> tuple[Task, ...]:
    """The sites of a fleet, by name. Raises `UserError` when there is none."""
    if not folder.is_dir():
        raise UserError(f"{folder}: is no folder; give the one that holds the site folders")
    tasks = []
    for site_file in sorted(folder.glob(f"*/{SITE_FILE}")):
        site_folder = site_file.parent
        recordings = [site_folder / name for name in DATA_NAMES if (site_folder / name).is_file()]
        tasks.append(
            Task(
                name=site_folder.name,
                folder=str(site_folder.resolve()),
                data=str(recordings[0].resolve()) if recordings else "",
                out=str((out / site_folder.name).resolve()),
                policies=tuple(policies),
                first_day=first_day,
                end_day=end_day,
            )
        )
    if not tasks:
        raise UserError(f"{folder}: holds no site; each is a folder with a {SITE_FILE}")
    return tuple(tasks)


def finished(task: Task) -> Row | None:
    """The row of a site that was replayed with the same files, options and version, else None."""
    try:
        done: dict[str, Any] = json.loads((Path(task.out) / DONE_FILE).read_text(encoding="utf-8"))
        return Row(**done["row"]) if done["key"] == _key(task) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mark_finished(task: Task, row: Row) -> None:
    """Keep the row of a site that was replayed."""
    write_whole(Path(task.out) / DONE_FILE, {"key": _key(task), "row": row.as_data()})


def _key(task: Task) -> str:
    """A hash of all that the outcome depends on: files of the site's folder, options, version."""
    options = (__version__, task.policies, task.first_day, task.end_day)
    digest = hashlib.sha256(repr(options).encode())
    for path in sorted(Path(task.folder).iterdir()):
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
