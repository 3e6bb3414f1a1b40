"""Each way to break a map gives one sentence that names the file, the key, the value and what is
allowed.
"""

import pytest

from drivers.errors import MapError
from drivers.modbus.map_reader import parse_map

GOOD = """
schema_version = 1
name = "box"
title = "A box"
roles = ["battery"]
source = "here"
evidence = "manual"
[link]
max_registers = 20
gap_ms = 0
worst_reply_ms = 500
writes_per_day = 10
[lease]
timeout_point = "comm_timeout_s"
min_s = 5
max_s = 60
[[blocks]]
space = "input"
start = 0
count = 6
[[blocks]]
space = "holding"
start = 0
count = 4
[points]
battery_v = { space = "input", address = 0, type = "u16", scale = 0.1, min = 0, max = 75 }
battery_a = { space = "input", address = 1, type = "i16", scale = 0.1, nan = [
  0x7FFF, 0x8000
], min = -100, max = 100 }
soc = { space = "input", address = 2, type = "f32", min = 0, max = 1 }
[points.battery_setpoint_kw]
space = "holding"
address = 0
type = "i32"
scale = 0.001
min = -9
max = 9
writable = true
storage = "volatile"
[points.comm_timeout_s]
space = "holding"
address = 2
type = "u16"
min = 0
max = 600
writable = true
storage = "flash"
"""

