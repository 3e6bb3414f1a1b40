"""Site files of earlier versions stay valid."""

from pathlib import Path

import pytest

from siteems.config.seeds import seed_path
from siteems.errors import SiteFileError
from siteems.site.former_keys import FORMER_KEYS, with_current_keys
from siteems.site.read_file import load_site

SEED = seed_path("hangzhou-macro")
TEXT = (SEED / "site.toml").read_text(encoding="utf-8")


def load(folder: Path, present: str, former: str) -> object:
    assert present in TEXT
    (folder / "day.csv").write_bytes((SEED / "day.csv").read_bytes())
    (folder / "site.toml").write_text(TEXT.replace(present, former), encoding="utf-8")
    return load_site(folder).demo


def test_a_key_of_an_earlier_version_is_read_under_its_present_name(tmp_path: Path) -> None:
    assert load(tmp_path, "dr_event =", "demand_call =") == load_site(SEED).demo


def test_a_former_key_beside_its_present_name_is_refused(tmp_path: Path) -> None:
    former = 'demand_call = { limit_kw = 9, start = "01:00", hours = 1 }\n'
    with pytest.raises(SiteFileError, match=r"demo\.demand_call: unknown key"):
        load(tmp_path, "dr_event =", f"{former}dr_event =")


@pytest.mark.parametrize(("section", "former"), FORMER_KEYS)
def test_sections_without_the_key_or_of_another_type_are_left_alone(
    section: str, former: str
) -> None:
    key = FORMER_KEYS[section, former]
    for data in ({}, {section: {}}, {section: 3}, {section: {key: 1}}, {"other": {former: 1}}):
        assert with_current_keys(data) == data
    assert with_current_keys({section: {former: 1, "x": 2}}) == {section: {key: 1, "x": 2}}
