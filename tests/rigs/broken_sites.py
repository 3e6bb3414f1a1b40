"""Errors of a site file: an edit of the example site that makes the error, and the line that must
report it.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.address import FORMS


@dataclass(frozen=True)
class Broken:
    old: str
    new: str
    line: str


ONCE = "every hour of the day belongs to exactly one period"
BROKEN = {
    "missing key": Broken(
        "rated_ah = 1000\n", "", "battery.rated_ah: is missing; allowed: a number above 0"
    ),
    "typo in a key": Broken(
        "rated_ah = 1000\n",
        "ratd_ah = 1000\n",
        "battery.ratd_ah = 1000: unknown key; did you mean rated_ah?",
    ),
    "typo in a key that has a default": Broken(
        "min_soc = 0.10",
        "mni_soc = 0.10",
        "battery.mni_soc = 0.1: unknown key; did you mean min_soc?",
    ),
    "wear that falls with depth": Broken(
        "[0.4, 4800]",
        "[0.4, 48000]",
        "battery.wear.cycles: cycle table cycles [1] is 48000.0; "
        "(depth of discharge, cycles), rising in depth",
    ),
    "calendar life without years": Broken(
        "replacement_per_kwh = 700,",
        'replacement_per_kwh = 700, mode = "calendar-netted",',
        "battery.wear.calendar_years: is missing; years of calendar life, for mode calendar-netted",
    ),
    "typo in a table": Broken(
        "[battery]", "[batery]", "batery: unknown key; did you mean battery?"
    ),
    "unknown key": Broken(
        'scope = "location"',
        'scope = "location"\ncolour = "red"',
        'carbon.colour = "red": unknown key; allowed: data_year, kg_per_kwh, region, scope, source',
    ),
    "missing table": Broken(
        "[grid]\nimport_limit_kw = 12\n",
        "",
        "grid: is missing; allowed: a table with import_limit_kw",
    ),
    "number as text with unit": Broken(
        "rated_ah = 1000\n",
        'rated_ah = "48 Ah"\n',
        'battery.rated_ah = "48 Ah": is text, not a number; write 48 without quotes; '
        "the unit is in the key's name",
    ),
    "true for a number": Broken(
        "import_limit_kw = 12",
        "import_limit_kw = true",
        "grid.import_limit_kw = true: is true or false, not a number; allowed: a number above 0",
    ),
    "percent for a share": Broken(
        "soc_margin = 0.05",
        "soc_margin = 5",
        "backup.soc_margin = 5: too large; this is a share from 0 to 1: write 0.05 for 5 %",
    ),
    "watts for kilowatts": Broken(
        "max_charge_kw = 9.6 ",
        "max_charge_kw = 9600 ",
        "battery.max_charge_kw = 9600: is 200.0 kW per rated kWh (48 kWh); "
        "kW, not W or A, at most 144",
    ),
    "load in watts": Broken(
        "4.10, 4.10",
        "4100, 4100",
        "load.typical_dc_kw: the peak of 4100 kW is above the rectifier's 12 kW; "
        "values are in kW, not W, and at most what the rectifier can supply",
    ),
    "negative capacity": Broken(
        "rated_ah = 1000\n",
        "rated_ah = -1000\n",
        "battery.rated_ah = -1000: too small; allowed: a number above 0",
    ),
    "not a number": Broken(
        "rated_ah = 1000\n",
        "rated_ah = nan\n",
        "battery.rated_ah = nan: not a finite number; allowed: a number above 0",
    ),
    "infinite": Broken(
        "rated_ah = 1000\n",
        "rated_ah = inf\n",
        "battery.rated_ah = inf: not a finite number; allowed: a number above 0",
    ),
    "23 hours": Broken(
        "3.05, 2.85, 2.70,",
        "3.05, 2.85,",
        "load.typical_dc_kw: has 23 entries; "
        "allowed: a list of 24 entries, each a number of at least 0",
    ),
    "unknown choice": Broken(
        '"lead-carbon"',
        '"lead"',
        'battery.chemistry = "lead": not known; allowed: lead-carbon or lfp',
    ),
    "not a date": Broken(
        "valid_from = 2026-07-01",
        'valid_from = "July"',
        'tariffs[0].valid_from = "July": no such date; allowed: a date such as 2026-07-01',
    ),
    "not a local time": Broken(
        '"14:30"',
        '"2:30 pm"',
        'demo.dr_event.start = "2:30 pm": has the wrong form; '
        'allowed: a local time of day such as "14:30"',
    ),
    "not a link name": Broken(
        "[links.cabinet]",
        '[links."Cab inet"]',
        'links."Cab inet": has the wrong form; '
        "allowed: a name of lower-case letters, digits and hyphens",
    ),
    "not a URL": Broken(
        "tcp://127.0.0.1:15020",
        "127.0.0.1",
        f'links.cabinet.url = "127.0.0.1": has the wrong form; '
        f"allowed: {', '.join(FORMS.values())}",
    ),
    "no port": Broken(
        ":15020",
        ":99999",
        'links.cabinet.url = "tcp://127.0.0.1:99999": has the wrong form; '
        "allowed: tcp://host:port, port 1 to 65535",
    ),
    "credentials without TLS": Broken(
        'url = "tcp://127.0.0.1:15020"',
        'url = "tcp://127.0.0.1:15020"\nca = "site.toml"',
        'links.cabinet.ca = "site.toml": has no effect; only tls:// links use credentials',
    ),
    "TLS without credentials": Broken(
        "tcp://127.0.0.1:15020",
        "tls://127.0.0.1:15020",
        "links.cabinet.ca: is missing; "
        "a PEM file with the authority that signed the device's certificate",
    ),
    "credentials that are not there": Broken(
        'url = "tcp://127.0.0.1:15020"',
        'url = "tls://127.0.0.1:15020"\nca = "ca.pem"',
        'links.cabinet.ca = "ca.pem": no such file; a PEM file; '
        "paths are relative to the folder of site.toml",
    ),
    "overlapping periods": Broken(
        'peak = ["16:00-23:00"]',
        'peak = ["15:00-23:00"]',
        f"tariffs[0].calendars[0].periods: 15:00-16:00 is both flat and peak; {ONCE}",
    ),
    "gap between periods": Broken(
        'peak = ["16:00-23:00"]',
        'peak = ["17:00-23:00"]',
        f"tariffs[0].calendars[0].periods: 16:00-17:00 belongs to no period; {ONCE}",
    ),
    "period over midnight": Broken(
        '"16:00-23:00"',
        '"22:00-06:00"',
        'tariffs[0].calendars[0].periods.peak[0] = "22:00-06:00": ends before it starts; '
        'split hours over midnight, as in "23:00-24:00" and "00:00-07:00"',
    ),
    "unpriced period": Broken(
        "sharp = 2.05, ",
        "",
        "tariffs[0]: no price for the period sharp; priced are deep, flat, peak, valley; "
        "add it to prices or ratios",
    ),
    "missing month": Broken(
        "[1, 7, 8, 12]",
        "[1, 7, 8]",
        "tariffs[0].calendars: no calendar for month 12; "
        "every month belongs to exactly one calendar",
    ),
    "unknown device map": Broken(
        "generic-smu-lead",
        "generic-smu-led",
        'devices[1].map = "generic-smu-led": no such device map; did you mean generic-smu-lead?',
    ),
    "two devices on one unit": Broken(
        "unit = 2",
        "unit = 1",
        "devices[1].unit = 1: grid-meter already has unit 1 on link cabinet; "
        "each device on a link needs its own unit id",
    ),
    "two devices of one name": Broken(
        'name = "mppt"',
        'name = "smu"',
        'devices[2].name = "smu": used twice; each device needs its own name',
    ),
    "unknown link": Broken(
        'link = "cabinet"',
        'link = "cabnet"',
        'devices[0].link = "cabnet": no such link; did you mean cabinet?',
    ),
    "a unit that no device can have": Broken(
        "unit = 2",
        "unit = 248",
        "devices[1].unit = 248: no device on this link can have unit 248; "
        "allowed: 1 to 247, and on Modbus TCP 0 and 255, the device itself",
    ),
    "one address twice": Broken(
        "[links.cabinet]",
        '[links.other]\nurl = "tcp://127.0.0.1:15020"\n[links.cabinet]',
        'links.cabinet.url = "tcp://127.0.0.1:15020": link other has the same address; '
        "devices at one address share one link",
    ),
    "no meter": Broken(
        '[[devices]]\nname = "grid-meter"\nmap = "eastron-sdm630"\nlink = "cabinet"\nunit = 1\n',
        "",
        "devices: no device is a meter; exactly one device measures the grid connection",
    ),
    "two batteries": Broken(
        "[[devices]]",
        '[[devices]]\nname = "second"\nmap = "huawei-esm48100"\nlink = "cabinet"\nunit = '
        "214\n[[devices]]",
        "devices: 2 devices have the role battery; at most one device has it",
    ),
    "PV device without a section": Broken(
        "[pv]\nrated_kwp = 5\ntilt_deg = 20\nazimuth_deg = 180\n",
        "",
        "pv: is missing; a device has the role solar: add [pv] or remove the device",
    ),
    "genset without a device": Broken(
        "[pv]",
        "[genset]\nrated_kw = 8\nfuel_price_per_kwh = 2.5\n[pv]",
        "genset: no device has the role genset; add the device or remove [genset]",
    ),
    "reserve larger than the battery": Broken(
        "hours = 3",
        "hours = 12",
        "backup.hours = 12: the reserve of 58.0 kWh (4.10 kW, 15 degC) is larger than the battery "
        "of 47.0 kWh; "
        "fewer hours, a smaller load or a larger battery",
    ),
    "battery too weak for the load": Broken(
        "max_discharge_kw = 12",
        "max_discharge_kw = 3",
        "battery.max_discharge_kw = 3: cannot carry the load of 4.46 kW when the mains fail; "
        "at least the load of the worst hours",
    ),
    "efficiency table out of order": Broken(
        "float_v = 53.5",
        "efficiency = [[0.1, 0.9], [0.5, 0.95], [0.4, 0.96]]",
        "rectifier.efficiency[2][0] = 0.4: not above the 0.5 before it; "
        "shares rise from row to row",
    ),
    "lease shorter than a few cycles": Broken(
        "[pv]",
        "[control]\ncycle_s = 30\n[pv]",
        "control.lease_s: 60 s is too short for a cycle of 30 s; at least 4 cycles",
    ),
    "roll-ups that go before the samples": Broken(
        "[pv]",
        "[recording]\nkeep_days = 800\nkeep_rollup_years = 2\n[pv]",
        "recording.keep_rollup_years = 2: shorter than recording.keep_days, which is 800; "
        "at least 3",
    ),
    "bad time zone": Broken(
        "Asia/Shanghai",
        "Asia/Shanghia",
        'site.timezone = "Asia/Shanghia": no such time zone; did you mean Asia/Shanghai?',
    ),
    "demo before the tariff": Broken(
        "date = 2026-07-15",
        "date = 2026-06-30",
        "demo.date = 2026-06-30: no tariff is valid on that day; a day on which a tariff is valid",
    ),
    "fault of an unknown device": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smo", kind = "silent", start = "16:00" }]',
        'demo.faults[0].device = "smo": no such device; did you mean smu?',
    ),
    "fault of an unknown point": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "stuck", start = "16:00", '
        'point = "socc" }]',
        'demo.faults[0].point = "socc": generic-smu-lead has no such point; did you mean soc?',
    ),
    "fault without its value": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "slow", start = "16:00" }]',
        'demo.faults[0].kind = "slow": fault slow: needs value; '
        "docs/faults.md lists the kinds of fault",
    ),
    "checksum fault on a link without checksums": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "wrong-checksum", start = "16:00" }]',
        'demo.faults[0].kind = "wrong-checksum": frames of Modbus TCP have no checksum; '
        "docs/faults.md lists the kinds of fault",
    ),
    "contract demand charge without a contract": Broken(
        "fixed_per_kwh = 0.1551",
        'fixed_per_kwh = 0.1551\ndemand = [{ mode = "contract", price_per_kw = 42 }]',
        "grid.contract_kw: is missing; tariffs[0].demand[0] is billed on it",
    ),
    "no profile": Broken(
        '"day.csv"',
        '"dya.csv"',
        'demo.profile = "dya.csv": no such file; a CSV file in the folder of site.toml',
    ),
    "other schema": Broken(
        "schema_version = 1", "schema_version = 2", "schema_version = 2: not known; allowed: 1"
    ),
}
