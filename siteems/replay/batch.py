"""A batch: replays of many sites, one after the other, in processes or on a cluster.

A site that was replayed before with the same files, options and version is not replayed again, so
that an interrupted batch goes on where it stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Final

from siteems.errors import UserError
from siteems.replay.batch_result import Row, row_of
from siteems.replay.batch_task import DATA_NAMES, MAP_FILE, Task, finished, mark_finished

SUBMITTED_AT_ONCE: Final = 64
"""Tasks submitted ahead of those that are done: enough to keep a cluster busy, few enough that an
interrupted batch ends soon.
"""


def run_fleet(
    tasks: Sequence[Task], executor: Executor, on_row: Callable[[Row, bool], None]
) -> tuple[Row, ...]:
    """Replay the sites that are not finished yet, on any executor.

    `on_row` is called with each row as it comes, and with whether it had been finished before. A
    site that fails is a row with its error. Returns the rows in the order of the tasks.
    """
    rows: dict[str, Row] = {}
    waiting: list[Task] = []
    for task in tasks:
        row = finished(task)
        if row is None:
            waiting.append(task)
        else:
            rows[task.name] = row
            on_row(row, True)
    waiting.reverse()
    running: dict[Future[Row], Task] = {}
    while waiting or running:
        while waiting and len(running) < SUBMITTED_AT_ONCE:
            task = waiting.pop()
            future = executor.submit(replay_site, task)
            running[future] = task
            if future.done():
                break  # it ran in this process: report it before the next one begins
        for future in _wait_for_some(list(running)):
            row = _row_of(future, running.pop(future))
            rows[row.name] = row
            on_row(row, False)
    return tuple(rows[task.name] for task in tasks)


def replay_site(task: Task) -> Row:
    """Replay one site, in whatever process this is. Errors in its files are its row's error."""
    # Imported here, since only the process that replays needs them.
    from siteems.config.local_time import utc_span
    from siteems.recordings.column_map import read_column_map
    from siteems.replay.replay_files import replay_to_folder
    from siteems.site.read_file import load_site

    folder, out = Path(task.folder), Path(task.out)
    map_file = folder / MAP_FILE
    try:
        site = load_site(folder)
        demo_day = site.demo.profile if site.demo else DATA_NAMES[0]
        data = Path(task.data) if task.data else folder / demo_day
        column_map = read_column_map(map_file) if map_file.is_file() else None
        start, end = utc_span(task.first_day, task.end_day, site.site.zone)
        result, _ = replay_to_folder(
            site, data, start, end, task.policies, out, lambda *_: None, column_map
        )
    except UserError as error:
        return Row(task.name, error="; ".join(error.lines))
    row = row_of(task.name, result.summary())
    mark_finished(task, row)
    return row


def _row_of(future: Future[Row], task: Task) -> Row:
    error = future.exception()
    if error is None:
        return future.result()
    return Row(task.name, error=f"{type(error).__name__}: {error}")


def _wait_for_some(futures: list[Future[Row]]) -> list[Future[Row]]:
    """Wait until at least one is done, and return all that are.

    `concurrent.futures.wait` does not work with the futures of a Dask cluster.
    """
    ready = threading.Event()
    for future in futures:
        future.add_done_callback(lambda _: ready.set())
    ready.wait()
    return [future for future in futures if future.done()]
