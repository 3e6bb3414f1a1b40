"""Replays of many sites: one after the other, in processes, or on a cluster; what is done stays
done.

A fleet is a folder of site folders. Each has a `site.toml` and the recording `data.csv`,
`data.csv.gz` or `data.parquet`, and may have a `map.toml` for it; without a recording its demo day
is replayed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from siteems import __version__
from siteems.errors import UserError
from siteems.replay.outcome import Policy

DATA_NAMES: Final = ("data.csv", "data.csv.gz", "data.parquet")
SITE_FILE, MAP_FILE, DONE_FILE = "site.toml", "map.toml", "done.json"
MORE_AT_ONCE: Final = 64
"""Tasks handed to the executor ahead of those that are done: enough to keep a cluster busy, few
enough to end soon.
"""


@dataclass(frozen=True)
class Task:
    """One site to replay; plain values, so that it can go to another process or machine."""

    name: str
    folder: str
    data: str
    out: str
    policies: tuple[Policy, ...]
    first_day: date | None
    end_day: date | None


@dataclass(frozen=True)
class Row:
    """What came of one site: figures of `summary.json`, or in `error` why there are none."""

    name: str
    days: float | None = None
    currency: str = ""
    cost: float | None = None
    saving_vs_idle: float | None = None
    saving_vs_rules: float | None = None
    regret_to_foresight: float | None = None
    reserve_violations: int | None = None
    co2_kg: float | None = None
    cpu_s: float | None = None
    error: str = ""

    def as_data(self) -> Mapping[str, Any]:
        """By column, for files."""
        return dict(vars(self))


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
        here = site_file.parent
        data = next((here / name for name in DATA_NAMES if (here / name).is_file()), None)
        where = "" if data is None else str(data.resolve())
        whole = str(here.resolve())
        tasks.append(
            Task(
                here.name,
                whole,
                where,
                str((out / here.name).resolve()),
                tuple(policies),
                first_day,
                end_day,
            )
        )
    if not tasks:
        raise UserError(f"{folder}: holds no site; each is a folder with a {SITE_FILE}")
    return tuple(tasks)


def run_fleet(
    tasks: Sequence[Task], executor: Executor, told: Callable[[Row, bool], None]
) -> tuple[Row, ...]:
    """Replay what is not done yet on any executor; `told` takes each row as it comes, and whether
    it was done before.

    A site that fails is a row with its error. Rows come back in the order of the tasks.
    """
    rows: dict[str, Row] = {}
    waiting: list[Task] = []
    for task in tasks:
        done = finished(task)
        if done is None:
            waiting.append(task)
        else:
            rows[task.name] = done
            told(done, True)
    waiting.reverse()
    under_way: dict[Future[Row], Task] = {}
    while waiting or under_way:
        while waiting and len(under_way) < MORE_AT_ONCE:
            task = waiting.pop()
            future = executor.submit(replay_site, task)
            under_way[future] = task
            if future.done():
                break  # it was run here and now: tell it before the next
        for future in _first_done(list(under_way)):
            task = under_way.pop(future)
            error = future.exception()
            row = (
                future.result()
                if error is None
                else Row(task.name, error=f"{type(error).__name__}: {error}")
            )
            rows[task.name] = row
            told(row, False)
    return tuple(rows[task.name] for task in tasks)


def _first_done(futures: list[Future[Row]]) -> list[Future[Row]]:
    """Those that are done, at least one. A cluster's futures are not ones that
    `concurrent.futures.wait` knows.
    """
    ready = threading.Event()
    for future in futures:
        future.add_done_callback(lambda _: ready.set())
    ready.wait()
    return [future for future in futures if future.done()]


def replay_site(task: Task) -> Row:
    """One site, in whatever process this is. Mistakes in its files are its row's error."""
    from siteems.config.local_time import utc_span
    from siteems.recordings.column_map import read_column_map
    from siteems.replay.command import replay_to_folder
    from siteems.site.read_file import load_site

    folder, out = Path(task.folder), Path(task.out)
    try:
        site = load_site(folder)
        data = (
            Path(task.data)
            if task.data
            else folder / (site.demo.profile if site.demo else DATA_NAMES[0])
        )
        map_file = folder / MAP_FILE
        column_map = read_column_map(map_file) if map_file.is_file() else None
        span = utc_span(task.first_day, task.end_day, site.site.zone)
        result = replay_to_folder(
            site, data, *span, task.policies, out, lambda *_: None, column_map
        )
    except UserError as error:
        return Row(task.name, error="; ".join(error.lines))
    row = _row(task.name, result.summary())
    _write(out / DONE_FILE, {"key": key_of(task), "row": row.as_data()})
    return row


