"""Progress bars on the terminal while a replay or a batch runs; drawn on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from siteems.replay.batch_result import Row
from siteems.replay.outcome import Policy
from siteems.replay.policy_run import Progress
from siteems.replay.window import INTERVALS_PER_DAY


@contextmanager
def progress_on(policies: Sequence[Policy]) -> Iterator[Progress]:
    """A function that moves a bar of days for each policy."""
    console = Console(stderr=True)
    bars = Bars(
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

        def move(policy: Policy, done: int, total: int) -> None:
            if policy not in tasks:
                return  # a policy that runs for another one
            speed = bars.tasks[tasks[policy]].speed
            bars.update(
                tasks[policy],
                completed=done // INTERVALS_PER_DAY,
                total=max(1, total // INTERVALS_PER_DAY),
                rate=f"{speed:.0f} days/s" if speed and speed >= 1 else "",
            )

        yield move


@contextmanager
def fleet_progress(total: int) -> Iterator[Callable[[Row, bool], None]]:
    """A function that moves the bar of sites and prints the error of each that failed."""
    console = Console(stderr=True)
    bars = Bars(
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

        def move(row: Row, finished_before: bool) -> None:
            speed = bars.tasks[bar].speed
            rate = f"{3600 * speed:,.0f} sites/h" if speed and not finished_before else ""
            bars.update(bar, advance=1, rate=rate)
            if row.error:
                console.print(f"{row.name}: {row.error}")

        yield move
