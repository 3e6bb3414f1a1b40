"""The credentials of a VEN, in a file of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.toml_text import TomlError, read_toml
from siteems.errors import UserError

KEYS: Final = ("client_id", "client_secret")
LONGEST: Final = 4096


@dataclass(frozen=True)
class Secrets:
    """Of the OAuth2 client credentials flow."""

    client_id: str
    client_secret: str = field(repr=False)


def read_secrets(path: Path) -> Secrets:
    """Raises `UserError` for a file that others may read, or that lacks a key."""
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o027:
            allowed = "allowed: for its owner, and to be read by its group, such as chmod 640"
            raise UserError(f"{path}: has mode {mode:o}, so others may use it; {allowed}")
        data = read_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (TomlError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no TOML file ({error})") from error
    for key in KEYS:
        value = data.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
            raise UserError(f"{path}: {key}: missing, or no text of 1 to {LONGEST} characters")
    if unknown := sorted(set(data) - set(KEYS)):
        raise UserError(f"{path}: {unknown[0]}: unknown; allowed: {', '.join(KEYS)}")
    return Secrets(data["client_id"], data["client_secret"])