def _row(name: str, summary: Mapping[str, Any]) -> Row:
    ours = summary["policies"].get("optimal") or next(iter(summary["policies"].values()))
    return Row(
        name=name,
        days=summary["days"],
        currency=summary["currency"],
        cost=ours["cost"],
        saving_vs_idle=summary["saving_vs_idle"],
        saving_vs_rules=summary["saving_vs_rules"],
        regret_to_foresight=summary["regret_to_foresight"],
        reserve_violations=sum(
            int(policy["reserve_violations"]) for policy in summary["policies"].values()
        ),
        co2_kg=ours["co2_kg"],
        cpu_s=round(sum(policy["cpu_s"] for policy in summary["policies"].values()), 2),
    )


def finished(task: Task) -> Row | None:
    """The row of a site that was replayed with the same files, options and version; none when it is
    to be done.
    """
    try:
        done = json.loads((Path(task.out) / DONE_FILE).read_text(encoding="utf-8"))
        return Row(**done["row"]) if done["key"] == key_of(task) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def key_of(task: Task) -> str:
    """What the outcome rests on: all files of the site's folder, its data, the options, this
    version.
    """
    digest = hashlib.sha256(
        repr((__version__, task.policies, task.first_day, task.end_day)).encode()
    )
    for path in sorted(Path(task.folder).iterdir()):
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _write(path: Path, data: Mapping[str, Any]) -> None:
    """All of it or nothing: a file that is half written would pass for a site that is done."""
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(data), encoding="utf-8")
    draft.replace(path)


def write_fleet(rows: Sequence[Row], out: Path) -> None:
    """`fleet.json` and `fleet.csv`, a row per site."""
    import csv

    out.mkdir(parents=True, exist_ok=True)
    _write(out / "fleet.json", {"sites": [row.as_data() for row in rows], "sums": sums(rows)})
    with (out / "fleet.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Row("").as_data()))
        writer.writeheader()
        writer.writerows(row.as_data() for row in rows)


def sums(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Over the sites that were replayed: money by currency, and what must be nothing."""
    good = [row for row in rows if not row.error]
    money: dict[str, dict[str, float]] = {}
    for row in good:
        of = money.setdefault(
            row.currency, {"cost": 0.0, "saving_vs_idle": 0.0, "saving_vs_rules": 0.0}
        )
        for name in of:
            of[name] = round(of[name] + (getattr(row, name) or 0.0), 4)
    return {
        "sites": len(rows),
        "failed": len(rows) - len(good),
        "reserve_violations": sum(row.reserve_violations or 0 for row in good),
        "money": money,
    }


def as_table(rows: Sequence[Row], most: int = 40) -> str:
    """A line per site, and the sums."""
    lines = [
        f"{'site':28} {'days':>6} {'cost':>12} {'vs idle':>10} {'vs rules':>10} {'regret':>9} {'reserve':>8}"
    ]
    for row in rows[:most]:
        if row.error:
            lines.append(f"{row.name:28} failed: {row.error}")
            continue
        money = [
            _money(row.cost),
            _money(row.saving_vs_idle),
            _money(row.saving_vs_rules),
            _money(row.regret_to_foresight),
        ]
        broken = "held" if not row.reserve_violations else f"{row.reserve_violations} x"
        lines.append(
            f"{row.name:28} {row.days:>6.1f} {money[0]:>12} {money[1]:>10} {money[2]:>10} {money[3]:>9} {broken:>8}"
        )
    if len(rows) > most:
        lines.append(f"... and {len(rows) - most} more, in fleet.csv")
    all_ = sums(rows)
    lines += [
        f"{currency}: {of['saving_vs_idle']:,.2f} saved against no control, {of['saving_vs_rules']:,.2f} against timers"
        for currency, of in all_["money"].items()
    ]
    lines.append(
        f"{all_['sites']} sites, {all_['failed']} failed, reserve broken {all_['reserve_violations']} times"
    )
    return "\n".join(lines)


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
