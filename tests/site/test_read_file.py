"""`site.toml` to a site: each error is one line with file, key, value, what is wrong and what is
allowed.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from broken_sites import BROKEN, Broken
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from siteems.commissioning.site_summary import summarise
from siteems.config.seeds import seed_path
from siteems.errors import SiteFileError, UserError
from siteems.site.checks import devices as device_checks
from siteems.site.checks.timing import check_cycle_times
from siteems.site.model import START_SOC, Site
from siteems.site.read_file import load_site

SEED = seed_path("hangzhou-macro")
TEXT = (SEED / "site.toml").read_text(encoding="utf-8")
DAY = date(2026, 7, 15)


def edited(*edits: tuple[str, str]) -> str:
    """The seed's text with each first occurrence of an old piece replaced by a new one."""
    text = TEXT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def site_file(folder: Path, text: str) -> Path:
    shutil.copy(SEED / "day.csv", folder)
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return file


def lines_of(folder: Path, *edits: tuple[str, str]) -> list[str]:
    """The error lines for the edited seed, without the name of the file."""
    file = site_file(folder, edited(*edits))
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert all("\n" not in line for line in caught.value.lines)
    assert all(line.startswith(f"{file}: ") for line in caught.value.lines)
    return [line.removeprefix(f"{file}: ") for line in caught.value.lines]


def test_a_cycle_is_short_enough_for_a_lease_that_cannot_be_set(hangzhou: Site) -> None:
    control = replace(hangzhou.control, cycle_s=20.0, lease_s=100.0)
    inverter = replace(hangzhou.devices[0], map="sungrow-sh")
    recording = replace(hangzhou.recording, sample_s=60.0)
    (error,) = check_cycle_times(control, recording, (inverter, *hangzhou.devices[1:]))
    assert error.key_path == ("control", "cycle_s")
    assert "too long for devices[0], which drops its setpoint after 60 s" in error.wrong
    shorter = replace(control, cycle_s=15.0)
    assert not list(check_cycle_times(shorter, recording, (inverter,)))


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_one_error_is_one_line(tmp_path: Path, broken: Broken) -> None:
    assert lines_of(tmp_path, (broken.old, broken.new)) == [broken.line]


def test_price_change_within_a_step(tmp_path: Path) -> None:
    lines = lines_of(
        tmp_path,
        ("[pv]", "[planning]\nstep_min = 60\n[pv]"),
        ('"00:00-07:00"', '"00:00-07:30"'),
        ('"07:00-11:00"', '"07:30-11:00"'),
    )
    assert lines == [
        "planning.step_min = 60: the price changes within a step, at 07:30; "
        "a shorter step, and tariff hours on quarter hours"
    ]


def test_all_errors_are_reported_at_once_whatever_section_they_are_in(tmp_path: Path) -> None:
    lines = lines_of(
        tmp_path,
        ("rated_kwp = 5", 'rated_kwp = "5 kW"'),
        ("unit = 3", "unit = 300"),
        ("Asia/Shanghai", "Beijing"),
        ("hours = 3", "hours = 12"),
        ("[1, 7, 8, 12]", "[1, 7, 8]"),
    )
    assert sorted(line.split(" ")[0].rstrip(":") for line in lines) == [
        "backup.hours", "devices[2].unit", "pv.rated_kwp", "site.timezone", "tariffs[0].calendars",
    ]  # fmt: skip


def test_a_map_is_checked_although_another_section_has_an_error(tmp_path: Path) -> None:
    lines = lines_of(
        tmp_path, ("rated_kwp = 5", "rated_kwp = -5"), ("generic-smu-lead", "generic-smu-led")
    )
    assert [line.split(":")[0] for line in lines] == [
        "pv.rated_kwp = -5",
        'devices[1].map = "generic-smu-led"',
    ]


def test_wrong_entries_do_not_make_a_list_too_short(tmp_path: Path) -> None:
    lines = lines_of(
        tmp_path, ("unit = 1", "unit = -1"), ("unit = 2", "unit = -1"), ("unit = 3", "unit = -1")
    )
    assert len(lines) == 3


