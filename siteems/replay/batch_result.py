"""The result of a batch: a row per site, their sums, as files and as text."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteems.messages.json_text import json_text

MONEY = ("cost", "saving_vs_idle", "saving_vs_best_simple_rule")


@dataclass(frozen=True)
class Row:
    """The figures of one site, as in its `summary.json`; or in `error` why there are none."""

    name: str
    days: float | None = None
    currency: str = ""
    cost: float | None = None
    saving_vs_idle: float | None = None
    best_simple_rule: str | None = None
    saving_vs_best_simple_rule: float | None = None
    regret_to_bound: float | None = None
    reserve_violations: int | None = None
    co2_kg: float | None = None
    cpu_s: float | None = None
    error: str = ""

    def as_data(self) -> Mapping[str, Any]:
        """By column, for files."""
        return dict(vars(self))


def row_of(name: str, summary: Mapping[str, Any]) -> Row:
    """The row of a site from its summary; cost and CO2 are those of `optimal` where it was run."""
    policies = summary["policies"].values()
    ours = summary["policies"].get("optimal") or next(iter(policies))
    return Row(
        name=name,
        days=summary["days"],
        currency=summary["currency"],
        cost=ours["cost"],
        saving_vs_idle=summary["saving_vs_idle"],
        best_simple_rule=summary["best_simple_rule"],
        saving_vs_best_simple_rule=summary["saving_vs_best_simple_rule"],
        regret_to_bound=summary["regret_to_bound"],
        reserve_violations=sum(int(policy["reserve_violations"]) for policy in policies),
        co2_kg=ours["co2_kg"],
        cpu_s=round(sum(policy["cpu_s"] for policy in policies), 2),
    )


def sums(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Sums over the sites that were replayed: money by currency, and reserve violations."""
    good = [row for row in rows if not row.error]
    money: dict[str, dict[str, float]] = {}
    for row in good:
        of_currency = money.setdefault(row.currency, dict.fromkeys(MONEY, 0.0))
        for name in MONEY:
            of_currency[name] = round(of_currency[name] + (getattr(row, name) or 0.0), 4)
    return {
        "sites": len(rows),
        "failed": len(rows) - len(good),
        "reserve_violations": sum(row.reserve_violations or 0 for row in good),
        "money": money,
    }


def write_fleet(rows: Sequence[Row], out: Path) -> None:
    """Write `fleet.json` and `fleet.csv`, a row per site."""
    out.mkdir(parents=True, exist_ok=True)
    data = [row.as_data() for row in rows]
    write_whole(out / "fleet.json", {"sites": data, "sums": sums(rows)})
    with (out / "fleet.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Row("").as_data()))
        writer.writeheader()
        writer.writerows(data)


def write_whole(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON by way of a draft: a file that is half written would pass for a finished site."""
    draft = path.with_suffix(".part")
    draft.write_text(json_text(data, indent=None), encoding="utf-8")
    draft.replace(path)


def as_table(rows: Sequence[Row], most: int = 40) -> str:
    """A line per site, and the sums."""
    lines = [
        f"{'site':28} {'days':>6} {'cost':>12} {'vs idle':>10} {'vs best rule':>12} {'regret':>9} "
        f"{'reserve':>8}",
        *(_line(row) for row in rows[:most]),
    ]
    if len(rows) > most:
        lines.append(f"... and {len(rows) - most} more, in fleet.csv")
    total = sums(rows)
    for currency, money in total["money"].items():
        lines.append(
            f"{currency}: {money['saving_vs_idle']:,.2f} saved compared with no control, "
            f"{money['saving_vs_best_simple_rule']:,.2f} compared with the best simple rule of "
            "each site"
        )
    lines.append(
        f"{total['sites']} sites, {total['failed']} failed, "
        f"reserve broken {total['reserve_violations']} times"
    )
    return "\n".join(lines)


def _line(row: Row) -> str:
    if row.error:
        return f"{row.name:28} failed: {row.error}"
    cost, idle, best, regret = (
        "-" if value is None else f"{value:,.2f}"
        for value in (
            row.cost,
            row.saving_vs_idle,
            row.saving_vs_best_simple_rule,
            row.regret_to_bound,
        )
    )
    reserve = f"{row.reserve_violations} x" if row.reserve_violations else "held"
    return (
        f"{row.name:28} {row.days:>6.1f} {cost:>12} {idle:>10} {best:>12} {regret:>9} {reserve:>8}"
    )
