"""The section [openadr]: which keys belong to which version of the standard."""

from __future__ import annotations

from pathlib import Path

import pytest

from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.site.model import Site
from siteems.site.read_file import load_site


def loaded(folder: Path, lines: str) -> Site:
    seed = seed_path("hangzhou-macro")
    seed = seed / "site.toml" if seed.is_dir() else seed
    (folder / "day.csv").write_bytes((seed.parent / "day.csv").read_bytes())
    for name in ("s.toml", "c.pem", "k.pem"):
        (folder / name).write_text("")
    file = folder / "site.toml"
    text = seed.read_text(encoding="utf-8")
    file.write_text(
        f'{text}\n[openadr]\nurl = "https://v.example.org/x"\nven_name = "s"\n{lines}\n',
        encoding="utf-8",
    )
    return load_site(file)


def test_both_versions(tmp_path: Path) -> None:
    new = loaded(tmp_path, 'secrets = "s.toml"').openadr
    assert new is not None
    assert (new.version, new.secrets) == ("3.1", str(tmp_path / "s.toml"))
    old = loaded(
        tmp_path, 'version = "2.0b"\ncertificate = "c.pem"\nkey = "k.pem"\nca = "c.pem"'
    ).openadr
    assert old is not None
    assert (old.certificate, old.key) == (str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "openadr: secrets: missing; version 3.1 needs client_id and client_secret"),
        ('secrets = "none.toml"', "openadr.secrets = .*no such file"),
        ('secrets = "s.toml"\ncertificate = "c.pem"', "they belong to version 2.0b"),
        ('version = "2.0b"\nsecrets = "s.toml"', "secrets belong to version 3.1"),
        ('version = "2.0b"\nkey = "k.pem"', "they belong together"),
        ('version = "2.0b"\nkey = "k.pem"\ncertificate = "c.pem"', "ca: missing"),
        ('version = "2.0b"\nfingerprint = "AA:BB"', "certificate is missing"),
        ('version = "3.0"', 'version = "3.0": not known'),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        loaded(tmp_path, lines)
    assert len(error.value.lines) == 1