BROKEN = {
    "fixed outside": (
        "start = 0\ncount = 6",
        "start = 0\ncount = 6\nfixed = { 6 = 1 }",
        r"blocks\[0\].fixed = 6: must lie",
    ),
    "no setpoint, of a point that is only read": (
        "address = 1,",
        "address = 1, means_none = [0],",
        r"battery_a.means_none: only a writable point",
    ),
    "no setpoint beside it": (
        'storage = "volatile"',
        'storage = "volatile"\nmeans_none = [0, 0.001, -0.001]',
        r"means_none = 0: a value 0.001 above or below it must be allowed",
    ),
    "a state beside the blocks": (
        "address = 1,",
        "address = 1, sign_by = { address = 9, signs = { 0 = 1, 1 = -1 } },",
        r"battery_a: register 9 beside it must lie in exactly one input block",
    ),
    "a state with one sign": (
        "address = 1,",
        "address = 1, sign_by = { address = 5, signs = { 0 = 1, 1 = 0 } },",
        r"battery_a.sign_by.signs: must have a state for either sign",
    ),
    "a state of a setpoint": (
        'storage = "volatile"',
        'storage = "volatile"\nsign_by = { address = 3, signs = { 0 = 1, 1 = -1 } }',
        r"battery_setpoint_kw.sign_by: only a point that is read",
    ),
    "a scale factor of a float": (
        "address = 2,",
        "address = 2, scale_factor = { address = 5, usual = 0 },",
        r"soc.scale_factor: a float has none",
    ),
    "a scale factor and an offset": (
        "address = 1,",
        "address = 1, offset = -40, scale_factor = { address = 5, usual = 0 },",
        r"battery_a: with sign_by or scale_factor it has neither offset nor codes",
    ),
    "a zero without a condition": (
        "address = 1,",
        "address = 1, zero_if = [{ address = 5 }],",
        r"battery_a.zero_if\[0\]: needs either holds or other_than",
    ),
    "along with a gap": (
        'storage = "volatile"',
        'storage = "volatile"\nalong = { 3 = 1 }',
        r"along = \{3: 1\}: addresses right before or after",
    ),
    "copies with a gap": (
        'storage = "volatile"',
        'storage = "volatile"\ncopies = [3]',
        r"copies = \[3\]: addresses right before or after",
    ),
    "beside a reading": (
        "address = 1,",
        "address = 1, after = { 9 = 1 },",
        r"points.battery_a: only with a writable point",
    ),
    "beside where a point is": (
        'storage = "volatile"',
        'storage = "volatile"\nbefore = { 2 = 60 }',
        r"comm_timeout_s.address = 2: battery_setpoint_kw writes register 2 beside its own",
    ),
    "codes and a marker": (
        "address = 1,",
        "address = 1, codes = { 1 = -100, 2 = 100 },",
        r"points.battery_a.codes: an enumeration has",
    ),
    "codes and a scale": (
        "scale = 0.001\nmin = -9",
        "scale = 0.001\ncodes = { 1 = -9, 2 = 9 }\nmin = -9",
        r"points.battery_setpoint_kw.codes: an enumeration has an integer type, and neither scale",
    ),
    "a code that is too long": (
        'type = "u16"\nmin = 0\nmax = 600',
        'type = "u16"\ncodes = { 70000 = 0, 2 = 600 }\nmin = 0\nmax = 600',
        r"points.comm_timeout_s.codes = 70000: must fit 1 registers",
    ),
    "a direction without codes": (
        "[points.comm_timeout_s]",
        '[points.forced_mode]\nspace = "holding"\naddress = 3\ntype = "u16"\nmin = 0\nmax = 2\n'
        'writable = true\nstorage = "volatile"\n[points.comm_timeout_s]',
        r"points.forced_mode.codes: is missing; each mode",
    ),
    "two words for one register": (
        'storage = "volatile"\n[points.comm_timeout_s]',
        'storage = "volatile"\nbefore = { 9 = 60 }\n[points.comm_timeout_s]\nbefore = { 9 = 30 }',
        r"points.battery_setpoint_kw: writes 60 to register 9, where another point writes 30",
    ),
    "limits without a code": (
        'type = "u16"\nmin = 0\nmax = 600',
        'type = "u16"\ncodes = { 1 = 0, 2 = 5 }\nmin = 0\nmax = 600',
        r"points.comm_timeout_s.max = 600: 600 has no code; there are 0, 5",
    ),
    "byte order": (
        "address = 1,",
        'address = 1, byte_order = "middle",',
        r"byte_order = 'middle': .*'big' or 'little'",
    ),
    "lease without its point": (
        'timeout_point = "comm_timeout_s"\n',
        "",
        r"lease.min_s = 5: without a timeout_point",
    ),
    "not toml": ("[link]", "[link", r"not a TOML file"),
    "schema": (
        "schema_version = 1",
        "schema_version = 2",
        r"schema_version = 2: input should be 1",
    ),
    "missing key": ('evidence = "manual"\n', "", r"evidence: is missing"),
    "unknown key": (
        "start = 0\ncount = 6",
        "start = 0\ncount = 6\nperiod = 1",
        r"blocks\[0\]\.period = 1: unknown key; known are space, start, count",
    ),
    "evidence": (
        '"manual"',
        '"rumour"',
        r"evidence = 'rumour': .*'captured', 'documented', 'manual' or 'simulated'",
    ),
    "role": ('["battery"]', '["flywheel"]', r"roles\[0\] = 'flywheel': .*'genset'"),
    "role points": (
        '["battery"]',
        '["battery", "solar"]',
        r"roles = 'solar': this role needs the points pv_kw",
    ),
    "vocabulary": (
        "battery_v =",
        "battery_volt =",
        r"points\.battery_volt: unknown point; .* nearest: battery_v",
    ),
    "type": (
        '"u16", scale = 0.1, min = 0, max = 75',
        '"u8", min = 0, max = 75',
        r"points\.battery_v\.type = 'u8': .*'f32'",
    ),
    "address": ("address = 1,", "address = 70000,", r"points\.battery_a\.address = 70000: .*65535"),
    "overlap": (
        "address = 1,",
        "address = 0,",
        r"points\.battery_a\.address = 0: must be 1 or more, where battery_v ends",
    ),
    "no block": (
        "address = 1,",
        "address = 9,",
        r"points\.battery_a\.address = 9: .*exactly one input block, not in 0",
    ),
    "split pair": (
        "count = 6",
        "count = 3",
        r"points\.soc\.address = 2: f32 takes 2 registers, .*not in 0",
    ),
    "two blocks": (
        "start = 0\ncount = 4",
        "start = 0\ncount = 4\n[[blocks]]\nspace = 'input'\nstart = 1\ncount = 1",
        r"battery_a\.address = 1: .*not in 2",
    ),
    "long block": (
        "max_registers = 20",
        "max_registers = 5",
        r"blocks\[0\]\.count = 6: must be at most link.max_registers = 5",
    ),
    "min max": (
        "min = 0, max = 75",
        "min = 80, max = 75",
        r"points\.battery_v\.min = 80: must be below max = 75",
    ),
    "range": (
        "min = 0, max = 75",
        "min = 0, max = 7500",
        r"points\.battery_v\.max = 7500: 7500 does not fit u16",
    ),
    "infinite": (
        "min = 0, max = 75",
        "min = 0, max = inf",
        r"points\.battery_v\.max = inf: .*finite",
    ),
    "marker inside": (
        "0x7FFF, 0x8000",
        "0x0010",
        r"points\.battery_a\.nan = 0x10: reads 1.6, which must lie outside -100\.\.100",
    ),
    "marker too wide": (
        "0x7FFF, 0x8000",
        "0x7FFFF",
        r"points\.battery_a\.nan = 0x7ffff: must fit 1 registers",
    ),
    "storage of a reading": (
        "min = -100, max = 100",
        "min = -100, max = 100, storage = 'flash'",
        r"points\.battery_a\.storage = 'flash': .*writable",
    ),
    "write without storage": (
        'storage = "volatile"\n',
        "",
        r"points\.battery_setpoint_kw\.storage = None: volatile or flash",
    ),
    "write to input": (
        "min = -100, max = 100",
        "min = -100, max = 100, writable = true, storage = 'volatile'",
        r"battery_a\.space = 'input': only holding",
    ),
    "float without step": (
        'type = "i32"',
        'type = "f32"',
        r"points\.battery_setpoint_kw\.step: is missing",
    ),
    "lease point": (
        '"comm_timeout_s"',
        '"battery_v"',
        r"lease\.timeout_point = 'battery_v': must be a point of this map that is kept in flash",
    ),
    "lease range": (
        "max_s = 60",
        "max_s = 601",
        r"lease\.min_s = 5: min_s < max_s within 0\.\.600",
    ),
}


def test_the_good_one_is_good() -> None:
    assert parse_map(GOOD, "box.toml").setpoints == ("battery_setpoint_kw",)


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str) -> None:
    good, bad, message = BROKEN[case]
    assert good in GOOD
    with pytest.raises(MapError, match=message) as caught:
        parse_map(GOOD.replace(good, bad, 1), "box.toml")
    assert str(caught.value).startswith("box.toml: ")
    assert "\n" not in str(caught.value)
