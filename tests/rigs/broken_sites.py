"""Each mistake that a site file may hold, made in the seed's, and the line that it must be answered
with.
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
        "rated_ah = 1000\n", "", "battery.rated_ah: is missing; allowed is a number above 0"
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
        "battery.wear.cycles: cycle table cycles [1] is 48000.0; (depth, cycles), rising in depth",
    ),
    "calendar life without years": Broken(
        "replacement_per_kwh = 700,",
        'replacement_per_kwh = 700, mode = "calendar-netted",',
        "battery.wear.calendar_years: is missing; years, with mode calendar-netted",
    ),
    "typo in a table": Broken(
        "[battery]", "[batery]", "batery: unknown key; did you mean battery?"
    ),
    "key from elsewhere": Broken(
        'scope = "location"',
        'scope = "location"\ncolour = "red"',
        'carbon.colour = "red": unknown key; known are data_year, kg_per_kwh, region, scope, source',
    ),
    "missing table": Broken(
        "[grid]\nimport_limit_kw = 12\n",
        "",
        "grid: is missing; allowed is a table with import_limit_kw",
    ),
    "number as text with unit": Broken(
        "rated_ah = 1000\n",
        'rated_ah = "48 Ah"\n',
        'battery.rated_ah = "48 Ah": text where a number belongs; write 48 without quotes; '
        "the unit is in the key's name",
    ),
    "true for a number": Broken(
        "import_limit_kw = 12",
        "import_limit_kw = true",
        "grid.import_limit_kw = true: true or false where a number belongs; allowed is a number above 0",
    ),
    "percent for a share": Broken(
        "soc_margin = 0.05",
        "soc_margin = 5",
        "backup.soc_margin = 5: too large; a share 0..1, not percent: 5 % is 0.05",
    ),
    "watts for kilowatts": Broken(
        "max_charge_kw = 9.6 ",
        "max_charge_kw = 9600 ",
        "battery.max_charge_kw = 9600: 200.0 times the rated 48 kWh in an hour; kW, not W or A, at most 144",
    ),
    "load in watts": Broken(
        "4.10, 4.10",
        "4100, 4100",
        "load.typical_dc_kw: its peak of 4100 kW is more than the rectifier's 12 kW; "
        "values are kW, not W, and the rectifier carries them",
    ),
    "negative capacity": Broken(
        "rated_ah = 1000\n",
        "rated_ah = -1000\n",
        "battery.rated_ah = -1000: too small; allowed is a number above 0",
    ),
    "not a number": Broken(
        "rated_ah = 1000\n",
        "rated_ah = nan\n",
        "battery.rated_ah = nan: not a finite number; allowed is a number above 0",
    ),
    "endless": Broken(
        "rated_ah = 1000\n",
        "rated_ah = inf\n",
        "battery.rated_ah = inf: not a finite number; allowed is a number above 0",
    ),
    "23 hours": Broken(
        "3.05, 2.85, 2.70,",
        "3.05, 2.85,",
        "load.typical_dc_kw: has 23 entries; allowed is a list of 24 entries, each a number at least 0",
    ),
    "unknown word": Broken(
        '"lead-carbon"',
        '"lead"',
        'battery.chemistry = "lead": not known; allowed is lead-carbon or lfp',
    ),
    "no date": Broken(
        "valid_from = 2026-07-01",
        'valid_from = "July"',
        'tariffs[0].valid_from = "July": no such date; allowed is a date such as 2026-07-01',
    ),
    "no local time": Broken(
        '"14:30"',
        '"2:30 pm"',
        'demo.demand_call.start = "2:30 pm": has the wrong form; allowed is a local time of day such as "14:30"',
    ),
    "no link name": Broken(
        "[links.cabinet]",
        '[links."Cab inet"]',
        'links."Cab inet": has the wrong form; allowed is a name of lower-case letters, digits and hyphens',
    ),
    "no url": Broken(
        "tcp://127.0.0.1:15020",
        "127.0.0.1",
        f'links.cabinet.url = "127.0.0.1": has the wrong form; allowed is {", ".join(FORMS.values())}',
    ),
    "no port": Broken(
        ":15020",
        ":99999",
        'links.cabinet.url = "tcp://127.0.0.1:99999": has the wrong form; allowed is tcp://host:port, port 1 to 65535',
    ),
    "credentials without TLS": Broken(
        'url = "tcp://127.0.0.1:15020"',
        'url = "tcp://127.0.0.1:15020"\nca = "site.toml"',
        'links.cabinet.ca = "site.toml": is of no use here; only tls:// links have credentials',
    ),
    "TLS without credentials": Broken(
        "tcp://127.0.0.1:15020",
        "tls://127.0.0.1:15020",
        "links.cabinet.ca: is missing; a PEM file: who signed the other side's certificate",
    ),
    "credentials that are not there": Broken(
        'url = "tcp://127.0.0.1:15020"',
        'url = "tls://127.0.0.1:15020"\nca = "ca.pem"',
        'links.cabinet.ca = "ca.pem": no such file; a PEM file, from the folder of site.toml',
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
        "tariffs[0]: no price for the period sharp; priced are deep, flat, peak, valley; add it to prices or ratios",
    ),
    "missing month": Broken(
        "[1, 7, 8, 12]",
        "[1, 7, 8]",
        "tariffs[0].calendars: no calendar for month 12; every month stands in exactly one calendar",
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
        "every device of a link has a unit of its own",
    ),
    "two devices of one name": Broken(
        'name = "mppt"',
        'name = "smu"',
        'devices[2].name = "smu": used twice; every device has a name of its own',
    ),
    "unknown link": Broken(
        'link = "cabinet"',
        'link = "cabnet"',
        'devices[0].link = "cabnet": no such link; did you mean cabinet?',
    ),
    "one address twice": Broken(
        "[links.cabinet]",
        '[links.other]\nurl = "tcp://127.0.0.1:15020"\n[links.cabinet]',
        'links.cabinet.url = "tcp://127.0.0.1:15020": link other has the same address; devices share one link by name',
    ),
    "no meter": Broken(
        '[[devices]]\nname = "grid-meter"\nmap = "eastron-sdm630"\nlink = "cabinet"\nunit = 1\n',
        "",
        "devices: no device is a meter; exactly one device measures the grid connection",
    ),
    "two batteries, each of which would be told the whole power": Broken(
        "[[devices]]",
        '[[devices]]\nname = "second"\nmap = "huawei-esm48100"\nlink = "cabinet"\nunit = 214\n[[devices]]',
        "devices: 2 devices have the role battery; one device has it",
    ),
    "photovoltaics without a section": Broken(
        "[pv]\nrated_kwp = 5\ntilt_deg = 20\nazimuth_deg = 180\n",
        "",
        "pv: is missing; a device has the role solar: add [pv] or drop the device",
    ),
    "genset without a device": Broken(
        "[pv]",
        "[genset]\nrated_kw = 8\nfuel_price_per_kwh = 2.5\n[pv]",
        "genset: no device has the role genset; add its device or drop [genset]",
    ),
    "reserve larger than the battery": Broken(
        "hours = 3",
        "hours = 12",
        "backup.hours = 12: the reserve of 58.0 kWh (4.10 kW, 15 degC) is larger than the battery of 47.0 kWh; "
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
        "rectifier.efficiency[2][0] = 0.4: not above 0.5 before it; shares rise down the table",
    ),
    "lease shorter than a few cycles": Broken(
        "[pv]",
        "[control]\ncycle_s = 30\n[pv]",
        "control.lease_s: 60 s is too short for a cycle of 30 s; at least 4 cycles",
    ),
    "bad time zone": Broken(
        "Asia/Shanghai",
        "Asia/Shanghia",
        'site.timezone = "Asia/Shanghia": no such time zone; did you mean Asia/Shanghai?',
    ),
    "demo before the tariff": Broken(
        "date = 2026-07-15",
        "date = 2026-06-30",
        "demo.date = 2026-06-30: no tariff holds on that day; a day within a tariff's validity",
    ),
    "fault of nobody": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smo", kind = "silent", start = "16:00" }]',
        'demo.faults[0].device = "smo": no such device; did you mean smu?',
    ),
    "fault of no point": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "stuck", start = "16:00", point = "socc" }]',
        'demo.faults[0].point = "socc": generic-smu-lead has no such point; did you mean soc?',
    ),
    "fault without its value": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "slow", start = "16:00" }]',
        'demo.faults[0].kind = "slow": fault slow: needs value; docs/faults.md has the kinds',
    ),
    "fault of a checksum that is not there": Broken(
        "start_soc = 0.55",
        'start_soc = 0.55\nfaults = [{ device = "smu", kind = "wrong-checksum", start = "16:00" }]',
        'demo.faults[0].kind = "wrong-checksum": frames of Modbus TCP have no checksum; docs/faults.md has the kinds',
    ),
    "contract that nobody made": Broken(
        "fixed_per_kwh = 0.1551",
        'fixed_per_kwh = 0.1551\ndemand = [{ mode = "contract", price_per_kw = 42 }]',
        "grid.contract_kw: is missing; tariffs[0].demand[0] is charged on it",
    ),
    "no profile": Broken(
        '"day.csv"',
        '"dya.csv"',
        'demo.profile = "dya.csv": no such file; a CSV file beside site.toml',
    ),
    "other schema": Broken(
        "schema_version = 1", "schema_version = 2", "schema_version = 2: not known; allowed is 1"
    ),
}
