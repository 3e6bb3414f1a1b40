"""The file of credentials: complete, and readable by its owner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from siteems.demand_response.openadr3.secrets import Secrets, read_secrets
from siteems.errors import UserError

GOOD = 'client_id = "ven"\nclient_secret = "s3cret"\n'


def written(folder: Path, text: str = GOOD, mode: int = 0o600) -> Path:
    path = folder / "secrets.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_it_is_read(tmp_path: Path) -> None:
    for mode in (0o600, 0o640, 0o400):
        assert read_secrets(written(tmp_path, mode=mode)) == Secrets("ven", "s3cret")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o666])
def test_one_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UserError, match=f"has mode {mode:o}, so others may use it"):
        read_secrets(written(tmp_path, mode=mode))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('client_id = "ven"\n', "client_secret: missing"),
        ('client_id = 5\nclient_secret = "s"\n', "client_id: missing, or no text"),
        ('client_id = ""\nclient_secret = "s"\n', "client_id: missing, or no text"),
        (GOOD + "token = 1\n", "token: unknown; allowed: client_id, client_secret"),
        ("client_id = ", "no TOML file"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_shown(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong) as error:
        read_secrets(written(tmp_path, text))
    assert "s3cret" not in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_secrets(tmp_path / "none.toml")
