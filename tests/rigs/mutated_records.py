"""Random damage to a record, by seed: to the bytes of its file, to values and types of its rows, to
its tables.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

from invalid_rows import event_body

PAGE = 4096
TABLES = ("meta", "samples", "rollups", "plans", "commands", "events", "incidents")
VALUES: tuple[Any, ...] = (
    None, 0, -1, 1, 2**31, 2**62, -(2**62), 1e308, -1e308, float("inf"), float("-inf"), 0.5, 1e-300,
    "", "text", "2026-07-15T04:00:00+00:00", "NaN", "{", "{}", "[]", "\0", "é" * 3000, "9" * 400,
    b"", b"\xff\xfe\x00", b"\x00" * 5000, 253_402_300_799_000, '{"code": 5}',
)  # fmt: skip
JSON_VALUES = tuple(value for value in VALUES if value is None or isinstance(value, int | str))


def mutate(path: Path, random: Random) -> str:
    """Damage the record in one of many ways; says how."""
    kinds = (_bytes, _page, _cut, _values, _values, _values, _plan, _plan, _event, _schema)
    return random.choice(kinds)(path, random)


def _bytes(path: Path, random: Random) -> str:
    data = bytearray(path.read_bytes())
    count, within = random.choice((1, 10, 1000)), random.choice((100, PAGE, len(data)))
    for _ in range(count):
        data[random.randrange(min(within, len(data)))] = random.randrange(256)
    path.write_bytes(data)
    return f"{count} bytes of the first {within}"


def _page(path: Path, random: Random) -> str:
    data = bytearray(path.read_bytes())
    page = random.randrange(len(data) // PAGE)
    filled = random.choice((b"\x00" * PAGE, b"\xff" * PAGE, random.randbytes(PAGE)))
    data[page * PAGE : (page + 1) * PAGE] = filled
    path.write_bytes(data)
    return f"page {page} filled"


def _cut(path: Path, random: Random) -> str:
    data = path.read_bytes()
    kept = random.choice((0, 50, random.randrange(len(data))))
    more = random.choice((b"", random.randbytes(9000)))
    path.write_bytes(data[:kept] + more)
    return f"cut to {kept} bytes, {len(more)} others added"


def _values(path: Path, random: Random) -> str:
    """Some or all values of a column."""
    table, value = random.choice(TABLES), random.choice(VALUES)
    with closing(_loose(path)) as db, db:
        column = random.choice([row[1] for row in db.execute(f"PRAGMA table_info({table})")])
        where = random.choice(("1", "rowid % 3 = 0", f"rowid = (SELECT max(rowid) FROM {table})"))
        with suppress(sqlite3.IntegrityError):  # a key that is no number
            db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", (value,))
    return f"{table}.{column} = {value!r:.30} where {where}"


def _plan(path: Path, random: Random) -> str:
    """A value of the newest plan, or a character of its text."""
    with closing(_loose(path)) as db, db:
        rowid, body = db.execute("SELECT id, body FROM plans ORDER BY id DESC LIMIT 1").fetchone()
        if random.random() < 0.3:
            index = random.randrange(len(body))
            changed, how = body[:index] + random.choice("{}[],:x9") + body[index + 1 :], "a letter"
        else:
            plan = json.loads(body)
            key, value = random.choice(list(plan)), random.choice(JSON_VALUES)
            plan[key], how = value, f"{key} = {value!r:.30}"
            if isinstance(plan.get("series"), dict) and random.random() < 0.5:
                name = random.choice(list(plan["series"]))
                plan["series"][name], how = [value] * 3, f"series {name}"
            changed = json.dumps(plan)
        db.execute("UPDATE plans SET body = ? WHERE id = ?", (changed, rowid))
    return f"plan: {how}"


def _event(path: Path, random: Random) -> str:
    """One more event, with several random fields."""
    start = 1_784_088_000_000  # noon of the tests' day
    row: list[Any] = ["x", 0, start, start + 10**7, start, 0, event_body(id="x")]
    changed = random.sample(range(len(row)), random.randint(1, 4))
    for index in changed:
        row[index] = random.choice(VALUES)
    with closing(_loose(path)) as db, db:
        db.execute(f"INSERT OR IGNORE INTO events VALUES ({', '.join('?' * len(row))})", row)
    return f"event with other fields {changed}"


def _schema(path: Path, random: Random) -> str:
    table = random.choice(TABLES)
    statement = random.choice(
        (
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} RENAME TO other",
            f"ALTER TABLE {table} ADD COLUMN more TEXT",
            f"DELETE FROM {table}",
            f"PRAGMA user_version = {random.randrange(-5, 100)}",
            "PRAGMA journal_mode = DELETE",
            "PRAGMA auto_vacuum = NONE",
            "CREATE TRIGGER t BEFORE INSERT ON samples BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
    )
    with closing(_loose(path)) as db:
        db.execute(statement)
    return statement


def _loose(path: Path) -> sqlite3.Connection:
    """A connection for which no constraint holds."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA ignore_check_constraints = ON")
    return db
