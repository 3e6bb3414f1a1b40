"""A bar on the terminal while a replay runs: days done, days a second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from siteems.replay.batch import Row
from siteems.replay.engine import Progress as Told
from siteems.replay.outcome import Policy

PER_DAY = 96


@contextmanager
def progress_on(policies: Sequence[Policy]) -> Iterator[Told]:
    """A function that moves the bars; they are drawn on stderr, and only on a terminal."""
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days, {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars:
        tasks = {policy: bars.add_task(policy, total=None, rate="") for policy in policies}

        def told(policy: Policy, done: int, total: int) -> None:
            if policy in tasks:
                speed = bars.tasks[tasks[policy]].speed
                rate = f"{speed:.0f} days/s" if speed and speed >= 1 else ""
                bars.update(
                    tasks[policy],
                    completed=done // PER_DAY,
                    total=max(1, total // PER_DAY),
                    rate=rate,
                )

        yield told


@contextmanager
def fleet_progress(total: int) -> Iterator[Callable[[Row, bool], None]]:
    """A function that takes each site as it is done; sites an hour and time left are drawn on a
    terminal's stderr.
    """
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("sites"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars:
        bar = bars.add_task("sites", total=total, rate="")

        def told(row: Row, before: bool) -> None:
            speed = bars.tasks[bar].speed
            rate = f"{3600 * speed:,.0f} sites/h" if speed and not before else ""
            bars.update(bar, advance=1, rate=rate)
            if row.error:
                console.print(f"{row.name}: {row.error}")

        yield told
