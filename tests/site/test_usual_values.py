"""Values that no communication site has: `siteems check` asks about them, and about no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.site.read_file import load_site
from siteems.site.usual_values import usual_questions
from siteems.tariff.questions import price_questions, vector_questions

Edit = Callable[[str], str]


def changed(key: str, value: str, section: str = "") -> Edit:
    """The site file with another value, or one more key at the end of a section."""

    def edit(text: str) -> str:
        found = re.search(rf"(?m)^{re.escape(key)} = .*$", text)
        if found is not None:
            return text[: found.start()] + f"{key} = {value}" + text[found.end() :]
        head = f"[{section}]\n"
        if head in text:
            return text.replace(head, f"{head}{key} = {value}\n", 1)
        return f"{text}\n{head}{key} = {value}\n"

    return edit


def site_file(folder: Path, edit: Edit) -> Path:
    seed = seed_path("hangzhou-macro")
    seed = seed / "site.toml" if seed.is_dir() else seed
    (folder / "day.csv").write_bytes((seed.parent / "day.csv").read_bytes())
    file = folder / "site.toml"
    text = edit(seed.read_text(encoding="utf-8"))
    assert text != seed.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    return file


def questions(folder: Path, edit: Edit) -> list[str]:
    site = load_site(site_file(folder, edit))
    currency, zone = site.site.currency, site.site.zone
    return [
        *usual_questions(site),
        *price_questions(site.tariffs, currency),
        *vector_questions(site.tariffs, currency, zone),
    ]


@pytest.mark.parametrize("seed", ["hangzhou-macro", "rural-lfp"])
def test_the_ready_sites_have_none(seed: str) -> None:
    assert list(usual_questions(load_site(seed_path(seed)))) == []


FLAT = "[" + ", ".join(["{0}"] * 24) + "]"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (changed("import_limit_kw", "0.001"), "grid.import_limit_kw gives 0.001 kW"),
        (changed("import_limit_kw", "12000"), "grid.import_limit_kw gives 1.2e"),
        (changed("import_limit_kw", "2"), "the typical loads reach"),
        (changed("rated_kw", "12000"), "rectifier.rated_kw gives"),
        (changed("rated_ah", "1000000"), "battery.rated_ah gives"),
        (changed("rated_ah", "25000"), "it carries a load of"),
        (changed("max_charge_kw", "0.001"), "battery.max_charge_kw gives"),
        (changed("charge_acceptance", "[[0.0, 0.0]]", "battery"), "accepts nothing"),
        (changed("rated_kwp", "5000"), "pv.rated_kwp gives"),
        (changed("rated_kwp", "900"), "load and battery take"),
        (changed("kg_per_kwh", "530"), "is it in g?"),
        (changed("wear_per_kwh", "430"), "battery.wear_per_kwh = 430 CNY"),
        (
            changed("wear", "{ replacement_per_kwh = 0.7, cycles = [[0.5, 3000]] }"),
            "replacement_per_kwh = 0.7 CNY",
        ),
        (changed("import_margin_kw", "1000", "control"), "control.import_margin_kw = 1000"),
        (changed("contract_kw", "12000", "grid"), "grid.contract_kw = 12000"),
        (changed("contract_kw", "0.1", "grid"), "grid.contract_kw = 0.1"),
        (changed("fine_h", "48", "planning"), "the horizon has 36 h"),
        (changed("longitude_deg", "12.16"), "7.2 h ahead of solar time"),
        (changed("longitude_deg", "-120.16"), "clocks of Asia/Shanghai"),
        (changed("timezone", '"America/New_York"'), "clocks of America/New_York"),
        (
            changed("dr_event", '{ limit_kw = 1.5, start = "14:30", hours = 1000 }'),
            "demo.dr_event.hours gives 1000 h",
        ),
        (changed("floating_per_kwh", "525.2"), "is it per MWh"),
        (
            changed("ratios", "{ sharp = 2, peak = 2, flat = 1, valley = 0.4, deep = 0.2, x = 1 }"),
            "x has a price or a ratio: is it meant\\? no hour has it",
        ),
    ],
)  # fmt: skip
def test_what_is_asked(tmp_path: Path, edit: Edit, says: str) -> None:
    found = questions(tmp_path, edit)
    assert any(re.search(says, question) for question in found), found
    assert all("is it meant?" in question for question in found)


@pytest.mark.parametrize(
    ("edit", "sound"),
    [
        (changed("import_limit_kw", "30"), "a larger connection"),
        (changed("kg_per_kwh", "1.1"), "a grid of coal"),
        (changed("longitude_deg", "76.0"), "Kashgar on Beijing time"),
        (changed("rated_kw", "60"), "a hub room's shelf"),
        (changed("rated_kwp", "30"), "large PV"),
    ],
)
def test_what_is_usual_is_not_asked(tmp_path: Path, edit: Edit, sound: str) -> None:
    assert questions(tmp_path, edit) == [], sound


def test_a_hemisphere_that_the_clocks_contradict(tmp_path: Path) -> None:
    def sydney(text: str) -> str:
        text = changed("timezone", '"Australia/Sydney"')(text)
        return changed("longitude_deg", "151.2")(text)

    assert any("as the south has" in question for question in questions(tmp_path, sydney))
    south = changed("latitude_deg", "-33.9")
    assert questions(tmp_path, lambda text: south(sydney(text))) == []


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (changed("charge_acceptance", "[]", "battery"), "charge_acceptance: has 0 entries"),
        (changed("name", '"a\\u0007b"'), "site.name"),
        (changed("url", '"tcp://10.0.0.300:502"'), "has the wrong form"),
        (changed("url", '"tcp://my host:502"'), "has the wrong form"),
        (changed("url", '"tcp://1.2.3:502"'), "has the wrong form"),
        (lambda text: f'{text}\n[[alarm_hooks]]\ncommand = [""]\n', r"hooks\[0\].command\[0\]"),
    ],
)  # fmt: skip
def test_what_can_never_be_is_refused(tmp_path: Path, edit: Edit, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_site(site_file(tmp_path, edit))


VECTOR = """
[[tariffs]]
name = "day-ahead"
source = "market"
valid_from = 2026-01-01
vector = {{ file = "prices.csv"{more} }}
"""


@pytest.mark.parametrize(
    ("prices", "more", "says"),
    [
        ((0.4, 0.5), "", None),
        ((0.4, 0.5), ", factor = 0", "vector.factor = 0"),
        ((0.4, 0.5), ", factor = -1", "vector.factor = -1"),
        ((400.0, 500.0), "", r'prices per MWh have per = "MWh"'),
        ((400.0, 500.0), ', per = "MWh"', None),
    ],
)
def test_price_vectors(
    tmp_path: Path, prices: tuple[float, float], more: str, says: str | None
) -> None:
    lines = [f"2026-{m:02d}-01T{h:02d}:00,{prices[h % 2]}" for m in (1, 2) for h in range(24)]
    (tmp_path / "prices.csv").write_text("\n".join(["time,price_per_kwh", *lines]), "utf-8")

    def edit(text: str) -> str:
        first = text.index("# price = floating x ratio")
        return text[:first] + VECTOR.format(more=more) + text[text.index("[carbon]") :]

    found = [q for q in questions(tmp_path, edit) if "vector" in q]
    if says is None:
        assert found == []
    else:
        assert re.search(says, found[0])


def test_a_day_is_a_holiday_or_a_workday(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        line = "fixed_per_kwh = 0.1551\n"
        more = "holidays = { may = [2027-05-01] }\nworkdays = [2027-05-01]\n"
        return text.replace(line, line + more, 1)

    with pytest.raises(UserError, match="2027-05-01 is a holiday as well"):
        load_site(site_file(tmp_path, edit))


def test_a_plan_says_what_cannot_be_served(tmp_path: Path) -> None:
    file = site_file(tmp_path, changed("import_limit_kw", "0.5"))
    code, output, messages = run_command("plan", file, "--at=2026-07-15T12:00")
    assert code == 0, messages
    assert re.search(r"[\d.]+ kWh of the load cannot be served: grid \(0.5 kW\)", output)
    code, output, _ = run_command("plan", seed_path("hangzhou-macro"), "--at=2026-07-15T12:00")
    assert "cannot be served" not in output