def test_the_device_itself_has_a_unit_on_tcp_only(tmp_path: Path) -> None:
    assert load_site(site_file(tmp_path, edited(("unit = 2", "unit = 0")))).devices[1].unit == 0
    (line,) = lines_of(tmp_path, ("unit = 2", "unit = 0"), ('url = "tcp://', 'url = "rtu+tcp://'))
    assert line == (
        "devices[1].unit = 0: no device on this link can have unit 0; "
        "allowed: 1 to 247, and on Modbus TCP 0 and 255, the device itself"
    )


def test_a_broken_map_is_reported_with_its_own_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> DeviceMap:
        raise MapError(f"{name}.toml: points.soc: no such\nblock")

    monkeypatch.setattr(device_checks, "load_map", broken)
    lines = lines_of(tmp_path)
    assert len(lines) == 3
    assert "the map does not load: eastron-sdm630.toml: points.soc: no such block" in lines[0]


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, ("[pv]\n", "[pv\n"))
    assert line.startswith("is not TOML: ")
    assert f"at line {TEXT.splitlines().index('[pv]') + 1}" in line


@pytest.mark.parametrize("key", ["floating_per_kwh", "rated_ah", "import_limit_kw"])
@pytest.mark.parametrize("value", ["1e308", "-1e308"])
def test_a_number_that_nothing_has(tmp_path: Path, key: str, value: str) -> None:
    """The exact arithmetic of prices ended in a traceback."""
    line = next(line for line in TEXT.splitlines() if line.strip().startswith(f"{key} = "))
    (error, *_) = lines_of(tmp_path, (line, f"{key} = {value}"))
    assert f"{key} = {float(value):g}: too" in error.replace("1e+308", f"{1e308:g}")
    assert "allowed: at most 1e+09 in size" in error


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(
        SiteFileError, match=r"site.toml: cannot be read \(No such file or directory\)"
    ):
        load_site(tmp_path)
    with pytest.raises(SiteFileError, match="nowhere: cannot be read"):
        load_site(tmp_path / "nowhere")
    (tmp_path / "site.toml").write_bytes(TEXT.encode("gb18030"))
    with pytest.raises(SiteFileError, match="is not UTF-8 text"):
        load_site(tmp_path)


def test_directory_file_and_byte_order_mark_give_the_same_site(tmp_path: Path) -> None:
    file = site_file(tmp_path, "\ufeff" + TEXT)
    assert load_site(file) == load_site(tmp_path) == load_site(SEED)


def test_defaults_fill_in_missing_keys(tmp_path: Path) -> None:
    site = load_site(SEED)
    assert site.genset is None
    assert site.control.lease_s == 60
    assert site.rectifier.efficiency[0] == (0.05, 0.84)
    assert site.battery.rated_ah == 1000
    assert isinstance(site.battery.rated_ah, float)


def test_an_error_holds_its_lines() -> None:
    error = SiteFileError("one.", "two.")
    assert isinstance(error, UserError)
    assert error.lines == ("one.", "two.")
    assert str(error) == "one.\ntwo."


VALUES = [
    number
    for number, line in enumerate(TEXT.splitlines())
    if " = " in line and not line.startswith("#")
]
NUMBERS = ("-1", "0", "7", "1e9", "1e308", "-1e308", "inf", "nan", "true")
TEXTS = ('""', '"x"', '"8 kW"', '"00:00-24:00"', "2026-01-01", "2026-01-01T00:00:00Z", "07:00:00")
GROUPS = ("[]", "[1, 2]", '["a"]', '["00:00-24:00"]', "[[0.1, 0.5], [0.2]]", "{}", "{ a = 1 }")


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.sampled_from(VALUES), st.sampled_from(NUMBERS + TEXTS + GROUPS)),
        min_size=1,
        max_size=3,
    )
)
def test_any_value_gives_a_site_or_error_lines(
    tmp_path: Path, edits: list[tuple[int, str]]
) -> None:
    lines = TEXT.splitlines()
    for number, junk in edits:
        lines[number] = f"{lines[number].split(' = ')[0]} = {junk}"
    file = site_file(tmp_path, "\n".join(lines))
    try:
        summarise(load_site(file), DAY)
        return
    except SiteFileError as error:
        error_lines = error.lines
    assert error_lines
    for line in error_lines:
        assert line.startswith(f"{file}: ")
        assert "\n" not in line
        assert not any(
            phrase in line
            for phrase in ("Input should", "pydantic", "Tuple", "dataclass", "see the example")
        )


