"""The budget of writes: counted by the day, UTC."""

from datetime import date

from drivers.write_gate.daily_budget import DailyBudget


def test_writes_are_counted_by_the_day() -> None:
    budget, monday, tuesday = DailyBudget(), date(2026, 3, 2), date(2026, 3, 3)
    assert budget.used(monday) == 0
    budget.add(monday, 2)
    budget.add(monday, 3)
    assert budget.used(monday) == 5
    assert budget.used(tuesday) == 0
    budget.add(tuesday, 1)
    assert (budget.used(tuesday), budget.used(monday)) == (1, 0)