def test_a_utility_meter_among_modbus_devices(tmp_path: Path) -> None:
    file = site_file(tmp_path, edited(('map = "eastron-sdm630"', 'map = "dlt645-three-phase"')))
    with pytest.raises(SiteFileError) as caught:
        load_site(file)
    assert [line.removeprefix(f"{file}: ") for line in caught.value.lines] == [
        'devices[0].link = "cabinet": dlt645-three-phase cannot be on this link; '
        "a DL/T 645 meter needs a link with a URL such as dlt645+tcp://host:port",
        "devices[0].address: is missing; 12 digits, as printed on the meter",
        "devices[0].unit = 1: has no effect; a DL/T 645 meter has an address",
    ]


@pytest.mark.parametrize("device", ["generic-smu-lead", "generic-mppt"])
def test_only_a_meter_has_a_ratio(tmp_path: Path, device: str) -> None:
    line = f'map = "{device}"'
    file = site_file(tmp_path, edited((line, f"{line}\nratio = 20")))
    with pytest.raises(SiteFileError, match="ratio = 20: has no effect; only a device that is a"):
        load_site(file)
    file = site_file(
        tmp_path, edited(('map = "eastron-sdm630"', 'map = "eastron-sdm630"\nratio = 20'))
    )
    assert load_site(file).devices[0].ratio == 20.0


def test_a_tariff_given_by_name_or_by_file(tmp_path: Path) -> None:
    whole = (seed_path("hangzhou-macro") / "site.toml").read_text(encoding="utf-8")
    begin, end = whole.index("[[tariffs]]"), whole.index("[carbon]")
    named = 'tariffs = "zhejiang-1-10kv"\n' + whole[:begin] + whole[end:]
    shutil.copy(seed_path("hangzhou-macro") / "day.csv", tmp_path)
    (tmp_path / "site.toml").write_text(named, encoding="utf-8")
    site = load_site(tmp_path)
    assert [version.name for version in site.tariffs] == ["zhejiang-2024", "zhejiang-2026"]
    (tmp_path / "mine.toml").write_text(whole[begin:end], encoding="utf-8")
    (tmp_path / "site.toml").write_text(
        named.replace("zhejiang-1-10kv", "mine.toml"), encoding="utf-8"
    )
    assert load_site(tmp_path).tariffs[0].name == "zhejiang-2026"
    (tmp_path / "mine.toml").write_text("x = 1", encoding="utf-8")
    with pytest.raises(SiteFileError, match="holds x; a tariff file holds"):
        load_site(tmp_path)
    (tmp_path / "site.toml").write_text(
        named.replace("zhejiang-1-10kv", "zhejiang-1-10"), encoding="utf-8"
    )
    with pytest.raises(SiteFileError, match="no such tariff; did you mean zhejiang-1-10kv"):
        load_site(tmp_path)


def test_a_plan_starts_from_the_demo_day_or_from_the_default(hangzhou: Site) -> None:
    assert hangzhou.demo is not None
    assert hangzhou.start_soc == hangzhou.demo.start_soc == 0.55
    assert replace(hangzhou, demo=None).start_soc == START_SOC


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", r"alarm_hooks\[0\].*: has neither of command and url; allowed: one of them"),
        (
            'command = ["x"]\nurl = "https://a"',
            r"alarm_hooks\[0\].*: has both of command and url; allowed: one of them",
        ),
        ('url = "ftp://a/b"', r"alarm_hooks\[0\].url.*an address with http:// or https://"),
        ("command = []", r"alarm_hooks\[0\].command"),
        ('url = "https://a"\nlevel = "info"', r"alarm_hooks\[0\].level"),
        ('url = "https://a"\nper_minute = 0', r"alarm_hooks\[0\].per_minute"),
    ],
)
def test_a_hook_for_alarms_has_a_command_or_a_url(tmp_path: Path, keys: str, message: str) -> None:
    file = site_file(tmp_path, edited() + f"\n[[alarm_hooks]]\n{keys}\n")
    with pytest.raises(SiteFileError, match=message):
        load_site(file)


@pytest.mark.parametrize("port", ["0", "65536", '"9464"', "nan"])
def test_metrics_need_a_port(tmp_path: Path, port: str) -> None:
    file = site_file(tmp_path, edited() + f"\n[metrics]\nport = {port}\n")
    with pytest.raises(SiteFileError, match=r"metrics.port"):
        load_site(file)
